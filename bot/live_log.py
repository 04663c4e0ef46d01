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

WAIT_SECONDS: Final = 15.0
LAST_SECONDS: Final = 1.0
"""How long the last lines of a task that has just ended are waited for."""
RECHECK_SECONDS: Final = 60.0
"""How often a viewer who stays is looked at again; what GitLab says is kept for longer than that."""


async def log_events(desk: Desk, viewer: Viewer, task: Task, after: str) -> AsyncIterator[bytes]:
    """Yield what is in the log behind *after*, and what comes: one event, or several, already encoded."""
    yield _phase(task)
    checked_at = time.monotonic()
    wait = 0.0 if task.phase.is_final else WAIT_SECONDS
    async with desk.channels.follow(task) as channel:
        while True:
            place = after
            lines, after = await channel.after(place, wait_seconds=wait)
            if lines:
                yield lines
            now = channel.task
            if now is not None and now.phase is not task.phase:
                yield _phase(now)
                task, wait = now, LAST_SECONDS if now.phase.is_final else WAIT_SECONDS
                continue
            if time.monotonic() - checked_at > RECHECK_SECONDS:
                checked_at = time.monotonic()
                now = now if await desk.visibility.may_see(viewer, task) else None
            if now is None or (now.phase.is_final and after == place):
                yield ServerSentEvent(event="end", data="{}").encode()
                return


def _phase(task: Task) -> bytes:
    return ServerSentEvent(event="phase", data=json.dumps({"phase": task.phase, "status": task.status})).encode()
