"""What the bot's process has loaded: it serves HTTP and must stay small, and has no business with a cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


def loaded_by(statement: str) -> set[str]:
    """Run *statement* in a Python of its own; give the packages that it loaded."""
    script = f"{statement}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("statement", ["import bot.app", "import ablehand, bot.app"], ids=["application", "command"])
def test_the_bot_loads_no_client_of_a_cluster(statement: str) -> None:
    """Nor the worker's code."""
    found = loaded_by(statement)

    assert "bot" in found
    assert not found & {"kubernetes", "worker"}


def test_a_worker_without_a_cluster_loads_no_client_of_one() -> None:
    """The process executor's machine pays nothing for the other."""
    assert "kubernetes" not in loaded_by("import worker.steps.launch, worker.rq_worker, worker.reconciler.loop")
