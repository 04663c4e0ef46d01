"""What a run's state means for its task. Pure: two values in, the next move out.

What counts is which steps have run and how they ended, as the executor saw it, and publish's own result. What the agent
step says of itself is shown (summary, cost), but moves nothing except its own failure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from core.reasons import Reason
from core.task import Mode, Phase, Task
from runtime.contract import Failure, Step, StepResult, decode_result
from worker.executors.protocol import RunState, StepPhase, StepState

_ORDER: Final = (
    Phase.LAUNCHING, Phase.STARTING, Phase.PREPARING, Phase.WORKING, Phase.PUBLISHING, Phase.FINISHING,
)  # fmt: skip
FOLLOWED: Final = frozenset(_ORDER[:-1])
"""The phases in which a run moves its task."""
_PHASE_OF: Final = {Step.PREPARE: Phase.PREPARING, Step.AGENT: Phase.WORKING, Step.PUBLISH: Phase.PUBLISHING}
_BEFORE_THE_AGENT: Final = frozenset({Failure.SETUP, Failure.SETUP_MISSING, Failure.AGENT_MISSING})
_CANCELLED: Final = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Where the task goes, with which fields."""

    to: Phase
    fields: dict[str, Any] = field(default_factory=dict)


def decide(task: Task, run: RunState) -> Move | None:
    """Give the task's next move, or None where the run tells nothing new."""
    if task.phase not in FOLLOWED or not run.launched:
        return None
    # A problem of a run that has not ended: it never will by itself.
    move = _ending(task, run) if run.ended or run.problem else Move(to=_reached(run))
    began = next((step.started_at for step in run.steps if step.started_at), 0.0)
    if began and not task.started_at:
        move.fields["started_at"] = began
    if move.to in _ORDER and _ORDER.index(move.to) <= _ORDER.index(task.phase):
        return None
    return move


def settled(reason: Reason, detail: str = "") -> Move:
    """Give the move of a run that has failed for *reason*, with nothing told."""
    return _failed(reason, detail, {})


def _reached(run: RunState) -> Phase:
    begun = [step.step for step in run.steps if step.phase is not StepPhase.WAITING]
    return _PHASE_OF[begun[-1]] if begun else Phase.STARTING


def _ending(task: Task, run: RunState) -> Move:
    results = {step.step: decode_result(step.result) for step in run.steps}
    told = _told(results.get(Step.AGENT))
    published = results.get(Step.PUBLISH)
    is_published = published is not None and published.ok
    if published is not None and is_published and published.commit:
        told |= _pushed(published)
    if run.problem == _CANCELLED:
        return Move(to=Phase.CANCELLED, fields=told)
    if is_published and "unfinished" in told and "commit" not in told:
        return _failed(Reason(told.pop("unfinished")), "", told)
    if is_published:  # also where the run was lost after that: what was pushed is there
        # Of words the last may still be on their way: finish waits for them.
        has_more = "commit" in told or task.mode is not Mode.CHANGE
        return Move(to=Phase.FINISHING if has_more else Phase.COMPLETED, fields=told)
    if run.problem:
        return _failed(_reason(run.problem), run.detail, told)
    for step in run.steps:
        if step.phase is StepPhase.ENDED and step.exit_code != 0:
            return _failed(*_why(step, results[step.step]), told)
    return _failed(Reason.INFRASTRUCTURE, "the run ended without a result", told)


def _why(step: StepState, result: StepResult | None) -> tuple[Reason, str]:
    if result is None or result.ok:
        return Reason.INFRASTRUCTURE, f"the step {step.step} ended with status {step.exit_code} and no result"
    # Only the runtime's own failures: an agent's result must not name another of our reasons.
    known = result.failure in set(Failure)
    return (Reason(result.failure) if known else Reason.INFRASTRUCTURE), result.detail


def _reason(problem: str) -> Reason:
    return Reason(problem) if problem in set(Reason) else Reason.INFRASTRUCTURE


def _failed(reason: Reason, detail: str, told: dict[str, Any]) -> Move:
    return Move(to=Phase.FAILED, fields=told | {"reason": reason.value, "detail": detail})


def _told(result: StepResult | None) -> dict[str, Any]:
    if result is None:
        return {}
    names = ("summary", "cost_usd", "tokens", "turns", "session", "document_total")
    told = {name: value for name in names if (value := getattr(result, name))}
    # An agent that was ended may have spent what nobody told.
    knows = (result.ok and not result.partial) or "cost_usd" in told or result.failure in _BEFORE_THE_AGENT
    ended_early = result.partial and result.failure in set(Failure)
    return told | ({"unfinished": result.failure} if ended_early else {}) | ({"cost_told": True} if knows else {})


def _pushed(result: StepResult) -> dict[str, Any]:
    return {
        "commit": result.commit,
        "result_branch": result.branch,
        "files_changed": result.files_changed,
        "lines_added": result.lines_added,
        "lines_removed": result.lines_removed,
    }
