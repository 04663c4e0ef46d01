"""Logs of steps on a cluster: every line once and in order, whatever happens to the streams that bring them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from runtime.contract import Step
from simulators.kubernetes.disruptions import rotate_log
from simulators.kubernetes.images import Script
from simulators.kubernetes.logs import AtRotation
from simulators.kubernetes.server import KubernetesServer
from tests.executors.kubernetes.watched import FOREVER, NAME, NAMESPACE, OK, QUICK, Watched, calls, job, scripted, texts
from worker.executors.protocol import StepPhase

pytestmark = pytest.mark.anyio

SECONDS, RATE = 0.8, 40
SECONDS_TO_END = 60
KILLED = 137
COUNT = int(SECONDS * RATE)
BUSY = Script(first=["begin"], seconds=SECONDS, lines_per_second=RATE, message=OK)
LINES = ["begin", *(f"line {number}" for number in range(COUNT))]
ENDLESS = Script(first=["at it"], seconds=FOREVER, lines_per_second=RATE)
Breaking = Callable[[KubernetesServer], object]


async def test_every_step_is_read_with_two_calls(cluster: KubernetesServer) -> None:
    """A log that nothing disturbs costs one follow and one last read, and comes as it was printed."""
    cluster.images["run"] = scripted(prepare=BUSY, agent=BUSY, publish=BUSY)
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job())
        await watched.until(lambda: watched.state() is not None)
        logs = [texts(await watched.read(step)) for step in Step]

    assert logs == [LINES, LINES, LINES]
    assert calls(cluster, "get", "pods/log") <= 6


async def test_a_log_that_is_over_is_read_with_one_call(cluster: KubernetesServer) -> None:
    """Whoever comes late reads what is there and goes."""
    cluster.images["run"] = scripted(agent=Script(first=["one", "two"], message=OK))
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job())
        await watched.ended()
        lines = await watched.read(Step.AGENT)

    assert texts(lines) == ["one", "two"]
    assert lines[0].position < lines[1].position
    assert calls(cluster, "get", "pods/log") == 1


async def test_a_reader_waits_for_its_step_without_a_call(cluster: KubernetesServer) -> None:
    """A step that has not begun is waited for in the cache, not at the API."""
    cluster.images["run"] = scripted(
        prepare=Script(seconds=1.0, message=OK), publish=Script(first=["pushed"], message=OK)
    )
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job())
        await watched.until(lambda: watched.began(Step.PREPARE))
        lines = await watched.read(Step.PUBLISH)

    assert texts(lines) == ["pushed"]
    assert calls(cluster, "get", "pods/log") <= 2


async def test_a_step_that_never_begins_has_no_log(cluster: KubernetesServer) -> None:
    """Where the agent has failed, nobody waits for publish; an unknown run has no log either."""
    cluster.images["run"] = scripted(agent=Script(exit_code=1))
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job())
        await watched.until(lambda: watched.state() is not None)

        assert await watched.read(Step.PUBLISH) == []
        assert await watched.read(Step.AGENT, name="agent-99-a1") == []


async def test_reading_goes_on_behind_any_line(cluster: KubernetesServer) -> None:
    """Whoever takes over gets exactly the lines behind the last one that was shipped."""
    cluster.images["run"] = scripted(agent=Script(first=[f"at once {number}" for number in range(50)], message=OK))
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job())
        await watched.ended()
        lines = await watched.read(Step.AGENT)
        for index in (0, 1, 24, 48, 49):
            assert await watched.read(Step.AGENT, lines[index].position) == lines[index + 1 :]


async def test_hostile_lines_come_through_bounded(cluster: KubernetesServer) -> None:
    """A line as long as a book is cut, and others stay what they are."""
    cluster.images["run"] = scripted(agent=Script(first=["x" * 200_000, "", "é \x1b[0m\t", "last"], message=OK))
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job())
        await watched.ended()
        lines = texts(await watched.read(Step.AGENT))

    assert len(lines[0]) < 70_000
    assert lines[1:] == ["", "é \x1b[0m\t", "last"]


def rotate(at_rotation: AtRotation) -> Breaking:
    """Make the rotation of every running agent's log."""

    def rotation(cluster: KubernetesServer) -> None:
        kubelet = cluster.world.machinery.kubelet
        for pod in cluster.world.list("pods", NAMESPACE):
            cluster.world.call(partial(rotate_log, kubelet, pod, "agent", at_rotation=at_rotation))

    return rotation


FAULTS: dict[str, tuple[Breaking, ...]] = {
    "cut": (lambda cluster: cluster.faults.cut_open_streams("pods/log"),),
    "cut-and-refused": (
        lambda cluster: cluster.faults.refuse("get", "pods/log", times=3),
        lambda cluster: cluster.faults.cut_open_streams("pods/log"),
    ),
    "500": (
        lambda cluster: cluster.faults.answer("get", "pods/log", 500, times=3),
        lambda cluster: cluster.faults.cut_open_streams("pods/log"),
    ),
    "429": (
        lambda cluster: cluster.faults.answer("get", "pods/log", 429, times=1, retry_after=1),
        lambda cluster: cluster.faults.cut_open_streams("pods/log"),
    ),
    "400-waiting-to-start": (
        lambda cluster: cluster.faults.answer("get", "pods/log", 400, times=3),
        lambda cluster: cluster.faults.cut_open_streams("pods/log"),
    ),
    "answer-lost": (
        lambda cluster: cluster.faults.lose_answer("get", "pods/log", times=2),
        lambda cluster: cluster.faults.cut_open_streams("pods/log"),
    ),
}


