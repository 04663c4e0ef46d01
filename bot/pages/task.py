"""A task's page: what was asked, how far it is, its log; and what may be done with it."""

from __future__ import annotations

import logging
import time
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.asking import Verb
from bot.doors import CSRF_FIELD
from bot.log_tail import TailLine, log_tail
from bot.pages.frame import SEE_OTHER, Frame
from bot.task_ending import choices, ending
from bot.timeline import timeline
from bot.viewer import Viewer
from core.errors import StoreError
from core.limits import in_force
from core.task import Phase, Place, Task
from core.waiting import why_waiting

SHORT: Final = 500
"""Characters of others' words that are shown at once."""
_ITEMS: Final = {Place.ISSUE: ("#", "issues"), Place.MERGE_REQUEST: ("!", "merge_requests")}

log = logging.getLogger(__name__)


class TaskPage:
    """Below ``/tasks/{task_id}``."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._desk = frame.desk

    async def show(self, request: Request) -> Response:
        """Show one task."""
        viewer, task = await self._seen(request)
        lines = await self._tail(task)
        return self._frame.show("task.html", viewer, lines=lines, **await self._values(request, viewer, task))

    async def summary(self, request: Request) -> Response:
        """Give the parts of the page that change while the task is worked on."""
        viewer, task = await self._seen(request)
        return self._frame.show("task_summary.html", viewer, **await self._values(request, viewer, task))

    async def cancel(self, request: Request) -> Response:
        """Have it cancelled, and go back to its page."""
        task = await self._order(request, "cancel")
        return RedirectResponse(f"/tasks/{task.parent_id}?asked=cancel", SEE_OTHER)

    async def retry(self, request: Request) -> Response:
        """Have it done once more, and go to the page of that."""
        task = await self._order(request, "retry")
        return RedirectResponse(f"/tasks/{task.id}", SEE_OTHER)

    async def _order(self, request: Request, verb: Verb) -> Task:
        viewer, task = await self._seen(request)
        async with request.form(max_fields=10) as form:
            self._desk.doors.check_origin(request, viewer, str(form.get(CSRF_FIELD, "")))
        await self._desk.limit.take_call(str(viewer.user_id), writes=True)
        return await self._desk.asking.order(viewer, task, verb)

    async def _seen(self, request: Request) -> tuple[Viewer, Task]:
        viewer = await self._frame.viewer(request)
        return viewer, await self._frame.task(viewer, int(request.path_params["task_id"]))

    async def _values(self, request: Request, viewer: Viewer, task: Task) -> dict[str, Any]:
        project = f"{self._desk.settings.gitlab_url}/{quote(task.repository)}" if task.repository else ""
        sigil, folder = _ITEMS.get(task.trigger.place, ("", ""))
        return {
            "task": task,
            "heading": _heading(task),
            "short": SHORT,
            "stages": timeline(task),
            "ending": ending(task),
            "choices": choices(task, may_ask=await self._desk.visibility.may_ask(viewer, task.trigger.project_id)),
            "project_url": project,
            "item": f"{sigil}{task.trigger.iid}" if sigil else "",
            "item_url": f"{project}/-/{folder}/{task.trigger.iid}" if project and sigil else "",
            "is_cancel_asked": request.query_params.get("asked") == "cancel" and not task.phase.is_final,
            "queue": await self._queue(task),
            "now": time.time(),
        }

    async def _tail(self, task: Task) -> list[TailLine] | None:
        """Give the end of the log; None where that can't be read: the rest of the page is worth something without."""
        try:
            return await log_tail(self._desk.task_log, task.id)
        except StoreError as error:
            log.warning("the end of a log is not shown", extra={"task_id": task.id, "why": str(error)})
            return None

    async def _queue(self, task: Task) -> str:
        """Say where it stands in the queue and what it waits for; "" where it does not stand there."""
        store = self._desk.store
        queued = await store.queued() if task.phase is Phase.QUEUED else []
        if task.id not in queued:
            return ""
        why = await why_waiting(store, in_force(self._desk.settings), task)
        return f"number {queued.index(task.id) + 1} in the queue" + (f": {why}" if why else "")


def _heading(task: Task) -> str:
    """Give what the task is called: its issue's title, or how its request begins."""
    lines = (task.title or task.prompt).strip().splitlines() or [f"Task {task.id}"]
    return lines[0] if len(lines[0]) <= 120 else f"{lines[0][:119]}…"  # noqa: PLR2004 - a line or two
