"""Every way in which a run ends on a cluster, and the reason that people are told for it."""

from __future__ import annotations

from typing import Any

import pytest

from core.reasons import Reason
from tests.executors.kubernetes.raw_objects import (
    NOW,
    RESULT,
    condition,
    deleted,
    ended,
    exit_137,
    failed,
    job,
    pod,
    running,
    sight,
    waiting,
)
from worker.executors.kubernetes.pod_delays import delay
from worker.executors.kubernetes.pod_failures import failure
from worker.executors.kubernetes.verdicts import Patience, Sight, is_over, needs_confirmation

PATIENCE = Patience()
READY = ended("prepare")
PREEMPTED = condition("DisruptionTarget", reason="PreemptionByScheduler", message="preempting to accommodate", age=6)
TAINTED = condition("DisruptionTarget", reason="DeletionByTaintManager", message="NoExecute taint", age=6)
COLLECTED = condition("DisruptionTarget", reason="DeletionByPodGC", message="node not found", age=6)
DRAINED = condition("DisruptionTarget", reason="EvictionByEvictionAPI", message="Eviction API: evicting", age=6)
SHUTDOWN = condition(
    "DisruptionTarget",
    reason="TerminationByKubelet",
    message="Pod was terminated in response to imminent node shutdown.",
    age=6,
)
COMPLETE = condition("Complete", reason="CompletionsReached")
LATE = failed("Job was active longer than specified deadline", reason="DeadlineExceeded")
DISRUPTED = failed("Pod agents/x has condition DisruptionTarget matching FailJob rule at index 0")
LOW = "The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi, available: 300Mi."


def killed(*, phase: str = "Failed", **status: Any) -> dict[str, Any]:
    """Make a pod whose agent was killed, for a reason that *status* tells."""
    return pod(READY, ended("agent", 137), waiting("publish"), phase=phase, **status)


def disrupted(seen: dict[str, Any]) -> dict[str, Any]:
    """Make a pod that the cluster took away for *seen*."""
    return deleted(killed(conditions=[condition("PodScheduled"), seen]), asked=6)


STEPS_TELL: dict[str, Sight] = {
    "success": sight(job(COMPLETE), pod(READY, ended("agent"), ended("publish", message='{"ok": true}'))),
    "success-before-the-job-knows": sight(job(), pod(READY, ended("agent"), ended("publish", message='{"ok": true}'))),
    "success-then-deleted": sight(
        job(), deleted(pod(READY, ended("agent"), ended("publish", message='{"ok": true}', age=8)), asked=4)
    ),
    "prepare-exits-7": sight(
        job(failed("Container prepare for pod agents/x failed with exit code 7 matching FailJob rule at index 1")),
        pod(ended("prepare", 7), waiting("agent"), waiting("publish"), phase="Failed"),
    ),
    "agent-exits-1-with-its-result": sight(
        job(), pod(READY, ended("agent", 1, message=RESULT), waiting("publish"), phase="Failed")
    ),
    "agent-killed-by-itself": sight(job(exit_137("agent")), killed()),
    "publish-refused": sight(job(), pod(READY, ended("agent"), ended("publish", 1, message=RESULT), phase="Failed")),
    "failed-then-its-pod-deleted": sight(
        job(exit_137("agent")),
        deleted(pod(READY, ended("agent", 1, message=RESULT, age=60), waiting("publish"), phase="Failed"), asked=6),
    ),
    "failed-then-its-pod-collected": sight(
        job(exit_137("agent")),
        pod(READY, ended("agent", 1, message=RESULT), waiting("publish"), phase="Failed"),
        is_pod_gone=True,
    ),
    "killed-children-but-went-on": sight(
        job(COMPLETE), pod(READY, ended("agent", reason="OOMKilled"), ended("publish", message='{"ok": true}'))
    ),
}

