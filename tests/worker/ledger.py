"""Short ways to the tasks of a test's ledger, and to the bells that were rung."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis

from core.task import Phase, Source, Task, Trigger
from simulators.gitlab.records import Issue, Note
from worker.steps.intake import intake
from worker.wiring import Desk


def comment_trigger(note: Note) -> Trigger:
    """Give the trigger of a comment, as the bot decodes it."""
    item = note.item
    return Trigger(source=Source.COMMENT, project_id=item.project.id, iid=item.iid, event_id=note.id)


def label_trigger(issue: Issue, when: str = "2026-01-01T00:00:00Z") -> Trigger:
    """Give the trigger of a labelling, whose event nobody has read yet."""
    return Trigger(source=Source.LABEL, project_id=issue.project.id, iid=issue.iid, event_id=0, happened_at=when)


async def received(desk: Desk, trigger: Trigger) -> Task:
    """Accept a trigger and give its task."""
    _, task_id = await desk.store.accept(trigger)
    return await now(desk, task_id)


async def taken_in(desk: Desk, trigger: Trigger) -> Task:
    """Accept a trigger, let intake judge it, and give its task."""
    task = await received(desk, trigger)
    await intake(desk, task)
    return await now(desk, task.id)


async def now(desk: Desk, task: int | Task) -> Task:
    """Read a task that must be there."""
    found = await desk.store.get(task if isinstance(task, int) else task.id)
    assert found is not None
    return found


async def moved(desk: Desk, task: Task, *phases: Phase, deadline_seconds: float = 60, **fields: Any) -> Task:
    """Move a task through *phases*, with *fields* on the way into the last; without phases it stays where it is."""
    for phase in phases or (None,):
        extra = fields if phase is None or phase is phases[-1] else {}
        changed = await desk.store.change(await now(desk, task), phase, deadline_seconds=deadline_seconds, **extra)
        assert changed is not None
    return await now(desk, task)


async def bells(redis: Redis) -> list[str]:
    """List the bells that were rung and not yet heard, in order: the step's module and the task's id."""
    rung = []
    for job in await redis.lrange("rq:queue:ablehand", 0, -1):
        described = await redis.hget("rq:job:" + str(job), "description")
        rung.append(str(described))
    return rung


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Wait for *condition*, at most five seconds."""
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110 - what is waited for is in Redis
            await asyncio.sleep(0.01)
