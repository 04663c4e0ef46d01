"""The ledger against a real Valkey: what races, repeats and fences may and may not do."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from redis.asyncio import Redis

from core.errors import Fenced, StoreError
from core.limits import Limits
from core.scripts import PREFIX
from core.store import TaskStore
from core.task import FINAL_PHASES, Line, Phase, Progress, Source, Task, Trigger

pytestmark = pytest.mark.anyio


def trigger(event_id: int = 1, *, project_id: int = 5) -> Trigger:
    """Make a comment's trigger."""
    return Trigger(source=Source.COMMENT, project_id=project_id, iid=7, event_id=event_id)


async def received(store: TaskStore, event_id: int = 1, *, project_id: int = 5) -> Task:
    """Accept a trigger and read its task."""
    _, task_id = await store.accept(trigger(event_id, project_id=project_id))
    return await read(store, task_id)


async def read(store: TaskStore, task_id: int) -> Task:
    """Read a task that must be there."""
    task = await store.get(task_id)
    assert task is not None
    return task


async def queued(store: TaskStore, event_id: int, *, project_id: int = 5, requester_id: int = 1) -> Task:
    """Bring a task into the queue."""
    task = await received(store, event_id, project_id=project_id)
    changed = await store.change(task, Phase.QUEUED, deadline_seconds=60, requester_id=requester_id)
    assert changed is not None
    return changed


async def test_the_queue_is_in_the_order_of_asking(store: TaskStore) -> None:
    """Of a crowd the last may be taken in first; it waits behind the others all the same."""
    tasks = [await received(store, event_id) for event_id in range(1, 12)]

    for task in reversed(tasks):
        await store.change(task, Phase.QUEUED, deadline_seconds=60)

    assert await store.queued() == [task.id for task in tasks]


async def test_a_trigger_becomes_one_task_however_often_it_is_told(store: TaskStore) -> None:
    """The same trigger by other deliveries, and the same delivery again, find the first task."""
    first = await store.accept(trigger(), delivery="a")
    again = [await store.accept(trigger(), delivery=name) for name in ("a", "b", "")]

    assert first == (True, 1)
    assert again == [(False, 1)] * 3


async def test_racing_deliveries_make_one_task(store: TaskStore) -> None:
    """Forty deliveries of one trigger at the same time make one task."""
    answers = await asyncio.gather(*(store.accept(trigger(), delivery=str(number)) for number in range(40)))

    assert sum(new for new, _ in answers) == 1
    assert {task_id for _, task_id in answers} == {1}


async def test_a_received_task_has_a_deadline_and_a_name_of_its_own(store: TaskStore) -> None:
    """A task that nobody rings for comes up by itself; what it brings about is named after it."""
    one, two = await received(store, 1), await received(store, 2)

    assert one.phase is Phase.RECEIVED
    assert await store.live() == [1, 2]
    assert one.unique_id != two.unique_id


async def test_a_change_is_all_or_nothing(store: TaskStore) -> None:
    """A task that has left the expected phase keeps every field."""
    stale = await received(store)
    await store.change(stale, Phase.QUEUED, deadline_seconds=60, prompt="first")

    assert await store.change(stale, Phase.REJECTED, prompt="second", reason="gone") is None
    now = await read(store, stale.id)
    assert (now.phase, now.prompt, now.reason) == (Phase.QUEUED, "first", "")


async def test_fifty_racers_have_one_winner(store: TaskStore) -> None:
    """Of many who move one task, one gets through, and the outbox holds it once."""
    task = await received(store)

    changed = await asyncio.gather(
        *(store.change(task, Phase.QUEUED, deadline_seconds=60, prompt=str(number)) for number in range(50))
    )

    assert sum(item is not None for item in changed) == 1
    assert (await store.due())[1] == [task.id]


async def test_a_command_that_is_sent_twice_counts_once(store: TaskStore, redis: Redis) -> None:
    """redis-py repeats a command after a timeout: the same operation id changes nothing more."""
    task = await received(store)
    script = store._scripts["change"]  # noqa: SLF001 - the repeat happens below the store's own methods
    arguments: list[Any] = [
        task.id,
        "received",
        "queued",
        60,
        json.dumps({"prompt": "x"}),
        "0",
        "op-1",
        0,
        60,
        "",
        0,
        60,
    ]

    answers = [await script(keys=[PREFIX], args=arguments) for _ in range(2)]

    assert answers == [[1, "queued"], [1, "queued"]]
    assert (await read(store, task.id)).version == 2
    assert await redis.zcard(f"{PREFIX}:queue") == 1


async def test_an_old_leader_is_fenced_off(store: TaskStore) -> None:
    """After another has taken the lease, the old leader's writes are refused."""
    task = await received(store)
    old = await store.lead("one", milliseconds=10_000, fence=0)
    await store.resign("one")
    young = await store.lead("two", milliseconds=10_000, fence=0)

    with pytest.raises(Fenced):
        await store.change(task, Phase.QUEUED, deadline_seconds=60, fence=old)
    assert await store.change(task, Phase.QUEUED, deadline_seconds=60, fence=young) is not None


async def test_one_leads_and_keeps_its_number(store: TaskStore) -> None:
    """The holder renews under the same number; another gets 0 until the lease is given back."""
    fence = await store.lead("one", milliseconds=10_000, fence=0)

    assert await store.lead("one", milliseconds=10_000, fence=fence) == fence
    assert await store.lead("two", milliseconds=10_000, fence=0) == 0
    await store.resign("two")
    assert await store.lead("two", milliseconds=10_000, fence=0) == 0
    await store.resign("one")
    assert await store.lead("two", milliseconds=10_000, fence=0) == fence + 1


