"""What ended a run that is over, where it was not its steps' own doing. Pure.

The order of the looks is the point: the Pod's own reason, then the Job's deadline (which deletes the Pod), then the
cluster's disruptions, then how the containers ended, then a deletion by somebody. A step that ended by itself, with a
result, before any of these began keeps its own story, which `worker.reconciler.decide` reads.
"""

from __future__ import annotations

import re
from typing import Final

from core.reasons import Reason
from runtime.contract import Step
from worker.executors.kubernetes.prune import SeenContainer, SeenJob, SeenPod
from worker.executors.kubernetes.verdicts import NOTHING, Sight, Verdict
from worker.executors.protocol import StepPhase

_DEADLINE: Final = "DeadlineExceeded"
_OWN_STORAGE: Final = re.compile(r"exceeds the (?:total )?limit|exceeded its local ephemeral storage limit")
_POD_REASONS: Final = {
    _DEADLINE: Reason.TIMEOUT,
    "Preempting": Reason.PREEMPTED,
    "NodeLost": Reason.NODE_LOST,
    "Terminated": Reason.NODE_LOST,
    "NodeShutdown": Reason.NODE_LOST,
    "Shutdown": Reason.NODE_LOST,
    # The node had no room any more when the pod came: nothing of it has run.
    "NodeAffinity": Reason.EVICTED,
    "UnexpectedAdmissionError": Reason.EVICTED,
    "TopologyAffinityError": Reason.EVICTED,
}
_NO_ROOM: Final = "OutOf"
_DISRUPTIONS: Final = {
    "PreemptionByScheduler": Reason.PREEMPTED,
    "DeletionByTaintManager": Reason.NODE_LOST,
    "DeletionByPodGC": Reason.NODE_LOST,
    "EvictionByEvictionAPI": Reason.EVICTED,
    "TerminationByKubelet": Reason.EVICTED,
}
_SHUTDOWN: Final = "node shutdown"
_NOT_STARTED: Final = frozenset({"StartError", "ContainerCannotRun"})
_KILLED: Final = re.compile(r"exit code (?:137|143)\b")


def failure(sight: Sight) -> Verdict:
    """Give what ended the run; nothing where its steps' results tell it."""
    job, pod = sight.job, sight.pod
    if pod is not None and _is_ended(pod, Step.PUBLISH, exit_code=0):
        return NOTHING
    if pod is None or (job.is_complete and sight.is_pod_gone):
        return _forgotten(job)
    looks = (
        _by_pod_reason(pod),
        _by_job_deadline(job),
        disruption(pod),
        *(_by_container(container) for container in pod.containers),
        _by_deletion(sight, pod),
    )
    return next((verdict for verdict in looks if verdict.reason), NOTHING)


def disruption(pod: SeenPod) -> Verdict:
    """Give what the cluster took the pod away for; nothing where it did not, or only after the run's own end."""
    seen = pod.disruption
    if seen is None or _ended_before(pod, seen.at):
        return NOTHING
    reason = _DISRUPTIONS.get(seen.reason, Reason.EVICTED)
    if _SHUTDOWN in seen.message:
        reason = Reason.NODE_LOST
    return Verdict(reason=reason, detail=seen.message or seen.reason)


def _by_pod_reason(pod: SeenPod) -> Verdict:
    if not pod.reason:
        return NOTHING
    detail = pod.message or pod.reason
    if pod.reason == "Evicted":
        return Verdict(reason=Reason.DISK if _OWN_STORAGE.search(pod.message) else Reason.EVICTED, detail=detail)
    if pod.reason.startswith(_NO_ROOM):
        return Verdict(reason=Reason.EVICTED, detail=detail)
    return Verdict(reason=_POD_REASONS.get(pod.reason, Reason.INFRASTRUCTURE), detail=detail)


def _by_job_deadline(job: SeenJob) -> Verdict:
    if job.failed is None or job.failed.reason != _DEADLINE:
        return NOTHING
    return Verdict(reason=Reason.TIMEOUT, detail=job.failed.message)


def _by_container(container: SeenContainer) -> Verdict:
    if container.phase is not StepPhase.ENDED or container.exit_code == 0:
        return NOTHING
    if container.reason == "OOMKilled":
        return Verdict(reason=Reason.OUT_OF_MEMORY, detail=f"the step {container.step} ran out of memory")
    if container.reason in _NOT_STARTED:
        return Verdict(reason=Reason.POD, detail=container.message or container.reason)
    if container.reason == "ContainerStatusUnknown":
        return Verdict(reason=Reason.NODE_LOST, detail=container.message or container.reason)
    return NOTHING


def _by_deletion(sight: Sight, pod: SeenPod) -> Verdict:
    """Judge a pod that was deleted, or has vanished, while one of its steps had still to end."""
    unseen = sight.is_pod_gone and not pod.is_terminal and not pod.deletion_due_at
    asked = bool(pod.deletion_due_at) and not _ended_before(pod, pod.deletion_asked_at)
    if not unseen and not asked:
        return NOTHING
    told = sight.job.failed.message if sight.job.failed else ""
    if "DisruptionTarget" in told:
        return Verdict(reason=Reason.EVICTED, detail=told)
    return Verdict(reason=Reason.POD_DELETED, detail=f"the pod {pod.name} was deleted before its steps had ended")


def _forgotten(job: SeenJob) -> Verdict:
    """Judge by the Job alone: its Pod is gone, and nobody saw how it ended."""
    if job.failed is None:
        return Verdict(reason=Reason.LOST, detail="the run succeeded, but its pod is gone, and its result with it")
    told = job.failed.message or job.failed.reason
    if job.failed.reason == _DEADLINE:
        return Verdict(reason=Reason.TIMEOUT, detail=told)
    if "DisruptionTarget" in told:
        return Verdict(reason=Reason.EVICTED, detail=told)
    return Verdict(reason=Reason.POD_DELETED if _KILLED.search(told) else Reason.LOST, detail=told)


def _ended_before(pod: SeenPod, moment: float) -> bool:
    """Whether a step had already ended the run, with a result of its own, before *moment*."""
    return any(
        item.phase is StepPhase.ENDED and item.exit_code and item.message and item.ended_at < moment
        for item in pod.containers
    )


def _is_ended(pod: SeenPod, step: Step, *, exit_code: int) -> bool:
    container = pod.container(step)
    return container.phase is StepPhase.ENDED and container.exit_code == exit_code
