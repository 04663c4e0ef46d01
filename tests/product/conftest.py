"""One running product for all tests of a test process that do not break it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.product.stack import Stack, run_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Give the running product. Tests make projects of their own and leave its processes alone."""
    with short_folder() as folder, run_stack(folder) as running:
        yield running


@contextmanager
def short_folder() -> Iterator[Path]:
    """Give a folder for a stack of a test's own."""
    # Not pytest's own folder: its path is too long for a unix socket.
    folder = Path(tempfile.mkdtemp(prefix="ablehand-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
