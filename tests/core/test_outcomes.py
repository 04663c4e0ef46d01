"""What became of tasks and merge requests, summed up: each story counts once, where it belongs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from core.limits import Limits
from core.outcomes import Outcomes, Sums, seconds_of
from core.store import TaskStore
from core.task import Phase, Place, Source, Task, Trigger

pytestmark = pytest.mark.anyio

LATER = "2099-01-01T00:00:00.000Z"


@pytest.fixture
def outcomes(redis: Redis) -> Outcomes:
    """Give the sums of the test's ledger."""
    return Outcomes(redis)


async def ended(
    store: TaskStore, event_id: int, phase: Phase = Phase.COMPLETED, *, project_id: int = 5, **fields: Any
) -> Task:
    """Play a task to its end; on a merge request where *place* says so."""
    place = fields.pop("place", Place.ISSUE)
    trigger = Trigger(source=Source.COMMENT, place=place, project_id=project_id, iid=7, event_id=event_id)
    _, task_id = await store.accept(trigger)
    task = await store.get(task_id)
    assert task is not None
    queued = await store.change(task, Phase.QUEUED, deadline_seconds=60, repository=f"shop/p{project_id}")
    running = await store.admit(Limits(all=10), deadline_seconds=60) if phase is not Phase.REJECTED else queued
    assert running is not None
    done = await store.change(running, phase, **fields)
    assert done is not None
    return done


def numbers(sums: Sums) -> dict[str, float]:
    """Give what was counted, but for classes of times."""
    return {name: number for name, number in sums.numbers.items() if number and not name.startswith("after:")}


async def test_tasks_count_by_how_they_ended(store: TaskStore, outcomes: Outcomes) -> None:
    """In their project, on today; why they failed, and what they cost."""
    await ended(store, 1, cost_usd=0.5, cost_told=True)
    await ended(store, 2, Phase.FAILED, reason="timeout", cost_usd=1.5, cost_told=True)
    await ended(store, 3, Phase.FAILED, reason="timeout")
    await ended(store, 4, Phase.CANCELLED, project_id=6)
    await ended(store, 5, Phase.REJECTED, project_id=6, reason="limit")

    report = await outcomes.report(7, None)

    of_five = {"completed": 1, "failed": 2, "failed:timeout": 2, "usd": 2.0}
    assert {project: numbers(sums) for project, sums in report.projects.items()} == {
        5: of_five, 6: {"cancelled": 1, "rejected": 1},
    }  # fmt: skip
    assert (report.total.tasks, report.total.usd) == (5, 2.0)
    assert report.total.failures == [("timeout", 2)]
    assert list(report.days) == [datetime.now(UTC).date() - timedelta(days=back) for back in range(6, -1, -1)]
    assert numbers(report.days[datetime.now(UTC).date()]) == numbers(report.total)
    assert await outcomes.paths() == {5: "shop/p5", 6: "shop/p6"}


async def test_what_was_no_work_counts_for_nothing(store: TaskStore, outcomes: Outcomes) -> None:
    """Answers in words, and what only does something to another task, as in the lists of tasks."""
    await ended(store, 1, Phase.REJECTED, reason="answered")
    await ended(store, 2, Phase.REJECTED, reason="none", verb="cancel")

    assert (await outcomes.report(7, None)).projects == {}


async def test_only_the_projects_that_are_asked_for_are_summed_up(store: TaskStore, outcomes: Outcomes) -> None:
    """Of the others, nothing is in any sum."""
    await ended(store, 1, project_id=5, merge_request_iid=3)
    await ended(store, 2, project_id=6, merge_request_iid=3)

    report = await outcomes.report(7, frozenset({6, 8}))

    assert set(report.projects) == {6}
    assert numbers(report.total) == numbers(report.projects[6]) == {"completed": 1, "opened": 1}
    assert (await outcomes.report(7, frozenset())).total.numbers == {}


async def test_a_merge_request_counts_once_however_many_work_on_it(store: TaskStore, outcomes: Outcomes) -> None:
    """A retry takes it up again, a follow-up changes it; one of somebody else's is none of ours."""
    await ended(store, 1, merge_request_iid=3)
    await ended(store, 2, merge_request_iid=3)
    await ended(store, 3, merge_request_iid=3, place=Place.MERGE_REQUEST)
    await ended(store, 4, merge_request_iid=9, place=Place.MERGE_REQUEST)
    await ended(store, 5)

    total = (await outcomes.report(7, None)).total

    assert (total.merge_requests, total.count("opened")) == (1, 1)
    assert await outcomes.record(5, 9, "merged", LATER) is False


