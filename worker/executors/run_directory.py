"""The files of one run on this machine: the one place that knows their names and how they are read and written.

Used by the executor and by each run's supervisor, so it imports little: a supervisor must start quickly. A run is:

    run.json        what the supervisor shall do; no secret     <step>.json    when it started and ended, its exit code
    order.json      the steps' order                            <step>.log     its output, as it came
    launch.lock     held while somebody launches it             <step>.result  the step's result, hostile for the agent
    run.lock        held by the supervisor for all its life     work/          the workspace of prepare and agent
    started.json    a supervisor has begun: never again         publish-work/  the workspace of publish
    cancel          somebody wants it to end                    handover/      the bundle
    end.json        nothing is alive; says the problem          tmp/           /tmp of all three
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

RUN: Final = "run.json"
ORDER: Final = "order.json"
STARTED: Final = "started.json"
CANCEL: Final = "cancel"
END: Final = "end.json"
LAUNCH_LOCK: Final = "launch.lock"
RUN_LOCK: Final = "run.lock"
SUPERVISOR_LOG: Final = "supervisor.log"
NAME_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
NAME_LIMIT: Final = 200
_DIRECTORIES: Final = ("work", "publish-work", "handover", "tmp")


def is_run_name(name: str) -> bool:
    """Whether *name* may be a run's, and so a directory's."""
    return 0 < len(name) <= NAME_LIMIT and NAME_CHARACTERS.issuperset(name)


class RunDirectory:
    """One run's directory, which may not exist yet or any more."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.handover = path / "handover"
        self.temporary = path / "tmp"

    def create(self) -> None:
        """Make the directory and those in it, for this user alone; what exists stays."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in _DIRECTORIES:
            (self.path / name).mkdir(mode=0o700, exist_ok=True)

    def workspace(self, step: str) -> Path:
        """Give the step's workspace: publish has one of its own, in which nobody else has written."""
        return self.path / ("publish-work" if step == "publish" else "work")

    def log(self, step: str) -> Path:
        """Give the file of the step's output."""
        return self.path / f"{step}.log"

    def result(self, step: str) -> Path:
        """Give the file of the step's result."""
        return self.path / f"{step}.result"

    def has(self, name: str) -> bool:
        """Whether the file exists."""
        return (self.path / name).exists()

    def write(self, name: str, text: str) -> None:
        """Write a file so that a reader sees all of it or nothing, whenever we die."""
        draft = self.path / f".{name}.{os.getpid()}"
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text.encode(errors="replace"))
        draft.replace(self.path / name)

    def write_values(self, name: str, values: Mapping[str, object]) -> None:
        """Write a JSON object, like `write`."""
        self.write(name, json.dumps(values))

    def read_values(self, name: str) -> dict[str, Any]:
        """Read a JSON object; empty where there is none."""
        try:
            values = json.loads((self.path / name).read_bytes())
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return {}
        return values if isinstance(values, dict) else {}

    def start_file(self, path: Path) -> int:
        """Give a descriptor of a new, empty file, in place of whatever somebody has put there."""
        with suppress(FileNotFoundError):
            path.unlink()
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def read_start(self, path: Path, limit: int) -> bytes:
        """Read the first *limit* bytes of a file that an agent may have replaced by a link or a pipe: then nothing."""
        try:
            descriptor = open_hostile(path)
        except OSError:
            return b""
        with os.fdopen(descriptor, "rb") as file:
            return file.read(limit)

    def open_lock(self, name: str = RUN_LOCK) -> int:
        """Give a descriptor of the lock's file; closing it, or dying, gives the lock back."""
        return os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def locked_for_launch(self) -> Iterator[None]:
        """Keep other launchers of this run out; waits for them."""
        descriptor = self.open_lock(LAUNCH_LOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Try to take the supervisor's lock, so that none can start; gives whether that worked. Does not wait."""
        descriptor = self.open_lock()
        try:
            yield try_lock(descriptor)
        finally:
            os.close(descriptor)

    def is_supervised(self) -> bool:
        """Whether a supervisor lives (or somebody settles, for a moment, that there is none)."""
        try:
            descriptor = os.open(self.path / RUN_LOCK, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            return not try_lock(descriptor, shared=True)
        finally:
            os.close(descriptor)

    def is_over(self) -> bool:
        """Whether nothing will change any more: it ended, its supervisor vanished, or it is not there."""
        if self.is_supervised():
            return False
        return self.has(END) or self.has(STARTED) or not self.has(RUN)


def open_hostile(path: Path) -> int:
    """Open a regular file for reading and nothing else; never follows a link, never waits for a pipe's writer.

    Raises:
        OSError: It is not there, or something else is.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise FileNotFoundError(path)


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock the open file, or say False where somebody else has. Two that only look (*shared*) don't disturb another."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
