"""Makes a run's state, as every executor tells it, of what was seen of its Job and Pod. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.contract import Step
from worker.executors.kubernetes.pod_delays import delay
from worker.executors.kubernetes.pod_failures import failure
from worker.executors.kubernetes.prune import SeenPod
from worker.executors.kubernetes.verdicts import Patience, Sight, is_over
from worker.executors.protocol import RunState, StepPhase, StepState


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSight:
    """One step as a reader of its log has to know it. *is_lost*: there is no log to read, or none any more."""

    pod_name: str = ""
    phase: StepPhase = StepPhase.WAITING
    is_lost: bool = False


def run_state(sight: Sight, now: float, patience: Patience) -> RunState:
    """Give the run's state at *now*, by the cluster's clock: the same sight waits in vain at some time."""
    over = is_over(sight)
    verdict = failure(sight) if over else delay(sight, now, patience)
    return RunState(
        name=sight.job.name,
        task_id=sight.job.task_id,
        steps=tuple(_step_state(sight.pod, step) for step in Step),
        launched=not sight.job.is_suspended,
        ended=over,
        problem=verdict.reason,
        detail=verdict.detail,
        waiting=verdict.waiting,
    )


def step_sight(sight: Sight | None, step: Step) -> StepSight:
    """Give what a reader of the step's log has to know; *sight* is None where there is no such run."""
    if sight is None or sight.is_pod_gone:
        return StepSight(is_lost=True)
    if sight.pod is None:
        return StepSight(is_lost=is_over(sight))
    seen = sight.pod.container(step)
    is_lost = seen.is_forgotten or (seen.phase is StepPhase.WAITING and is_over(sight))
    return StepSight(pod_name=sight.pod.name, phase=seen.phase, is_lost=is_lost)


def _step_state(pod: SeenPod | None, step: Step) -> StepState:
    if pod is None:
        return StepState(step=step)
    seen = pod.container(step)
    if seen.phase is not StepPhase.ENDED:
        return StepState(step=step, phase=seen.phase, started_at=seen.started_at)
    return StepState(
        step=step,
        phase=seen.phase,
        started_at=seen.started_at,
        ended_at=seen.ended_at,
        exit_code=seen.exit_code,
        result=seen.message,
    )
