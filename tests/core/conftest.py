"""A simulated GitLab for the tests of our client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.town import Town, settled


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """Give a fresh simulated GitLab."""
    with settled(tmp_path / "gitlab") as town:
        yield town
