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
crash.arm(sys.argv[1], "room")
for name in ("one", "two"):
    with crash.point(name):
        print(name, flush=True)
"""


def passed(folder: str) -> tuple[int, list[str]]:
    """Pass two points in a process of its own; give its status and what it did."""
    ran = subprocess.run([sys.executable, "-c", PASSES, folder], capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    return ran.returncode, ran.stdout.split()


@pytest.mark.parametrize(("moment", "done"), [("before", ["one"]), ("after", ["one", "two"])], ids=["before", "after"])
def test_a_point_strikes_once(tmp_path: Path, moment: str, done: list[str]) -> None:
    """The first process dies there without a word, the second one passes."""
    (tmp_path / f"room two {moment}").touch()

    assert passed(str(tmp_path)) == (-signal.SIGKILL, done)
    assert passed(str(tmp_path)) == (0, ["one", "two"])


def test_another_rooms_plan_strikes_nobody_here(tmp_path: Path) -> None:
    """And stays for the room that it is for."""
    (tmp_path / "kitchen two before").touch()

    assert passed(str(tmp_path)) == (0, ["one", "two"])
    assert (tmp_path / "kitchen two before").exists()


def test_passed_points_are_listed(tmp_path: Path) -> None:
    """Once each, also of a process that dies there."""
    (tmp_path / "room two before").touch()

    passed(str(tmp_path))

    assert (tmp_path / "trace").read_text() == "room one before\nroom one after\nroom two before\n"


def test_unarmed_points_do_nothing() -> None:
    """As in every process that people run."""
    assert passed("") == (0, ["one", "two"])
