"""Every way in which a run waits on a cluster: what people are told of it, and when it is in vain."""

from __future__ import annotations

from typing import Any

import pytest

from core.reasons import Reason
from tests.executors.kubernetes.raw_objects import NOW, condition, deleted, ended, job, pod, running, sight, waiting
from worker.executors.kubernetes.events import read_trouble
from worker.executors.kubernetes.pod_delays import delay, explained_by
from worker.executors.kubernetes.verdicts import Patience, Sight, is_over

PATIENCE = Patience()
READY = ended("prepare")
TAINTED = condition("DisruptionTarget", reason="DeletionByTaintManager", message="NoExecute taint", age=6)

FULL = "exceeded quota: agents, requested: limits.cpu=4, used: limits.cpu=6, limited: limits.cpu=8"
TOO_SMALL = (
    "exceeded quota: agents, requested: limits.cpu=4,limits.memory=8Gi, "
    "used: limits.cpu=0,limits.memory=0, limited: limits.cpu=2,limits.memory=4Gi"
)
UNSIGNED = 'admission webhook "images.example" denied the request: unsigned image'
PRIVILEGED = 'pods "x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false'
RANGE = "maximum memory usage per Container is 4Gi, but limit is 8Gi"
NO_ACCOUNT = 'error looking up service account agents/agent-pod: serviceaccount "agent-pod" not found'
NO_SECRET = 'MountVolume.SetUp failed for volume "git-read" : secret "agent-7-a1" not found'
SLOW_DISK = "AttachVolume.Attach failed for volume: rpc error: timed out"


def event(reason: str, message: str, at: str = "2026-11-03T12:00:00Z") -> dict[str, Any]:
    """Make an event as the API lists it."""
    return {"type": "Warning", "reason": reason, "message": message, "lastTimestamp": at}


def unmade(reason: str, message: str, *, age: float) -> Sight:
    """Make a run without a pod, *age* seconds after its release, with one event."""
    return sight(job(age=age), trouble=read_trouble([event(reason, message)]))


def unmounted(message: str, *, age: float) -> Sight:
    """Make a run whose pod has been with its node for *age* seconds and does not begin, with one event."""
    raw = pod(waiting("prepare"), waiting("agent"), waiting("publish"), phase="Pending", age=age)
    return sight(job(age=age), raw, trouble=read_trouble([event("FailedMount", message)]))


def unscheduled(*, age: float) -> Sight:
    """Make a run whose pod no node takes, for *age* seconds."""
    seen = condition("PodScheduled", status="False", reason="Unschedulable", message="0/3 nodes are available", age=age)
    return sight(job(age=age), pod(phase="Pending", age=age, conditions=[seen]))


def stuck(reason: str, *, age: float) -> Sight:
    """Make a run whose first container waits for *reason*, for *age* seconds."""
    raw = pod(waiting("prepare", reason, "as told"), waiting("agent"), waiting("publish"), phase="Pending", age=900)
    return sight(job(age=900), raw, stuck_since=NOW - age)


VAIN: dict[str, tuple[Sight, Reason]] = {
    "image-pull-backs-off": (stuck("ImagePullBackOff", age=301), Reason.IMAGE),
    "image-pull-fails": (stuck("ErrImagePull", age=301), Reason.IMAGE),
    "image-name-wrong": (stuck("InvalidImageName", age=61), Reason.IMAGE),
    "image-never-pulled": (stuck("ErrImageNeverPull", age=61), Reason.IMAGE),
    "container-config": (stuck("CreateContainerConfigError", age=61), Reason.POD),
    "container-creation": (stuck("CreateContainerError", age=61), Reason.POD),
    "container-start": (stuck("RunContainerError", age=61), Reason.POD),
    "unschedulable": (unscheduled(age=1801), Reason.UNSCHEDULABLE),
    "quota-full-for-long": (unmade("FailedCreate", FULL, age=1801), Reason.QUOTA),
    "quota-too-small": (unmade("FailedCreate", TOO_SMALL, age=61), Reason.QUOTA),
    "admission-webhook": (unmade("FailedCreate", UNSIGNED, age=61), Reason.ADMISSION),
    "pod-security": (unmade("FailedCreate", PRIVILEGED, age=61), Reason.ADMISSION),
    "limit-range": (unmade("FailedCreate", RANGE, age=61), Reason.ADMISSION),
    "service-account-missing": (unmade("FailedCreate", NO_ACCOUNT, age=61), Reason.POD),
    "no-pod-and-no-word": (sight(job(age=1801)), Reason.POD),
    "secret-missing": (unmounted(NO_SECRET, age=61), Reason.POD),
    "volume-for-long": (unmounted(SLOW_DISK, age=1801), Reason.POD),
    "begins-never": (sight(job(age=1801), pod(waiting("prepare"), phase="Pending", age=1801)), Reason.POD),
    "deleted-on-a-dead-node": (
        sight(
            job(),
            deleted(pod(READY, running("agent"), conditions=[TAINTED | {"lastTransitionTime": None}]), asked=90),
        ),
        Reason.NODE_LOST,
    ),
    "does-not-end": (sight(job(), deleted(pod(READY, running("agent")), asked=90)), Reason.NODE_LOST),
    "agent-image-after-prepare": (
        sight(job(), pod(READY, waiting("agent", "ErrImagePull"), phase="Pending"), stuck_since=NOW - 301),
        Reason.IMAGE,
    ),
}

