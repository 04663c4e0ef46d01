"""Runs the project's agent-setup.sh before the agent: the default branch's copy, in the work tree, without any key."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runtime.console import Console, clean_line
from runtime.contract import Event, Failure, Mark
from runtime.environment import setup_environment
from runtime.processes import Cause, Ended, Limits, Program, run_program
from runtime.sandbox import Sandbox, StepFailed

SCRIPT_NAME: Final = "agent-setup.sh"
SHOWN_LINES: Final = 20
SHOWN_LETTERS: Final = 1_500


def run_setup(sandbox: Sandbox) -> None:
    """Run the script where there is one.

    Raises:
        StepFailed: setup-missing, where the order wants one; setup, with the script's last lines.
    """
    script = sandbox.instructions / SCRIPT_NAME
    if not script.is_file():
        if sandbox.order.setup_required:
            raise StepFailed(Failure.SETUP_MISSING, f"there is no {SCRIPT_NAME} on {sandbox.order.default_branch}")
        sandbox.console.emit(Event(kind="skipped", mark=Mark.SETUP))
        return
    began = time.monotonic()
    sandbox.console.emit(Event(kind="began", mark=Mark.SETUP, text=f"`{SCRIPT_NAME}`"))
    sandbox.console.write(f"$ bash {SCRIPT_NAME}")
    _run_script(sandbox, script)
    seconds = time.monotonic() - began
    sandbox.console.emit(Event(kind="ended", mark=Mark.SETUP, text=f"`{SCRIPT_NAME}`", seconds=seconds))


def _run_script(sandbox: Sandbox, script: Path) -> None:
    order = sandbox.order
    program = Program(
        arguments=["bash", _as_called(sandbox, script)],
        directory=sandbox.repo,
        environ=setup_environment(sandbox),
    )
    limits = Limits(wall_seconds=order.setup_timeout_seconds, output_bytes=order.output_limit_bytes)
    transcript = _Transcript(sandbox.console)
    try:
        ended = run_program(program, limits, transcript)
    except OSError as error:
        raise StepFailed(Failure.SETUP, f"bash can't be started: {error.strerror}") from error
    if ended.code or ended.cause is not Cause.EXITED:
        raise StepFailed(Failure.SETUP, f"{_ending(ended, limits)}\n{transcript.tail}".strip())


def _as_called(sandbox: Sandbox, script: Path) -> str:
    """Name the work tree's copy where it is the same: scripts like to ``cd "$(dirname "$0")"``."""
    own = sandbox.repo / SCRIPT_NAME
    same = own.is_file() and not own.is_symlink() and own.read_bytes() == script.read_bytes()
    return SCRIPT_NAME if same else str(script)


def _ending(ended: Ended, limits: Limits) -> str:
    match ended.cause:
        case Cause.TIMEOUT:
            return f"{SCRIPT_NAME} did not end within {limits.wall_seconds:.0f} s"
        case Cause.OUTPUT:
            return f"{SCRIPT_NAME} printed more than {limits.output_bytes} bytes"
        case _:
            return f"{SCRIPT_NAME} ended with code {ended.code}"


@dataclass(slots=True)
class _Transcript:
    """Prints the script's output and keeps its last lines."""

    console: Console
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=SHOWN_LINES))
    finished: bool = False

    @property
    def tail(self) -> str:
        return "\n".join(self.lines)[-SHOWN_LETTERS:]

    def read(self, line: str, *, from_stderr: bool) -> None:  # noqa: ARG002 - people read both as one
        self.console.write(line)
        if line.strip():
            self.lines.append(clean_line(line))
