"""The first page: the tasks that somebody may see, narrowed and searched, a page at a time."""

from __future__ import annotations

import time
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from bot.listing import list_tasks
from bot.pages.frame import Frame
from bot.pages.table_filter import Filter, read_filter
from bot.pages.table_rows import row_of
from bot.viewer import Viewer
from core.task import Status
from core.task_list import Page, Wanted

ROWS: Final = 50
PROJECTS_OFFERED: Final = 200


class TaskTable:
    """At ``/``."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._desk = frame.desk

    async def show(self, request: Request) -> Response:
        """Show a page of the table."""
        viewer = await self._frame.viewer(request)
        wanted = read_filter(request.query_params)
        paths = await self._paths(viewer)
        page = await self._page(viewer, wanted, paths)
        now = time.time()
        return self._frame.show(
            "table.html", viewer, wanted=wanted, rows=[row_of(task, now) for task in page.tasks], next=page.next,
            statuses=list(Status), projects=sorted(set(paths.values()))[:PROJECTS_OFFERED],
            label=f"{self._desk.settings.label_prefix}-ready",
        )  # fmt: skip

    async def _page(self, viewer: Viewer, wanted: Filter, paths: dict[int, str]) -> Page:
        if not wanted.is_possible:
            return Page(tasks=(), next=0)
        asked = Wanted(
            projects=wanted.project_ids(paths), statuses=wanted.statuses, requester=wanted.person, text=wanted.text
        )
        return await list_tasks(self._desk, viewer, asked, before=int(wanted.cursor or 0), limit=ROWS)

    async def _paths(self, viewer: Viewer) -> dict[int, str]:
        """Give the paths of the projects that *viewer* may see and that have tasks."""
        paths = await self._desk.tasks.paths()
        seen = await self._desk.visibility.projects(viewer)
        return paths if seen is None else {project_id: paths[project_id] for project_id in paths.keys() & seen}
