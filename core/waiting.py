"""Which limit a queued task waits for, in words for people."""

from __future__ import annotations

from core.figures import plural
from core.limits import Limits, Used
from core.store import TaskStore
from core.task import Task


async def why_waiting(store: TaskStore, limits: Limits, task: Task) -> str:
    """Say which limit a queued task waits for, as a phrase of ours; empty where none is in its way."""
    if await store.slots_taken() >= limits.all:
        return f"{_runs(limits.all)} in all, the limit here"
    project = await store.usage.of_project(task.trigger.project_id)
    person = await store.usage.of_person(task.requester_id)
    if limits.project and project.runs >= limits.project:
        return f"{_runs(limits.project)} in this project, its limit"
    if limits.person and person.runs >= limits.person:
        return f"{_runs(limits.person)} for who asked, their limit"
    if _is_reserved(project, task, limits.project_usd):
        return "the rest of this project's money for today is reserved by its runs"
    if _is_reserved(person, task, limits.person_usd):
        return "the rest of today's money of who asked is reserved by their runs"
    return ""


def _runs(count: int) -> str:
    return f"{plural(count, 'run')} {'goes' if count == 1 else 'go'} on"


def _is_reserved(used: Used, task: Task, most: float) -> bool:
    return bool(most) and used.spent_usd + used.reserved_usd + task.budget_usd > most
