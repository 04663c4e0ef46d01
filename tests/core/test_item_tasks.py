"""The index of an item's tasks, and cancels that come before what they cancel."""

from __future__ import annotations

from dataclasses import replace

import pytest
from redis.asyncio import Redis

from core.item_tasks import CANCELLED_SECONDS, ITEM_TASKS
from core.scripts import PREFIX
from core.store import TRIGGER_TTL_SECONDS, TaskStore
from core.task import Noteable, Phase, Place, Source, Trigger
from tests.core.test_store import read

pytestmark = pytest.mark.anyio
ITEM = Noteable(project_id=5, place=Place.ISSUE, iid=7)


async def accepted(store: TaskStore, event_id: int, *, item: Noteable = ITEM) -> int:
    """Accept a comment on an item; give its task's id."""
    trigger = Trigger(
        source=Source.COMMENT, place=item.place, project_id=item.project_id, iid=item.iid, event_id=event_id
    )
    return (await store.accept(trigger))[1]


async def listed(store: TaskStore, item: Noteable = ITEM) -> list[int]:
    """List an item's tasks by their ids."""
    return [task.id for task in await store.items.newest(item)]


async def test_an_items_tasks_are_found_newest_first(store: TaskStore) -> None:
    """Those of a merge request with the same number, of another issue and of another project are others."""
    others = [
        Noteable(project_id=5, place=Place.MERGE_REQUEST, iid=7),
        Noteable(project_id=5, place=Place.ISSUE, iid=77),
        Noteable(project_id=55, place=Place.ISSUE, iid=7),
    ]
    ids = [await accepted(store, 1), await accepted(store, 2)]
    for number, other in enumerate(others):
        await accepted(store, 10 + number, item=other)

    assert await listed(store) == ids[::-1]
    assert [await listed(store, other) for other in others] == [[3], [4], [5]]


async def test_what_was_answered_in_words_is_not_listed(store: TaskStore) -> None:
    """Questions and ignored comments go at their end; refusals of work and its ends stay."""
    ends = ("answered", "ignored", "limit", "not-allowed")
    for number, reason in enumerate(ends):
        task_id = await accepted(store, number + 1)
        await store.change(await read(store, task_id), Phase.REJECTED, reason=reason)

    assert await listed(store) == [4, 3]


async def test_a_task_is_listed_where_intake_finds_that_it_hangs(store: TaskStore) -> None:
    """A branch's pipeline says nothing of a merge request; once queued, the task is found on it."""
    task = await read(store, await accepted(store, 1, item=Noteable(project_id=5, place=Place.NOWHERE, iid=0)))
    found = replace(task.trigger, place=Place.MERGE_REQUEST, iid=7)

    await store.change(task, Phase.QUEUED, deadline_seconds=60, trigger=found)

    assert await listed(store, found.noteable) == [task.id]


async def test_the_index_is_bounded_and_goes_away(store: TaskStore, redis: Redis) -> None:
    """A thread with many comments keeps its newest, for as long as triggers are remembered."""
    name = f"{PREFIX}:item:5:issues:7"
    await redis.zadd(name, {f"{-number}": -number for number in range(1, ITEM_TASKS + 50)})

    await accepted(store, 1)

    assert await redis.zcard(name) == ITEM_TASKS
    assert (await redis.zrevrange(name, 0, 0)) == ["1"]
    assert TRIGGER_TTL_SECONDS - 60 < await redis.ttl(name) <= TRIGGER_TTL_SECONDS


async def test_a_form_hangs_on_no_item(store: TaskStore, redis: Redis) -> None:
    """What was asked nowhere on GitLab is in no index."""
    await accepted(store, 1, item=Noteable(project_id=5, place=Place.NOWHERE, iid=0))

    assert await redis.keys(f"{PREFIX}:item:*") == []


async def test_a_cancel_is_remembered_for_a_day(store: TaskStore, redis: Redis) -> None:
    """By its comment; only that comment takes it back."""
    assert await store.items.cancelled_before(ITEM) == (0, "")
    await store.items.cancel_before(ITEM, 9, "bob")

    assert await store.items.cancelled_before(ITEM) == (9, "bob")
    assert CANCELLED_SECONDS - 60 < await redis.ttl(f"{PREFIX}:cancelled:5:issues:7") <= CANCELLED_SECONDS
    await store.items.forget_cancel(ITEM, 8)
    assert await store.items.cancelled_before(ITEM) == (9, "bob")
    await store.items.forget_cancel(ITEM, 9)
    assert await store.items.cancelled_before(ITEM) == (0, "")
