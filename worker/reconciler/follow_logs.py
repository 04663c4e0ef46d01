"""Ships one run's log and its events into the task's progress, line by line, without a gap or a repeat.

A line's place in the executor's log is its id in the stream, so that a follower that starts anew goes on behind the
last shipped line, whoever shipped it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from functools import reduce
from typing import Final

from core.errors import AblehandError
from core.redaction import Redactor
from core.task import Mode, Task
from core.task_log import STEP_NAMES, Entry, entry_id
from runtime.contract import Event, Step, decode_event
from worker.executors.protocol import LogLine
from worker.reconciler.document import Document
from worker.reconciler.progress import described, fold
from worker.reconciler.shipper import Shipper
from worker.reconciler.transcripts import TranscriptKeeper
from worker.wiring import Desk

PROGRESS_SECONDS: Final = 1.0
EDIT_SECONDS: Final = 15.0
"""A running agent's progress is told on GitLab no more often than this."""
MARK_EDIT_SECONDS: Final = 1.0
CUT_MARK: Final = " … (the line is longer)"

log = logging.getLogger(__name__)


class Follower:
    """Follows the run of *task*. *fence* is the leader's, so that an old leader's follower writes no progress."""

    def __init__(self, desk: Desk, shipper: Shipper, redactor: Redactor, *, task: Task, fence: int) -> None:
        self._desk = desk
        self._shipper = shipper
        self._redact = redactor
        self._keeper = TranscriptKeeper(desk.transcripts, redactor, task)
        self._task_id = task.id
        self._attempt = task.attempt
        self._fence = fence
        self._events: list[Event] = []
        self._progress_at = 0.0
        self._folding = asyncio.Lock()
        self._late: asyncio.Task[None] | None = None

    async def follow(self, run: str) -> None:
        """Ship all three steps' logs; return when they have ended and everything is stored."""
        try:
            await self._follow(run)
        finally:
            if self._late is not None:
                self._late.cancel()

    async def _follow(self, run: str) -> None:
        for name in STEP_NAMES:
            after = await self._desk.task_log.position(self._task_id, self._attempt, name)
            async for line in self._desk.executor.read_log(run, Step(name), after):
                await self._take(name, line)
            await self._show_progress(now=True)
            await self._shipper.stored()

    async def _take(self, step: str, line: LogLine) -> None:
        if step == Step.AGENT and await self._keeper.take(line.text):
            return
        event = decode_event(line.text)
        if event is not None:
            event = self._redacted(event)
            self._events.append(event)
        # First: whoever follows after us goes on behind the last entry, and would never see these events.
        await self._show_progress(now=event is not None and event.kind != "progress")
        # The mark comes last: at its end, the redactor has to see what was cut in two.
        text = self._redact.line(line.text) + CUT_MARK * line.is_cut if event is None else described(event)
        # An event without words is no entry: a follower that starts anew may fold it again.
        if text or event is None:
            name = entry_id(self._attempt, step, line.position)
            await self._shipper.take(self._task_id, Entry(id=name, step=step, text=text, at=line.at))

    async def _show_progress(self, *, now: bool) -> None:
        wait = PROGRESS_SECONDS - (time.monotonic() - self._progress_at)
        if self._events and not now and wait > 0:
            self._show_later(wait)
        elif self._events:
            async with self._folding:
                await self._fold()

    def _show_later(self, seconds: float) -> None:
        """Show what has come even if no line follows: an agent is silent while it waits for a tool."""
        if self._late is None or self._late.done():
            self._late = asyncio.create_task(self._show_after(seconds))

    async def _show_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        try:
            await self._show_progress(now=True)
        except AblehandError as error:
            log.warning(
                "progress not shown; the next line shows it", extra={"task_id": self._task_id, "why": str(error)}
            )

    async def _fold(self) -> None:
        while events := tuple(self._events):
            task = await self._desk.store.get(self._task_id)
            # Where the task moves in between, the events are folded into what it has become.
            if task is None or await self._fold_into(task, events):
                del self._events[: len(events)]
                self._progress_at = time.monotonic()

    async def _fold_into(self, task: Task, events: tuple[Event, ...]) -> bool:
        progress = reduce(fold, events, task.progress)
        document = self._document(task, events)
        is_known = progress == task.progress and document.parts == task.document_parts
        if is_known or task.attempt != self._attempt:
            return True
        soon = task.phase.is_final or any(event.mark for event in events)
        changed = await self._desk.store.change(
            task, tell_after=MARK_EDIT_SECONDS if soon else EDIT_SECONDS, fence=self._fence, progress=progress,
            document=document.text, document_parts=document.parts,
        )  # fmt: skip
        return changed is not None

    def _document(self, task: Task, events: tuple[Event, ...]) -> Document:
        """Give what the agent wrote, with the chunks that have come; what a task ended with stays as it is."""
        known = Document(task.document, task.document_parts)
        if task.mode is Mode.CHANGE or task.phase.is_final:
            return known
        document = reduce(Document.after, events, known)
        # Once more as a whole: what stood across two chunks is only now one piece.
        return document if document == known else Document(self._redact(document.text), document.parts)

    def _redacted(self, event: Event) -> Event:
        """Redact before anything is cut: half a secret is not recognised."""
        items = tuple((self._redact(title), state) for title, state in event.items)
        return replace(event, mark=self._redact(event.mark), text=self._redact(event.text), items=items)