@pytest.mark.parametrize("break_it", FAULTS.values(), ids=FAULTS.keys())
async def test_no_line_is_lost_or_repeated(cluster: KubernetesServer, break_it: tuple[Breaking, ...]) -> None:
    """Streams that are cut, again and again, cost nothing but time, for each of the three steps."""
    cluster.images["run"] = scripted(prepare=BUSY, agent=BUSY, publish=BUSY)
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job())
        await watched.until(lambda: watched.state() is not None)
        storm = asyncio.create_task(_storm(cluster, break_it))
        logs = [texts(await watched.read(step)) for step in Step]
        await storm

    assert logs == [LINES, LINES, LINES]


@pytest.mark.parametrize("at_rotation", [AtRotation.ENDS, AtRotation.HANGS])
async def test_a_rotated_log_goes_on(cluster: KubernetesServer, at_rotation: AtRotation) -> None:
    """A follow that ends or falls silent at a rotation is made anew, and no line comes twice."""
    cluster.images["run"] = scripted(agent=Script(seconds=4.0, lines_per_second=RATE, message=OK))
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job())
        await watched.until(lambda: watched.began(Step.AGENT))
        reading = asyncio.create_task(watched.read(Step.AGENT))
        await asyncio.sleep(0.5)
        rotate(at_rotation)(cluster)
        lines = texts(await reading)

    assert lines == [f"line {number}" for number in range(4 * RATE)]


async def test_an_unreachable_api_loses_no_line(cluster: KubernetesServer) -> None:
    """The log of an agent that worked on meanwhile is read to its end once the API is back."""
    cluster.images["run"] = scripted(agent=BUSY)
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job())
        await watched.until(lambda: watched.began(Step.AGENT))
        reading = asyncio.create_task(watched.read(Step.AGENT))
        await asyncio.sleep(0.3)
        cluster.set_reachable(reachable=False)
        await asyncio.sleep(SECONDS)
        cluster.set_reachable(reachable=True)

        assert texts(await reading) == LINES


async def test_a_log_that_cannot_be_read_is_given_up(cluster: KubernetesServer) -> None:
    """A node that is gone does not keep a reader for ever; the run's state is not touched by it."""
    cluster.images["run"] = scripted(agent=Script(first=["one"], message=OK))
    watched = Watched(cluster, pace=replace(QUICK, log=replace(QUICK.log, patience=1.0)))
    async with watched.watch():
        cluster.world.apply(job())
        state = await watched.ended()
        cluster.faults.answer("get", "pods/log", 500, times=10_000)

        assert await watched.read(Step.AGENT) == []

    assert state.problem == ""


async def test_a_container_that_the_node_forgot_has_no_log(cluster: KubernetesServer) -> None:
    """After an eviction its id may be missing, and without it the API refuses for ever: nobody asks for its log."""
    cluster.images["run"] = scripted(agent=Script(first=["one"], exit_code=1))
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job())
        await watched.ended()
        (pod,) = cluster.world.list("pods", NAMESPACE)
        await asyncio.to_thread(cluster.world.forget_container, NAMESPACE, pod["metadata"]["name"], "agent")
        await watched.until(lambda: (state := watched.state()) and state.steps[1].exit_code == KILLED)

        assert await watched.read(Step.AGENT) == []

    assert calls(cluster, "get", "pods/log") == 0


async def test_a_reader_ends_with_its_pod(cluster: KubernetesServer) -> None:
    """Where the Pod is deleted in the middle, what came is told and the reader ends."""
    cluster.images["run"] = scripted(agent=ENDLESS)
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job(terminationGracePeriodSeconds=1))
        await watched.until(lambda: watched.at(Step.AGENT, StepPhase.RUNNING))
        lines = watched.observer.read_log(NAME, Step.AGENT, 0)
        first = await anext(lines)
        (pod,) = cluster.world.list("pods", NAMESPACE)
        await asyncio.to_thread(cluster.world.delete, "pods", NAMESPACE, pod["metadata"]["name"])

        async with asyncio.timeout(SECONDS_TO_END):
            rest = [line.text async for line in lines]
    assert [first.text, *rest] == ["at it", *(f"line {number}" for number in range(len(rest)))]


async def test_two_readers_get_the_same(cluster: KubernetesServer) -> None:
    """An old leader that still reads takes no line from the new one, and both give them the same positions."""
    cluster.images["run"] = scripted(agent=BUSY)
    first, second = Watched(cluster), Watched(cluster)
    async with first.watch(), second.watch():
        cluster.world.apply(job())
        await first.until(lambda: first.state() is not None)
        await second.until(lambda: second.state() is not None)
        logs = await asyncio.gather(first.read(Step.AGENT), second.read(Step.AGENT))

    assert logs[0] == logs[1]
    assert texts(logs[0]) == LINES


async def test_a_reader_that_leaves_hangs_up(cluster: KubernetesServer) -> None:
    """Nobody's stream stays open when its reader is cancelled."""
    cluster.images["run"] = scripted(agent=ENDLESS)
    watched = Watched(cluster)
    async with watched.watch():
        cluster.world.apply(job())
        await watched.until(lambda: watched.at(Step.AGENT, StepPhase.RUNNING))
        began = asyncio.Event()

        async def read() -> None:
            """Read without an end."""
            async for _ in watched.observer.read_log(NAME, Step.AGENT, 0):
                began.set()

        reading = asyncio.create_task(read())
        await began.wait()
        assert cluster.open_streams("pods/log") == 1
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

        await watched.until(lambda: cluster.open_streams("pods/log") == 0)


async def _storm(cluster: KubernetesServer, break_it: tuple[Breaking, ...]) -> None:
    for _ in range(8):
        await asyncio.sleep(0.2)
        for fault in break_it:
            fault(cluster)
