"""Lists of tasks: what is in them, in which order, and where a page ends."""

from __future__ import annotations

from itertools import count
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from core.reasons import Reason
from core.store import TaskStore
from core.task import Phase, Place, Source, Status, Task, Trigger
from core.task_list import LOOKED_AT, TaskList, Wanted

pytestmark = pytest.mark.anyio
_NUMBERS = count(1)
Entries = list[tuple[str, dict[str, str]]]


@pytest.fixture
def tasks(redis: Redis) -> TaskList:
    """Give the lists of an empty ledger."""
    return TaskList(redis)


async def asked(store: TaskStore, project: int = 5, **fields: Any) -> int:
    """Accept a task that was asked by form; give its id."""
    trigger = Trigger(
        source=Source.API, place=Place.NOWHERE, project_id=project, iid=0, event_id=0, happened_at=str(next(_NUMBERS))
    )
    return (await store.accept(trigger, **fields))[1]


async def moved(store: TaskStore, task_id: int, *phases: Phase, **fields: Any) -> Task:
    """Move a task on."""
    task = await store.get(task_id)
    for phase in phases:
        assert task is not None
        task = await store.change(task, phase, deadline_seconds=60, **fields)
    assert task is not None
    return task


async def ids(tasks: TaskList, *, before: int = 0, limit: int = 50, **wanted: Any) -> list[int]:
    """Give the ids of a page."""
    return [task.id for task in (await tasks.page(Wanted(**wanted), before=before, limit=limit)).tasks]


async def test_the_youngest_come_first_page_by_page(store: TaskStore, tasks: TaskList) -> None:
    """Pages follow on each other without gap or repeat, and the last one says so."""
    for _ in range(5):
        await asked(store)

    first = await tasks.page(Wanted(), limit=2)
    second = await tasks.page(Wanted(), limit=2, before=first.next)
    third = await tasks.page(Wanted(), limit=2, before=second.next)

    assert [[task.id for task in page.tasks] for page in (first, second, third)] == [[5, 4], [3, 2], [1]]
    assert third.next == 0


async def test_a_task_that_comes_while_somebody_pages_shifts_nothing(store: TaskStore, tasks: TaskList) -> None:
    """A page begins below an id, not behind a number of rows."""
    for _ in range(4):
        await asked(store)
    first = await tasks.page(Wanted(), limit=2)

    await asked(store)

    assert await ids(tasks, before=first.next) == [2, 1]


async def test_a_list_follows_the_status(store: TaskStore, tasks: TaskList) -> None:
    """A task is in the list of the status that it has now, and in no other."""
    one, two = await asked(store), await asked(store)
    await moved(store, one, Phase.QUEUED, Phase.WORKING)
    await moved(store, two, Phase.FAILED)

    assert await ids(tasks, statuses=(Status.PENDING,)) == []
    assert await ids(tasks, statuses=(Status.RUNNING,)) == [one]
    assert await ids(tasks, statuses=(Status.FAILED, Status.RUNNING)) == [two, one]


async def test_only_the_projects_asked_for(store: TaskStore, tasks: TaskList) -> None:
    """Many projects merge into one order; none at all is an empty list."""
    first = [await asked(store, project) for project in (5, 6, 7, 5, 6, 7)]

    assert await ids(tasks, projects=frozenset({5, 7})) == [first[5], first[3], first[2], first[0]]
    assert await ids(tasks, projects=frozenset({8})) == []
    assert await ids(tasks, projects=frozenset()) == []
    assert await tasks.projects() == {5, 6, 7}


async def test_a_project_has_the_path_that_its_last_task_knew(store: TaskStore, tasks: TaskList) -> None:
    """By form it is known at once, by comment when it begins; a project that has moved has its new path."""
    await asked(store, 5, repository="shop/web")
    by_comment = await asked(store, 6)
    await moved(store, by_comment, Phase.QUEUED, Phase.WORKING, repository="shop/api")
    await asked(store, 5, repository="shop/front")
    await asked(store, 7)

    assert await tasks.paths() == {5: "shop/front", 6: "shop/api"}


