"""What the run directories tell: each run's state, and whether its supervisor has vanished.

A run whose supervisor is gone without an end mark is *settled*: with the lock held, so that it happens once and
beside no living supervisor, what it left alive is killed and the end mark is written.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.reasons import Reason
from runtime.contract import RESULT_LIMIT_BYTES, RUN_VARIABLE, Step
from worker.executors.process_tree import end_marked
from worker.executors.protocol import RunState, StepPhase, StepState
from worker.executors.run_directory import CANCEL, END, RUN, STARTED, RunDirectory, is_run_name

FRESH_SECONDS: Final = 0.1
"""How coarse a file system's times may be: what changed so recently is read again."""

LEFTOVER_ROUNDS: Final = 20
"""Looks, 10 ms apart, for processes that a lost run left and that are being killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    signature: tuple[int, int]
    settled: bool
    """Whether the signature is old enough to tell the next change."""
    state: RunState


class RunStates:
    """The runs below one directory, read again only where something has changed. For one observer."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: dict[str, _Seen] = {}

    def changes(self) -> list[RunState]:
        """Give the state of each run that is new or different since the last call; forgets those that are gone."""
        known, self._seen = self._seen, {}
        changed = []
        for name, directory in self._directories():
            before = known.get(name)
            try:
                seen = self._look(directory, before)
            except FileNotFoundError:  # removed while we look
                continue
            if seen is None:
                continue
            self._seen[name] = seen
            if before is None or seen.state != before.state:
                changed.append(seen.state)
        return changed

    def names(self) -> frozenset[str]:
        """Give the names of the runs that there were at the last call of `changes`."""
        return frozenset(self._seen)

    def _directories(self) -> list[tuple[str, str]]:
        try:
            with os.scandir(self._directory) as entries:
                return sorted(
                    (entry.name, entry.path) for entry in entries if entry.is_dir() and is_run_name(entry.name)
                )
        except FileNotFoundError:
            return []

    def _look(self, directory: str, before: _Seen | None) -> _Seen | None:
        """Look at one run: an ended one costs a stat, a living one a look at its lock besides."""
        status = os.stat(directory)  # noqa: PTH116 - the hot path of an idle machine
        signature = (status.st_ino, status.st_mtime_ns)
        unchanged = before is not None and before.settled and before.signature == signature
        if before and unchanged and (before.state.ended or RunDirectory(Path(directory)).is_supervised()):
            return before
        state = read_state(RunDirectory(Path(directory)))
        settled = time.time() - status.st_mtime > FRESH_SECONDS
        return _Seen(signature=signature, settled=settled, state=state) if state else None


def read_state(run: RunDirectory) -> RunState | None:
    """Read one run's state now, and settle it if it is lost; None where there is no run (yet)."""
    alive = run.is_supervised()  # before the files: a supervisor writes its end mark first and lets go then
    if not alive and run.has(STARTED) and not run.has(END):
        alive = not settle(run, Reason.LOST, "its supervisor vanished")
    plan, end = run.read_values(RUN), run.read_values(END)
    if not plan:
        return None
    return RunState(
        name=run.name,
        task_id=int(plan["task_id"]),
        steps=tuple(_step_state(run, step) for step in Step),
        ended=bool(end) and not alive,
        problem=str(end.get("problem", "")) if not alive else "",
        detail=str(end.get("detail", "")) if not alive else "",
    )


def settle(run: RunDirectory, problem: str, detail: str = "") -> bool:
    """End a run that no supervisor holds, whether it lost it or never had one; False while one does.

    A run that somebody wanted to end is cancelled, however it went.
    """
    with run.locked() as ours:
        if ours and not run.has(END):
            if not end_leftovers(run):
                return False
            if run.has(CANCEL):
                problem, detail = "cancelled", ""
            run.write_values(END, {"ended_at": time.time(), "problem": str(problem), "detail": detail})
        return ours


def end_leftovers(run: RunDirectory) -> bool:
    """Kill what a run without a supervisor left alive; False where something does not die.

    To be called with the run's lock held.
    """
    for _ in range(LEFTOVER_ROUNDS):
        if not end_marked(RUN_VARIABLE, str(run.path)):
            return True
        time.sleep(0.01)
    return False


def _step_state(run: RunDirectory, step: Step) -> StepState:
    times: dict[str, Any] = run.read_values(f"{step}.json")
    if "ended_at" not in times:
        started_at = float(times.get("started_at", 0))
        phase = StepPhase.RUNNING if times else StepPhase.WAITING
        return StepState(step=step, phase=phase, started_at=started_at)
    return StepState(
        step=step,
        phase=StepPhase.ENDED,
        started_at=float(times["started_at"]),
        ended_at=float(times["ended_at"]),
        exit_code=int(times["exit_code"]),
        result=run.read_start(run.result(step), RESULT_LIMIT_BYTES + 1).decode(errors="replace"),
    )
