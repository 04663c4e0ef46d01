"""One turn of the reconciler's loops: what it meets is logged, and the next turn is made, unless another leads."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from core.errors import Fenced
from core.measure import TURNS
from core.store import TaskStore
from worker.wiring import Desk

log = logging.getLogger(__name__)


class Turns:
    """When each kind of the leader's turns got through last: told to Redis from time to time, for the metrics."""

    def __init__(self) -> None:
        self._times: dict[str, float] = {}

    async def make(self, work: Callable[[Desk], Awaitable[object]], desk: Desk) -> bool:
        """Make a turn of *work*, which names its kind; answer whether it got through.

        Raises:
            Fenced: A younger leader has written.
        """
        name = work.__name__.strip("_")
        got_through = await guarded(work(desk), name)
        if got_through:
            self.note(name)
        return got_through

    def note(self, name: str) -> None:
        """Note that a turn of that kind got through."""
        self._times[name] = time.time()

    async def tell(self, store: TaskStore) -> None:
        """Let the metrics know.

        Raises:
            StoreError: Redis did not take it.
        """
        if self._times:
            times: dict[Any, Any] = dict(self._times)
            await store.attempt(store.redis.hset(TURNS, mapping=times))


async def guarded(turn: Awaitable[object], what: str) -> bool:
    """Await *turn*; answer whether it got through.

    Raises:
        Fenced: A younger leader has written.
    """
    try:
        await turn
    except Fenced:
        raise
    except Exception as error:
        # The one broad except of this process: one run, or one turn, must not take the others with it.
        log.exception("turn failed; the next is made", extra={"what": what, "why": str(error)})
        return False
    finally:
        end_if_cancelled()
    return True


def end_if_cancelled() -> None:
    """Raise the cancellation that a client library swallowed, because it came together with its own timeout."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def until_fenced(work: Awaitable[object]) -> None:
    """Await *work*; a younger leader's fence ends the process."""
    try:
        await work
    except Fenced as error:
        end_at_once(str(error))


def end_at_once(why: str) -> NoReturn:
    """End the process without tidying up: whatever it still held back must not be written any more."""
    log.error("not leading any more; the process ends", extra={"why": why})
    os._exit(1)
