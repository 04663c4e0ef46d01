"""Deaths at the points that only runs on a cluster pass: each write to its API, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulators.kubernetes.server import KubernetesServer
from tests.product.cluster import NAMESPACE, jobs, pods, run_on_cluster
from tests.product.conftest import short_folder
from tests.product.stack import Stack
from tests.product.test_crash_points import HASTY, die_at

POINTS = (
    "worker cluster.create-job",
    "worker cluster.create-secret",
    "worker cluster.start-job",
    "reconciler executor.remove",
    "reconciler cluster.remove-job",
    "reconciler log.append",
    "reconciler store.finishing",
)


@pytest.fixture(scope="module")
def fragile() -> Iterator[tuple[Stack, KubernetesServer]]:
    """Give a stack on a cluster, whose processes die where a plan says."""
    with short_folder() as folder:
        (folder / "crash").mkdir()
        with run_on_cluster(folder, crash=str(folder / "crash"), **HASTY) as running:
            yield running


@pytest.mark.parametrize("point", POINTS)
def test_deaths_lose_and_repeat_nothing(fragile: tuple[Stack, KubernetesServer], point: str) -> None:
    """One Job for each attempt, one merge request, one reply; at the end nothing is left on the cluster."""
    stack, cluster = fragile

    def cleared() -> None:
        stack.wait(lambda: not jobs(cluster) and not pods(cluster), "the Jobs to go")
        stack.wait(lambda: not cluster.world.list("secrets", NAMESPACE), "the Secrets to go")

    die_at(stack, point, cleared)
