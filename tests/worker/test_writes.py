"""What report does where it may not write yet, and where GitLab does not take what it writes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.reasons import Reason
from core.task import Line, Phase, Progress, Task
from tests.worker.ledger import comment_trigger, label_trigger, moved, now, taken_in
from tests.worker.town import Town
from worker.reconciler.places import refresh_places
from worker.steps.report import REFUSED, report
from worker.wiring import Desk

pytestmark = pytest.mark.anyio
AT_WORK = Line(mark="agent", state="active")
RUN = (Phase.LAUNCHING, Phase.STARTING, Phase.WORKING)


async def outbox(desk: Desk) -> dict[int, float]:
    """Give what people are still to be told, with the seconds until then."""
    at = await desk.store.now()
    members = [str(member) for member in await desk.redis.zrange("{ablehand}:outbox", 0, -1)]
    return {int(member): (await desk.redis.zscore("{ablehand}:outbox", member) or 0) - at for member in members}


def with_room(desk: Desk, writes_per_minute: int) -> Desk:
    """Give a desk that may write less."""
    return replace(desk, settings=desk.settings.model_copy(update={"writes_per_minute": writes_per_minute}))


async def changed(desk: Desk, task: Task, current: str) -> Task:
    """Let the agent say something."""
    after = await desk.store.change(await now(desk, task), progress=Progress(current=current, lines=(AT_WORK,)))
    assert after is not None
    return after


async def test_a_comment_is_edited_no_more_often_than_it_may(desk: Desk, town: Town) -> None:
    """What comes in between waits in the outbox; the end does not wait."""
    task = await moved(desk, await taken_in(desk, comment_trigger(town.say("/agent do it"))), *RUN)
    for number in range(100):
        task = await changed(desk, task, f"step {number}")
        await report(desk, task)

    edits = town.count("PUT", f"/notes/{(await now(desk, task)).progress_note_id}")
    assert (edits, len(town.bodies())) == (1, 1)
    assert 0 < (await outbox(desk))[task.id] <= 15 * 1.3
    await moved(desk, task, Phase.COMPLETED)
    await report(desk, task)
    assert town.bodies()[0].startswith("✅ Done")
    assert await outbox(desk) == {}


async def test_however_long_it_runs_there_are_two_comments(desk: Desk, town: Town) -> None:
    """A run of hours with a thousand events, told as often as it may be."""
    task = await moved(desk, await taken_in(desk, comment_trigger(town.say("/agent do it"))), *RUN)
    for number in range(60):
        task = await changed(desk, task, f"step {number}")
        await desk.redis.delete(f"{{ablehand}}:paced:{task.id}")
        await report(desk, task)
    await moved(desk, task, Phase.FAILED, reason=Reason.TIMEOUT)
    for _ in range(3):
        await report(desk, task)

    assert len(town.bodies()) == 2
    assert town.count("POST", "/notes") == 2


async def test_a_comment_that_says_it_already_is_not_edited(desk: Desk, town: Town) -> None:
    """However often it is told of the same."""
    task = await moved(desk, await taken_in(desk, comment_trigger(town.say("/agent do it"))), *RUN, Phase.COMPLETED)

    for _ in range(3):
        await report(desk, task)

    assert town.count("PUT", f"/notes/{(await now(desk, task)).progress_note_id}") == 1


async def test_progress_waits_and_ends_come_first_where_much_is_written(desk: Desk, town: Town) -> None:
    """Nothing is dropped: what has waited is written when there is room."""
    busy = with_room(desk, 8)
    tasks = [await taken_in(desk, comment_trigger(town.say(f"/agent do {number} things"))) for number in range(9)]
    for task in tasks:
        await report(busy, task)
    assert len(town.bodies()) == 6  # of eight, a quarter is kept for ends

    ended = await moved(desk, tasks[0], *RUN, Phase.COMPLETED)
    await report(busy, ended)

    assert [body for body in town.bodies() if body.startswith("@alice Nothing needed changing")] != []
    assert set(await outbox(desk)) == {task.id for task in tasks[6:]}
    assert min((await outbox(desk)).values()) > 30
    await desk.redis.delete("{ablehand}:writes")
    for task in tasks[6:]:
        await report(busy, task)
    assert len(town.bodies()) == 10
    assert await outbox(desk) == {}


async def test_an_end_that_finds_no_room_waits_too(desk: Desk, town: Town) -> None:
    """The limit holds for everything; the outbox keeps what is left of it."""
    busy = with_room(desk, 4)
    task = await moved(desk, await taken_in(desk, comment_trigger(town.say("/agent do it"))), *RUN, Phase.COMPLETED)
    for _ in range(3):
        await desk.store.claim_write(task, per_minute=100)

    await report(busy, task)
    assert len(town.bodies()) == 1
    await desk.redis.delete("{ablehand}:writes")
    await report(busy, task)

    assert len(town.bodies()) == 2


@pytest.mark.parametrize("status", [400, 403, 422])
async def test_where_comments_are_refused_the_end_is_an_emoji(desk: Desk, town: Town, status: int) -> None:
    """A locked discussion, say. It is tried once, and the page has it all."""
    note = town.say("/agent do it")
    town.server.faults.answer("POST", "/notes$", status=status, body='{"message": "403 Forbidden"}', times=100)
    task = await taken_in(desk, comment_trigger(note))

    await report(desk, task)
    await moved(desk, task, *RUN, Phase.FAILED, reason=Reason.AGENT)
    for _ in range(3):
        await report(desk, task)

    after = await now(desk, task)
    assert (after.progress_note_id, after.final_note_id) == (REFUSED, REFUSED)
    assert town.count("POST", "/notes") == 2
    assert [award.name for award in note.awards] == ["eyes", "x"]
    assert await outbox(desk) == {}


async def test_a_refused_edit_does_not_hold_up_the_end(desk: Desk, town: Town) -> None:
    """Nor does a refused label."""
    town.world.label(town.issue, town.alice, add=["agent-ready"])
    task = await taken_in(desk, label_trigger(town.issue))
    await report(desk, task)
    town.server.faults.answer("PUT", "", status=403, body='{"message": "403 Forbidden"}', times=100)

    await moved(desk, task, *RUN, Phase.COMPLETED)
    await report(desk, task)

    assert town.bodies()[-1].startswith("@alice Nothing needed changing")
    assert await outbox(desk) == {}


async def test_places_in_the_queue_follow_the_queue(desk: Desk, town: Town) -> None:
    """Near its head each step is told, farther behind a tenth of the way."""
    tasks = [await taken_in(desk, comment_trigger(town.say(f"/agent do {number} things"))) for number in range(25)]
    await refresh_places(desk)
    await desk.redis.delete("{ablehand}:outbox")
    await moved(desk, tasks[0], *RUN)

    await refresh_places(desk)

    assert set(await outbox(desk)) == {tasks[0].id, *(task.id for task in tasks[1:11])}
    await report(desk, tasks[1])
    assert "1st in the queue" in town.bodies()[0]
