"""What a task's page tells of the work: the phases with their times, and below each what was done in it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from core.task import Line, Phase, Task

State = Literal["done", "active", "failed", "waiting"]
_ORDER: Final = (
    Phase.RECEIVED, Phase.QUEUED, Phase.STARTING, Phase.PREPARING, Phase.WORKING, Phase.PUBLISHING, Phase.FINISHING,
)  # fmt: skip
_PHASE_OF_MARK: Final = {
    "clone": Phase.PREPARING, "setup": Phase.WORKING, "agent": Phase.WORKING, "push": Phase.PUBLISHING,
}  # fmt: skip
_WORDS: Final = {
    "clone": ("Clone {repository}", "Cloned {repository}"),
    "setup": ("Run agent-setup.sh", "Ran agent-setup.sh"),
    "agent": ("Work on it", "Worked on it"),
    "push": ("Push", "Pushed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something that was to be done. *seconds* is 0 where it is not known how long it took."""

    text: str
    state: State
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A phase. *at* is when it was entered, 0: not; *seconds* how long it took, None while it lasts or never began."""

    name: str
    state: State
    at: float
    seconds: float | None
    checks: tuple[Check, ...] = ()
    items: tuple[Check, ...] = ()
    """The agent's own list."""
    current: str = ""
    """What is being done right now, in the agent's words."""


def timeline(task: Task) -> list[Stage]:
    """List the phases in their order; of an ended task those that it came through, and its end."""
    entered = _entered(task)
    left = {before: entered[after] - entered[before] for before, after in pairwise(sorted(entered, key=entered.get))}  # type: ignore[arg-type]
    last = max(entered, key=_ORDER.index) if entered else None
    if last and task.ended_at:
        left[last] = task.ended_at - entered[last]
    stages = [
        _stage(task, phase, entered.get(phase, 0.0), left.get(phase))
        for phase in _ORDER
        if phase in entered or not task.phase.is_final
    ]
    if task.phase.is_final:
        state: State = "done" if task.phase is Phase.COMPLETED else "failed"
        stages.append(Stage(name=task.phase.value, state=state, at=task.ended_at, seconds=None))
    return stages


def _entered(task: Task) -> dict[Phase, float]:
    """Give when each phase was entered; launching and starting are one to people."""
    times = {Phase(name): at for name, at in task.phase_times if not Phase(name).is_final}
    if Phase.LAUNCHING in times:
        times[Phase.STARTING] = times.pop(Phase.LAUNCHING)
    return times


def _stage(task: Task, phase: Phase, at: float, seconds: float | None) -> Stage:
    is_now = phase is (Phase.STARTING if task.phase is Phase.LAUNCHING else task.phase)
    state: State = "active" if is_now else "done" if at else "waiting"
    lines = [line for line in task.progress.lines if _PHASE_OF_MARK.get(line.mark) is phase]
    is_work = phase is Phase.WORKING
    return Stage(
        name=phase.value,
        state=state,
        at=at,
        seconds=None if is_now or seconds is None else max(0.0, seconds),
        checks=tuple(_check(task, line) for line in lines),
        items=tuple(Check(text=title, state=_known(state)) for title, state in task.progress.items if is_work),
        current=task.progress.current if is_now and (is_work or phase is Phase.STARTING) else "",
    )


def _check(task: Task, line: Line) -> Check:
    state = "failed" if line.state == "active" and task.phase is Phase.FAILED else _known(line.state)
    words = _WORDS[line.mark][state == "done"].format(repository=task.repository)
    return Check(text=words, state=state, seconds=line.seconds)


def _known(state: str) -> State:
    return state if state in {"done", "active", "failed"} else "waiting"  # type: ignore[return-value]
