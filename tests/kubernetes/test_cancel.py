"""Ending and forgetting runs on a cluster: within the time, in few calls, and never what is not ours."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from core.errors import ExecutorUnavailable
from simulators.kubernetes.images import Script, Scripted
from simulators.kubernetes.server import KubernetesServer
from tests.kubernetes.requests import IMAGE, NAMESPACE, run_request
from tests.kubernetes.test_launch import NAME, completed, foreign_job, verbs
from worker.executors.kubernetes.executor import KubernetesExecutor

SECONDS = 60


def running(server: KubernetesServer, executor: KubernetesExecutor, *, heeds_term: bool = True) -> None:
    """Launch a run that works until it is ended."""
    server.images[IMAGE] = Scripted(script=Script(seconds=600, heeds_term=heeds_term))
    executor.launch(run_request())
    server.world.wait("jobs", NAMESPACE, NAME, lambda job: bool((job or {}).get("status", {}).get("active")))


def test_a_cancel_returns_when_nothing_is_alive(server: KubernetesServer, executor: KubernetesExecutor) -> None:
    """Job, pod and Secret are gone then, in a handful of calls."""
    running(server, executor)
    server.calls.clear()

    executor.cancel(NAME)

    assert [list(server.world.list(kind, NAMESPACE)) for kind in ("jobs", "pods")] == [[], []]
    server.world.wait("secrets", NAMESPACE, NAME, lambda secret: secret is None)
    assert verbs(server)[:2] == ["get jobs", "delete jobs"]
    assert len(verbs(server)) <= 5


def test_a_run_that_does_not_heed_is_killed_in_time(server: KubernetesServer, executor: KubernetesExecutor) -> None:
    """Within the 30 s that people are promised; the pod's own grace is ten of them."""
    running(server, executor, heeds_term=False)
    began = time.monotonic()

    executor.cancel(NAME)

    assert time.monotonic() - began < 25
    assert list(server.world.list("pods", NAMESPACE)) == []


def test_a_pod_that_does_not_end_is_told(server: KubernetesServer, executor: KubernetesExecutor) -> None:
    """The caller comes again; it is not taken for dead."""
    running(server, executor, heeds_term=False)

    with pytest.raises(ExecutorUnavailable, match=r"cancel agent-7-a1: its pod has not ended within 1 s"):
        replace(executor, cancel_seconds=1.0).cancel(NAME)


def test_a_suspended_job_is_cancelled_too(server: KubernetesServer, executor: KubernetesExecutor) -> None:
    """A launch that died half way."""
    server.faults.answer("create", "secrets", 500)
    with pytest.raises(ExecutorUnavailable):
        executor.launch(run_request())

    executor.cancel(NAME)

    assert list(server.world.list("jobs", NAMESPACE)) == []


@pytest.mark.parametrize("labels", [{}, {"app.kubernetes.io/managed-by": "helm"}], ids=["no-labels", "helm"])
def test_a_foreign_job_is_neither_deleted_nor_ours(
    server: KubernetesServer, executor: KubernetesExecutor, labels: dict[str, str]
) -> None:
    """It has a run's name, and that is all."""
    server.world.apply(foreign_job(**labels))

    executor.cancel(NAME)

    assert not executor.exists(NAME)
    assert "delete jobs" not in verbs(server)
    assert server.world.get("jobs", NAMESPACE, NAME)


def replaced(server: KubernetesServer, verb: str) -> str:
    """Wait until a call of *verb* was put off by the server; then give somebody's own Job the run's name.

    Gives its uid.
    """
    deadline = time.monotonic() + SECONDS
    while not any((call.verb, call.status) == (verb, 429) for call in server.calls):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    server.world.delete("jobs", NAMESPACE, NAME)
    server.world.wait("jobs", NAMESPACE, NAME, lambda job: job is None)
    (made,) = server.world.apply(foreign_job())
    return str(made["metadata"]["uid"])


def test_a_job_that_took_the_name_meanwhile_is_not_deleted(
    server: KubernetesServer, executor: KubernetesExecutor
) -> None:
    """What is deleted is the one that was looked at."""
    running(server, executor)
    server.faults.answer("delete", "jobs", 429, retry_after=1)

    with ThreadPoolExecutor() as pool:
        cancelling = pool.submit(executor.cancel, NAME)
        uid = replaced(server, "delete")
        with pytest.raises(ExecutorUnavailable, match="another Job took its name"):
            cancelling.result(SECONDS)

    left = server.world.get("jobs", NAMESPACE, NAME)["metadata"]
    assert (left["uid"], left.get("deletionTimestamp")) == (uid, None)


def test_a_job_that_took_the_name_meanwhile_is_not_started(
    server: KubernetesServer, executor: KubernetesExecutor
) -> None:
    """What is let go is the one that has our Secret."""
    server.faults.answer("patch", "jobs", 429, retry_after=1)

    with ThreadPoolExecutor() as pool:
        launching = pool.submit(executor.launch, run_request())
        replaced(server, "patch")
        with pytest.raises(ExecutorUnavailable, match="the Job agent-7-a1 was deleted meanwhile"):
            launching.result(SECONDS)

    assert server.world.get("jobs", NAMESPACE, NAME)["spec"]["suspend"]


def test_an_ended_run_is_removed_by_one_call(server: KubernetesServer, executor: KubernetesExecutor) -> None:
    """And leaves nothing."""
    executor.launch(run_request())
    completed(server)
    server.calls.clear()

    executor.remove(NAME)

    assert verbs(server) == ["delete jobs"]
    for kind, name in (("jobs", NAME), ("secrets", NAME)):
        server.world.wait(kind, NAMESPACE, name, lambda found: found is None)
    assert not executor.exists(NAME)


def test_what_the_cluster_has_exists(server: KubernetesServer, executor: KubernetesExecutor) -> None:
    """While it runs and when it has ended; and an unanswered question is no answer."""
    assert not executor.exists(NAME)
    executor.launch(run_request())
    assert executor.exists(NAME)
    completed(server)
    assert executor.exists(NAME)

    server.set_reachable(reachable=False)
    with pytest.raises(ExecutorUnavailable):
        executor.exists(NAME)


@pytest.mark.parametrize("name", ["agent-9-a1", "", "..", "a/b", "agent-7-a1/status", "A", "x" * 64, "a?b", "ä"])
def test_unknown_names_are_fine(server: KubernetesServer, executor: KubernetesExecutor, name: str) -> None:
    """Also those that would lead to something else than one Job: nothing is deleted."""
    executor.launch(run_request())
    server.calls.clear()

    executor.cancel(name)
    executor.remove(name)

    assert not executor.exists(name)
    assert len(server.world.list("jobs", NAMESPACE)) == 1
    assert {call.path for call in server.calls} <= {f"/apis/batch/v1/namespaces/agents/jobs/{name}"}
