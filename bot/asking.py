"""Has something done: what form or API asks for, and the cancel or retry of a task. Each becomes a received task.

The bot knows who asks, and checks what it can so that they learn of it at once; intake checks again, as the bot's user.
A cancel is a task of its own too, one that no list shows: so it is never lost, and the worker does it as for a comment.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, Final, Literal

from redis.exceptions import RedisError

from bot.bell import Bell
from bot.gitlab_view import GitLabView
from bot.problems import Problem
from bot.viewer import Viewer, digest
from bot.visibility import Visibility
from bot.wishes import Wish
from core.errors import GitLabNotFound, StoreError
from core.gitlab.nouns import Project
from core.scripts import PREFIX
from core.settings import Settings
from core.store import TaskStore
from core.task import Place, Source, Task, Trigger

KEY_SECONDS: Final = 86_400
"""How long an Idempotency-Key is remembered."""
Verb = Literal["cancel", "retry"]


class Asking:
    """For pages and API alike."""

    def __init__(
        self, store: TaskStore, bell: Bell, gitlab: GitLabView, visibility: Visibility, settings: Settings
    ) -> None:
        self._store = store
        self._bell = bell
        self._gitlab = gitlab
        self._visibility = visibility
        self.agents: Final = (settings.agent, *settings.allowed_agents)
        """Which may be chosen; the first works where none is."""
        self.models: Final = settings.allowed_models
        """Globs of those that may be chosen; empty: every one."""

    async def ask(self, viewer: Viewer, wish: Wish, *, idempotency_key: str = "") -> tuple[bool, Task]:
        """Have *wish* done; give whether it is new, and its task. The same key gives the same task.

        Raises:
            Problem: It is not done; the detail says what to do.
            GitLabError: GitLab did not say whether it may.
        """
        project = await self._project(viewer, wish)
        name = await self._name(viewer, wish, idempotency_key) if idempotency_key else uuid.uuid4().hex
        trigger = Trigger(
            source=Source.API, place=Place.NOWHERE, project_id=project.id, iid=0, event_id=0, happened_at=name
        )
        return await self._accept(
            viewer, trigger, repository=project.path, visibility=project.visibility, prompt=wish.prompt,
            branch=wish.branch, agent=wish.agent, model=wish.model,
        )  # fmt: skip

    async def order(self, viewer: Viewer, task: Task, verb: Verb) -> Task:
        """Have *task* cancelled or done again; give the task that does it.

        Raises:
            Problem: It has ended, or has not, or *viewer* may not.
        """
        await self._check_role(viewer, task.trigger.project_id)
        if verb == "cancel" and task.phase.is_final:
            raise Problem(409, f"Task {task.id} has ended already: it is {task.status}.")
        if verb == "retry" and not task.phase.is_final:
            raise Problem(409, f"Task {task.id} has not ended. Cancel it first.")
        if verb == "retry" and not task.prompt:
            raise Problem(409, f"Task {task.id} was never something that could be done. Ask anew.")
        trigger = replace(task.trigger, source=Source.API, event_id=0, happened_at=uuid.uuid4().hex)
        if verb == "cancel":  # the cancelled task tells of it itself
            trigger = replace(trigger, place=Place.NOWHERE, iid=0)
        _, ordered = await self._accept(
            viewer, trigger, verb=verb, parent_id=task.id, repository=task.repository, visibility=task.visibility
        )
        return ordered

    async def _accept(self, viewer: Viewer, trigger: Trigger, **fields: Any) -> tuple[bool, Task]:
        who: dict[str, Any] = {
            "requester_id": viewer.user_id, "requester_username": viewer.username, "requester_name": viewer.name,
        }  # fmt: skip
        new, task_id = await self._store.accept(trigger, **who, **fields)
        if new:
            self._bell.ring(task_id)
        task = await self._store.get(task_id)
        if task is None:
            raise Problem(409, "What this Idempotency-Key stands for is gone. Use another.")
        return new, task

    async def _project(self, viewer: Viewer, wish: Wish) -> Project:
        if wish.agent and wish.agent not in self.agents:
            raise Problem(
                409, f"The agent {wish.agent} may not be chosen here: {', '.join(self.agents)}.", field="agent"
            )
        if wish.model and self.models and not any(fnmatchcase(wish.model, glob) for glob in self.models):
            raise Problem(
                409, f"The model {wish.model} may not be chosen here: {', '.join(self.models)}.", field="model"
            )
        try:
            project = await self._gitlab.project(viewer.token, wish.repository)
        except GitLabNotFound:
            raise Problem(404, "There is no such project, or it is not for you to see.", field="repository") from None
        await self._check_role(viewer, project.id)
        if wish.branch and not await self._gitlab.has_branch(viewer.token, project.id, wish.branch):
            raise Problem(404, f"There is no branch {wish.branch} in {project.path}.", field="branch")
        return project

    async def _check_role(self, viewer: Viewer, project_id: int) -> None:
        if not viewer.may_write:
            raise Problem(403, "To have something done, sign in or use a GitLab token with the scope api.")
        if not await self._visibility.may_ask(viewer, project_id):
            raise Problem(403, "To have something done in a project you need Developer access to it.")

    async def _name(self, viewer: Viewer, wish: Wish, idempotency_key: str) -> str:
        """Name what a key stands for; refuse one that stands for something else."""
        name = hashlib.sha256(f"{viewer.user_id}:{idempotency_key}".encode()).hexdigest()[:32]
        kept, meant = f"{PREFIX}:idempotency:{name}", digest(wish.model_dump_json())
        try:
            await self._store.redis.set(kept, meant, ex=KEY_SECONDS, nx=True)
            same = await self._store.redis.get(kept) in {meant, None}
        except (RedisError, OSError) as error:
            raise StoreError(f"idempotency key: {type(error).__name__}") from error
        if not same:
            raise Problem(409, "This Idempotency-Key was used for another task. Use a new one for a new task.")
        return name
