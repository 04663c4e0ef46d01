"""Money and tasks an hour in the ledger: what is reserved, what is charged at the end, who waits and who is refused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from redis.asyncio import Redis

from core.limits import DAY_SECONDS, Limits, Used
from core.scripts import PREFIX
from core.store import TaskStore
from core.task import Phase, Progress, Task
from tests.core.test_store import queued, read

pytestmark = pytest.mark.anyio
ALL = 100


async def rich(store: TaskStore, event_id: int, budget_usd: float, **fields: int) -> Task:
    """Bring a task with a budget into the queue."""
    task = await queued(store, event_id, **fields)
    changed = await store.change(task, budget_usd=budget_usd)
    assert changed is not None
    return changed


async def admit(store: TaskStore, limits: Limits) -> tuple[int, Phase] | None:
    """Admit the next task; give its id and phase."""
    task = await store.admit(limits, deadline_seconds=60)
    return (task.id, task.phase) if task else None


async def through(store: TaskStore, task_id: int, *phases: Phase, **fields: Any) -> Task:
    """Move a task through *phases*, with *fields* on the way into the last."""
    for phase in phases:
        last = fields if phase is phases[-1] else {}
        assert await store.change(await read(store, task_id), phase, deadline_seconds=60, **last)
    return await read(store, task_id)


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(Limits(all=ALL, project_usd=10), id="a-projects"),
        pytest.param(Limits(all=ALL, person_usd=10), id="a-persons"),
    ],
)
async def test_parallel_tasks_reserve_their_budgets(store: TaskStore, limits: Limits) -> None:
    """Of twenty tasks of $4 at once, two start within $10; none has to be refused while nothing is spent."""
    for number in range(20):
        await rich(store, number + 1, 4)

    admitted = await asyncio.gather(*(store.admit(limits, deadline_seconds=60) for _ in range(20)))

    assert sorted(task.id for task in admitted if task) == [1, 2]
    assert await store.usage.of_project(5) == Used(runs=2, spent_usd=0, reserved_usd=8)
    assert await store.usage.of_person(1) == Used(runs=2, spent_usd=0, reserved_usd=8)


async def test_a_cheap_end_lets_the_next_start(store: TaskStore) -> None:
    """What a run has not spent of its budget is there for others again."""
    limits = Limits(all=ALL, project_usd=10)
    for number in range(3):
        await rich(store, number + 1, 4)
    assert [await admit(store, limits) for _ in range(3)] == [(1, Phase.LAUNCHING), (2, Phase.LAUNCHING), None]

    await through(store, 1, Phase.COMPLETED, cost_usd=1.5, cost_told=True)

    assert await admit(store, limits) == (3, Phase.LAUNCHING)
    assert await store.usage.of_project(5) == Used(runs=2, spent_usd=1.5, reserved_usd=8)


async def test_a_task_is_to_be_refused_when_the_days_money_is_spent(store: TaskStore) -> None:
    """It comes back as it is, without a slot; when it has left the queue the next one is looked at."""
    limits = Limits(all=ALL, project_usd=10)
    await rich(store, 1, 8)
    await admit(store, limits)
    await through(store, 1, Phase.COMPLETED, cost_usd=8.0, cost_told=True)
    await rich(store, 2, 4)
    await rich(store, 3, 2)

    assert await admit(store, limits) == (2, Phase.QUEUED)
    assert await store.slots_taken() == 0
    await through(store, 2, Phase.REJECTED, reason="limit")
    assert await admit(store, limits) == (3, Phase.LAUNCHING)


async def test_a_day_ends(store: TaskStore, redis: Redis) -> None:
    """What was spent yesterday does not count today, and is forgotten."""
    limits = Limits(all=ALL, project_usd=10)
    await rich(store, 1, 8)
    await admit(store, limits)
    await through(store, 1, Phase.COMPLETED, cost_usd=8.0, cost_told=True)
    today = int(await store.now() // DAY_SECONDS)
    name = f"{PREFIX}:spent:project:5"
    assert 0 < await redis.ttl(f"{name}:{today}") <= 2 * DAY_SECONDS
    await redis.rename(f"{name}:{today}", f"{name}:{today - 1}")
    await rich(store, 2, 8)

    assert await admit(store, limits) == (2, Phase.LAUNCHING)
    assert (await store.usage.midnight()) % DAY_SECONDS == 0


async def test_who_waits_for_money_is_not_overtaken(store: TaskStore) -> None:
    """A smaller task of the same project waits behind it; another project's and person's does not."""
    limits = Limits(all=ALL, project_usd=10)
    await rich(store, 1, 6)
    await admit(store, limits)
    await rich(store, 2, 6)
    await rich(store, 3, 1)
    await rich(store, 4, 6, project_id=6)

    assert await admit(store, limits) == (4, Phase.LAUNCHING)
    assert await admit(store, limits) is None


@dataclass(frozen=True, slots=True)
class End:
    """How a run ends, and what is charged for it."""

    phases: tuple[Phase, ...]
    fields: dict[str, Any]
    charged: float


WORKED = (Phase.STARTING, Phase.PREPARING, Phase.WORKING)
SEEN = Progress(cost_usd=1.25)
ENDS = {
    "told": End((*WORKED, Phase.COMPLETED), {"cost_usd": 2.5, "cost_told": True, "progress": SEEN}, 2.5),
    "told-that-it-costs-nothing": End((*WORKED, Phase.COMPLETED), {"cost_told": True}, 0),
    "more-than-its-budget": End((*WORKED, Phase.FAILED), {"cost_usd": 4.2, "cost_told": True}, 4.2),
    "killed-after-something-was-seen": End((*WORKED, Phase.CANCELLED), {"progress": SEEN}, 1.25),
    "killed-and-nothing-known": End((*WORKED, Phase.CANCELLED), {}, 4),
    "killed-before-the-agent": End((Phase.STARTING, Phase.PREPARING, Phase.CANCELLED), {}, 0),
    "refused-at-launch": End((Phase.REJECTED,), {"reason": "not-allowed"}, 0),
    "a-new-attempt": End((*WORKED, Phase.QUEUED), {"progress": Progress()}, 4),
}


@pytest.mark.parametrize("case", ENDS.values(), ids=ENDS)
async def test_an_end_charges_what_is_known(store: TaskStore, case: End) -> None:
    """What the agent told, else what was seen, else all that it may have spent; the reservation is given back."""
    await rich(store, 1, 4)
    await admit(store, Limits(all=ALL))

    ended = await through(store, 1, *case.phases, **case.fields)

    assert ended.charged_usd == case.charged
    assert await store.usage.of_project(5) == Used(runs=0, spent_usd=case.charged, reserved_usd=0)
    assert await store.usage.of_person(1) == Used(runs=0, spent_usd=case.charged, reserved_usd=0)


async def test_a_new_attempt_is_charged_by_itself(store: TaskStore) -> None:
    """What the first attempt cost counts once, and is not taken for the second's."""
    await rich(store, 1, 4)
    await admit(store, Limits(all=ALL))
    again = await through(store, 1, *WORKED, Phase.FINISHING, Phase.QUEUED)
    assert (again.cost_usd, again.charged_usd) == (0, 4)
    await admit(store, Limits(all=ALL))

    ended = await through(store, 1, *WORKED, Phase.COMPLETED, cost_usd=1.0, cost_told=True)

    assert ended.charged_usd == 5
    assert (await store.usage.of_person(1)).spent_usd == 5


