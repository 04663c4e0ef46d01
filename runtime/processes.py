"""Runs a program that may hang, fork, flood or refuse to die, and always comes back.

The child leads a session of its own. It is ended, with its whole group, when `runtime.watchdog` says so: TERM, and KILL
for whatever ignores it. What left the group (a daemon) is found as our descendant at the end.
"""

from __future__ import annotations

import ctypes
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
from pathlib import Path
from typing import IO, Final, Protocol, cast

from runtime.watchdog import Cause, Limits, Seen, passed_limit

TERM_SECONDS: Final = 5.0
"""What a program has between TERM and KILL."""
LINE_LIMIT_BYTES: Final = 16 * 1024 * 1024
"""A longer line is cut; agents print whole tool results on one, and a cut one can't be read any more."""
_TICK_SECONDS: Final = 0.1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_CHILD_SUBREAPER: Final = 36


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

    @property
    def exhausted(self) -> bool:
        """Whether the program is to be ended at once, by what it has said."""

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
        cause = _follow(child, output, limits)
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
        now = time.monotonic()
        self.seen = Seen(began_at=now, last_at=now)
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
            self._note(key.data, len(piece))
            self._cut(key.data, piece)
        return came

    def watch(self) -> Seen:
        """Give what was seen until now, the reader's opinion of it included."""
        if not self._reader.finished:
            self.seen.finished_at = None
        elif self.seen.finished_at is None:
            self.seen.finished_at = time.monotonic()
        self.seen.exhausted = self._reader.exhausted
        return self.seen

    def close(self) -> None:
        """Pass on what had no newline, and let go of the pipes."""
        for name, rest in self._rests.items():
            if rest:
                self._pass_on(name, bytes(rest))
        for pipe in self._pipes.values():
            pipe.close()
        self._selector.close()

    def _note(self, name: str, size: int) -> None:
        self.seen.total_bytes += size
        self.seen.last_at = time.monotonic()
        self.seen.has_spoken = self.seen.has_spoken or name == "stdout"

    def _cut(self, name: str, piece: bytes) -> None:
        rest = self._rests[name]
        *lines, last = piece.split(b"\n")
        for line in lines:
            self._pass_on(name, (bytes(rest) + line)[:LINE_LIMIT_BYTES])
            rest.clear()
        rest += last[: max(0, LINE_LIMIT_BYTES - len(rest))]

    def _pass_on(self, name: str, line: bytes) -> None:
        self._reader.read(line.decode(errors="replace"), from_stderr=name == "stderr")


def _follow(child: subprocess.Popen[bytes], output: _Output, limits: Limits) -> Cause:
    while child.poll() is None:
        if output.at_end:
            with suppress(subprocess.TimeoutExpired):
                child.wait(_TICK_SECONDS)
        else:
            output.take(_TICK_SECONDS)
        _reap_orphans(child.pid)
        if cause := passed_limit(limits, output.watch(), time.monotonic()):
            return cause
    # Background processes may hold the pipes open for ever: read what is there, then go.
    while not output.at_end and output.take(_TICK_SECONDS):
        if cause := passed_limit(limits, output.watch(), time.monotonic()):
            return cause
    return Cause.EXITED


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
