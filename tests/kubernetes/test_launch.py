"""Launching on a cluster: three calls, and the same run however often, whatever is lost in between."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import ExecutorError, ExecutorUnavailable
from core.reasons import Reason
from simulators.kubernetes.images import Script, Scripted
from simulators.kubernetes.server import KubernetesServer
from tests.kubernetes.conftest import executor_of
from tests.kubernetes.requests import IMAGE, NAMESPACE, run_request
from worker.executors.kubernetes import manifest
from worker.executors.kubernetes.connection import Object
from worker.executors.kubernetes.executor import KubernetesExecutor
from worker.executors.kubernetes.template import parse_template
from worker.executors.protocol import RunRequest

NAME = "agent-7-a1"


def verbs(server: KubernetesServer) -> list[str]:
    """List the calls so far: verb and resource."""
    return [f"{call.verb} {call.resource}" for call in server.calls]


def completed(server: KubernetesServer) -> Object:
    """Wait until the run is complete, and give its Job."""

    def is_complete(job: Object | None) -> bool:
        conditions = (job or {}).get("status", {}).get("conditions", [])
        return any(condition["type"] == "Complete" for condition in conditions)

    found: Object = server.world.wait("jobs", NAMESPACE, NAME, is_complete)
    return found


def insist(executor: KubernetesExecutor, request: RunRequest) -> int:
    """Launch as a step does, again while nobody answers; give how often."""
    for number in range(1, 6):
        try:
            executor.launch(request)
        except ExecutorUnavailable:
            continue
        return number
    pytest.fail("it was never launched")


def test_a_launch_is_three_calls(server: KubernetesServer, executor: KubernetesExecutor) -> None:
    """The Job, its Secret, and off it goes: the cluster runs it to its end."""
    executor.launch(run_request())

    assert verbs(server) == ["create jobs", "create secrets", "patch jobs"]
    job = completed(server)
    (secret,) = server.world.list("secrets", NAMESPACE)
    assert secret["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]
    (pod,) = server.world.list("pods", NAMESPACE)
    assert pod["metadata"]["labels"]["ablehand/task"] == "7"


def test_a_second_launch_attaches(server: KubernetesServer, executor: KubernetesExecutor) -> None:
    """While the run works, and after its end: it is left as it is."""
    executor.launch(run_request())
    completed(server)
    server.calls.clear()

    executor.launch(run_request())

    assert verbs(server) == ["create jobs", "get jobs"]
    assert len(server.world.list("pods", NAMESPACE)) == 1


WRITES = [("create", "jobs"), ("create", "secrets"), ("patch", "jobs")]


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("verb", "resource"), WRITES, ids=["job", "secret", "start"])
def test_a_write_without_an_answer_makes_no_second_run(
    server: KubernetesServer, executor: KubernetesExecutor, verb: str, resource: str, *, is_done: bool
) -> None:
    """Whether the cluster did it before the connection broke or not: one Job, one Secret, one pod."""
    (server.faults.lose_answer if is_done else server.faults.refuse)(verb, resource)

    insist(executor, run_request())

    completed(server)
    assert [len(server.world.list(kind, NAMESPACE)) for kind in ("jobs", "secrets", "pods")] == [1, 1, 1]


@pytest.mark.parametrize(("verb", "resource"), WRITES, ids=["job", "secret", "start"])
@pytest.mark.parametrize("status", [429, 500, 503, 504])
def test_a_cluster_with_trouble_is_asked_again(
    server: KubernetesServer, executor: KubernetesExecutor, verb: str, resource: str, status: int
) -> None:
    """And no second run comes of it."""
    server.faults.answer(verb, resource, status, retry_after=0 if status == 429 else None)

    insist(executor, run_request())

    completed(server)
    assert [len(server.world.list(kind, NAMESPACE)) for kind in ("jobs", "secrets", "pods")] == [1, 1, 1]


def test_a_cluster_that_asks_for_a_pause_gets_it(server: KubernetesServer, executor: KubernetesExecutor) -> None:
    """A call that was not looked at is made again after the time that the answer names, in the same launch."""
    server.faults.answer("create", "jobs", 429, times=2, retry_after=0)

    executor.launch(run_request())

    assert verbs(server) == [*["create jobs"] * 3, "create secrets", "patch jobs"]


def test_a_cluster_that_asks_for_pauses_without_end_is_unavailable(
    server: KubernetesServer, executor: KubernetesExecutor
) -> None:
    """A step has other things to do; nothing was made."""
    server.faults.answer("create", "jobs", 429, times=9, retry_after=0)

    with pytest.raises(ExecutorUnavailable, match="429") as told:
        executor.launch(run_request())

    assert told.value.reason == Reason.CLUSTER
    assert verbs(server) == ["create jobs"] * 3


def test_a_cluster_that_hangs_is_not_waited_for(server: KubernetesServer) -> None:
    """The call is bounded in time, and what became of it is found by its name."""
    executor = executor_of(server, read_seconds=0.3)
    server.faults.delay("create", "jobs", seconds=0.8)

    executor.launch(run_request())

    completed(server)
    # The call that hangs is recorded when it is answered, if ever.
    assert verbs(server)[:3] == ["get jobs", "create secrets", "patch jobs"]


def test_a_cluster_that_is_away_is_unavailable(server: KubernetesServer, executor: KubernetesExecutor) -> None:
    """With the reason that people are told when it lasts."""
    server.set_reachable(reachable=False)

    with pytest.raises(ExecutorUnavailable, match="the cluster does not answer") as told:
        executor.launch(run_request())

    assert told.value.reason == Reason.CLUSTER


def foreign_job(**labels: str) -> dict[str, Any]:
    """Make somebody's own Job of the run's name."""
    container = {"name": "work", "image": IMAGE}
    spec = {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}, "suspend": True}
    metadata = {"name": NAME, "namespace": NAMESPACE, "labels": labels}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


FOREIGN = {
    "no-labels": {},
    "another-tool's": {"app.kubernetes.io/managed-by": "helm", "ablehand/run": "0123456789abcdef"},
    "another-installation's": {
        "app.kubernetes.io/managed-by": "ablehand",
        "ablehand/installation": "another",
        "ablehand/run": "0123456789abcdef",
    },
    "another-ledger's": {
        "app.kubernetes.io/managed-by": "ablehand",
        "ablehand/installation": "ablehand",
        "ablehand/run": "fedcba9876543210",
    },
}


@pytest.mark.parametrize("labels", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_job_that_is_not_ours_is_left_alone(
    server: KubernetesServer, executor: KubernetesExecutor, labels: dict[str, str]
) -> None:
    """And reported; no Secret of ours comes near it."""
    server.world.apply(foreign_job(**labels))
    before = server.world.get("jobs", NAMESPACE, NAME)

    with pytest.raises(ExecutorError, match="is not this task's: it was left alone") as refused:
        executor.launch(run_request())

    assert refused.value.reason == Reason.NAME_TAKEN
    assert server.world.get("jobs", NAMESPACE, NAME) == before
    assert list(server.world.list("secrets", NAMESPACE)) == []


def test_a_job_that_is_being_deleted_is_waited_for(server: KubernetesServer, executor: KubernetesExecutor) -> None:
    """It is no run any more: attaching to it would lose the task."""
    server.images[IMAGE] = Scripted(script=Script(seconds=60, heeds_term=False))
    executor.launch(run_request())
    server.world.wait("jobs", NAMESPACE, NAME, lambda job: bool((job or {}).get("status", {}).get("active")))
    impatient = replace(executor, cancel_seconds=0.1)
    with pytest.raises(ExecutorUnavailable, match="its pod has not ended within 0 s"):
        impatient.cancel(NAME)

    with pytest.raises(ExecutorUnavailable, match="is still being deleted"):
        executor.launch(run_request())


def test_an_earlier_secret_is_replaced(server: KubernetesServer, executor: KubernetesExecutor) -> None:
    """One of a Job that is gone: the new Job's run must not start with its tokens, nor lose them with it."""
    old = manifest.secret(run_request(read_token="old"), "uid-of-a-job-that-is-gone", NAMESPACE)
    del old["metadata"]["ownerReferences"]
    server.world.apply(old)

    executor.launch(run_request())

    job = completed(server)
    (secret,) = server.world.list("secrets", NAMESPACE)
    assert secret["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]
    assert secret["data"] == manifest.secret(run_request(), "", NAMESPACE)["data"]
    assert "get secrets" not in verbs(server)


def test_a_job_that_vanishes_meanwhile_is_launched_again(
    server: KubernetesServer, executor: KubernetesExecutor
) -> None:
    """Somebody cancelled it between two calls: the step finds out by asking its task again."""
    server.faults.answer("patch", "jobs", 404)

    with pytest.raises(ExecutorUnavailable, match="was deleted meanwhile"):
        executor.launch(run_request())


def test_no_right_is_one_sentence(server: KubernetesServer) -> None:
    """Which verb on which resource, where, and how to see more."""
    executor = executor_of(server, "ablehand/worker")

    with pytest.raises(
        ExecutorError, match="not allowed: create jobs agent-7-a1 in namespace agents; `ablehand"
    ) as told:
        executor.launch(run_request())

    assert told.value.reason == Reason.RIGHTS


def test_a_namespace_that_is_missing_is_one_sentence(server: KubernetesServer) -> None:
    """With the setting that names it."""
    executor = executor_of(server, namespace="nowhere")

    with pytest.raises(ExecutorError, match="there is no namespace nowhere: create it, or set ABLEHAND_NAME") as told:
        executor.launch(run_request())

    assert told.value.reason == Reason.RIGHTS


def test_a_quota_of_zero_is_told(server: KubernetesServer, executor: KubernetesExecutor) -> None:
    """As such, and not as a missing right."""
    server.world.apply(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "none", "namespace": NAMESPACE},
            "spec": {"hard": {"count/jobs.batch": "0"}},
        }
    )

    with pytest.raises(ExecutorError, match="exceeded quota: none") as told:
        executor.launch(run_request())

    assert told.value.reason == Reason.QUOTA


