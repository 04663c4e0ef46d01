"""Runs the project's agent-setup.sh before the agent: the default branch's copy, in the work tree, without any key."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runtime.console import Console, clean_line
from runtime.contract import CACHED, Event, Failure, Mark
from runtime.environment import setup_environment
from runtime.processes import Ended, Program, run_program
from runtime.sandbox import Sandbox, StepFailed
from runtime.watchdog import Cause, Limits

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
    text = CACHED if _run_or_restore(sandbox, script) else f"`{SCRIPT_NAME}`"
    seconds = time.monotonic() - began
    sandbox.console.emit(Event(kind="ended", mark=Mark.SETUP, text=text, seconds=seconds))


def _run_or_restore(sandbox: Sandbox, script: Path) -> bool:
    """Bring about what the script makes; whether it was restored."""
    # Only who names what it depends on pays for the import.
    if not sandbox.order.setup_cache_key:
        _run_script(sandbox, script)
        return False
    from runtime.setup_cache import find_cache

    cache = find_cache(sandbox, script)
    if cache is not None and cache.restore():
        sandbox.console.write(f"{SCRIPT_NAME} did not run: what it made in an earlier task was restored")
        return True
    _run_script(sandbox, script)
    if cache is not None:
        cache.save()
    return False


def _run_script(sandbox: Sandbox, script: Path) -> None:
    order = sandbox.order
    sandbox.console.write(f"$ bash {SCRIPT_NAME}")
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
    exhausted: bool = False

    @property
    def tail(self) -> str:
        return "\n".join(self.lines)[-SHOWN_LETTERS:]

    def read(self, line: str, *, from_stderr: bool) -> None:  # noqa: ARG002 - people read both as one
        self.console.write(line)
        if line.strip():
            self.lines.append(clean_line(line))
