"""Where Pods go, and the words for those that can go nowhere."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from simulators.kubernetes.images import Script, Scripted
from simulators.kubernetes.nodes import Node
from tests.simulators.kubernetes.machinery.cluster import Cluster, Object, condition

pytestmark = pytest.mark.anyio

SMALL = Node(name="small", capacity={"cpu": "2", "memory": "1Gi"}, labels={"size": "small"})
TAINTED = Node(name="tainted", taints=({"key": "for", "value": "agents", "effect": "NoSchedule"},))
NO_VICTIMS = "No preemption victims found for incoming pod"
NOT_HELPFUL = "Preemption is not helpful for scheduling"

Starting = Callable[..., Any]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Starting]:
    """Give what starts a cluster of these nodes, whose Pods run for ever."""
    running: list[Cluster] = []

    async def start_cluster(*nodes: Node) -> Cluster:
        """Start one, to be ended with the test."""
        cluster = Cluster(tmp_path, nodes=nodes)
        cluster.images["process"] = Scripted(script=Script(seconds=float("inf")))
        running.append(cluster)
        await cluster.start()
        return cluster

    yield start_cluster
    for cluster in running:
        await cluster.machinery.end()


def pod(name: str, requests: dict[str, str] | None = None, **spec: object) -> Object:
    """Return a Pod that asks for so much."""
    container = {"name": "main", "image": "process", "resources": {"requests": requests or {}}}
    return {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}


def node_of(cluster: Cluster, name: str) -> str:
    """Return the node that the Pod has; empty where it has none."""
    node: str = cluster.objects.get("pods", "agents", name)["spec"].get("nodeName", "")
    return node


@pytest.mark.parametrize(
    ("nodes", "wanted", "reasons", "preemption"),
    [
        ((SMALL,), pod("p", {"memory": "2Gi"}), "1 Insufficient memory", f"1 {NO_VICTIMS}"),
        (
            (SMALL,),
            pod("p", {"memory": "2Gi", "cpu": "3"}),
            "1 Insufficient cpu, 1 Insufficient memory",
            f"1 {NO_VICTIMS}",
        ),
        (
            (SMALL,),
            pod("p", nodeSelector={"size": "large"}),
            "1 node(s) didn't match Pod's node affinity/selector",
            f"1 {NOT_HELPFUL}",
        ),
        (
            (SMALL, TAINTED),
            pod("p", {"cpu": "3"}),
            "1 Insufficient cpu, 1 node(s) had untolerated taint {for: agents}",
            f"1 {NO_VICTIMS}, 1 {NOT_HELPFUL}",
        ),
    ],
    ids=["memory", "cpu and memory", "selector", "taint"],
)
async def test_a_pod_that_fits_nowhere_says_why(
    start: Starting, nodes: tuple[Node, ...], wanted: Object, reasons: str, preemption: str
) -> None:
    """The condition is Unschedulable with the scheduler's words, and an event says the same."""
    cluster = await start(*nodes)
    cluster.create("pods", wanted)
    await cluster.until(lambda: cluster.events("FailedScheduling"))

    available = f"0/{len(nodes)} nodes are available"
    message = f"{available}: {reasons}. preemption: {available}: {preemption}."
    assert condition(cluster.pod(), "PodScheduled") == ("Unschedulable", message)
    assert cluster.events("FailedScheduling") == [("Warning", message)]


async def test_a_cluster_without_nodes_says_so(start: Starting) -> None:
    """Nothing is counted where there is nothing."""
    cluster = await start()
    cluster.create("pods", pod("p"))
    await cluster.until(lambda: cluster.events("FailedScheduling"))

    assert cluster.events("FailedScheduling") == [("Warning", "no nodes available to schedule pods")]


async def test_a_toleration_and_a_selector_lead_to_their_node(start: Starting) -> None:
    """The tainted node takes whoever tolerates it, and a selector chooses by label."""
    cluster = await start(SMALL, TAINTED)
    toleration = {"key": "for", "operator": "Equal", "value": "agents", "effect": "NoSchedule"}
    cluster.create("pods", pod("agent", {"cpu": "3"}, tolerations=[toleration]))
    cluster.create("pods", pod("little", nodeSelector={"size": "small"}))

    await cluster.until(lambda: node_of(cluster, "agent") and node_of(cluster, "little"))

    assert (node_of(cluster, "agent"), node_of(cluster, "little")) == ("tainted", "small")


async def test_a_pod_waits_until_another_has_made_room(start: Starting) -> None:
    """What runs counts against its node; when it goes, the next one comes."""
    cluster = await start(SMALL)
    cluster.create("pods", pod("first", {"cpu": "1500m"}))
    await cluster.until(lambda: node_of(cluster, "first"))
    cluster.create("pods", pod("second", {"cpu": "1"}))
    await cluster.until(lambda: cluster.events("FailedScheduling"))

    cluster.delete("pods", "first")

    await cluster.until(lambda: node_of(cluster, "second") == "small")


async def test_the_most_that_one_container_asks_for_counts(start: Starting) -> None:
    """An init container's request counts while it runs, not on top of the others'."""
    cluster = await start(SMALL)
    wanted = pod("fits", {"cpu": "1"})
    wanted["spec"]["initContainers"] = [
        {"name": name, "image": "process", "resources": {"requests": {"cpu": "2"}}} for name in ("one", "two")
    ]
    cluster.create("pods", wanted)

    await cluster.until(lambda: node_of(cluster, "fits") == "small")


async def test_a_new_node_takes_what_waits(start: Starting) -> None:
    """A Pod that fitted nowhere goes to the node that joins."""
    cluster = await start()
    cluster.create("pods", pod("early"))
    await cluster.until(lambda: cluster.events("FailedScheduling"))

    cluster.machinery.nodes.add(SMALL)

    await cluster.until(lambda: node_of(cluster, "early") == "small")
