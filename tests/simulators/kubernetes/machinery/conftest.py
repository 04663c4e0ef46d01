"""A running cluster for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.simulators.kubernetes.machinery.cluster import Cluster


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """Run a cluster with one roomy node; whatever broke in it fails the test at its end."""
    running = Cluster(tmp_path)
    await running.start()
    yield running
    await running.machinery.end()