async def test_the_outbox_keeps_what_changed_while_it_was_told(store: TaskStore) -> None:
    """An entry goes when the version that was told is the last one, and stays otherwise."""
    task = await received(store)
    first = await store.change(task, Phase.QUEUED, deadline_seconds=60)
    assert first is not None
    second = await store.change(first, progress=Progress(current="later"))
    assert second is not None

    assert not await store.told(first)
    assert (await store.due())[1] == [task.id]
    assert await store.told(second)
    assert (await store.due())[1] == []


async def test_progress_is_told_later_and_never_pushes_news_back(store: TaskStore) -> None:
    """An entry that is due now stays due now when a later one is added."""
    task = await received(store)
    changed = await store.change(task, tell_after=60, progress=Progress(current="a"))
    assert (await store.due())[1] == []
    assert changed is not None

    changed = await store.change(changed, Phase.QUEUED, deadline_seconds=60)
    assert changed is not None
    await store.change(changed, tell_after=60, progress=Progress(current="b"))

    assert (await store.due())[1] == [task.id]


async def test_slots_are_bounded_in_all(store: TaskStore) -> None:
    """No more tasks are admitted than there are slots; an end frees one."""
    for number in range(3):
        await queued(store, number + 1)
    limits = Limits(all=2)

    admitted = [await store.admit(limits, deadline_seconds=60) for _ in range(3)]

    assert [task.id if task else None for task in admitted] == [1, 2, None]
    await store.change(await read(store, 1), Phase.FAILED, reason="agent")
    freed = await store.admit(limits, deadline_seconds=60)
    assert freed is not None
    assert freed.id == 3


async def test_racing_admissions_never_pass_the_limit(store: TaskStore) -> None:
    """Thirty admissions at once for two slots admit two, each once."""
    for number in range(10):
        await queued(store, number + 1)

    admitted = await asyncio.gather(*(store.admit(Limits(all=2), deadline_seconds=60) for _ in range(30)))

    assert sorted(task.id for task in admitted if task) == [1, 2]
    assert await store.slots_taken() == 2


async def test_slots_are_fair_between_projects(store: TaskStore) -> None:
    """A project with many waiting tasks does not keep another's first task waiting."""
    for number in range(4):
        await queued(store, number + 1, project_id=5)
    late = await queued(store, 9, project_id=6)

    admitted = [await store.admit(Limits(all=3), deadline_seconds=60) for _ in range(3)]

    assert [task.id for task in admitted if task] == [1, late.id, 2]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        pytest.param(Limits(all=9, project=1), [1, 3], id="a-project"),
        pytest.param(Limits(all=9, person=1), [1], id="a-person"),
    ],
)
async def test_slots_are_bounded_for_a_project_and_a_person(
    store: TaskStore, limits: Limits, expected: list[int]
) -> None:
    """A project or person at its limit waits, and lets others pass."""
    await queued(store, 1, project_id=5)
    await queued(store, 2, project_id=5)
    await queued(store, 3, project_id=6)

    admitted = [await store.admit(limits, deadline_seconds=60) for _ in range(3)]

    assert [task.id for task in admitted if task] == expected


@pytest.mark.parametrize("final", sorted(FINAL_PHASES))
async def test_an_end_leaves_nothing_behind(store: TaskStore, redis: Redis, final: Phase) -> None:
    """A final task holds no slot, no deadline and no place in the queue, and goes away in time."""
    await queued(store, 1)
    task = await store.admit(Limits(all=1), deadline_seconds=60)
    assert task is not None

    ended = await store.change(task, final, reason="agent")

    assert ended is not None
    assert ended.ended_at > 0
    assert (await store.slots_taken(), await store.live(), await store.queued()) == (0, [], [])
    assert await redis.ttl(f"{PREFIX}:task:{task.id}") > 0


async def test_nothing_leaves_a_final_phase(store: TaskStore) -> None:
    """A task read while it lived can't be moved once it has ended."""
    task = await received(store)
    await store.change(task, Phase.REJECTED, reason="gone")

    assert await store.change(task, Phase.QUEUED, deadline_seconds=60) is None


async def test_a_task_comes_back_as_it_was_put(store: TaskStore) -> None:
    """Every kind of field survives Redis, hostile text included."""
    task = await received(store)
    progress = Progress(
        lines=(Line(mark="clone", state="done", seconds=1.5),), current="`x`\n\x00é😀", turns=3, items=(("a", "done"),)
    )

    await store.change(task, prompt='{"a": "\\u0000"}\r\n', progress=progress, cost_usd=0.1 + 0.2, merge_request_iid=4)

    now = await read(store, task.id)
    assert now.prompt == '{"a": "\\u0000"}\r\n'
    assert now.progress == progress
    assert (now.cost_usd, now.merge_request_iid, now.trigger) == (0.1 + 0.2, 4, trigger())


async def test_a_task_is_small(store: TaskStore, redis: Redis) -> None:
    """A task with everything filled in stays under 10 KiB, its prompt of 2 KiB included."""
    task = await received(store)
    await store.change(task, prompt="p" * 2048, summary="s" * 2048, progress=Progress(current="c" * 200))

    # Of all fields: by default Redis looks at five of them and guesses.
    assert (await redis.memory_usage(f"{PREFIX}:task:{task.id}", samples=0) or 0) in range(1, 10 * 1024)


async def test_redis_that_is_full_is_one_error(store: TaskStore, redis: Redis) -> None:
    """A Redis that refuses writes is a StoreError, and takes them again later."""
    await redis.config_set("maxmemory", "1")
    try:
        with pytest.raises(StoreError, match="Redis did not take it"):
            await store.accept(trigger())
    finally:
        await redis.config_set("maxmemory", "0")
    assert await store.accept(trigger()) == (True, 1)
