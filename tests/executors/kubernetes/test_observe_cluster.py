"""What an observer tells of the runs on a cluster, from their first moment to their end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from core.reasons import Reason
from runtime.contract import Step
from simulators.kubernetes.faults import WatchFault
from simulators.kubernetes.images import Broken, Script
from simulators.kubernetes.server import KubernetesServer
from tests.executors.kubernetes.watched import FOREVER, NAME, NAMESPACE, OK, QUICK, Watched, calls, job, scripted
from worker.executors.kubernetes.verdicts import Patience
from worker.executors.protocol import RunState, StepPhase

pytestmark = pytest.mark.anyio

WORKING = scripted(agent=Script(first=["at it"], seconds=FOREVER))
HASTY = Patience(start_seconds=2.5, image_seconds=1.5, broken_seconds=1.5, quiet_seconds=0.1, events_seconds=0.1)
"""Seconds of the cluster's clock, which tells whole ones: what is given up at once may be a second late."""


async def test_a_run_is_seen_to_its_end_with_its_results(cluster: KubernetesServer) -> None:
    """Each step's beginning and end, and what it left, is told; nothing is a problem."""
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job())
        state = await watched.ended()

    assert (state.name, state.task_id, state.problem, state.waiting) == (NAME, 7, "", "")
    assert [(step.step, step.phase, step.exit_code, step.result) for step in state.steps] == [
        (step, StepPhase.ENDED, 0, OK) for step in Step
    ]
    assert all(step.started_at and step.ended_at >= step.started_at for step in state.steps)


async def test_an_end_is_told_before_the_job_knows_of_it(cluster: KubernetesServer) -> None:
    """People are answered when the last step has ended, not seconds later when the Job says so."""
    cluster.images["run"] = scripted(agent=Script(seconds=1.0, message=OK))
    watched = Watched(cluster, pace=replace(QUICK, watch=replace(QUICK.watch, watch_least=60, watch_most=60)))
    async with watched.watch():
        cluster.world.apply(job())
        await watched.until(lambda: watched.at(Step.PREPARE, StepPhase.ENDED))
        cluster.faults.fail_open_watches("jobs", WatchFault.SILENT)

        state = await watched.ended()

    assert not state.problem


async def test_an_agents_own_failure_is_no_problem_of_the_executors(cluster: KubernetesServer) -> None:
    """A step that fails with a result tells its own story."""
    result = '{"ok": false, "failure": "budget", "detail": "spent"}'
    cluster.images["run"] = scripted(agent=Script(exit_code=1, message=result))
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job())
        state = await watched.ended()

    assert state.problem == ""
    assert (state.steps[1].exit_code, state.steps[1].result) == (1, result)
    assert state.steps[2].phase is StepPhase.WAITING


async def test_what_is_there_is_told_before_the_first_listing(cluster: KubernetesServer) -> None:
    """Whoever begins to observe hears of every run, and then which there are."""
    cluster.images["run"] = WORKING
    for task in (7, 8, 9):
        cluster.world.apply(job(task))
    watched = Watched(cluster)
    async with watched.watch():
        await watched.until(lambda: watched.listed() is not None)

    first = next(index for index, told in enumerate(watched.told) if isinstance(told, frozenset))
    assert {told.task_id for told in watched.told[:first] if isinstance(told, RunState)} == {7, 8, 9}
    assert watched.told[first] == frozenset({"agent-7-a1", "agent-8-a1", "agent-9-a1"})


async def test_other_peoples_jobs_are_not_seen(cluster: KubernetesServer) -> None:
    """A Job without our labels, or with a task that is no number, is none of ours."""
    foreign, forged = job(8), job(9)
    foreign["metadata"]["labels"] = {"ablehand/task": "8"}
    forged["metadata"]["labels"] |= {"ablehand/task": "x"}
    watched = Watched(cluster)
    for manifest in (foreign, forged, job(7)):
        cluster.world.apply(manifest)
    async with watched.watch():
        await watched.ended()
        await watched.until(lambda: watched.listed() is not None)

    assert watched.listed() == {NAME}
    assert {told.name for told in watched.told if isinstance(told, RunState)} == {NAME}


async def test_a_job_that_is_being_deleted_is_there_until_it_is_gone(cluster: KubernetesServer) -> None:
    """A run that is ending is no lost run."""
    cluster.images["run"] = WORKING
    held = job()
    held["metadata"]["finalizers"] = ["example.org/hold"]
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(held)
        await watched.until(lambda: watched.listed() == {NAME})

        await asyncio.to_thread(cluster.world.delete, "jobs", NAMESPACE, NAME)
        told = len(watched.told)
        await watched.until(lambda: len(watched.told) >= told + 3)
        assert watched.listed() == {NAME}

        cluster.world.change("jobs", NAMESPACE, NAME, lambda stored: stored["metadata"].pop("finalizers"))
        await watched.until(lambda: watched.listed() == frozenset())


def pod_name(cluster: KubernetesServer) -> str:
    """Give the name of the one Pod."""
    (pod,) = cluster.world.list("pods", NAMESPACE)
    return str(pod["metadata"]["name"])


