"""The whole way with agents as Jobs of a cluster: real worker and reconciler processes against its API."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from core.reasons import Reason
from core.task import Phase
from simulators.gitlab.records import Issue
from simulators.kubernetes.images import Broken
from simulators.kubernetes.nodes import Node
from simulators.kubernetes.server import KubernetesServer
from tests.product.cluster import NAMESPACE, jobs, pods, run_on_cluster
from tests.product.conftest import short_folder
from tests.product.stack import Gate, Stack
from tests.product.test_crash_points import HASTY, assert_done_once

Both = tuple[Stack, KubernetesServer]
BROKEN = "registry.example.com/broken:1"
QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "none", "namespace": NAMESPACE},
    "spec": {"hard": {"pods": "0"}},
}


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    """Give the running product and its cluster; impatient, and with an image that a project may ask for."""
    settings = {"start_timeout_seconds": "4", "allowed_images": "registry.example.com/*", **HASTY}
    with short_folder() as folder, run_on_cluster(folder, **settings) as (stack, cluster):
        cluster.images[BROKEN] = Broken()
        yield stack, cluster


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Give a gate that is open at the end."""
    gate = Gate()
    yield gate
    gate.open()


def at_the_gate(stack: Stack, gate: Gate) -> Issue:
    """Ask for work that waits at *gate*; return when the agent stands there."""
    issue = stack.issue()
    stack.ask(issue, f"/agent Do it DO wait={gate.name} edit")
    gate.wait_for_agent()
    return issue


def pod_name(cluster: KubernetesServer) -> str:
    """Name the only Pod."""
    (pod,) = pods(cluster)
    return str(pod["metadata"]["name"])


def assert_nothing_is_left(stack: Stack, cluster: KubernetesServer) -> None:
    """Hold that the cluster is as it was."""
    stack.wait(lambda: not jobs(cluster), "the Jobs to go")
    stack.wait(lambda: not pods(cluster), "the Pods to go")
    stack.wait(lambda: not cluster.world.list("secrets", NAMESPACE), "the Secrets to go")
    stack.wait_until_quiet()


def test_a_comment_becomes_a_merge_request(both: Both) -> None:
    """By a Job of its own, of which nothing is left; the log of all three containers is on the page."""
    stack, cluster = both
    issue = stack.issue()
    stack.ask(issue, "/agent Do it DO say=hello edit")

    stack.wait_for_closing(issue)

    assert_nothing_is_left(stack, cluster)
    assert_done_once(stack, issue)
    task = stack.task(issue)
    assert (task.attempt, task.job_name) == (1, f"agent-{task.id}-a1")
    page = stack.page(stack.replies(issue)[0])
    assert [word in page for word in ("Cloning", "hello", "Pushed")] == [True] * 3


FAILED: dict[str, tuple[Callable[[Both, str], None], Reason, str]] = {
    "pod-deleted": (
        lambda both, pod: both[1].world.delete("pods", NAMESPACE, pod),
        Reason.POD_DELETED,
        "Somebody deleted the run's pod",
    ),
    "out-of-memory": (
        lambda both, pod: both[1].world.out_of_memory(NAMESPACE, pod, "agent"),
        Reason.OUT_OF_MEMORY,
        "needed more memory",
    ),
}


@pytest.mark.parametrize("case", FAILED)
def test_what_ends_a_run_is_told(both: Both, gate: Gate, case: str) -> None:
    """In one sentence, and the run is not tried again."""
    stack, cluster = both
    happen, reason, words = FAILED[case]
    issue = at_the_gate(stack, gate)

    happen(both, pod_name(cluster))

    assert words in stack.wait_for_closing(issue)
    task = stack.task(issue)
    assert (task.phase, task.reason, task.attempt) == (Phase.FAILED, reason, 1)
    assert_nothing_is_left(stack, cluster)


DISRUPTED: dict[str, Callable[[KubernetesServer, str], None]] = {
    "evicted": lambda cluster, pod: cluster.world.evict(NAMESPACE, pod),
    "under-pressure": lambda cluster, pod: cluster.world.evict_under_pressure(NAMESPACE, pod),
    "preempted": lambda cluster, pod: cluster.world.preempt(NAMESPACE, pod),
    "shut-down": lambda cluster, pod: cluster.world.shut_down(NAMESPACE, pod),
    "job-deleted": lambda cluster, _pod: cluster.world.delete("jobs", NAMESPACE, jobs(cluster)[0]["metadata"]["name"]),
}


@pytest.mark.parametrize("case", DISRUPTED)
def test_a_run_that_the_cluster_ended_is_tried_again(both: Both, gate: Gate, case: str) -> None:
    """As a second attempt under a new name, which ends well; one merge request, one reply."""
    stack, cluster = both
    issue = at_the_gate(stack, gate)

    DISRUPTED[case](cluster, pod_name(cluster))
    gate.open()

    stack.wait_for_closing(issue)
    task = stack.task(issue)
    assert (task.phase, task.attempt, task.job_name) == (Phase.COMPLETED, 2, f"agent-{task.id}-a2")
    assert_nothing_is_left(stack, cluster)
    assert_done_once(stack, issue)


def test_an_image_that_can_not_be_pulled_is_told(both: Both) -> None:
    """The Job would wait for ever: it is ended."""
    stack, cluster = both
    issue = stack.issue(stack.project(files={"README.md": "# Web\n", ".ablehand.yml": f"image: {BROKEN}\n"}))
    stack.ask(issue, "/agent Do it DO edit")

    closing = stack.wait_for_closing(issue)

    assert "can't be pulled or is not allowed" in closing
    assert stack.task(issue).reason == Reason.IMAGE
    assert_nothing_is_left(stack, cluster)