ENDS: dict[str, tuple[Sight, Reason]] = {
    "agent-out-of-memory": (
        sight(job(exit_137("agent")), pod(READY, ended("agent", 137, reason="OOMKilled"), phase="Failed")),
        Reason.OUT_OF_MEMORY,
    ),
    "prepare-out-of-memory": (
        sight(job(exit_137("prepare")), pod(ended("prepare", 137, reason="OOMKilled"), phase="Failed")),
        Reason.OUT_OF_MEMORY,
    ),
    "publish-out-of-memory": (
        sight(job(), pod(READY, ended("agent"), ended("publish", 137, reason="OOMKilled"), phase="Failed")),
        Reason.OUT_OF_MEMORY,
    ),
    "volume-over-its-limit": (
        sight(
            job(exit_137("agent")),
            killed(reason="Evicted", message='Usage of EmptyDir volume "work" exceeds the limit "200Mi". '),
        ),
        Reason.DISK,
    ),
    "container-over-its-storage": (
        sight(
            job(),
            killed(reason="Evicted", message='Container agent exceeded its local ephemeral storage limit "1Gi". '),
        ),
        Reason.DISK,
    ),
    "pod-over-its-storage": (
        sight(
            job(),
            killed(
                reason="Evicted",
                message="Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ",
            ),
        ),
        Reason.DISK,
    ),
    "node-pressure": (sight(job(exit_137("agent")), killed(reason="Evicted", message=LOW)), Reason.EVICTED),
    "drained": (sight(job(DISRUPTED), disrupted(DRAINED)), Reason.EVICTED),
    "preempted": (sight(job(DISRUPTED), disrupted(PREEMPTED)), Reason.PREEMPTED),
    "preempted-by-the-kubelet": (sight(job(), killed(reason="Preempting", message="critical")), Reason.PREEMPTED),
    "tainted-node": (sight(job(DISRUPTED), disrupted(TAINTED)), Reason.NODE_LOST),
    "node-gone": (sight(job(DISRUPTED), disrupted(COLLECTED), is_pod_gone=True), Reason.NODE_LOST),
    "node-shut-down": (sight(job(DISRUPTED), disrupted(SHUTDOWN)), Reason.NODE_LOST),
    "node-shut-down-by-pod-reason": (sight(job(), killed(reason="Terminated", message="node shut")), Reason.NODE_LOST),
    "node-forgot-the-container": (
        sight(job(exit_137("agent")), pod(READY, ended("agent", 137, reason="ContainerStatusUnknown"), phase="Failed")),
        Reason.NODE_LOST,
    ),
    "node-without-room": (
        sight(job(failed()), pod(phase="Failed", reason="OutOfcpu", message="no cpu")),
        Reason.EVICTED,
    ),
    "pod-deadline": (
        sight(
            job(exit_137("agent")),
            killed(reason="DeadlineExceeded", message="Pod was active on the node longer than the specified deadline"),
        ),
        Reason.TIMEOUT,
    ),
    "job-deadline": (sight(job(LATE), deleted(killed(), asked=6), is_pod_gone=True), Reason.TIMEOUT),
    "job-deadline-pod-never-seen": (sight(job(LATE)), Reason.TIMEOUT),
    "pod-deleted": (sight(job(exit_137("agent")), deleted(killed(), asked=6), is_pod_gone=True), Reason.POD_DELETED),
    "pod-deleted-its-step-said-so": (
        sight(
            job(exit_137("agent")),
            deleted(pod(READY, ended("agent", 143, message=RESULT), phase="Failed"), asked=6),
        ),
        Reason.POD_DELETED,
    ),
    "pod-vanished-between-two-looks": (
        sight(job(exit_137("agent")), pod(READY, running("agent")), is_pod_gone=True),
        Reason.POD_DELETED,
    ),
    "pod-vanished-with-its-node": (
        sight(job(DISRUPTED), pod(READY, running("agent")), is_pod_gone=True),
        Reason.EVICTED,
    ),
    "killed-pod-never-seen": (sight(job(exit_137("agent"))), Reason.POD_DELETED),
    "disrupted-pod-never-seen": (sight(job(DISRUPTED)), Reason.EVICTED),
    "failed-pod-never-seen": (sight(job(failed("Container prepare failed with exit code 7"))), Reason.LOST),
    "complete-pod-never-seen": (sight(job(COMPLETE)), Reason.LOST),
    "complete-result-never-seen": (sight(job(COMPLETE), pod(READY, running("agent")), is_pod_gone=True), Reason.LOST),
    "program-not-found": (
        sight(job(), pod(ended("prepare", 128, reason="StartError", message="exec: not found"), phase="Failed")),
        Reason.POD,
    ),
    "unknown-pod-reason": (sight(job(), killed(reason="SysctlForbidden")), Reason.INFRASTRUCTURE),
}


@pytest.mark.parametrize("seen", STEPS_TELL.values(), ids=STEPS_TELL.keys())
def test_a_steps_own_end_is_no_problem(seen: Sight) -> None:
    """Where the steps' results tell how the run ended, the executor adds nothing."""
    assert is_over(seen)
    assert not failure(seen).reason


@pytest.mark.parametrize(
    "raw_pod",
    [None, pod(READY, running("agent")), pod(READY, ended("agent"), waiting("publish"))],
    ids=["pod-not-seen", "agent-at-work", "publish-not-begun"],
)
@pytest.mark.parametrize("ending", [COMPLETE, exit_137("agent")], ids=["complete", "failed"])
def test_a_job_that_is_ahead_of_its_pod_is_not_over(ending: dict[str, Any], raw_pod: dict[str, Any] | None) -> None:
    """Where the watch of Pods lags behind, the results are still to come: the cluster is asked before it is judged."""
    early = sight(job(ending), raw_pod, is_confirmed=False)

    assert needs_confirmation(early)
    assert not is_over(early)
    assert delay(early, NOW, PATIENCE).reason == ""


def test_a_pod_that_is_called_failed_while_it_is_killed_is_not_over() -> None:
    """The kubelet says that it evicts a pod, and only then kills what runs in it."""
    dying = pod(READY, running("agent"), waiting("publish"), phase="Failed", reason="Evicted", message=LOW)

    assert not is_over(sight(job(), dying))
    assert is_over(sight(job(exit_137("agent")), dying))


@pytest.mark.parametrize(("seen", "reason"), ENDS.values(), ids=ENDS.keys())
def test_each_way_to_end_has_its_reason(seen: Sight, reason: Reason) -> None:
    """What the cluster did to a run is told apart from what its steps did, and says what was seen."""
    assert is_over(seen)

    verdict = failure(seen)

    assert verdict.reason == reason
    assert verdict.detail
