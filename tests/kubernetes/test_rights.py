"""The table of rights against the calls that the code makes: nothing is missing from it, and nothing is too much."""

from __future__ import annotations

import pytest

from core.errors import ExecutorError, ExecutorUnavailable
from simulators.kubernetes.server import KubernetesServer
from tests.kubernetes.conftest import executor_of
from tests.kubernetes.requests import run_request
from tests.kubernetes.roles import grant
from tests.kubernetes.test_launch import NAME, completed
from worker.executors.kubernetes.executor import KubernetesExecutor
from worker.executors.kubernetes.rights import RECONCILER, WORKER, Right

GROUPS = {"jobs": "batch"}


def used(server: KubernetesServer) -> set[Right]:
    """Give the rights that the calls so far needed."""
    return {Right(GROUPS.get(call.resource, ""), call.resource, call.subresource, call.verb) for call in server.calls}


def refused(server: KubernetesServer) -> list[str]:
    """List the calls that were refused for want of a right."""
    return [f"{call.verb} {call.resource}" for call in server.calls if call.status == 403]


def play_worker(server: KubernetesServer, executor: KubernetesExecutor) -> None:
    """Do all that a worker ever does: launch, with and without trouble, ask, cancel, remove."""
    server.faults.lose_answer("create", "secrets")
    with pytest.raises(ExecutorUnavailable):
        executor.launch(run_request())
    executor.launch(run_request())
    completed(server)
    executor.exists(NAME)
    executor.remove(NAME)
    executor.launch(run_request(name="agent-8-a1"))
    executor.cancel("agent-8-a1")


def test_a_worker_needs_what_the_table_says(server: KubernetesServer) -> None:
    """All of it, and no more: with a Role made from the table, every call is allowed."""
    grant(server, "worker", WORKER)

    play_worker(server, executor_of(server, "ablehand/worker"))

    assert refused(server) == []
    assert used(server) == WORKER


@pytest.mark.parametrize("right", sorted(WORKER), ids=str)
def test_no_right_of_a_worker_is_too_much(server: KubernetesServer, right: Right) -> None:
    """Without any one of them, something can't be done, and the sentence names what."""
    grant(server, "worker", WORKER - {right})

    with pytest.raises(ExecutorError, match=f"not allowed: {right.verb} {right.resource}"):
        play_worker(server, executor_of(server, "ablehand/worker"))


def test_a_reconciler_may_end_and_remove_runs(server: KubernetesServer, executor: KubernetesExecutor) -> None:
    """These are the calls that it shares with the worker."""
    grant(server, "reconciler", RECONCILER)
    reconciler = executor_of(server, "ablehand/reconciler")
    executor.launch(run_request())
    completed(server)
    executor.launch(run_request(name="agent-8-a1"))
    server.calls.clear()

    reconciler.cancel("agent-8-a1")
    reconciler.remove(NAME)

    assert refused(server) == []
    assert used(server) <= RECONCILER


def test_a_right_is_said_in_words() -> None:
    """As kubectl would."""
    assert str(Right("batch", "jobs", "", "create")) == "create jobs.batch"
    assert str(Right("", "pods", "log", "get")) == "get pods/log"
