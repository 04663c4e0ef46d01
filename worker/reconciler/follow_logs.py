"""Ships one run's log into Redis and its events into the task's progress, line by line, without a gap or a repeat.

A line's place in the executor's log is its id in the stream, so that a follower that starts anew goes on behind the
last shipped line, whoever shipped it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import reduce
from typing import Final

from core.redaction import Redactor
from core.task import Task
from core.task_log import STEP_NAMES, Entry, entry_id
from runtime.contract import Event, Step, decode_event
from worker.executors.protocol import LogLine
from worker.reconciler.progress import described, fold
from worker.wiring import Desk

FLUSH_SECONDS: Final = 0.1
BATCH_LINES: Final = 500
PROGRESS_SECONDS: Final = 1.0
EDIT_SECONDS: Final = 15.0
"""A running agent's progress is told on GitLab no more often than this."""
MARK_EDIT_SECONDS: Final = 1.0


class Follower:
    """Follows one run. *fence* is the leader's, so that an old leader's follower writes no progress."""

    def __init__(self, desk: Desk, redactor: Redactor, *, task_id: int, attempt: int, fence: int) -> None:
        self._desk = desk
        self._redact = redactor
        self._task_id = task_id
        self._attempt = attempt
        self._fence = fence
        self._events: list[Event] = []
        self._progress_at = 0.0

    async def follow(self, run: str) -> None:
        """Ship all three steps' logs; return when they have ended and everything is shipped."""
        for name in STEP_NAMES:
            after = await self._desk.task_log.position(self._task_id, self._attempt, name)
            lines = self._desk.executor.read_log(run, Step(name), after)
            async for batch in _batches(lines):
                await self._ship(name, batch)
            await self._show_progress(now=True)

    async def _ship(self, step: str, lines: list[LogLine]) -> None:
        entries = []
        soon = False
        for line in lines:
            event = decode_event(line.text)
            if event is not None:
                event = self._redacted(event)
                self._events.append(event)
                soon = soon or event.kind != "progress"
            text = self._redact(line.text) if event is None else described(event)
            # An event without words is no entry: a follower that starts anew may fold it again.
            if text or event is None:
                name = entry_id(self._attempt, step, line.position)
                entries.append(Entry(id=name, step=step, text=text, at=line.at))
        # First: whoever follows after us goes on behind the last entry, and would never see these events.
        await self._show_progress(now=soon)
        if entries:
            await self._desk.task_log.append(self._task_id, entries)

    async def _show_progress(self, *, now: bool) -> None:
        if not now and time.monotonic() - self._progress_at < PROGRESS_SECONDS:
            return
        while self._events:
            task = await self._desk.store.get(self._task_id)
            # Where the task moves in between, the events are folded into what it has become.
            if task is None or await self._fold_into(task):
                self._events.clear()
                self._progress_at = time.monotonic()

    async def _fold_into(self, task: Task) -> bool:
        progress = reduce(fold, self._events, task.progress)
        if progress == task.progress:
            return True
        soon = task.phase.is_final or any(event.mark for event in self._events)
        changed = await self._desk.store.change(
            task, tell_after=MARK_EDIT_SECONDS if soon else EDIT_SECONDS, fence=self._fence, progress=progress
        )
        return changed is not None

    def _redacted(self, event: Event) -> Event:
        """Redact before anything is cut: half a secret is not recognised."""
        items = tuple((self._redact(title), state) for title, state in event.items)
        return replace(event, mark=self._redact(event.mark), text=self._redact(event.text), items=items)


async def _batches(lines: AsyncIterator[LogLine]) -> AsyncIterator[list[LogLine]]:
    """Group lines that come close together; none waits longer than `FLUSH_SECONDS`."""
    waiting: list[LogLine] = []
    arrived = asyncio.Event()
    room = asyncio.Event()

    async def collect() -> None:
        async for line in lines:
            waiting.append(line)
            arrived.set()
            if len(waiting) >= BATCH_LINES:
                room.clear()
                await room.wait()

    collecting = asyncio.create_task(collect())
    try:
        while not collecting.done() or waiting:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(arrived.wait(), FLUSH_SECONDS)
            arrived.clear()
            if waiting:
                batch, waiting[:] = list(waiting), []
                room.set()
                yield batch
        await collecting
    finally:
        collecting.cancel()
