"""Everything that a run has started, and its end: children, their children, and what has daemonised itself.

The supervisor is a *subreaper*: whoever loses its parent below it becomes its child, so nobody can hide by a double
fork, and "no child left" means that nothing is alive. Linux alone has this and /proc; elsewhere only the step's own
process group is reached. Imports little, see `worker.executors.run_directory`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

GRACE_SECONDS: Final = 1.0
"""Between TERM and KILL."""
_SET_DEATH_SIGNAL: Final = 1
_SET_DUMPABLE: Final = 4
_SET_CHILD_SUBREAPER: Final = 36
_PROC: Final = Path("/proc")
_PARENT_FIELD: Final = 1  # of /proc/<pid>/stat, counted behind the command's closing bracket
_START_FIELD: Final = 19


def hide_memory() -> None:
    """Keep other processes of this user from reading our memory and environment, and the kernel from dumping it."""
    _control(_SET_DUMPABLE, 0)


def adopt_orphans() -> None:
    """Become the parent of everything below us that loses its own."""
    _control(_SET_CHILD_SUBREAPER, 1)


def die_with(parent: int) -> None:
    """Let the kernel kill this process when *parent* dies; to be called in its new child."""
    _control(_SET_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def start_time(pid: int) -> int:
    """Tell when the process started, in the kernel's ticks: with the pid it names a process for good. 0: not there."""
    fields = _stat(pid)
    return int(fields[_START_FIELD]) if fields else 0


def reap(pid: int) -> tuple[bool, int | None]:
    """Collect every child that has ended. Gives whether any child is left, and *pid*'s exit code if it was among them.

    Who was killed by a signal has the exit code 128 and the signal's number, as in a shell and in Kubernetes.
    """
    exit_code = None
    while True:
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False, exit_code
        if ended == 0:
            return True, exit_code
        if ended == pid:
            exit_code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def end_descendants(step: int, *, spare: bool, wait: Callable[[float], None]) -> int | None:
    """End all that lives below us: TERM, and after `GRACE_SECONDS` KILL. Returns when nothing does.

    *step* is the step's first process, whose exit code is given if it ends here. *spare* keeps TERM from it: a
    bubblewrap that gets TERM takes everything in it down at once. *wait* sleeps, or wakes early when a child ends.
    """
    alive, exit_code = reap(step)
    if alive:
        _signal_descendants(step, signal.SIGTERM, spared={step} if spare else set())
    kill_at = time.monotonic() + GRACE_SECONDS
    while alive:
        wait(0.02)
        if time.monotonic() >= kill_at:
            _signal_descendants(step, signal.SIGKILL, spared=set())
        alive, code = reap(step)
        exit_code = exit_code if code is None else code
    return exit_code


def end_marked(variable: str, value: str) -> bool:
    """Kill what has *variable* with this *value* in its environment; whether there was any."""
    mark = f"{variable}={value}".encode()
    found = False
    for pid in _pids():
        with suppress(OSError):
            if mark in (_PROC / str(pid) / "environ").read_bytes().split(b"\0"):
                os.kill(pid, signal.SIGKILL)
                found = True
    return found


def kill_exactly(pid: int, started: int) -> None:
    """Kill the process that had *pid* and began at *started* (`start_time`), and never one that has the number now."""
    if not started or not hasattr(os, "pidfd_open"):
        return
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            if start_time(pid) == started:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        finally:
            os.close(descriptor)


def _signal_descendants(step: int, number: signal.Signals, *, spared: set[int]) -> None:
    targets = _descendants(os.getpid()) - spared
    for pid in targets:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    if not _PROC.is_dir():
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(step, number)


def _descendants(root: int) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid in _pids():
        if fields := _stat(pid):
            children.setdefault(int(fields[_PARENT_FIELD]), []).append(pid)
    found, new = set(), [root]
    while new:
        below = children.get(new.pop(), [])
        found.update(below)
        new.extend(below)
    return found


def _pids() -> list[int]:
    return [int(name) for name in os.listdir(_PROC) if name.isdigit()] if _PROC.is_dir() else []  # noqa: PTH208


def _stat(pid: int) -> list[bytes]:
    """Split the process's stat line behind its command, which may hold anything; a dead one has none."""
    try:
        text = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return []
    return text[text.rindex(b")") + 1 :].split()


def _control(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