async def test_a_merge_request_moves_to_what_became_of_it(store: TaskStore, outcomes: Outcomes) -> None:
    """Told twice is told once; closed may be opened again, merged is for good."""
    for number in (1, 2, 3):
        await ended(store, number, merge_request_iid=number)

    told = [
        await outcomes.record(5, iid, state, LATER)
        for iid, state in (
            (1, "merged"), (1, "merged"), (1, "opened"), (2, "closed"), (3, "closed"), (3, "opened"), (3, "locked"),
        )
    ]  # fmt: skip

    total = (await outcomes.report(7, None)).total
    assert told == [True, False, False, True, True, True, False]
    assert {state: total.count(state) for state in ("merged", "closed", "opened")} == {
        "merged": 1, "closed": 1, "opened": 1,
    }  # fmt: skip


async def test_late_news_are_no_news(store: TaskStore, outcomes: Outcomes) -> None:
    """GitLab repeats what we did not take: what it said before is not true any more. Without a time it says nothing."""
    await ended(store, 1, merge_request_iid=3)

    assert await outcomes.record(5, 3, "closed", "2026-11-22 11:00:00 UTC")
    assert not await outcomes.record(5, 3, "opened", "2026-11-22T10:59:59.999Z")
    assert not await outcomes.record(5, 3, "opened", "yesterday")
    assert await outcomes.record(5, 3, "opened", "2026-11-22T11:00:01+00:00")


async def test_a_merge_request_belongs_to_the_day_on_which_it_was_opened(
    store: TaskStore, outcomes: Outcomes, redis: Redis
) -> None:
    """Merged weeks later it is a success of that day, and in no shorter period."""
    await ended(store, 1, merge_request_iid=3)
    today = int((await store.now()) // 86_400)
    await redis.rename(f"{{ablehand}}:outcomes:{today}", f"{{ablehand}}:outcomes:{today - 20}")
    await redis.hset("{ablehand}:merge-request:5:3", "day", today - 20)

    await outcomes.record(5, 3, "merged", LATER)

    assert (await outcomes.report(30, None)).total.count("merged") == 1
    assert (await outcomes.report(7, None)).total.merge_requests == 0


async def test_sums_outlive_the_tasks_and_end(store: TaskStore, redis: Redis, outcomes: Outcomes) -> None:
    """A period of ninety days is whole though a task is kept for less; nothing is kept for ever."""
    task = await ended(store, 1, merge_request_iid=3)
    await redis.delete(f"{{ablehand}}:task:{task.id}")
    (day,) = [key async for key in redis.scan_iter("{ablehand}:outcomes:*")]

    assert (await outcomes.report(90, None)).total.tasks == 1
    for key in (day, "{ablehand}:merge-request:5:3"):
        assert 95 * 86_400 < await redis.ttl(key) <= 100 * 86_400


async def test_the_median_time_is_near(store: TaskStore, outcomes: Outcomes, redis: Redis) -> None:
    """Of 60 s, 600 s and 2 h it is ten minutes, within five per cent; of none there is none."""
    assert (await outcomes.report(7, None)).total.median_seconds is None
    for number, seconds in enumerate((7200, 60, 600), start=1):
        trigger = Trigger(source=Source.LABEL, project_id=5, iid=number, event_id=number)
        _, task_id = await store.accept(trigger)
        await redis.hincrbyfloat(f"{{ablehand}}:task:{task_id}", "created_at", -seconds)
        task = await store.get(task_id)
        assert task is not None
        await store.change(task, Phase.COMPLETED, merge_request_iid=number)

    assert (await outcomes.report(7, None)).total.median_seconds == pytest.approx(600, rel=0.05)


def test_what_a_merged_request_costs_holds_what_led_to_none() -> None:
    """All that was spent, by all that was merged; without any, nobody can say."""
    assert Sums({"usd": 12.0, "merged": 3, "opened": 2}).usd_per_merged == 4.0
    assert Sums({"usd": 12.0}).usd_per_merged is None


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01T00:00:00Z", "2026-11-22 11:00:00 CEST"])
def test_what_is_no_time_is_none(text: str) -> None:
    """Whatever a delivery says."""
    assert seconds_of(text) == 0
