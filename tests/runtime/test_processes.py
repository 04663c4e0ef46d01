"""Running programs: every way to end, and every line on the way."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runtime.processes import Ended, Program, run_program
from runtime.watchdog import Cause, Limits


@dataclass
class Notes:
    """Keeps the lines; is finished once one says so."""

    lines: list[tuple[str, bool]] = field(default_factory=list)
    exhausted: bool = False

    @property
    def finished(self) -> bool:
        """Whether the last line was "done"."""
        return bool(self.lines) and self.lines[-1][0] == "done"

    def read(self, line: str, *, from_stderr: bool) -> None:
        """Keep one line."""
        self.lines.append((line, from_stderr))


def run(source: str, notes: Notes, **limits: float) -> Ended:
    """Run a small program under limits that it should not meet unless they are given."""
    bounds = {"wall_seconds": 20.0, "idle_seconds": 20.0, "linger_seconds": 20.0, "first_seconds": 20.0} | limits
    program = Program(arguments=[sys.executable, "-c", source], directory=Path(), environ=dict(os.environ), stdin="in")
    return run_program(program, Limits(output_bytes=50_000_000, **bounds), notes)


def test_passes_on_every_line() -> None:
    """Lines from both pipes, the last one without a newline too, and bytes that are no UTF-8."""
    notes = Notes()

    source = (
        r"import os, sys; os.write(1, b'a\n\n' + sys.stdin.read().encode() + b'\xff'); os.write(2, b'e\n'); sys.exit(3)"
    )
    ended = run(source, notes)

    assert ended == Ended(cause=Cause.EXITED, code=3)
    assert [line for line, from_stderr in notes.lines if not from_stderr] == ["a", "", "in\ufffd"]
    assert ("e", True) in notes.lines


def test_passes_on_a_line_of_megabytes() -> None:
    """Agents print whole tool results on one line; only beyond sixteen mebibytes is it cut."""
    notes = Notes()

    run("import sys; sys.stdout.write('x' * 10_000_000 + '\\n' + 'y' * 20_000_000 + '\\nend\\n')", notes)

    assert [len(line) for line, _ in notes.lines] == [10_000_000, 16 * 1024 * 1024, 3]


@pytest.mark.parametrize(
    ("source", "limits", "cause"),
    [
        pytest.param(
            "import time; print('done', flush=True); time.sleep(99)", {"linger_seconds": 0.3}, "lingered", id="done"
        ),
        pytest.param(
            "import sys, time; print('done', flush=True)\nwhile True: sys.stderr.write('.'); time.sleep(0.01)",
            {"linger_seconds": 0.05},
            "lingered",
            id="done-and-chatters",
        ),
        pytest.param(
            "import time; print('done', flush=True); time.sleep(99)",
            {"wall_seconds": 2},
            "lingered",
            id="done-too-late",
        ),
        pytest.param(
            "import sys, time\nwhile True: sys.stderr.write('.'); time.sleep(0.01)",
            {"first_seconds": 0.5},
            "unbegun",
            id="only-complains",
        ),
        pytest.param("import time; time.sleep(99)", {"idle_seconds": 0.3}, "stalled", id="silent"),
        pytest.param("import time; time.sleep(99)", {"wall_seconds": 0.3}, "timeout", id="slow"),
        pytest.param(
            "import os, time; os.close(1); os.close(2); time.sleep(99)", {"idle_seconds": 0.3}, "stalled", id="closed"
        ),
    ],
)
def test_ends_what_does_not_end(source: str, limits: dict[str, float], cause: str) -> None:
    """The cause says which limit it was."""
    ended = run(source, Notes(), **limits)

    assert ended == Ended(cause=Cause(cause), code=-15)


def test_is_not_held_up_by_a_background_process() -> None:
    """Who inherits the pipes and stays does not keep us waiting for their end."""
    source = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid)"
    notes = Notes()

    ended = run(source, notes, wall_seconds=10)

    assert ended == Ended(cause=Cause.EXITED, code=0)
    os.kill(int(notes.lines[0][0]), 9)
