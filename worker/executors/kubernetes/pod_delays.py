"""Why a run that is not over does not get on, and whether waiting is in vain. Pure, but for the clock that it is given.

A delay is told to people in words once it is unusual; a reason is given when nothing will come of waiting any more.
What the status does not say (a refused pod, a missing Secret) stands in events, which are read by whoever asks
`explained_by`, seldom.
"""

from __future__ import annotations

from typing import Final

from core.reasons import Reason
from worker.executors.kubernetes.pod_failures import disruption
from worker.executors.kubernetes.prune import Condition, SeenContainer, SeenPod
from worker.executors.kubernetes.verdicts import NOTHING, Patience, Sight, Trouble, Verdict, is_job_finished
from worker.executors.protocol import StepPhase

_IMAGE_MAY_COME: Final = frozenset({"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ImageInspectError"})
_IMAGE_BROKEN: Final = frozenset({"InvalidImageName", "ErrImageNeverPull", "SignatureValidationFailed"})
_CONTAINER_BROKEN: Final = frozenset({
    "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError",
})  # fmt: skip


def delay(sight: Sight, now: float, patience: Patience) -> Verdict:
    """Give why the run waits at *now* (by the cluster's clock), with a reason where it waits in vain."""
    if _is_held(sight):
        return NOTHING
    pod = sight.pod
    if pod is None:
        return _without_pod(sight, now - _released_at(sight), patience)
    if pod.deletion_due_at:
        return _ending(pod, now, patience)
    stuck = stuck_container(pod)
    if stuck is not None:
        return _stuck(stuck, now - (sight.stuck_since or now), patience)
    return NOTHING if _has_begun(pod) else _not_begun(sight, pod, now, patience)


def stuck_container(pod: SeenPod) -> SeenContainer | None:
    """Give the container that waits for something that may never come, if there is one."""
    reasons = _IMAGE_MAY_COME | _IMAGE_BROKEN | _CONTAINER_BROKEN
    waiting = (item for item in pod.containers if item.phase is StepPhase.WAITING and item.reason in reasons)
    return next(waiting, None)


def explained_by(sight: Sight, now: float, patience: Patience) -> str:
    """Give the uid of the object whose events may say why the run waits; empty where its status does, or none will."""
    pod = sight.pod
    if _is_held(sight):
        return ""
    if pod is None:
        return sight.job.uid if now - _released_at(sight) > patience.events_seconds else ""
    if _has_begun(pod) or stuck_container(pod) or pod.unscheduled or pod.deletion_due_at or pod.is_terminal:
        return ""
    return pod.uid if now - (pod.scheduled_at or pod.created_at) > patience.events_seconds else ""


def may_change(sight: Sight) -> bool:
    """Whether the mere passing of time may change what `delay` says."""
    pod = sight.pod
    if pod is None or pod.deletion_due_at:
        return True
    return all(item.phase is not StepPhase.RUNNING for item in pod.containers)


def _is_held(sight: Sight) -> bool:
    """Whether the run waits for us alone, or for what became of its Pod."""
    return sight.job.is_deleting or sight.job.is_suspended or sight.is_pod_gone or is_job_finished(sight)


def _released_at(sight: Sight) -> float:
    return sight.job.started_at or sight.job.created_at


def _without_pod(sight: Sight, waited: float, patience: Patience) -> Verdict:
    if sight.trouble is not None:
        return _by_events(sight.trouble, waited, patience)
    if waited > patience.start_seconds:
        return Verdict(reason=Reason.POD, detail=f"the cluster made no pod for the run in {waited:.0f} s")
    return Verdict(waiting="the cluster has made no pod yet") if waited > patience.quiet_seconds else NOTHING


def _by_events(trouble: Trouble, waited: float, patience: Patience) -> Verdict:
    limit = patience.broken_seconds if trouble.is_hopeless else patience.start_seconds
    if waited > limit:
        return Verdict(reason=trouble.reason, detail=trouble.detail)
    return Verdict(waiting=f"the cluster can't start it: {trouble.detail}")


def _ending(pod: SeenPod, now: float, patience: Patience) -> Verdict:
    """Judge a pod that was deleted and does not end: its node does not answer, and nothing will until it does."""
    if pod.is_terminal or now - pod.deletion_due_at <= patience.broken_seconds:
        return NOTHING
    known = disruption(pod)
    return known if known.reason else Verdict(reason=Reason.NODE_LOST, detail=f"the pod {pod.name} does not end")


def _stuck(container: SeenContainer, waited: float, patience: Patience) -> Verdict:
    detail = f"{container.reason}: {container.message}" if container.message else container.reason
    if container.reason in _CONTAINER_BROKEN:
        reason, limit, words = Reason.POD, patience.broken_seconds, "its container can't be made"
    else:
        is_broken = container.reason in _IMAGE_BROKEN
        limit = patience.broken_seconds if is_broken else patience.image_seconds
        reason, words = Reason.IMAGE, "its image can't be pulled"
    if waited > min(limit, patience.start_seconds):
        return Verdict(reason=reason, detail=detail)
    return Verdict(waiting=f"{words}: {detail}")


def _not_begun(sight: Sight, pod: SeenPod, now: float, patience: Patience) -> Verdict:
    if pod.unscheduled is not None:
        return _unscheduled(pod.unscheduled, now - pod.created_at, patience)
    waited = now - (pod.scheduled_at or pod.created_at)
    if sight.trouble is not None:
        return _by_events(sight.trouble, waited, patience)
    if waited > patience.start_seconds:
        return Verdict(reason=Reason.POD, detail=f"its containers did not start in {waited:.0f} s")
    if waited > patience.quiet_seconds:
        return Verdict(waiting="its node pulls the image or mounts the volumes")
    return NOTHING


def _unscheduled(seen: Condition, waited: float, patience: Patience) -> Verdict:
    detail = seen.message or seen.reason
    if waited > patience.start_seconds:
        return Verdict(reason=Reason.UNSCHEDULABLE, detail=detail)
    return Verdict(waiting=f"no node has room for it: {detail}") if waited > patience.quiet_seconds else NOTHING


def _has_begun(pod: SeenPod) -> bool:
    return any(item.phase is not StepPhase.WAITING for item in pod.containers)
