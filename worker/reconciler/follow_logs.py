"""Ships one run's log into Redis and its events into the task's progress, line by line, without a gap or a repeat.

A line's place in the executor's log is its id in the stream, so that a follower that starts anew goes on behind the
last shipped line, whoever shipped it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Final

from core.redaction import Redactor
from core.task import Progress
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
        for line in lines:
            event = decode_event(line.text)
            text = line.text if event is None else described(event)
            if event is not None:
                self._events.append(event)
            # An event without words is shipped empty and hidden by no one: its place must still be counted.
            if text or event is None:
                entries.append(
                    Entry(
                        id=entry_id(self._attempt, step, line.position), step=step, text=self._redact(text), at=line.at
                    )
                )
        if entries:
            await self._desk.task_log.append(self._task_id, entries)
        await self._show_progress(now=False)

    async def _show_progress(self, *, now: bool) -> None:
        if not self._events or (not now and time.monotonic() - self._progress_at < PROGRESS_SECONDS):
            return
        task = await self._desk.store.get(self._task_id)
        if task is None or task.phase.is_final:
            self._events.clear()
            return
        progress = task.progress
        for event in self._events:
            progress = self._redacted(fold(progress, event))
        soon = any(event.mark for event in self._events)
        changed = progress == task.progress or await self._desk.store.change(
            task, tell_after=MARK_EDIT_SECONDS if soon else EDIT_SECONDS, fence=self._fence, progress=progress
        )
        if changed:  # else the task moved in between: the events are folded at the next turn
            self._events.clear()
            self._progress_at = time.monotonic()

    def _redacted(self, progress: Progress) -> Progress:
        items = tuple((self._redact(title), state) for title, state in progress.items)
        return Progress(
            lines=progress.lines,
            current=self._redact(progress.current),
            turns=progress.turns,
            cost_usd=progress.cost_usd,
            items=items,
        )


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
