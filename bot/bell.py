"""Rings the intake of accepted tasks, many with one command, outside of the request.

The task is safe in the ledger before it comes here: a bell that is lost (the process dies, Redis hiccups) is rung by
the reconciler when the task's first deadline passes.
"""

from __future__ import annotations

import asyncio
import logging

from core.doorbell import Doorbell
from core.errors import StoreError

log = logging.getLogger(__name__)


class Bell:
    """Collects task ids while the last ones are being rung. For one event loop."""

    def __init__(self, doorbell: Doorbell) -> None:
        self._doorbell = doorbell
        self._waiting: list[int] = []
        self._ringing: asyncio.Task[None] | None = None

    def ring(self, task_id: int) -> None:
        """Have *task_id* taken in soon; returns at once."""
        self._waiting.append(task_id)
        if self._ringing is None or self._ringing.done():
            self._ringing = asyncio.create_task(self._ring_all())

    async def close(self) -> None:
        """Wait until everything that was collected is rung."""
        if self._ringing is not None:
            await self._ringing

    async def _ring_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(self._doorbell.ring, "intake", *batch)
            except StoreError as error:
                log.warning("intake was not rung; the reconciler will", extra={"tasks": len(batch), "why": str(error)})
