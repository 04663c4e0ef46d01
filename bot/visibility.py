"""What a viewer may see and do: what GitLab says of them, asked with their own token. An error is never a yes.

A task is seen by who has Reporter access to its project or more (a log shows code) and is shown the issue or merge
request that it came from. Who asks, cancels or retries has Developer access. GitLab's answers are kept as long as
`answers.KEPT_SECONDS`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Iterable

from bot.answers import Answers
from bot.gitlab_view import PAGE, GitLabView
from bot.viewer import How, Viewer
from core.gitlab.levels import DEVELOPER, REPORTER
from core.task import Place, Task


class Visibility:
    """Answers for every viewer."""

    def __init__(self, gitlab: GitLabView, answers: Answers) -> None:
        self._gitlab = gitlab
        self._answers = answers

    async def may_see(self, viewer: Viewer, task: Task) -> bool:
        """Tell whether the task is there for *viewer*."""
        if viewer.how is How.OPEN:
            return True
        if await self._level(viewer, task.trigger.project_id) < REPORTER:
            return False
        return bool(await self.shown(viewer, [task]))

    async def may_ask(self, viewer: Viewer, project_id: int) -> bool:
        """Tell whether *viewer* may have something done in a project."""
        return viewer.may_write and await self._level(viewer, project_id) >= DEVELOPER

    async def projects(self, viewer: Viewer) -> frozenset[int] | None:
        """Give the ids of the projects whose tasks *viewer* may see; None for all."""
        if viewer.how is How.OPEN:
            return None
        asked = self._gitlab.projects
        found = await self._answers.get(viewer.key, "projects", lambda: _sorted(asked(viewer.token, REPORTER)))
        return frozenset(found)

    async def shown(self, viewer: Viewer, tasks: Iterable[Task]) -> list[Task]:
        """Keep the tasks whose issue or merge request GitLab shows; their projects are taken for seen."""
        tasks = list(tasks)
        if viewer.how is How.OPEN:
            return tasks
        places = {_place(task) for task in tasks if task.trigger.place is not Place.NOWHERE}
        known = await self._answers.known(viewer.key, sorted(places)) if places else {}
        unknown = [task for task in tasks if known.get(_place(task), True) is None]
        known |= await self._ask(viewer, unknown)
        return [task for task in tasks if task.trigger.place is Place.NOWHERE or known.get(_place(task))]

    async def _ask(self, viewer: Viewer, tasks: list[Task]) -> dict[str, bool]:
        groups: dict[tuple[int, Place], set[int]] = defaultdict(set)
        for task in tasks:
            groups[task.trigger.project_id, task.trigger.place].add(task.trigger.iid)
        answers: dict[str, bool] = {}
        for (project_id, place), iids in groups.items():
            some = sorted(iids)[:PAGE]
            shown = await self._gitlab.shown(viewer.token, project_id, place, some)
            answers |= {f"{project_id}/{place}/{iid}": iid in shown for iid in some}
        if answers:
            await self._answers.keep(viewer.key, answers)
        return answers

    async def _level(self, viewer: Viewer, project_id: int) -> int:
        level = self._gitlab.access_level
        question = f"level/{project_id}"
        return int(
            await self._answers.get(viewer.key, question, lambda: level(viewer.token, project_id, viewer.user_id))
        )


def _place(task: Task) -> str:
    return f"{task.trigger.project_id}/{task.trigger.place}/{task.trigger.iid}"


async def _sorted(found: Awaitable[frozenset[int]]) -> list[int]:
    return sorted(await found)
