"""A task's log as server-sent events, for its page and for the API.

Every line carries the id behind which a reader goes on, so that a reconnect neither loses nor repeats one.

Events: ``line`` {step, text, at}; ``phase`` {phase, status} when it changes; ``end`` when nothing more will come, also
where the viewer may not see the task any more.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Final

from sse_starlette import ServerSentEvent

from bot.desk import Desk
from bot.viewer import Viewer
from core.task import Task
from core.task_log import Entry

WAIT_SECONDS: Final = 1.0
"""How long one look at the log waits; also how late a new phase may show."""
RECHECK_SECONDS: Final = 60.0
"""How often a viewer who stays is looked at again; what GitLab says is kept for longer than that."""


async def log_events(desk: Desk, viewer: Viewer, task: Task, after: str) -> AsyncIterator[ServerSentEvent]:
    """Yield what is in the log behind *after*, and what comes. Holds one Redis connection while it waits."""
    yield _phase(task)
    checked_at = time.monotonic()
    wait = 0.001 if task.phase.is_final else WAIT_SECONDS  # 0 would be for ever
    async for entries in desk.task_log.follow(task.id, after, block_seconds=wait):
        for entry in entries:
            yield _line(entry)
        now = await desk.store.get(task.id)
        if now is not None and now.phase is not task.phase:
            yield _phase(now)
        if time.monotonic() - checked_at > RECHECK_SECONDS:
            checked_at = time.monotonic()
            now = now if await desk.visibility.may_see(viewer, task) else None
        if now is None or (now.phase.is_final and not entries):
            yield ServerSentEvent(event="end", data="{}")
            return
        task = now


def _line(entry: Entry) -> ServerSentEvent:
    data = json.dumps({"step": entry.step, "text": entry.text, "at": entry.at}, ensure_ascii=False)
    return ServerSentEvent(event="line", id=entry.id, data=data)


def _phase(task: Task) -> ServerSentEvent:
    return ServerSentEvent(event="phase", data=json.dumps({"phase": task.phase, "status": task.status}))
