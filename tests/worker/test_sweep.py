"""What the reconciler makes good for: triggers that no hook told, bells that were lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from core.reasons import Reason
from core.task import Phase, Source, Task
from simulators.gitlab.access import DEVELOPER
from tests.worker.hand_executor import HandExecutor
from tests.worker.ledger import bells, comment_trigger, moved, now, received
from tests.worker.town import Town
from worker.reconciler.doorkeeper import fill_slots, ring_overdue, ring_untold
from worker.reconciler.sweep import sweep
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


async def triggers(desk: Desk) -> list[tuple[Source, int]]:
    """List what has become a task: its source and the event's id."""
    return [(task.trigger.source, task.trigger.event_id) for task in await desk.store.latest()]


async def test_missed_comments_and_labels_are_found_once(desk: Desk, town: Town) -> None:
    """Other talk, the bot's own words and what a hook told already are left alone."""
    told = town.say("/agent do what was told")
    missed = town.say("/agent do what was missed")
    town.say("I agree")
    town.say("/agent do it", author=town.bot)
    labelled = town.world.add_issue(town.project, author=town.alice, title="Labelled", labels=["agent-ready"])
    await received(desk, comment_trigger(told))

    assert [await sweep(desk) for _ in range(3)] == [2, 0, 0]

    assert sorted(await triggers(desk)) == sorted(
        [(Source.COMMENT, told.id), (Source.COMMENT, missed.id), (Source.LABEL, 0)]
    )
    assert sorted(await bells(desk.redis)) == ["intake 2", "intake 3"]
    assert labelled.iid in {(await now(desk, number)).trigger.iid for number in (2, 3)}


async def test_only_projects_of_the_bot_are_looked_at(desk: Desk, town: Town) -> None:
    """A public project that the bot is no member of asks nothing."""
    foreign = town.world.add_project("other/open", visibility="public", files={"a": "b"})
    town.world.add_member(foreign, town.alice, DEVELOPER)
    issue = town.world.add_issue(foreign, author=town.alice, title="Here", labels=["agent-ready"])
    town.world.comment(issue, author=town.alice, body="/agent do it")

    assert await sweep(desk) == 0


@pytest.mark.parametrize(("hours", "found"), [(0.5, 1), (2.0, 0)], ids=["down-meanwhile", "before-that"])
async def test_the_sweep_remembers_where_it_was(desk: Desk, town: Town, hours: float, found: int) -> None:
    """After an hour's pause, an hour is looked over; not more, not less."""
    await desk.store.remember("sweep", str(await desk.store.now() - 3600))
    note = town.say("/agent do it")
    note.created_at -= timedelta(hours=hours)

    assert await sweep(desk) == found


async def test_a_gitlab_that_fails_is_swept_again(desk: Desk, town: Town) -> None:
    """The time of the last sweep moves on when one got through."""
    town.say("/agent do it")
    town.server.faults.answer("GET", "/notes$", status=502, times=3)

    with pytest.raises(Exception, match="notes: 502"):
        await sweep(desk)

    assert await desk.store.recall("sweep") == ""
    assert await sweep(desk) == 1


BELLS = {
    "received": ((), "intake 1"),
    "queued": ((Phase.QUEUED,), "launch 1"),
    "launching": ((Phase.QUEUED, Phase.LAUNCHING), "launch 1"),
    "finishing": ((Phase.QUEUED, Phase.LAUNCHING, Phase.STARTING, Phase.FINISHING), "finish 1"),
}


async def overdue(desk: Desk, task: Task) -> None:
    """Let the task's deadline be over."""
    await desk.redis.zadd("{ablehand}:deadlines", {str(task.id): 1})


@pytest.mark.parametrize(("phases", "bell"), BELLS.values(), ids=BELLS.keys())
async def test_an_overdue_task_gets_its_bell(
    desk: Desk, town: Town, executor: HandExecutor, phases: tuple[Phase, ...], bell: str
) -> None:
    """Once, until the pause is over."""
    task = await received(desk, comment_trigger(town.say("/agent do it")))
    if phases:
        await moved(desk, task, *phases)
    await overdue(desk, task)

    for _ in range(2):
        await ring_overdue(desk, (await desk.store.due())[0])

    assert await bells(desk.redis) == [bell]
    assert executor.cancelled == []


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.PREPARING, Phase.WORKING, Phase.PUBLISHING])
async def test_an_overdue_run_fails_its_task(desk: Desk, town: Town, phase: Phase) -> None:
    """With the reason; the run itself is ended like every living run of a final task."""
    task = await received(desk, comment_trigger(town.say("/agent do it")))
    await moved(desk, task, Phase.QUEUED, Phase.LAUNCHING, phase, job_name="agent-1-a1")
    await overdue(desk, task)

    await ring_overdue(desk, (await desk.store.due())[0])

    assert (await now(desk, task)).reason == Reason.TIMEOUT
    assert await bells(desk.redis) == ["report 1"]


async def test_what_people_do_not_know_is_rung(desk: Desk, town: Town) -> None:
    """Once, until the pause is over; a task that has vanished falls out of both lists."""
    task = await received(desk, comment_trigger(town.say("/agent do it")))
    await moved(desk, task, Phase.QUEUED)
    for kind in ("outbox", "deadlines"):
        await desk.redis.zadd(f"{{ablehand}}:{kind}", {"77": 1})

    for _ in range(2):
        overdue_now, untold = await desk.store.due()
        await ring_untold(desk, untold)
        await ring_overdue(desk, overdue_now)

    assert await bells(desk.redis) == ["report 1"]
    assert await _members(desk.redis, "outbox") == ["1"]
    assert await _members(desk.redis, "deadlines") == ["1"]


async def test_a_free_slot_rings_the_oldest(desk: Desk, town: Town) -> None:
    """A full house rings nobody."""
    for number in range(desk.settings.max_runs + 1):
        task = await received(desk, comment_trigger(town.say(f"/agent do thing {number}")))
        await moved(desk, task, Phase.QUEUED)
    await fill_slots(desk)
    assert await bells(desk.redis) == ["launch 1"]

    await desk.redis.delete("rq:queue:ablehand")
    await desk.redis.sadd("{ablehand}:slots", *range(desk.settings.max_runs))
    await fill_slots(desk)

    assert await bells(desk.redis) == []


async def _members(redis: Redis, kind: str) -> list[str]:
    return [str(member) for member in await redis.zrange(f"{{ablehand}}:{kind}", 0, -1)]
