"""A container as a tree of local processes under bubblewrap: its root, its mounts, its signals and how it ended.

The kubelet starts one for each container of a process image. A root of its own is built from this machine's /usr and a
few files of /etc, with the container's mounts over it; its first process is process 1 of its own namespace, so that it
gets signals as in a real container. The network is this machine's. When the server dies, bubblewrap ends it.
"""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from simulators.kubernetes.logs import ContainerLog

LINE_LIMIT_BYTES: Final = 1_000_000
"""A line that gets longer without a newline is written in parts."""
READ_BYTES: Final = 65_536
START_ERROR: Final = 128
KILLED: Final = 137
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_NAMESPACES: Final = ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--as-pid-1")
_ROOT: Final = (
    *("--ro-bind", "/usr", "/usr"),
    *(part for name in ("bin", "sbin", "lib", "lib64") for part in ("--symlink", f"usr/{name}", f"/{name}")),
    *(part for name in ("/etc", "/var/tmp", "/run", "/root") for part in ("--dir", name)),  # noqa: S108 - the container's
    *("--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--dir", "/tmp"),  # noqa: S108 - the container's
)
_ETC: Final = (
    "alternatives",
    "ca-certificates",
    "hosts",
    "ld.so.cache",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "pki",
    "protocols",
    "python3.11",
    "resolv.conf",
    "services",
    "ssl",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file or directory of this machine, and where the container sees it."""

    source: Path
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """Everything that one container is started with."""

    hostname: str
    command: Sequence[str]
    working_directory: str
    environment: Mapping[str, str]
    mounts: Sequence[Mount]
    read_only_root: bool

    def with_mounts(self, mounts: Sequence[Mount]) -> Self:
        """Return the same with other mounts."""
        return replace(self, mounts=mounts)


@dataclass(frozen=True, slots=True)
class Exit:
    """How a container ended: 128 plus the signal where one ended it; *start_error* where nothing was started."""

    code: int
    start_error: str = ""


class ProcessContainer:
    """One running container. Made by the server's loop, and used from there."""

    def __init__(self, enclosure: Enclosure, log: ContainerLog) -> None:
        self._loop = asyncio.get_running_loop()
        self._log = log
        self._partial = self._held = b""
        self._reports = b""
        self._signal: int | None = None
        self._killed = False
        self._exit: asyncio.Future[Exit] = self._loop.create_future()
        status_end, status = os.pipe()
        output_end, output = os.pipe()
        # A signal that this thread blocks would stay blocked in the container, for good.
        blocked = signal.pthread_sigmask(signal.SIG_SETMASK, ())
        try:
            self._process = subprocess.Popen(
                _command_line(enclosure, status),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(status,),
                start_new_session=True,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        os.close(status)
        os.close(output)
        self._watch(output_end, status_end)

    async def ended(self) -> Exit:
        """Wait until every process of it is gone and its output is read, and say how it ended."""
        return await asyncio.shield(self._exit)

    def terminate(self) -> None:
        """Send SIGTERM to its first process, which dies of it only where it has a handler: it is process 1."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End all of it at once."""
        self._send(signal.SIGKILL)

    def resident_bytes(self) -> int:
        """Return what its processes hold in memory now."""
        first = self.first_process
        return sum(map(_resident_bytes, _tree(first))) if first is not None else 0

    @property
    def first_process(self) -> int | None:
        """The process id, as this machine numbers it, of its process 1; None before it is there and after its end."""
        return None if self._exit.done() else self._report("child-pid")

    def _watch(self, output: int, status: int) -> None:
        ended = os.pidfd_open(self._process.pid)
        self._open_ends = {output, status, ended}
        for end, take in ((output, self._take_output), (status, self._take_report)):
            os.set_blocking(end, False)
            self._loop.add_reader(end, self._drain, end, take)
        self._loop.add_reader(ended, self._close, ended)

    def _drain(self, end: int, take: Callable[[bytes], None]) -> None:
        try:
            read = os.read(end, READ_BYTES)
        except BlockingIOError:
            return
        if read:
            take(read)
        else:
            self._close(end)

    def _close(self, end: int) -> None:
        self._loop.remove_reader(end)
        os.close(end)
        self._open_ends.discard(end)
        if not self._open_ends:
            self._finish()

    def _take_output(self, read: bytes) -> None:
        at = time.time_ns()
        *lines, self._partial = (self._partial + read).split(b"\n")
        if len(self._partial) > LINE_LIMIT_BYTES:
            lines, self._partial = [*lines, self._partial], b""
        # What bubblewrap says first may be why there is no container, which no log ever shows.
        if lines and not self._held and self._log.end == 0 and lines[0].startswith(b"bwrap: "):
            self._held = lines.pop(0)
        elif lines and self._held:
            self._release(at)
        for line in lines:
            self._log.write(line, at)

    def _release(self, at: int) -> None:
        self._log.write(self._held, at)
        self._held = b""

    def _take_report(self, read: bytes) -> None:
        self._reports += read
        if self._signal is not None:
            self._send(self._signal)

    def _report(self, name: str) -> int | None:
        for line in self._reports.split(b"\n")[:-1]:
            value = json.loads(line).get(name)
            if value is not None:
                return int(value)
        return None

    def _send(self, number: int) -> None:
        # Before bubblewrap has said which process is the first, the signal waits for it.
        self._signal = number
        self._killed = self._killed or number == signal.SIGKILL
        first = self.first_process
        if first is not None:
            self._signal = None
            try:
                os.kill(first, number)
            except ProcessLookupError:
                return

    def _finish(self) -> None:
        code, told, at = self._process.wait(), self._report("exit-code"), time.time_ns()
        # Bubblewrap tells the exit code of what it started, and of that alone.
        if told is None and code >= 0 and not self._killed:
            self._exit.set_result(Exit(START_ERROR, self._held.decode(errors="replace") or "cannot start"))
            return
        if self._held:
            self._release(at)
        if self._partial:
            self._log.write(self._partial, at)
        self._exit.set_result(Exit(KILLED if told is None else told))


def _command_line(enclosure: Enclosure, status: int) -> list[str]:
    line = ["bwrap", *_NAMESPACES, "--cap-drop", "ALL", "--hostname", enclosure.hostname[:63], *_ROOT]
    for name in _ETC:
        line += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for mount in sorted(enclosure.mounts, key=lambda mount: mount.target.split("/")):
        line += ["--ro-bind" if mount.read_only else "--bind", str(mount.source), mount.target]
    line += ["--dir", enclosure.working_directory]
    if enclosure.read_only_root:
        line += ["--remount-ro", "/"]
    line.append("--clearenv")
    for name, value in enclosure.environment.items():
        line += ["--setenv", name, value]
    return [
        *line,
        *("--chdir", enclosure.working_directory),
        *("--json-status-fd", str(status)),
        "--",
        *enclosure.command,
    ]


def _tree(first: int) -> list[int]:
    found = [first]
    for process in found:
        # A process that a thread has started is that thread's child, not the first thread's.
        for thread in _threads(process):
            found += map(int, _read(thread / "children").split())
    return found


def _threads(process: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{process}/task").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return []


def _resident_bytes(process: int) -> int:
    figures = _read(Path(f"/proc/{process}/statm")).split()
    return int(figures[1]) * PAGE_BYTES if figures else 0


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return ""
