"""The sums that somebody may see, for page and API: of projects whose tasks GitLab lets them see, and of no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.desk import Desk
from bot.problems import not_found
from bot.viewer import Viewer
from core.outcomes import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A *report*, and the *paths* by id of all projects that this viewer may ask for."""

    report: Report
    paths: Mapping[int, str]

    def path(self, project_id: int) -> str:
        """Name a project."""
        return self.paths.get(project_id, f"project {project_id}")


async def outcomes_for(desk: Desk, viewer: Viewer, *, days: int, project_id: int = 0) -> Shown:
    """Sum up *days* of one project, or of all that *viewer* may see (0).

    Raises:
        Problem: There is no such project for this viewer.
    """
    seen, paths = await desk.visibility.projects(viewer), await desk.outcomes.paths()
    mine = {project: path for project, path in paths.items() if seen is None or project in seen}
    if project_id and project_id not in mine:
        raise not_found()
    report = await desk.outcomes.report(days, frozenset({project_id}) if project_id else seen)
    return Shown(report=report, paths=mine)
