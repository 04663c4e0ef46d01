"""Tasks as server-sent events, each time that they have changed: one, or all that a viewer may see.

Events: ``task`` with the task as the API shows it, and as it is by then; ``end``, of one task, when it has ended or
may not be seen any more. Who reconnects with ``Last-Event-ID`` is told of all that has changed meanwhile.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator

from sse_starlette import ServerSentEvent

from bot.api.shapes import task_view
from bot.changes import Position
from bot.desk import Desk
from bot.live_log import RECHECK_SECONDS
from bot.viewer import Viewer
from core.reasons import UNLISTED_REASONS
from core.task import Task


async def task_events(desk: Desk, viewer: Viewer, task: Task) -> AsyncIterator[ServerSentEvent]:
    """Yield *task* as it is now, and whenever it has changed, until it has ended."""
    place = await desk.changes.now()
    shown, checked_at = 0, time.monotonic()
    now = await desk.store.get(task.id)
    while now is not None:
        if now.version != shown:
            yield _event(desk, now, place)
            shown = now.version
        if now.phase.is_final:
            break
        changed, place = await desk.changes.after(place)
        if time.monotonic() - checked_at > RECHECK_SECONDS:
            checked_at = time.monotonic()
            if not await desk.visibility.may_see(viewer, task):
                break
        now = await desk.store.get(task.id) if task.id in changed else now
    yield ServerSentEvent(event="end", data="{}")


async def all_task_events(desk: Desk, viewer: Viewer, place: Position | None) -> AsyncIterator[ServerSentEvent]:
    """Yield every task that *viewer* may see, whenever it has changed behind *place* (None: from now on)."""
    here = await desk.changes.now() if place is None else place
    while True:
        changed, here = await desk.changes.after(here)
        tasks = await desk.store.get_all(changed)
        for task in await _seen(desk, viewer, list(tasks.values())):
            yield _event(desk, task, here)


async def _seen(desk: Desk, viewer: Viewer, tasks: list[Task]) -> list[Task]:
    work = [task for task in tasks if task.reason not in UNLISTED_REASONS and not task.is_errand]
    projects = await desk.visibility.projects(viewer) if work else None
    mine = [task for task in work if projects is None or task.trigger.project_id in projects]
    return await desk.visibility.shown(viewer, mine)


def _event(desk: Desk, task: Task, place: Position) -> ServerSentEvent:
    data = task_view(task, desk.settings.public_url).model_dump(mode="json")
    return ServerSentEvent(event="task", id=f"{place[0]}-{place[1]}", data=json.dumps(data))
