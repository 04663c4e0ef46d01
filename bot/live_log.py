"""A task's log as server-sent events.

Every line carries the id behind which a reader goes on, so that a reconnect neither loses nor repeats one.

Events: ``line`` {step, text, at}; ``phase`` {phase, status} when it changes; ``end`` when nothing more will come.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.pages import HEADERS, find
from core.store import TaskStore
from core.task import Task
from core.task_log import START, Entry, TaskLog

WAIT_SECONDS = 1.0
"""How long one look at the log waits; also how late a new phase may show."""
_ENTRY_ID = re.compile(r"\d{1,20}-\d{1,20}")


class LiveLog:
    """The endpoint with what it needs. Any number of readers; each holds one Redis connection while it waits."""

    def __init__(self, store: TaskStore, task_log: TaskLog) -> None:
        self._store = store
        self._log = task_log

    async def __call__(self, request: Request) -> Response:
        """Stream from behind ``Last-Event-ID`` (the browser's own reconnect) or ``?after=``."""
        task = await find(self._store, request)
        if task is None:
            return JSONResponse({"error": "no such task"}, 404)
        after = request.headers.get("last-event-id") or request.query_params.get("after") or START
        if not _ENTRY_ID.fullmatch(after):
            return JSONResponse({"error": "after is no position of this log"}, 400)
        return EventSourceResponse(self._events(task, after), headers=HEADERS, ping=15)

    async def _events(self, task: Task, after: str) -> AsyncIterator[ServerSentEvent]:
        yield _phase(task)
        async for entries in self._log.follow(task.id, after, block_seconds=WAIT_SECONDS):
            for entry in entries:
                yield _line(entry)
            now = await self._store.get(task.id)
            if now is not None and now.phase is not task.phase:
                yield _phase(now)
            if now is None or (now.phase.is_final and not entries):
                yield ServerSentEvent(event="end", data="{}")
                return
            task = now


def _line(entry: Entry) -> ServerSentEvent:
    data = json.dumps({"step": entry.step, "text": entry.text, "at": entry.at}, ensure_ascii=False)
    return ServerSentEvent(event="line", id=entry.id, data=data)


def _phase(task: Task) -> ServerSentEvent:
    return ServerSentEvent(event="phase", data=json.dumps({"phase": task.phase, "status": task.status}))
