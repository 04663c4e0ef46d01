"""The points at which tests kill a process: each strikes once, before or after, and can be listed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

PASSES = """
import sys
from core import crash
crash.arm(sys.argv[1], sys.argv[2])
for name in ("one", "two"):
    with crash.point(name):
        print(name, flush=True)
"""


def passed(crash: str = "", trace: str = "") -> tuple[int, list[str]]:
    """Pass two points in a process of its own; give its status and what it did."""
    ran = subprocess.run([sys.executable, "-c", PASSES, crash, trace], capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    return ran.returncode, ran.stdout.split()


@pytest.mark.parametrize(("moment", "done"), [("before", ["one"]), ("after", ["one", "two"])], ids=["before", "after"])
def test_a_point_strikes_once(tmp_path: Path, moment: str, done: list[str]) -> None:
    """The first process dies there without a word, the second one passes."""
    plan = f"two:{moment}:{tmp_path / 'mark:of'}"

    assert passed(plan) == (-signal.SIGKILL, done)
    assert passed(plan) == (0, ["one", "two"])


def test_passed_points_are_listed(tmp_path: Path) -> None:
    """Once each, also of a process that dies there."""
    trace = tmp_path / "trace"

    passed(f"two:before:{tmp_path / 'mark'}", str(trace))

    assert trace.read_text() == "one\ntwo\n"


def test_unarmed_points_do_nothing() -> None:
    """As in every process that people run."""
    assert passed() == (0, ["one", "two"])
