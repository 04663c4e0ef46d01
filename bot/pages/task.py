"""A task's page: what was asked, its phases, its log."""

from __future__ import annotations

from typing import Final

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response

from bot.headers import HARMLESS
from bot.live_log import log_events
from bot.pages.frame import Frame
from bot.problems import Problem
from core.task import Phase, Task
from core.task_log import START, is_position

LINES_SHOWN: Final = 2000
_SHOWN_PHASES: Final = (
    Phase.RECEIVED, Phase.QUEUED, Phase.STARTING, Phase.PREPARING, Phase.WORKING, Phase.PUBLISHING, Phase.FINISHING,
)  # fmt: skip


class TaskPage:
    """Below ``/tasks/{task_id}``."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._desk = frame.desk

    async def show(self, request: Request) -> Response:
        """Show one task."""
        viewer = await self._frame.viewer(request)
        task = await self._frame.task(viewer, int(request.path_params["task_id"]))
        entries = await self._desk.task_log.read(task.id, count=LINES_SHOWN)
        last = entries[-1].id if entries else START
        return self._frame.show("task.html", viewer, task=task, phases=timeline(task), entries=entries, last=last)

    async def log(self, request: Request) -> Response:
        """Stream a task's log from behind ``Last-Event-ID`` (the browser's own reconnect) or ``?after=``."""
        viewer = await self._frame.viewer(request)
        task = await self._frame.task(viewer, int(request.path_params["task_id"]))
        after = request.headers.get("last-event-id") or request.query_params.get("after") or START
        if not is_position(after):
            raise Problem(400, "after is no position of this log.")
        return EventSourceResponse(log_events(self._desk, viewer, task, after), headers=HARMLESS, ping=15)


def timeline(task: Task) -> list[tuple[str, float, str]]:
    """List the phases in their order, with the time each was entered (0: not) and done, active, failed or waiting."""
    entered = dict(task.phase_times)
    passed = [phase for phase in _SHOWN_PHASES if phase in entered or not task.phase.is_final]
    reached = [phase for phase in passed if phase in entered]
    last = reached[-1] if reached else None
    rows = []
    for phase in passed:
        state = "done" if phase in entered else "waiting"
        if phase is last and not task.phase.is_final:
            state = "active"
        if phase is last and task.phase in {Phase.FAILED, Phase.REJECTED}:
            state = "failed"
        rows.append((phase.value, entered.get(phase, 0.0), state))
    return rows + ([(task.phase.value, task.ended_at, "done")] if task.phase.is_final else [])
