"""What a Job and its Pod mean for the run: is it over, what ended it, or why does it not begin. Pure.

Called by `worker.executors.kubernetes.states` with what was seen last. The Pod's own status decides before the Job's
condition does: a Job says no more than "exit code 137" of a lack of memory, an eviction and a deadline alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime.contract import Step
from worker.executors.kubernetes.prune import SeenJob, SeenPod
from worker.executors.protocol import StepPhase


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many seconds a run may wait, by what it waits for."""

    start_seconds: float = 1800.0
    """For a node, a place in the quota, a volume: what may still come."""
    image_seconds: float = 300.0
    broken_seconds: float = 60.0
    """For what no waiting mends, as long as it may be a mere hiccup."""
    quiet_seconds: float = 120.0
    """So long nobody is told that the run waits."""
    events_seconds: float = 20.0
    """So long nobody looks for an event that explains a pause."""

    @classmethod
    def within(cls, start_seconds: float) -> Patience:
        """Give the usual patience, where a run may wait no longer than *start_seconds* for anything."""
        usual = cls()
        return cls(
            start_seconds=start_seconds,
            image_seconds=min(usual.image_seconds, start_seconds),
            broken_seconds=min(usual.broken_seconds, start_seconds),
            quiet_seconds=min(usual.quiet_seconds, start_seconds / 2),
            # Before anything is given up, so that there is more to say than "it did not start".
            events_seconds=min(usual.events_seconds, start_seconds / 4),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What the events of a Job or Pod tell where its status is silent. *reason* is a `core.reasons.Reason`."""

    reason: str
    detail: str
    is_hopeless: bool = False
    """Nothing but a person will change it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A run as it was seen last.

    *pod* is the one that is there, or what is remembered of it where *is_pod_gone*. *stuck_since* is when its container
    began to wait for what it still waits for. *is_confirmed*: the cluster was asked for the pod since the Job's end.
    """

    job: SeenJob
    pod: SeenPod | None = None
    is_pod_gone: bool = False
    stuck_since: float = 0.0
    trouble: Trouble | None = None
    is_confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A `core.reasons.Reason` and what was seen, or why the run waits; all empty where the steps' results tell it.

    The reason of a run that is not over says that waiting is in vain.
    """

    reason: str = ""
    detail: str = ""
    waiting: str = ""


NOTHING = Verdict()


def is_over(sight: Sight) -> bool:
    """Whether nothing of the run is alive and nothing will change.

    That is known some seconds before the Job says so: where the last step has left its result, or where the Pod has
    ended and nobody has asked for its deletion (a Job deletes its Pod first and says why afterwards).
    """
    pod, finished = sight.pod, is_job_finished(sight)
    if pod is None or sight.is_pod_gone:
        return finished and not needs_confirmation(sight)
    publish = pod.container(Step.PUBLISH)
    if publish.phase is StepPhase.ENDED and publish.message:
        return True
    if not pod.is_terminal:
        return finished and sight.is_confirmed
    # An evicted pod is called failed a moment before its container is killed.
    is_dead = any(item.phase is StepPhase.ENDED and item.exit_code for item in pod.containers)
    return finished or (is_dead and not pod.deletion_due_at)


def needs_confirmation(sight: Sight) -> bool:
    """Whether the Job has ended, but its Pod not as far as we know: one of the two watches lags behind the other."""
    if not is_job_finished(sight) or sight.is_pod_gone or sight.is_confirmed:
        return False
    return sight.pod is None or not sight.pod.is_terminal


def is_job_finished(sight: Sight) -> bool:
    """Whether the Job itself says that it has ended."""
    return sight.job.is_complete or sight.job.failed is not None
