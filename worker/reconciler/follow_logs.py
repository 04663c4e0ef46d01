"""Ships one run's log and its events into the task's progress, line by line, without a gap or a repeat.

A line's place in the executor's log is its id in the stream, so that a follower that starts anew goes on behind the
last shipped line, whoever shipped it.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import reduce
from typing import Final

from core.redaction import Redactor
from core.task import Task
from core.task_log import STEP_NAMES, Entry, entry_id
from runtime.contract import Event, Step, decode_event
from worker.executors.protocol import LogLine
from worker.reconciler.progress import described, fold
from worker.reconciler.shipper import Shipper
from worker.wiring import Desk

PROGRESS_SECONDS: Final = 1.0
EDIT_SECONDS: Final = 15.0
"""A running agent's progress is told on GitLab no more often than this."""
MARK_EDIT_SECONDS: Final = 1.0


class Follower:
    """Follows the run of *task*. *fence* is the leader's, so that an old leader's follower writes no progress."""

    def __init__(self, desk: Desk, shipper: Shipper, redactor: Redactor, *, task: Task, fence: int) -> None:
        self._desk = desk
        self._shipper = shipper
        self._redact = redactor
        self._task_id = task.id
        self._attempt = task.attempt
        self._fence = fence
        self._events: list[Event] = []
        self._progress_at = 0.0

    async def follow(self, run: str) -> None:
        """Ship all three steps' logs; return when they have ended and everything is stored."""
        for name in STEP_NAMES:
            after = await self._desk.task_log.position(self._task_id, self._attempt, name)
            async for line in self._desk.executor.read_log(run, Step(name), after):
                await self._take(name, line)
            await self._show_progress(now=True)
            await self._shipper.stored()

    async def _take(self, step: str, line: LogLine) -> None:
        event = decode_event(line.text)
        if event is not None:
            event = self._redacted(event)
            self._events.append(event)
        # First: whoever follows after us goes on behind the last entry, and would never see these events.
        await self._show_progress(now=event is not None and event.kind != "progress")
        text = self._redact(line.text) if event is None else described(event)
        # An event without words is no entry: a follower that starts anew may fold it again.
        if text or event is None:
            name = entry_id(self._attempt, step, line.position)
            await self._shipper.take(self._task_id, Entry(id=name, step=step, text=text, at=line.at))

    async def _show_progress(self, *, now: bool) -> None:
        if not self._events or (not now and time.monotonic() - self._progress_at < PROGRESS_SECONDS):
            return
        while self._events:
            task = await self._desk.store.get(self._task_id)
            # Where the task moves in between, the events are folded into what it has become.
            if task is None or await self._fold_into(task):
                self._events.clear()
                self._progress_at = time.monotonic()

    async def _fold_into(self, task: Task) -> bool:
        progress = reduce(fold, self._events, task.progress)
        if progress == task.progress or task.attempt != self._attempt:
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
