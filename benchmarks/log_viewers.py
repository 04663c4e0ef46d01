"""Five hundred viewers that follow logs on one bot: its memory, lost lines, and how late a line is at a viewer.

Lines are written straight into Redis, as the reconciler does it; what it takes from the container to there is in
`reconciler_scale`. The viewers are sockets in this process; bot, Redis and they share this machine's cores.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.usage import cpu_seconds, proportional_mib
from core.connections import open_store_redis
from core.settings import Settings
from core.store import TaskStore
from core.task import Place, Source, Trigger
from core.task_log import Entry, TaskLog, entry_id
from operate.embedded_redis import EmbeddedRedis
from operate.up import free_port

VIEWERS = 500
ANSWER_SECONDS = 60
_LINE = re.compile(rb'"text": "(\d+) ([\d.]+) ')


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is followed: *tasks* logs, each with so many lines a second.

    *idle* viewers read nothing until all is written, and then all at once; others are late then too."""

    name: str
    tasks: int
    lines_per_second: int
    line_bytes: int
    seconds: int
    idle: int = 0


SCENES = (
    Scene(name="one log, 10 lines/s", tasks=1, lines_per_second=10, line_bytes=100, seconds=20),
    Scene(name="50 logs, 2 lines/s each", tasks=50, lines_per_second=2, line_bytes=100, seconds=20),
    Scene(name="500 logs, a line a second", tasks=500, lines_per_second=1, line_bytes=100, seconds=20),
    Scene(name="400 stall, then catch up", tasks=5, lines_per_second=20, line_bytes=4000, seconds=15, idle=400),
)


@dataclass
class Viewer:
    """One that follows; what it has seen."""

    task_id: int
    is_idle: bool
    seen: list[int] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    rest: bytes = b""

    def take(self, piece: bytes, now: float) -> None:
        """Read what came."""
        whole, end, self.rest = (self.rest + piece).rpartition(b"\r\n\r\n")
        for found in _LINE.finditer(whole + end):
            self.seen.append(int(found[1]))
            self.late.append(now - float(found[2]))


def main() -> None:
    for scene in SCENES:
        with (
            tempfile.TemporaryDirectory(prefix="bench-") as folder,
            EmbeddedRedis(Path(folder) / "redis", persistent=False) as redis,
            _bot(redis.url) as (port, pid),
        ):
            base = proportional_mib(pid)
            asyncio.run(_play(scene, redis.url, port, pid, base))


async def _play(scene: Scene, redis_url: str, port: int, pid: int, base: float) -> None:
    redis = open_store_redis(Settings(redis_url=redis_url))
    ids = await _tasks(TaskStore(redis), scene.tasks)
    viewers = [Viewer(ids[number % scene.tasks], number < scene.idle) for number in range(VIEWERS)]
    written, following = asyncio.Event(), asyncio.Barrier(VIEWERS + 1)
    readers = [asyncio.create_task(_follow(viewer, port, following, written, scene)) for viewer in viewers]
    async with asyncio.timeout(ANSWER_SECONDS):
        await following.wait()
    most = [base]
    watching = asyncio.create_task(_watch(pid, most))
    cpu = cpu_seconds(pid)
    began = time.monotonic()
    await _write(TaskLog(redis), ids, scene)
    cpu, took = cpu_seconds(pid) - cpu, time.monotonic() - began
    written.set()
    await asyncio.gather(*readers)
    watching.cancel()
    await redis.aclose()
    wanted = list(range(scene.lines_per_second * scene.seconds))
    wrong = sum(viewer.seen != wanted for viewer in viewers)
    late = sorted(seconds for viewer in viewers if not viewer.is_idle for seconds in viewer.late)
    p95 = statistics.quantiles(late, n=20)[-1]
    print(
        f"{scene.name:28} {base:5.0f} -> {max(most):4.0f} MiB (asked: 300)  cpu {cpu / took:4.0%}  "
        f"line p50 {statistics.median(late) * 1000:4.0f} ms  p95 {p95 * 1000:4.0f} ms  "
        f"viewers with a lost or double line: {wrong}"
    )


async def _tasks(store: TaskStore, count: int) -> list[int]:
    ids = []
    for number in range(count):
        trigger = Trigger(
            source=Source.API, place=Place.NOWHERE, project_id=1, iid=0, event_id=0, happened_at=str(number)
        )
        ids.append((await store.accept(trigger))[1])
    return ids


async def _follow(viewer: Viewer, port: int, following: asyncio.Barrier, written: asyncio.Event, scene: Scene) -> None:
    connection = socket.socket()
    if viewer.is_idle:  # what the kernel takes is no load for the bot
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(0)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=connection)
    # HTTP/1.0: no chunks to put together.
    address = f"/api/v1/tasks/{viewer.task_id}/log?format=sse"
    writer.write(f"GET {address} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in head.split(b"\r\n")[0], head
    await following.wait()
    if viewer.is_idle:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await written.wait()
        writer.transport.resume_reading()  # type: ignore[attr-defined]
    async with asyncio.timeout(scene.seconds + ANSWER_SECONDS):
        while len(viewer.seen) < scene.lines_per_second * scene.seconds:
            viewer.take(await reader.read(65_536), time.time())
    writer.close()


async def _write(log: TaskLog, ids: list[int], scene: Scene) -> None:
    """Write evenly: in each slot of a tenth of a second, those logs whose turn it is."""
    began, filler = time.monotonic(), "x" * scene.line_bytes
    slots = max(1, min(scene.tasks, 10))
    for number in range(scene.lines_per_second * scene.seconds):
        for slot in range(slots):
            due = began + (number + slot / slots) / scene.lines_per_second
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            now = time.time()
            entry = Entry(
                id=entry_id(1, "agent", number + 1), step="agent", text=f"{number} {now:.4f} {filler}", at=now
            )
            await log.append([(task_id, entry) for task_id in ids[slot::slots]])


async def _watch(pid: int, most: list[float]) -> None:
    while True:
        most.append(proportional_mib(pid))
        await asyncio.sleep(0.5)


@contextmanager
def _bot(redis_url: str) -> Iterator[tuple[int, int]]:
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"], "ABLEHAND_REDIS_URL": redis_url, "ABLEHAND_GITLAB_URL": "http://127.0.0.1:9",
        "ABLEHAND_WEBHOOK_SECRET": "invented-secret-of-the-benchmark", "ABLEHAND_PORT": str(port),
        "ABLEHAND_API_REQUESTS_PER_MINUTE": "100000",  # they are one person to it
    }  # fmt: skip
    bot = subprocess.Popen([sys.executable, "-m", "ablehand", "bot"], env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait(f"http://127.0.0.1:{port}/readyz")
        yield port, bot.pid
    finally:
        bot.terminate()
        bot.wait()


def _wait(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the bot did not start")
