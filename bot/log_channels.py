"""One reader for all logs that somebody follows: each line is read and encoded once, however many follow it.

A channel keeps the youngest lines of one task's log. Who is further behind, because they have just come or because
they are slow, reads from the log itself until they have caught up: nothing is kept for them, and nothing is lost.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sse_starlette import ServerSentEvent

from core.errors import StoreError
from core.store import TaskStore
from core.task import Task
from core.task_log import Entry, TaskLog, order

WAIT_SECONDS: Final = 0.2
"""How long one question for news waits; a log that somebody begins to follow is asked for with the next."""
GATHER_SECONDS: Final = 0.1
"""Lines that come within this are sent together: five hundred viewers of a busy log would be woken for each."""
PHASE_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 1.0
CHANNEL_BYTES: Final = 65_536

log = logging.getLogger(__name__)


class Channel:
    """The end of one log, and its task as it was last seen (None: it is gone)."""

    def __init__(self, task: Task, task_log: TaskLog, begin: str) -> None:
        self.task: Task | None = task
        self.task_id: Final = task.id
        self.viewers = 0
        self.last = begin
        self._log = task_log
        self._begin = begin
        self._recent: deque[tuple[tuple[int, int], bytes]] = deque()
        self._size = 0
        self._news = asyncio.Event()

    async def after(self, place: str, *, wait_seconds: float) -> tuple[bytes, str]:
        """Give what comes behind *place*, encoded, and the place behind it.

        Empty where nothing came for *wait_seconds*, or when the task's phase has changed.
        """
        if order(place) < order(self._begin):
            entries = await self._log.read(self.task_id, place)
            if entries:
                return b"".join(encoded_line(entry) for entry in entries), entries[-1].id
            return b"", self._begin  # what was there is not kept any more
        news = self._news
        if not (found := self._newer(place)):
            try:
                async with asyncio.timeout(wait_seconds):
                    await news.wait()
            except TimeoutError:
                return b"", place
            if order(place) < order(self._begin):  # more has come than is kept here
                return await self.after(place, wait_seconds=wait_seconds)
            found = self._newer(place)
        return b"".join(found), self.last if found else place

    async def take(self) -> None:
        """Take what is new in the log."""
        for entry in await self._log.read(self.task_id, self.last):
            self._recent.append((order(entry.id), encoded_line(entry)))
            self._size += len(self._recent[-1][1])
            self.last = entry.id
        while self._size > CHANNEL_BYTES and len(self._recent) > 1:
            oldest, encoded = self._recent.popleft()
            self._size -= len(encoded)
            self._begin = "-".join(map(str, oldest))
        self._wake()

    def see(self, task: Task | None) -> None:
        """Take the task as it is now."""
        changed = task is None or self.task is None or task.phase is not self.task.phase
        self.task = task
        if changed:
            self._wake()

    def _newer(self, place: str) -> list[bytes]:
        behind, newer = order(place), []
        for position, encoded in reversed(self._recent):
            if position <= behind:
                break
            newer.append(encoded)
        return newer[::-1]

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class LogChannels:
    """The channels of one bot. For one event loop; it reads while there is somebody who follows, until it is closed."""

    def __init__(self, task_log: TaskLog, store: TaskStore) -> None:
        self._log = task_log
        self._store = store
        self._channels: dict[int, Channel] = {}
        self._joined = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._phases_at = 0.0
        self._is_closed = False

    @asynccontextmanager
    async def follow(self, task: Task) -> AsyncIterator[Channel]:
        """Give the channel of *task*'s log while somebody follows it."""
        if task.id not in self._channels:
            begin = await self._log.last(task.id)
            self._channels.setdefault(task.id, Channel(task, self._log, begin))
        channel = self._channels[task.id]
        channel.viewers += 1
        self._joined.set()
        if self._reader is None:
            self._reader = asyncio.create_task(self._read())
        try:
            yield channel
        finally:
            channel.viewers -= 1
            if not channel.viewers:
                self._channels.pop(task.id, None)

    async def close(self) -> None:
        """Stop reading."""
        self._is_closed = True  # Redis's client swallows a cancellation that comes together with a timeout of its own
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self) -> None:
        while not self._is_closed:
            if not self._channels:
                self._joined.clear()
                await self._joined.wait()
            try:
                await self._look()
            except StoreError as error:
                log.warning("logs are not followed; tried again", extra={"why": str(error)})
                await asyncio.sleep(PAUSE_SECONDS)
            await asyncio.sleep(GATHER_SECONDS)

    async def _look(self) -> None:
        channels = dict(self._channels)
        places = {task_id: channel.last for task_id, channel in channels.items()}
        news = await self._log.news(places, wait_seconds=WAIT_SECONDS)
        await asyncio.gather(*(_take(channels[task_id]) for task_id in news))
        if time.monotonic() - self._phases_at > PHASE_SECONDS:
            self._phases_at = time.monotonic()
            tasks = await self._store.get_all(list(channels))
            for task_id, channel in channels.items():
                channel.see(tasks.get(task_id))


async def _take(channel: Channel) -> None:
    try:
        await channel.take()
    except StoreError as error:  # the archive may be gone for one log and of no matter for the others
        log.warning("a log is not followed; tried again", extra={"task_id": channel.task_id, "why": str(error)})


def encoded_line(entry: Entry) -> bytes:
    """Give a line as a server-sent event."""
    data = json.dumps({"step": entry.step, "text": entry.text, "at": entry.at}, ensure_ascii=False)
    return ServerSentEvent(event="line", id=entry.id, data=data).encode()