DISRUPTIONS: dict[str, tuple[Callable[[KubernetesServer], object], Reason]] = {
    "out-of-memory": (lambda c: c.world.out_of_memory(NAMESPACE, pod_name(c), "agent"), Reason.OUT_OF_MEMORY),
    "evicted": (lambda c: c.world.evict(NAMESPACE, pod_name(c)), Reason.EVICTED),
    "evicted-under-pressure": (lambda c: c.world.evict_under_pressure(NAMESPACE, pod_name(c)), Reason.EVICTED),
    "preempted": (lambda c: c.world.preempt(NAMESPACE, pod_name(c)), Reason.PREEMPTED),
    "node-shut-down": (lambda c: c.world.shut_down(NAMESPACE, pod_name(c)), Reason.NODE_LOST),
    "node-removed": (
        lambda c: c.world.remove_node(c.world.get("pods", NAMESPACE, pod_name(c))["spec"]["nodeName"]),
        Reason.NODE_LOST,
    ),
    "pod-deleted": (lambda c: c.world.delete("pods", NAMESPACE, pod_name(c)), Reason.POD_DELETED),
    "node-drained": (
        lambda c: c.world.drain_node(c.world.get("pods", NAMESPACE, pod_name(c))["spec"]["nodeName"]),
        Reason.EVICTED,
    ),
}


@pytest.mark.parametrize(("disrupt", "reason"), DISRUPTIONS.values(), ids=DISRUPTIONS.keys())
async def test_what_the_cluster_does_to_a_run_is_told(
    cluster: KubernetesServer, disrupt: Callable[[KubernetesServer], object], reason: Reason
) -> None:
    """A run that its cluster ended says how, also where its Pod is gone by then."""
    cluster.images["run"] = WORKING
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job(terminationGracePeriodSeconds=1))
        await watched.until(lambda: watched.at(Step.AGENT, StepPhase.RUNNING))

        await asyncio.to_thread(disrupt, cluster)
        state = await watched.ended()

    assert state.problem == reason
    assert state.detail
    assert state.steps[0].result == OK


@pytest.mark.parametrize(
    "limits",
    [{"spec": {"activeDeadlineSeconds": 1}}, {"activeDeadlineSeconds": 1}],
    ids=["of-the-job", "of-the-pod"],
)
async def test_a_deadline_is_told(cluster: KubernetesServer, limits: dict[str, Any]) -> None:
    """A run that took too long says so, whichever clock it was."""
    cluster.images["run"] = WORKING
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job(terminationGracePeriodSeconds=1, **limits))
        state = await watched.ended()

    assert state.problem == Reason.TIMEOUT


NO_SECRET = {"volumes": [{"name": "token", "secret": {"secretName": "agent-7-a1"}}]}
HUGE = {"nodeSelector": {"gpu": "many"}}
QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "agents"},
    "spec": {"hard": {"count/pods": "0"}},
}
STUCK: dict[str, tuple[dict[str, Any], list[dict[str, Any]], Reason, str]] = {
    "image": ({"image": "missing"}, [], Reason.IMAGE, "not found"),
    "image-name": ({"image": "wrong"}, [], Reason.IMAGE, "InvalidImageName"),
    "container": ({"image": "unmakeable"}, [], Reason.POD, "CreateContainerError"),
    "no-node": (HUGE, [], Reason.UNSCHEDULABLE, "nodes are available"),
    "secret": (NO_SECRET, [], Reason.POD, '"agent-7-a1" not found'),
    "service-account": ({"serviceAccountName": "nobody"}, [], Reason.POD, "nobody"),
    "quota": ({}, [QUOTA], Reason.QUOTA, "exceeded quota"),
}


@pytest.mark.parametrize(("pod", "objects", "reason", "words"), STUCK.values(), ids=STUCK.keys())
async def test_what_does_not_begin_is_given_up(
    cluster: KubernetesServer, pod: dict[str, Any], objects: list[dict[str, Any]], reason: Reason, words: str
) -> None:
    """A run that can't begin says why it waits, and after a while that it waits in vain."""
    cluster.images |= {"wrong": Broken(reason="InvalidImageName"), "unmakeable": Broken(reason="CreateContainerError")}
    for manifest in objects:
        cluster.world.apply(manifest, NAMESPACE)
    watched = Watched(cluster, patience=HASTY)
    async with watched.watch():
        cluster.world.apply(job(**pod))
        await watched.until(lambda: (state := watched.state()) and state.problem)

    state = watched.state()
    assert state is not None
    assert (state.ended, state.problem) == (False, reason)
    assert words in state.detail
    assert any(words in before.waiting for before in watched.states()[:-1])


async def test_events_are_read_seldom(cluster: KubernetesServer) -> None:
    """A run that waits for its quota costs no stream of calls."""
    cluster.world.apply(QUOTA, NAMESPACE)
    watched = Watched(cluster, patience=Patience(events_seconds=0.1, quiet_seconds=0.1))
    async with watched.watch():
        cluster.world.apply(job())
        await watched.until(lambda: (state := watched.state()) and "exceeded quota" in state.waiting)
        began, read, told = time.monotonic(), calls(cluster, "list", "events"), len(watched.told)
        await watched.until(lambda: len(watched.told) > told + 5)

    seconds = time.monotonic() - began
    assert calls(cluster, "list", "events") - read <= seconds / QUICK.events + 1


async def test_two_observers_see_the_same(cluster: KubernetesServer) -> None:
    """A standby that observes too disturbs nobody."""
    first, second = Watched(cluster), Watched(cluster)
    async with first.watch(), second.watch():
        for task in (7, 8):
            cluster.world.apply(job(task))
        ends = [await watched.ended(name) for name in (NAME, "agent-8-a1") for watched in (first, second)]

    assert ends[0::2] == ends[1::2]


async def test_a_leader_that_comes_back_begins_anew(cluster: KubernetesServer) -> None:
    """An observation that was ended can be begun again, and tells everything again."""
    cluster.images["run"] = WORKING
    cluster.world.apply(job())
    watched = Watched(cluster)
    for _ in range(2):
        watched.told.clear()
        async with watched.watch():
            await watched.until(lambda: watched.at(Step.AGENT, StepPhase.RUNNING))
            await watched.until(lambda: watched.listed() is not None)

    assert watched.listed() == {NAME}
