"""A simulated cluster for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.kubernetes.server import KubernetesServer
from tests.executors.kubernetes.watched import NAMESPACE, scripted


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[KubernetesServer]:
    """Give a cluster with the agents' namespace and one image, ``run``, whose steps succeed at once."""
    with KubernetesServer(tmp_path, images={"run": scripted()}) as running:
        running.world.add_namespace(NAMESPACE)
        yield running
