"""Lists of tasks as a viewer may see them: one way for the table and the API."""

from __future__ import annotations

from dataclasses import replace

from bot.desk import Desk
from bot.viewer import Viewer
from core.task_list import Page, Wanted


async def list_tasks(desk: Desk, viewer: Viewer, wanted: Wanted, *, before: int = 0, limit: int = 50) -> Page:
    """Give those of the youngest tasks with ids below *before* (0: of all) that GitLab shows *viewer*; perhaps none."""
    mine = replace(wanted, projects=await _projects(desk, viewer, wanted.projects))
    page = await desk.tasks.page(mine, before=before, limit=limit)
    return replace(page, tasks=tuple(await desk.visibility.shown(viewer, page.tasks)))


async def _projects(desk: Desk, viewer: Viewer, wanted: frozenset[int] | None) -> frozenset[int] | None:
    """Give the projects to list: those that *viewer* may see and that have tasks; None for all of these."""
    seen = await desk.visibility.projects(viewer)
    if seen is None:
        return wanted
    if wanted is not None:
        return wanted & seen
    there = await desk.tasks.projects()
    return None if there <= seen else there & seen
