"""What is kept of a Job and a Pod, and that nothing of a wrong type or size gets through."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.contract import RESULT_LIMIT_BYTES, Step
from tests.executors.kubernetes.raw_objects import NOW, condition, deleted, ended, job, pod, running, waiting
from worker.executors.kubernetes.prune import (
    TEXT_LIMIT,
    Condition,
    SeenContainer,
    SeenJob,
    SeenPod,
    read_job,
    read_pod,
)
from worker.executors.protocol import StepPhase

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_a_job_is_read() -> None:
    """Everything that a verdict needs of a Job is kept."""
    raw = job(condition("Failed", reason="PodFailurePolicy", message="exit code 7"), age=30)

    assert read_job(raw) == SeenJob(
        name="agent-7-a1",
        uid="job-agent-7-a1",
        task_id=7,
        created_at=NOW - 30,
        started_at=NOW - 30,
        failed=Condition(reason="PodFailurePolicy", message="exit code 7", at=NOW - 5),
    )


def test_a_pod_is_read() -> None:
    """Everything that a verdict needs of a Pod is kept, its containers in the order of the steps."""
    raw = deleted(pod(ended("prepare", message="{}"), running("agent"), waiting("publish"), reason="Evicted"), asked=4)

    assert read_pod(raw) == SeenPod(
        name="agent-7-a1-x1",
        uid="pod-1",
        job_uid="job-agent-7-a1",
        created_at=NOW - 28,
        deletion_asked_at=NOW - 4,
        deletion_due_at=NOW + 6,
        phase="Running",
        reason="Evicted",
        scheduled_at=NOW - 28,
        containers=(
            SeenContainer(
                step=Step.PREPARE,
                phase=StepPhase.ENDED,
                reason="Completed",
                message="{}",
                started_at=NOW - 6,
                ended_at=NOW - 5,
            ),
            SeenContainer(step=Step.AGENT, phase=StepPhase.RUNNING, started_at=NOW - 10),
            SeenContainer(step=Step.PUBLISH, reason="PodInitializing"),
        ),
    )


def test_a_container_without_its_id_is_forgotten() -> None:
    """So a kubelet tells of one that its runtime had lost when the pod was evicted."""
    status = ended("agent", 137, reason="ContainerStatusUnknown")
    del status["state"]["terminated"]["containerID"]

    seen = read_pod(pod(ended("prepare"), status, phase="Failed"))

    assert seen is not None
    assert [container.is_forgotten for container in seen.containers] == [False, True]


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {"ablehand/task": "7"}},
        {"labels": {**job()["metadata"]["labels"], "ablehand/task": "x"}},
        {"labels": None},
        {"uid": ""},
        {"name": 3},
    ],
    ids=["not-managed-by-us", "task-is-no-number", "no-labels", "no-uid", "name-is-no-text"],
)
def test_what_is_not_ours_is_ignored(metadata: dict[str, Any]) -> None:
    """An object whose labels or names do not say that it is a run of ours is none."""
    raw_job, raw_pod = job(), pod()
    raw_job["metadata"] |= metadata
    raw_pod["metadata"] |= metadata

    assert read_job(raw_job) is None
    assert read_pod(raw_pod) is None


def test_a_pod_that_no_job_owns_is_ignored() -> None:
    """A Pod that somebody made with our labels belongs to no run."""
    raw = pod()
    raw["metadata"]["ownerReferences"][0]["controller"] = False

    assert read_pod(raw) is None


def test_texts_are_bounded_and_can_be_stored() -> None:
    """A long message is cut, a container's own at the size of a result; half a character is replaced."""
    raw = pod(ended("agent", 1, message="\ud800" + "x" * 10_000), message="y" * 10_000)

    seen = read_pod(raw)

    assert seen is not None
    assert len(seen.message) == TEXT_LIMIT
    assert seen.container(Step.AGENT).message == "?" + "x" * RESULT_LIMIT_BYTES


@given(JSON, JSON, JSON)
def test_no_object_makes_the_reading_fail(metadata: Any, spec: Any, status: Any) -> None:
    """Whatever JSON somebody wrote into an object's fields, it is read or ignored."""
    for key in ("conditions", "containerStatuses", "startTime"):
        for value in (status, [status], [{"state": status, "name": "agent"}], [{"type": "Failed", "status": "True"}]):
            raw = job() | {"spec": spec, "status": {key: value}}
            assert read_job(raw) is not None
            assert read_pod(pod() | {"status": {key: value}}) is not None
    assert read_job({"metadata": metadata}) is None
    assert read_pod(metadata) is None