async def test_the_requester_is_known_when_intake_has_read_it(store: TaskStore, tasks: TaskList) -> None:
    """A name counts in any case, from the moment that the ledger has it."""
    by_form = await asked(store, requester_username="Alice")
    by_comment = await asked(store)
    await moved(store, by_comment, Phase.QUEUED, requester_username="alice")
    await asked(store, requester_username="bob")

    assert await ids(tasks, requester="ALICE") == [by_comment, by_form]


@pytest.mark.parametrize("text", ["HEALTH", "%w+", "shop/web", "bob", "öl"])
async def test_a_text_is_looked_for_in_what_people_see(store: TaskStore, tasks: TaskList, text: str) -> None:
    """Prompt, repository and requester; letters' case does not count, and a pattern is text."""
    found = await asked(store, prompt="Add /health for %w+ öl", repository="shop/web", requester_username="bob")
    await asked(store, prompt="Other", repository="shop/api", requester_username="alice")

    assert await ids(tasks, text=text) == [found]


async def test_wishes_hold_together(store: TaskStore, tasks: TaskList) -> None:
    """Whichever list is read, the other wishes are checked."""
    wanted = await asked(store, 5, requester_username="alice", prompt="Find me")
    await asked(store, 6, requester_username="alice", prompt="Find me")
    await asked(store, 5, requester_username="bob", prompt="Find me")
    await asked(store, 5, requester_username="alice", prompt="Else")
    done = await asked(store, 5, requester_username="alice", prompt="Find me")
    await moved(store, done, Phase.COMPLETED)

    found = await ids(tasks, projects=frozenset({5}), statuses=(Status.PENDING,), requester="alice", text="find")

    assert found == [wanted]


async def test_a_long_search_goes_on_on_the_next_page(store: TaskStore, tasks: TaskList, redis: Redis) -> None:
    """A page that has looked at enough tasks ends, found or not, and says where to go on."""
    oldest = await asked(store, prompt="needle")
    async with redis.pipeline(transaction=False) as pipeline:
        for task_id in range(2, LOOKED_AT + 10):
            pipeline.hset(f"{{ablehand}}:task:{task_id}", mapping={"phase": "failed", "prompt": "hay"})
            pipeline.zadd("{ablehand}:tasks", {str(task_id): task_id})
        await pipeline.execute()

    page = await tasks.page(Wanted(text="needle"))

    assert page.tasks == ()
    assert await ids(tasks, text="needle", before=page.next) == [oldest]


async def test_what_was_no_work_is_in_no_list(store: TaskStore, tasks: TaskList, redis: Redis) -> None:
    """A comment that asked for help leaves nothing behind."""
    task_id = await asked(store, requester_username="alice")
    await moved(store, task_id, Phase.REJECTED, reason=Reason.ANSWERED.value)

    assert await ids(tasks) == []
    assert [key async for key in redis.scan_iter("{ablehand}:tasks*")] == []


async def test_what_is_gone_is_forgotten(store: TaskStore, tasks: TaskList, redis: Redis) -> None:
    """An expired task is not shown, and leaves the lists in time."""
    gone, kept = await asked(store, requester_username="alice"), await asked(store, requester_username="alice")
    await redis.delete(f"{{ablehand}}:task:{gone}")

    assert await ids(tasks) == [kept]
    assert await tasks.tidy() == 4
    assert await redis.zrange("{ablehand}:tasks:project:5", 0, -1) == [str(kept)]


async def test_every_change_is_told(store: TaskStore, redis: Redis) -> None:
    """Who follows learns of a new task and of each of its changes, in their order."""
    one, two = await asked(store), await asked(store)
    await moved(store, one, Phase.QUEUED)

    changes = [entry["id"] for _, entry in cast("Entries", await redis.xrange("{ablehand}:changes"))]

    assert changes == [str(one), str(two), str(one)]
