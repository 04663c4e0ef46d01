"""A cluster's API that fails in every way a watch can meet: nothing is lost, and nothing spins."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from runtime.contract import Step
from simulators.kubernetes.faults import WatchFault
from simulators.kubernetes.images import Script
from simulators.kubernetes.server import KubernetesServer
from tests.executors.kubernetes.watched import FOREVER, NAME, NAMESPACE, OK, QUICK, Watched, calls, job, scripted
from worker.executors.protocol import StepPhase

pytestmark = pytest.mark.anyio

Breaking = Callable[[KubernetesServer], object]
WORKING = scripted(agent=Script(first=["at it"], seconds=FOREVER))

FAULTS: dict[str, tuple[Breaking, ...]] = {
    "410": (lambda cluster: cluster.faults.fail_open_watches("*", WatchFault.GONE),),
    "410-again-and-again": (
        lambda cluster: cluster.faults.fail_next_watch("pods", WatchFault.GONE, times=4),
        lambda cluster: cluster.faults.fail_open_watches("*", WatchFault.GONE),
    ),
    "410-at-the-list": (
        lambda cluster: cluster.faults.answer("list", "jobs", 410, times=2),
        lambda cluster: cluster.faults.fail_open_watches("*", WatchFault.GONE),
    ),
    "history-forgotten": (
        lambda cluster: cluster.world.forget_history(),
        lambda cluster: cluster.faults.fail_open_watches("*", WatchFault.CLOSED),
    ),
    "closed": (lambda cluster: cluster.faults.fail_open_watches("*", WatchFault.CLOSED),),
    "half-open": (lambda cluster: cluster.faults.fail_open_watches("*", WatchFault.SILENT),),
    "500": (
        lambda cluster: cluster.faults.answer("watch", "*", 500, times=6),
        lambda cluster: cluster.faults.answer("list", "*", 500, times=2),
        lambda cluster: cluster.faults.fail_open_watches("*", WatchFault.GONE),
    ),
    "429": (
        lambda cluster: cluster.faults.answer("watch", "pods", 429),
        lambda cluster: cluster.faults.fail_open_watches("pods", WatchFault.CLOSED),
    ),
    "no-rights-for-a-while": (
        lambda cluster: cluster.faults.answer("watch", "*", 403, times=4),
        lambda cluster: cluster.faults.fail_open_watches("*", WatchFault.CLOSED),
    ),
    "refused": (
        lambda cluster: cluster.faults.refuse("watch", "*", times=4),
        lambda cluster: cluster.faults.fail_open_watches("*", WatchFault.CLOSED),
    ),
    "answers-lost": (
        lambda cluster: cluster.faults.lose_answer("list", "*", times=3),
        lambda cluster: cluster.faults.fail_open_watches("*", WatchFault.GONE),
    ),
}


@pytest.mark.parametrize("break_it", FAULTS.values(), ids=FAULTS.keys())
async def test_no_run_is_missed_or_invented(cluster: KubernetesServer, break_it: tuple[Breaking, ...]) -> None:
    """What happens while the watch is broken is told once it is well again, and no listing is short meanwhile."""
    cluster.images |= {"works": WORKING}
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job(7, image="works"))
        await watched.until(lambda: watched.at(Step.AGENT, StepPhase.RUNNING) and watched.listed() == {NAME})
        told = len(watched.told)

        for fault in break_it:
            fault(cluster)
        cluster.world.apply(job(8))
        state = await watched.ended("agent-8-a1")
        await watched.until(lambda: watched.listed() == {NAME, "agent-8-a1"})

    assert [step.result for step in state.steps] == [OK, OK, OK]
    assert all(NAME in listed for listed in watched.told[told:] if isinstance(listed, frozenset))


async def test_a_deletion_during_a_gap_is_noticed(cluster: KubernetesServer) -> None:
    """A run that went while nobody could see it is missing in the next listing."""
    cluster.images["run"] = WORKING
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job())
        await watched.until(lambda: watched.listed() == {NAME})

        cluster.faults.fail_open_watches("*", WatchFault.SILENT)
        cluster.world.delete("jobs", NAMESPACE, NAME)
        cluster.world.forget_history()
        await watched.until(lambda: watched.listed() == frozenset())


async def test_an_unreachable_api_ends_nothing(cluster: KubernetesServer) -> None:
    """While nobody answers, nothing is told, least of all that a run is gone; then all goes on."""
    cluster.images["run"] = WORKING
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job())
        await watched.until(lambda: watched.at(Step.AGENT, StepPhase.RUNNING) and watched.listed() == {NAME})

        cluster.set_reachable(reachable=False)
        turn = watched.observer.last_turn
        await asyncio.sleep(QUICK.listing * 4)
        told = len(watched.told)
        await asyncio.sleep(QUICK.listing * 3)
        assert len(watched.told) == told
        assert watched.observer.last_turn > turn

        cluster.set_reachable(reachable=True)
        cluster.world.apply(job(8))
        await watched.until(lambda: watched.listed() == {NAME, "agent-8-a1"})


@pytest.mark.parametrize("fault", [WatchFault.CLOSED, WatchFault.GONE])
async def test_a_storm_of_ends_does_not_spin(cluster: KubernetesServer, fault: WatchFault) -> None:
    """A server that ends each watch at once gets a bounded number of new ones."""
    cluster.faults.fail_next_watch("pods", fault, times=10_000)
    pace = replace(QUICK, watch=replace(QUICK.watch, first_pause=0.05, longest_pause=0.2))
    watched = Watched(cluster, pace=pace)
    async with watched.watch():
        await watched.until(lambda: watched.listed() is not None)
        began, before = time.monotonic(), calls(cluster, "watch", "pods")
        await asyncio.sleep(1.0)
        seconds, made = time.monotonic() - began, calls(cluster, "watch", "pods") - before

    assert 1 <= made <= seconds / 0.025 + 1


async def test_a_quiet_cluster_costs_a_watch_now_and_then(cluster: KubernetesServer) -> None:
    """Where nothing happens, no list is made anew and no object is asked for."""
    watched = Watched(cluster)
    async with watched.watch():
        await watched.until(lambda: watched.listed() is not None)
        began = len(cluster.calls)
        await watched.until(lambda: calls(cluster, "watch", "jobs", since=began) >= 2)

    assert {call.verb for call in cluster.calls[began:]} == {"watch"}


async def test_a_list_is_made_anew_from_time_to_time(cluster: KubernetesServer) -> None:
    """What a watch never told is made up for."""
    watched = Watched(cluster, pace=replace(QUICK, watch=replace(QUICK.watch, relist=0.5)))
    async with watched.watch():
        await watched.until(lambda: watched.listed() is not None)
        await watched.until(lambda: calls(cluster, "list", "jobs") >= 3 and calls(cluster, "list", "pods") >= 3)


async def test_a_long_list_comes_in_pages(cluster: KubernetesServer) -> None:
    """More runs than a page holds are all told, also where a page's token has expired in between."""
    cluster.images["run"] = WORKING
    for task in range(1, 8):
        cluster.world.apply(job(task))
    cluster.faults.answer("list", "pods", 410)
    watched = Watched(cluster, pace=replace(QUICK, watch=replace(QUICK.watch, page_size=3)))
    async with watched.watch():
        await watched.until(lambda: watched.listed() and len(watched.listed() or ()) == 7)
        assert calls(cluster, "list", "jobs") == 3
        assert calls(cluster, "list", "pods") == 4


async def test_no_lagging_cache_is_asked(cluster: KubernetesServer) -> None:
    """A server whose cache is behind does not make a run look gone."""
    cluster.images["run"] = WORKING
    cluster.faults.stale_lists |= {"jobs": 1, "pods": 1}
    watched = Watched(cluster, pace=replace(QUICK, watch=replace(QUICK.watch, relist=0.1)))
    async with watched.watch():
        cluster.world.apply(job())
        await watched.until(lambda: watched.listed() == {NAME})
        told = len(watched.told)
        await watched.until(lambda: len(watched.told) > told + 5 and calls(cluster, "list", "jobs") >= 2)

    assert {told for told in watched.told[told:] if isinstance(told, frozenset)} == {frozenset({NAME})}
