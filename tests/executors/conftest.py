"""Runs that a test leaves are ended with it, whatever became of the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.executors.runs import executor_in, require_bubblewrap
from worker.executors.process import ProcessExecutor


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[ProcessExecutor]:
    """Give an executor without a sandbox; cancels what it ran."""
    yield from _ending(executor_in(tmp_path / "runs"))


@pytest.fixture
def sandboxed(tmp_path: Path) -> Iterator[ProcessExecutor]:
    """Give an executor whose steps run under bubblewrap."""
    require_bubblewrap()
    yield from _ending(executor_in(tmp_path / "runs", sandbox=True))


def _ending(executor: ProcessExecutor) -> Iterator[ProcessExecutor]:
    yield executor
    if executor.directory.is_dir():
        for directory in executor.directory.iterdir():
            executor.cancel(directory.name)
