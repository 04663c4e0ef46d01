"""How often GitLab is written to: never more than so much in any minute, ends first, each task at its pace."""

from __future__ import annotations

import pytest

from core.store import TaskStore
from core.task import Source, Task, Trigger

pytestmark = pytest.mark.anyio


async def a_task(store: TaskStore, event_id: int = 1) -> Task:
    """Accept a task."""
    _, task_id = await store.accept(Trigger(source=Source.COMMENT, project_id=1, iid=1, event_id=event_id))
    task = await store.get(task_id)
    assert task is not None
    return task


async def age(store: TaskStore, seconds: float) -> None:
    """Make every write so far older."""
    for member in await store.redis.zrange("{ablehand}:writes", 0, -1):
        await store.redis.zincrby("{ablehand}:writes", -seconds, str(member))


async def test_no_minute_holds_more_than_the_limit(store: TaskStore) -> None:
    """Whoever asks for one more is told when the oldest will be a minute old."""
    task = await a_task(store)

    answers = [await store.claim_write(task, per_minute=10) for _ in range(12)]

    assert answers[:10] == [0.0] * 10
    assert all(55 < early <= 60 for early in answers[10:])
    await age(store, 50)
    assert 5 < await store.claim_write(task, per_minute=10) <= 10
    await age(store, 11)
    assert await store.claim_write(task, per_minute=10) == 0


async def test_a_refused_write_is_not_counted(store: TaskStore) -> None:
    """Else a crowd that asks again and again would never get through."""
    task = await a_task(store)

    for _ in range(20):
        await store.claim_write(task, per_minute=5)

    assert await store.redis.zcard("{ablehand}:writes") == 5


async def test_who_asks_with_more_comes_first(store: TaskStore) -> None:
    """What is kept for ends is not used up by progress."""
    task = await a_task(store)
    for _ in range(8):
        await store.claim_write(task, per_minute=6)

    answers = [await store.claim_write(task, per_minute=8) for _ in range(3)]

    assert answers[:2] == [0, 0]
    assert answers[2] > 0


async def test_one_task_has_its_pace_and_no_other_waits_for_it(store: TaskStore) -> None:
    """A write without a pause does not wait either."""
    one, other = await a_task(store, 1), await a_task(store, 2)
    assert await store.claim_write(one, per_minute=100, pause_seconds=15) == 0

    early = await store.claim_write(one, per_minute=100, pause_seconds=15)

    assert 10 < early <= 15
    assert await store.claim_write(one, per_minute=100) == 0
    assert await store.claim_write(other, per_minute=100, pause_seconds=15) == 0
