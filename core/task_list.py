"""Lists of tasks: filtered, searched, page by page, whatever their number. Read by the bot; see `core/lua/lists.lua`.

A page costs a look at as many tasks as it takes to fill it, `LOOKED_AT` at most: a search for a rare word gets short
pages, perhaps empty ones, each with the place where the search goes on.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.errors import StoreError
from core.scripts import PREFIX, SCRIPTS
from core.store import TaskStore
from core.task import Status, Task

LOOKED_AT: Final = 1000
TIDIED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which tasks; empty means any, but for *projects*, where None does and nothing is nothing."""

    projects: frozenset[int] | None = None
    statuses: tuple[Status, ...] = ()
    requester: str = ""
    """Username."""
    text: str = ""
    """Is in title, prompt, repository, branch or requester; A-Z and a-z are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Tasks, the youngest first; *next* is what `TaskList.page` takes to go on, 0 where nothing more will come."""

    tasks: tuple[Task, ...]
    next: int


class TaskList:
    """The lists of one ledger."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._store = TaskStore(redis)
        self._list = redis.register_script(SCRIPTS["list"])
        self._tidy = redis.register_script(SCRIPTS["tidy"])

    async def page(self, wanted: Wanted, *, before: int = 0, limit: int = 50) -> Page:
        """Read the youngest tasks with ids below *before* (0: of all)."""
        if wanted.projects is not None and not wanted.projects:
            return Page(tasks=(), next=0)
        arguments = [
            before or "", limit, LOOKED_AT, ",".join(wanted.statuses), wanted.requester.lower(),
            ",".join(str(project) for project in wanted.projects or ()), wanted.text.encode().lower(),
        ]  # fmt: skip
        ids, following = await _tried(self._list(keys=[PREFIX], args=arguments))
        tasks = await self._store.get_all([int(task_id) for task_id in ids])
        return Page(tasks=tuple(tasks.values()), next=int(following))

    async def projects(self) -> frozenset[int]:
        """Give the ids of all projects that tasks were asked for in."""
        return frozenset(int(project) for project in await _tried(self._redis.smembers(f"{PREFIX}:projects")))

    async def paths(self) -> dict[int, str]:
        """Give the projects' paths by their ids; those that nothing was started in yet may be missing."""
        found = await _tried(self._redis.hgetall(f"{PREFIX}:paths"))
        return {int(project): str(path) for project, path in found.items()}

    async def tidy(self) -> int:
        """Forget tasks that are gone, some of them in each list; answer how many entries went."""
        names = [f"status:{status}" for status in Status]
        names += [f"project:{project}" for project in await self.projects()]
        names += [f"person:{person}" for person in await _tried(self._redis.smembers(f"{PREFIX}:people"))]
        lists = [f"{PREFIX}:tasks", *(f"{PREFIX}:tasks:{name}" for name in names)]
        return sum([int(await _tried(self._tidy(keys=[PREFIX, key], args=[TIDIED_AT_ONCE]))) for key in lists])


async def _tried(command: Awaitable[Any]) -> Any:
    try:
        return await command
    except (RedisError, OSError) as error:
        raise StoreError(f"Redis did not list: {type(error).__name__}: {error}") from error
