"""Writes what many requests have to say into the ledger with one command, each request waiting for its own answer.

While one batch is on its way to Redis the next one gathers: a single delivery waits for nobody, and in a storm the cost
of a command is shared.
"""

from __future__ import annotations

import asyncio
from typing import Final

from core.errors import StoreError
from core.store import TaskStore
from core.task import Trigger

BATCH: Final = 64

Answer = tuple[bool, int]


class Acceptance:
    """`TaskStore.accept` for many callers of one event loop."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store
        self._waiting: list[tuple[Trigger, str, asyncio.Future[Answer]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def accept(self, trigger: Trigger, *, delivery: str) -> Answer:
        """Remember *trigger*, once; answer whether it is new, and the task's id.

        Raises:
            StoreError: Redis did not take it.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((trigger, delivery, answer))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return await answer

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            try:
                answers = await self._store.accept_all([(trigger, delivery) for trigger, delivery, _ in batch])
            except StoreError as error:
                _settle_all(batch, error)
            else:
                for (_trigger, _delivery, waiting), answer in zip(batch, answers, strict=True):
                    if not waiting.done():  # else the client has gone
                        waiting.set_result(answer)


def _settle_all(batch: list[tuple[Trigger, str, asyncio.Future[Answer]]], error: StoreError) -> None:
    for _trigger, _delivery, waiting in batch:
        if not waiting.done():
            waiting.set_exception(StoreError(str(error)))
