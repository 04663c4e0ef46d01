"""Runs a program that may hang, fork, flood or refuse to die, and always comes back.

The child leads a session of its own. It is ended, with its whole group, at a limit of time, silence or output, or when
it stays alive after it said that it was done. What left the group (a daemon) is found as our descendant at the end.
"""

from __future__ import annotations

import ctypes
import math
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Final, Protocol, cast

TERM_SECONDS: Final = 5.0
"""What a program has between TERM and KILL."""
LINE_LIMIT_BYTES: Final = 4_000_000
"""A longer line is cut; agents print tool results of a few hundred kilobytes on one."""
_TICK_SECONDS: Final = 0.1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_CHILD_SUBREAPER: Final = 36


class Cause(StrEnum):
    """Why a program is not running any more."""

    EXITED = "exited"
    TIMEOUT = "timeout"
    STALLED = "stalled"
    OUTPUT = "output"
    LINGERED = "lingered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When the program is ended from outside."""

    wall_seconds: float
    output_bytes: int
    idle_seconds: float = math.inf
    """Without a byte of output."""
    linger_seconds: float = 30.0
    """Without a byte of output, once the reader has said that it is finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to start."""

    arguments: Sequence[str]
    directory: Path
    environ: Mapping[str, str] = field(repr=False)
    stdin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it ended. *code* is negative where a signal ended it."""

    cause: Cause
    code: int


class Reader(Protocol):
    """Takes the program's output, line by line."""

    @property
    def finished(self) -> bool:
        """Whether the program has said all that is expected of it."""

    def read(self, line: str, *, from_stderr: bool) -> None:
        """Take one line, without its newline."""


def run_program(program: Program, limits: Limits, reader: Reader) -> Ended:
    """Run *program* to its end, whichever it is. Blocks.

    A background process that it left in its group and that did not outlive a limit goes on: agent-setup.sh may start
    a database for the agent. `end_descendants` is the end of those.

    Raises:
        OSError: It can't be started (missing, not executable).
    """
    with tempfile.TemporaryFile() as stdin:
        stdin.write(program.stdin.encode(errors="replace"))
        stdin.seek(0)
        child = subprocess.Popen(
            list(program.arguments),
            cwd=program.directory,
            env=dict(program.environ),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    output = _Output(child, reader)
    cause = Cause.TIMEOUT  # what an exception out of here amounts to: we're told to end
    try:
        cause = _follow(child, output, limits, reader)
    finally:
        if cause is not Cause.EXITED:
            _end_group(child)
        output.close()
    return Ended(cause=cause, code=child.wait())


def adopt_orphans() -> None:
    """Make every descendant that loses its parent a child of ours, and our environment unreadable for all of them."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def end_descendants() -> None:
    """Kill everything that was started below this process and is still alive, daemons included."""
    deadline = time.monotonic() + TERM_SECONDS
    while (living := _descendants(os.getpid())) and time.monotonic() < deadline:
        for pid in living:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(_TICK_SECONDS / 10)


class _Output:
    """Both pipes of a child, cut into lines."""

    def __init__(self, child: subprocess.Popen[bytes], reader: Reader) -> None:
        self._reader = reader
        self._selector = selectors.DefaultSelector()
        self._rests = {"stdout": bytearray(), "stderr": bytearray()}
        self._pipes = {"stdout": cast("IO[bytes]", child.stdout), "stderr": cast("IO[bytes]", child.stderr)}
        self.total = 0
        self.last_at = time.monotonic()
        for name, pipe in self._pipes.items():
            self._selector.register(pipe, selectors.EVENT_READ, name)

    @property
    def at_end(self) -> bool:
        """Whether nobody holds the other ends any more."""
        return not self._selector.get_map()

    def take(self, seconds: float) -> bool:
        """Wait so long for output and pass on what came; False where nothing came."""
        came = False
        for key, _events in self._selector.select(seconds):
            piece = os.read(key.fd, 65_536)
            if not piece:
                self._selector.unregister(key.fileobj)
                continue
            came = True
            self.total += len(piece)
            self.last_at = time.monotonic()
            self._cut(key.data, piece)
        return came

    def close(self) -> None:
        """Pass on what had no newline, and let go of the pipes."""
        for name, rest in self._rests.items():
            if rest:
                self._pass_on(name, bytes(rest))
        for pipe in self._pipes.values():
            pipe.close()
        self._selector.close()

    def _cut(self, name: str, piece: bytes) -> None:
        rest = self._rests[name]
        *lines, last = piece.split(b"\n")
        for line in lines:
            self._pass_on(name, (bytes(rest) + line)[:LINE_LIMIT_BYTES])
            rest.clear()
        rest += last[: max(0, LINE_LIMIT_BYTES - len(rest))]

    def _pass_on(self, name: str, line: bytes) -> None:
        self._reader.read(line.decode(errors="replace"), from_stderr=name == "stderr")


def _follow(child: subprocess.Popen[bytes], output: _Output, limits: Limits, reader: Reader) -> Cause:
    deadline = time.monotonic() + limits.wall_seconds
    while child.poll() is None:
        if output.at_end:
            with suppress(subprocess.TimeoutExpired):
                child.wait(_TICK_SECONDS)
        else:
            output.take(_TICK_SECONDS)
        _reap_orphans(child.pid)
        if cause := _passed_limit(output, limits, reader, deadline):
            return cause
    # Background processes may hold the pipes open for ever: read what is there, then go.
    while not output.at_end and output.take(_TICK_SECONDS):
        if cause := _passed_limit(output, limits, reader, deadline):
            return cause
    return Cause.EXITED


def _passed_limit(output: _Output, limits: Limits, reader: Reader, deadline: float) -> Cause | None:
    silence = time.monotonic() - output.last_at
    if output.total > limits.output_bytes:
        return Cause.OUTPUT
    if reader.finished and silence > limits.linger_seconds:
        return Cause.LINGERED
    if silence > limits.idle_seconds:
        return Cause.STALLED
    return Cause.TIMEOUT if time.monotonic() > deadline else None


def _reap_orphans(child_pid: int) -> None:
    """Bury adopted processes that have ended, so that a long run does not use up the process table."""
    with suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid != child_pid:
            os.waitpid(ended.si_pid, os.WNOHANG)


def _end_group(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(TERM_SECONDS)
    # Also where the leader went at TERM: its children may have ignored it.
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _descendants(ancestor: int) -> set[int]:
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            _state, parent = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
            parents[int(folder.name)] = int(parent)
    found = {pid for pid, parent in parents.items() if parent == ancestor}
    fresh = found
    while fresh:
        fresh = {pid for pid, parent in parents.items() if parent in fresh} - found
        found = found | fresh
    return found