WAITS: dict[str, tuple[Sight, str]] = {
    "image-may-come": (stuck("ImagePullBackOff", age=290), "its image can't be pulled: ImagePullBackOff: as told"),
    "container-may-come": (
        stuck("CreateContainerConfigError", age=50),
        "its container can't be made: CreateContainerConfigError: as told",
    ),
    "unschedulable-for-a-while": (unscheduled(age=121), "no node has room for it: 0/3 nodes are available"),
    "unschedulable-just-now": (unscheduled(age=60), ""),
    "quota-full": (unmade("FailedCreate", FULL, age=1700), f"the cluster can't start it: {FULL}"),
    "quota-too-small-just-now": (unmade("FailedCreate", TOO_SMALL, age=50), f"the cluster can't start it: {TOO_SMALL}"),
    "volume": (unmounted(SLOW_DISK, age=1700), f"the cluster can't start it: {SLOW_DISK}"),
    "no-pod-for-a-while": (sight(job(age=121)), "the cluster has made no pod yet"),
    "no-pod-just-now": (sight(job(age=20)), ""),
    "pulls": (
        sight(job(age=130), pod(waiting("prepare"), phase="Pending", age=130)),
        "its node pulls the image or mounts the volumes",
    ),
    "suspended": (sight(job(age=5000) | {"spec": {"suspend": True}}), ""),
    "being-deleted": (sight(deleted(job(age=5000), asked=100)), ""),
    "at-work": (sight(job(age=5000), pod(READY, running("agent"), age=5000)), ""),
    "between-two-steps": (sight(job(age=5000), pod(READY, waiting("agent"), age=5000)), ""),
    "ends-soon": (sight(job(), deleted(pod(READY, running("agent")), asked=20)), ""),
    "pod-vanished-a-moment-ago": (sight(job(age=5000), pod(READY, running("agent")), is_pod_gone=True), ""),
}


@pytest.mark.parametrize(("seen", "reason"), VAIN.values(), ids=VAIN.keys())
def test_waiting_in_vain_is_told(seen: Sight, reason: Reason) -> None:
    """What will not begin, or not end, is given up with its reason."""
    assert not is_over(seen)

    verdict = delay(seen, NOW, PATIENCE)

    assert verdict.reason == reason
    assert verdict.detail


@pytest.mark.parametrize(("seen", "words"), WAITS.values(), ids=WAITS.keys())
def test_what_may_still_come_is_waited_for(seen: Sight, words: str) -> None:
    """A delay is no problem yet; people read of it once it is unusual."""
    assert not is_over(seen)

    verdict = delay(seen, NOW, PATIENCE)

    assert (verdict.reason, verdict.waiting) == ("", words)


def test_a_short_start_timeout_bounds_the_image_too() -> None:
    """An operator who allows a minute for the start does not wait five for an image."""
    assert delay(stuck("ErrImagePull", age=61), NOW, Patience(start_seconds=60)).reason == Reason.IMAGE


@pytest.mark.parametrize(
    ("seen", "uid"),
    [
        pytest.param(sight(job(age=21)), "job-agent-7-a1", id="no-pod"),
        pytest.param(sight(job(age=19)), "", id="no-pod-just-now"),
        pytest.param(sight(job(age=30), pod(waiting("prepare"), age=21)), "pod-1", id="does-not-begin"),
        pytest.param(sight(job(age=90), pod(running("prepare"), age=90)), "", id="at-work"),
        pytest.param(stuck("ErrImagePull", age=90), "", id="its-status-says-why"),
        pytest.param(unscheduled(age=90), "", id="the-scheduler-says-why"),
        pytest.param(sight(job(age=90) | {"spec": {"suspend": True}}), "", id="suspended"),
    ],
)
def test_events_are_asked_for_where_the_status_is_silent(seen: Sight, uid: str) -> None:
    """A call for events is made only where nothing else explains the delay."""
    assert explained_by(seen, NOW, PATIENCE) == uid


def test_the_youngest_telling_event_counts() -> None:
    """A cause that is over does not hide the present one, and other events say nothing."""
    events = [
        event("FailedCreate", UNSIGNED, "2026-11-03T12:00:09Z"),
        event("FailedCreate", FULL, "2026-11-03T12:00:01Z"),
        event("SuccessfulCreate", "Created pod", "2026-11-03T12:00:10Z"),
    ]

    trouble = read_trouble(events)

    assert trouble is not None
    assert trouble.reason == Reason.ADMISSION


@pytest.mark.parametrize("events", [None, [], ["x"], [{}], [{"reason": "Pulled", "message": 3}]])
def test_events_that_tell_nothing_are_no_trouble(events: object) -> None:
    """What is no event, or explains nothing, is passed over."""
    assert read_trouble(events) is None