def test_no_node_is_told(both: Both) -> None:
    """With the scheduler's words behind the sentence."""
    stack, cluster = both
    cluster.world.drain_node("node-1")
    issue = stack.issue()
    stack.ask(issue, "/agent Do it DO edit")

    closing = stack.wait_for_closing(issue)
    cluster.world.remove_node("node-1")
    cluster.world.add_node(Node(name="node-2"))

    assert "No node of the cluster could take the run" in closing
    assert "0/1 nodes are available" in closing
    assert stack.task(issue).reason == Reason.UNSCHEDULABLE
    assert_nothing_is_left(stack, cluster)


def test_a_quota_of_zero_is_told(both: Both) -> None:
    """Though the Job was accepted and its status says nothing."""
    stack, cluster = both
    cluster.world.apply(QUOTA)
    issue = stack.issue()
    stack.ask(issue, "/agent Do it DO edit")

    closing = stack.wait_for_closing(issue)
    cluster.world.delete("resourcequotas", NAMESPACE, "none")

    assert "quota of the agents' namespace" in closing
    assert stack.task(issue).reason == Reason.QUOTA
    assert_nothing_is_left(stack, cluster)


def test_a_job_of_that_name_that_is_not_ours_is_left_alone(both: Both) -> None:
    """The task fails with the words for it, and the Job goes on."""
    stack, cluster = both
    first = stack.issue()
    stack.ask(first, "/agent Do it DO edit")
    stack.wait_for_closing(first)
    assert_nothing_is_left(stack, cluster)
    name = f"agent-{stack.task(first).id + 1}-a1"
    foreign = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"suspend": True, "template": {"spec": {"restartPolicy": "Never", "containers": [
            {"name": "main", "image": BROKEN}
        ]}}},
    }  # fmt: skip
    cluster.world.apply(foreign)
    issue = stack.issue()
    stack.ask(issue, "/agent Do it DO edit")

    closing = stack.wait_for_closing(issue)
    left = [job["metadata"]["name"] for job in jobs(cluster)]
    cluster.world.delete("jobs", NAMESPACE, name)

    assert "holds a Job of the run's name that is not ours" in closing
    assert left == [name]
    assert_nothing_is_left(stack, cluster)


def test_an_api_that_is_away_ends_no_run(both: Both, gate: Gate) -> None:
    """Watches, logs and calls break; the agent works on, and what it prints is read later."""
    stack, cluster = both
    issue = at_the_gate(stack, gate)
    cluster.set_reachable(reachable=False)
    gate.open()
    stack.wait(lambda: "watch failed" in stack.log(), "the reconciler to notice")
    cluster.set_reachable(reachable=True)

    stack.wait_for_closing(issue)

    assert_nothing_is_left(stack, cluster)
    assert_done_once(stack, issue)
    assert stack.task(issue).attempt == 1


def test_our_deaths_neither_end_nor_repeat_a_run(both: Both, gate: Gate) -> None:
    """Everything of ours dies at once; one Job, one merge request."""
    stack, cluster = both
    issue = at_the_gate(stack, gate)
    before = [job["metadata"]["uid"] for job in jobs(cluster)]
    for room in ("bot", "reconciler", "worker-1", "worker-2"):
        pid = stack.wait(lambda room=room: stack.processes.pid(room), room)  # type: ignore[misc]
        os.kill(pid, signal.SIGKILL)
    stack.wait_until_ready()
    assert [job["metadata"]["uid"] for job in jobs(cluster)] == before
    gate.open()

    stack.wait_for_closing(issue)

    assert_nothing_is_left(stack, cluster)
    assert_done_once(stack, issue)
    assert stack.task(issue).attempt == 1


def test_more_tasks_than_slots_all_end_in_order(both: Both) -> None:
    """Never more Jobs than slots, none lost, none twice, and one of every project before the second of any."""
    stack, cluster = both
    projects = [stack.project() for _ in range(3)]
    issues = [stack.issue(project) for _ in range(4) for project in projects]
    for issue in issues:
        stack.ask(issue, "/agent Do it DO edit")
    most = 0

    def all_done() -> bool:
        nonlocal most
        most = max(most, sum(not job["spec"].get("suspend") and not _is_over(job) for job in jobs(cluster)))
        return all(stack.closing(issue) for issue in issues)

    stack.wait(all_done, "all closing replies")
    assert_nothing_is_left(stack, cluster)
    for issue in issues:
        assert_done_once_among(stack, issue)
    assert most <= int(HASTY["max_runs"])


def assert_done_once_among(stack: Stack, issue: Issue) -> None:
    """Hold that an issue's task is done, where its project has others."""
    assert stack.task(issue).phase is Phase.COMPLETED
    kinds = [note.body.rpartition("ablehand:")[2].split()[0] for note in stack.replies(issue)]
    assert sorted(kinds) == ["final", "progress"]
    branch = stack.task(issue).result_branch
    assert [request.source_branch for request in stack.merge_requests(issue.project)].count(branch) == 1


def _is_over(job: dict[str, dict[str, list[dict[str, str]]]]) -> bool:
    return any(condition["type"] in {"Complete", "Failed"} for condition in job["status"].get("conditions", []))