@pytest.mark.parametrize(
    ("template", "reason"),
    [("", Reason.INFRASTRUCTURE), ("spec: {tolerations: [{effect: Sometimes}]}", Reason.POD_TEMPLATE)],
    ids=["ours", "template"],
)
def test_an_object_that_the_cluster_finds_wrong_is_somebodys_fault(
    server: KubernetesServer, executor: KubernetesExecutor, template: str, reason: Reason
) -> None:
    """The operator's where there is a pod template, ours otherwise; with the server's words."""
    placement = replace(executor.placement, template=parse_template(template))
    if not template:
        server.faults.answer("create", "jobs", 422)

    with pytest.raises(ExecutorError, match="create jobs agent-7-a1 in namespace agents: 4") as told:
        replace(executor, placement=placement).launch(run_request())

    assert told.value.reason == reason


def connections(server: KubernetesServer) -> int:
    """Count the open connections to the server, as the kernel has them."""
    port = f":{int(server.url.rpartition(':')[2]):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(port) and row[3] == "01" for row in rows)


def test_one_executor_serves_before_and_after_a_fork(server: KubernetesServer, executor: KubernetesExecutor) -> None:
    """A worker is built once and forks for each step: two processes must not speak over one connection."""
    assert not executor.exists(NAME)
    assert connections(server) == 1

    child = os.fork()
    if child == 0:
        found = 0
        try:
            executor.launch(run_request())
            found = connections(server)
        finally:
            os._exit(found)
    _, ended = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(ended) == 2
    assert executor.exists(NAME)
    completed(server)


def test_no_call_is_made_twice_behind_our_back(server: KubernetesServer, executor: KubernetesExecutor) -> None:
    """The library would try again by itself, a POST too, and multiply every time limit."""
    server.faults.refuse("get", "jobs")

    with pytest.raises(ExecutorUnavailable):
        executor.exists(NAME)

    assert not executor.exists(NAME)