async def test_a_task_that_never_ran_is_charged_nothing(store: TaskStore) -> None:
    """Cancelled in the queue, it has held nothing."""
    await rich(store, 1, 4)

    ended = await through(store, 1, Phase.CANCELLED)

    assert ended.charged_usd == 0
    assert await store.usage.of_project(5) == Used(runs=0, spent_usd=0, reserved_usd=0)


async def test_tasks_an_hour_are_counted_once_each(store: TaskStore, redis: Redis) -> None:
    """The third of two an hour is told when the first is an hour old; asking again for a counted one is free."""
    assert [await store.usage.ask(1, task, 2) for task in (11, 12, 11)] == [0, 0, 0]
    oldest = float(await redis.zscore(f"{PREFIX}:asked:1", "11") or 0)

    frees = await store.usage.ask(1, 13, 2)

    assert frees == pytest.approx(oldest + 3600, abs=0.001)
    assert await store.usage.ask(2, 13, 2) == 0
    assert await store.usage.asked_by(1) == 2
    await redis.zadd(f"{PREFIX}:asked:1", {"11": oldest - 3601})
    assert await store.usage.ask(1, 13, 2) == 0


async def test_a_limit_that_was_lowered_names_the_right_time(store: TaskStore, redis: Redis) -> None:
    """With four counted and two allowed, the third oldest is what has to be an hour old."""
    now = await store.now()
    await redis.zadd(f"{PREFIX}:asked:1", {str(age): now - age for age in (40, 30, 20, 10)})

    assert await store.usage.ask(1, 99, 2) == pytest.approx(now - 20 + 3600, abs=0.001)
