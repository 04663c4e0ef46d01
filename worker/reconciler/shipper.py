"""Stores the log lines of all runs together: many runs' lines share one round trip to Redis.

Two thousand runs that each print a line a second would otherwise be two thousand round trips a second. A line waits
`PAUSE_SECONDS` at most for others while Redis answers, and until Redis answers again while it does not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from core.errors import StoreError
from core.task_log import Entry, TaskLog
from worker.reconciler.turns import end_if_cancelled

PAUSE_SECONDS: Final = 0.03
RETRY_SECONDS: Final = 1.0
BATCH_LINES: Final = 2_000
ROOM_LINES: Final = 20_000
"""More are not kept in memory: whoever reads them waits."""

log = logging.getLogger(__name__)


class Shipper:
    """Takes lines in and stores them in their order. `run` must be running for anything to be stored.

    *on_refused* is called with the id of a task whose lines were dropped: one log that can't be written must not stop
    the others. Whoever follows that task has to begin anew behind the last stored line.
    """

    def __init__(self, task_log: TaskLog, on_refused: Callable[[int], None]) -> None:
        self._log = task_log
        self._on_refused = on_refused
        self._waiting: list[tuple[int, Entry]] = []
        self._taken = 0
        self._stored = 0
        self._arrived = asyncio.Event()
        self._progress = asyncio.Condition()

    async def take(self, task_id: int, entry: Entry) -> None:
        """Accept a line; blocks while there is no room."""
        self._waiting.append((task_id, entry))
        self._taken += 1
        self._arrived.set()
        if len(self._waiting) > ROOM_LINES:
            await self._until_stored(self._taken - ROOM_LINES)

    async def stored(self) -> None:
        """Wait until everything that was taken before is stored."""
        await self._until_stored(self._taken)

    async def run(self) -> None:
        """Store what comes. Endless."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(PAUSE_SECONDS)
            self._arrived.clear()
            while self._waiting:
                await self._store(self._waiting[:BATCH_LINES])
                end_if_cancelled()

    async def _store(self, batch: Sequence[tuple[int, Entry]]) -> None:
        try:
            refused = await self._log.append(batch)
        except StoreError as error:
            log.warning("lines not stored; they are kept and tried again", extra={"why": str(error)})
            await asyncio.sleep(RETRY_SECONDS)
            return
        left = [line for line in self._waiting[len(batch) :] if line[0] not in refused]
        self._stored += len(self._waiting) - len(left)
        self._waiting[:] = left
        async with self._progress:
            self._progress.notify_all()
        for task_id in refused:
            log.error("a task's log can't be written", extra={"task_id": task_id})
            self._on_refused(task_id)

    async def _until_stored(self, count: int) -> None:
        async with self._progress:
            await self._progress.wait_for(lambda: self._stored >= count)
