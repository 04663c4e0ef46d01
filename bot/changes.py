"""Tells any number of followers which tasks have changed: one reader of the ledger's stream for the whole process."""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_right
from collections import deque
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.errors import StoreError
from core.scripts import PREFIX

STREAM: Final = f"{PREFIX}:changes"
WAIT_SECONDS: Final = 2.0
PAUSE_SECONDS: Final = 1.0
KEPT: Final = 2000
Position = tuple[int, int]
"""A place in the stream: what a follower goes on behind."""

log = logging.getLogger(__name__)


class Changes:
    """For one event loop. It reads from the first follower on until it is closed."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._recent: deque[tuple[Position, int]] = deque(maxlen=KEPT)
        self._begin: Position = (0, 0)
        self._beginning = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None
        self._is_closed = False
        self._news = asyncio.Event()

    async def now(self) -> Position:
        """Give the place behind which nothing has happened yet."""
        try:
            found = await self._redis.xrevrange(STREAM, count=1)
        except (RedisError, OSError) as error:
            raise StoreError(f"read changes: {type(error).__name__}") from error
        return position(str(found[0][0])) if found else (0, 0)

    async def after(self, place: Position, *, wait_seconds: float = 15) -> tuple[list[int], Position]:
        """Give the tasks that have changed since *place*, each once, and the last's place; [] after a long wait."""
        async with self._beginning:  # of two that come at once, one
            if self._reader is None:
                self._begin = await self.now()
                self._reader = asyncio.create_task(self._read())
        if place < self._begin:
            return await self._older(place)
        try:
            async with asyncio.timeout(wait_seconds):
                while not (found := self._newer(place)):
                    await self._news.wait()
        except TimeoutError:
            return [], place
        return list(dict.fromkeys(task_id for _, task_id in found)), found[-1][0]

    async def close(self) -> None:
        """Stop reading."""
        self._is_closed = True  # Redis's client swallows a cancellation that comes together with a timeout of its own
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    def _newer(self, place: Position) -> list[tuple[Position, int]]:
        recent = list(self._recent)
        return recent[bisect_right(recent, place, key=lambda item: item[0]) :]

    async def _older(self, place: Position) -> tuple[list[int], Position]:
        try:
            found = await self._redis.xrange(STREAM, f"({place[0]}-{place[1]}", "+", count=1000)
        except (RedisError, OSError) as error:
            raise StoreError(f"read changes: {type(error).__name__}") from error
        entries = _entries(found)
        if not entries:
            return [], self._begin
        return list(dict.fromkeys(task_id for _, task_id in entries)), entries[-1][0]

    async def _read(self) -> None:
        last = self._begin
        while not self._is_closed:
            try:
                behind = f"{last[0]}-{last[1]}"
                answer: Any = await self._redis.xread({STREAM: behind}, count=500, block=int(WAIT_SECONDS * 1000))
            except (RedisError, OSError) as error:
                log.warning("changes are not read", extra={"why": type(error).__name__})
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            for last, task_id in _entries(answer[0][1]) if answer else ():
                if len(self._recent) == KEPT:
                    self._begin = self._recent[0][0]
                self._recent.append((last, task_id))
            if answer:
                self._news.set()
                self._news = asyncio.Event()


def _entries(found: Any) -> list[tuple[Position, int]]:
    return [(position(str(entry)), int(fields["id"])) for entry, fields in found]


def position(text: str) -> Position:
    """Read a place, spelt as Redis does: two numbers with a dash."""
    milliseconds, _, number = text.partition("-")
    return int(milliseconds), int(number)
