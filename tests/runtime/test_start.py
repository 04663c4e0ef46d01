"""What a step loads before it begins: a run waits for each of its three Pythons."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runtime.contract import Step

PROJECT = Path(__file__).parents[2]
SLOW = {"asyncio", "email", "http", "logging", "pydantic", "ssl", "traceback", "urllib.request", "xml"}
"""Each costs as much as the rest, or is nobody's business here."""


@pytest.mark.parametrize("step", Step)
def test_a_step_loads_little(step: Step) -> None:
    """Nothing that it needs only now and then."""
    script = f"import sys, runtime.__main__, runtime.{step}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())

    assert f"runtime.{step}" in loaded
    assert loaded & SLOW == set()
