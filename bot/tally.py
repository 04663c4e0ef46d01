"""Counts what the bot sees, in Redis and outside of the request: many counts with one command.

What Redis does not take is kept and told with the next. The names are few, however many the requests.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

from redis.asyncio import Redis

from core import counts
from core.errors import GitLabError, StoreError

log = logging.getLogger(__name__)


class Tally:
    """`core.counts` for one event loop."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: Counter[str] = Counter()
        self._telling: asyncio.Task[None] | None = None

    def count(self, name: str) -> None:
        """Count one more; returns at once."""
        self._waiting[name] += 1
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_all())

    def note_viewer(self, error: GitLabError) -> None:
        """Count what GitLab refused somebody who looks."""
        self.count(f"gitlab_errors viewer {counts.kind_of(error)}")

    async def close(self) -> None:
        """Wait until everything is counted, if it can be."""
        if self._telling is not None:
            await self._telling

    async def _tell_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, Counter()
            try:
                await counts.count(self._redis, batch)
            except StoreError as error:
                self._waiting.update(batch)
                log.info("not counted; told with the next", extra={"why": str(error)})
                return
