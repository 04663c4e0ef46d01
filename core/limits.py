"""The limits of runs, tasks and money, and what of them is used now. Kept by the scripts admit, ask and change.

A day is one of UTC, from midnight to midnight. A run reserves its task's budget until it has ended; then what it has
cost counts for that day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from core.settings import Settings
    from core.store import TaskStore

DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many runs may go on at once, and how many US dollars a day costs; 0: no limit (but for *all*)."""

    all: int
    project: int = 0
    person: int = 0
    project_usd: float = 0.0
    person_usd: float = 0.0


def in_force(settings: Settings) -> Limits:
    """Give the limits that the operator has set."""
    return Limits(
        all=settings.max_runs,
        project=settings.max_runs_per_project,
        person=settings.max_runs_per_person,
        project_usd=settings.budget_usd_per_day_project,
        person_usd=settings.budget_usd_per_day_person,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What one project or person uses: runs that go on now, dollars spent today, dollars that its runs reserve."""

    runs: int
    spent_usd: float
    reserved_usd: float


class Usage:
    """Asks the ledger how much of the limits is used."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store

    async def ask(self, person_id: int, task_id: int, most: int) -> float:
        """Count a task for who asks, once; 0 where it may be, else the Unix time at which the next may.

        *most*: tasks that one person may ask for in an hour.
        """
        return float(await self._store.run("ask", person_id, task_id, most))

    async def of_project(self, project_id: int) -> Used:
        """Give what a project uses."""
        return await self._used(f"project:{project_id}")

    async def of_person(self, person_id: int) -> Used:
        """Give what a person uses, in all projects together."""
        return await self._used(f"person:{person_id}")

    async def asked_by(self, person_id: int) -> int:
        """Count the tasks that a person has asked for in the last hour; they are counted while there is a limit."""
        since = await self._store.now() - 3600
        redis, name = self._store.redis, f"{{ablehand}}:asked:{person_id}"
        return int(await self._store.attempt(redis.zcount(name, since, "+inf")))

    async def midnight(self) -> float:
        """Give the Unix time at which the next day begins."""
        return (await self._store.now() // DAY_SECONDS + 1) * DAY_SECONDS

    async def _used(self, name: str) -> Used:
        redis, attempt = self._store.redis, self._store.attempt
        today = int(await self._store.now() // DAY_SECONDS)
        spent = await attempt(redis.get(f"{{ablehand}}:spent:{name}:{today}"))
        members = await attempt(redis.smembers(f"{{ablehand}}:slots:{name}"))
        tasks = await self._store.get_all(sorted(int(member) for member in members))
        reserved = sum(task.budget_usd for task in tasks.values())
        return Used(runs=len(members), spent_usd=float(spent or 0), reserved_usd=reserved)
