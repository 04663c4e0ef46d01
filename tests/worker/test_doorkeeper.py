"""Who is overdue: a list of them is old as soon as it is read."""

from __future__ import annotations

import pytest

from core.reasons import Reason
from core.task import Phase
from tests.worker.ledger import bells, comment_trigger, moved, now, taken_in
from tests.worker.town import Town
from worker.reconciler.doorkeeper import ring_overdue
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


async def test_a_task_that_moved_on_since_it_was_listed_is_left_alone(desk: Desk, town: Town) -> None:
    """Its launch was late, not its run: that has just begun, and keeps the time that it has."""
    task = await taken_in(desk, comment_trigger(town.say("/agent do it")))
    task = await moved(desk, task, Phase.LAUNCHING, Phase.STARTING, deadline_seconds=3600)

    await ring_overdue(desk, [task.id])

    assert (await now(desk, task)).phase is Phase.STARTING
    left = (await desk.redis.zscore("{ablehand}:deadlines", str(task.id)) or 0) - await desk.store.now()
    assert left > 3000


async def test_a_run_that_is_late_is_ended(desk: Desk, town: Town) -> None:
    """With the reason."""
    task = await taken_in(desk, comment_trigger(town.say("/agent do it")))
    task = await moved(desk, task, Phase.LAUNCHING, Phase.STARTING, deadline_seconds=-1)

    await ring_overdue(desk, [task.id])

    assert (await now(desk, task)).reason == Reason.TIMEOUT


async def test_a_late_step_is_rung_once_in_a_while(desk: Desk, town: Town) -> None:
    """Not at every look."""
    task = await taken_in(desk, comment_trigger(town.say("/agent do it")))
    task = await moved(desk, task, Phase.LAUNCHING, deadline_seconds=-1)
    await desk.redis.delete("rq:queue:ablehand")

    await ring_overdue(desk, [task.id])

    assert await bells(desk.redis) == [f"launch {task.id}"]
    assert (await desk.store.due())[0] == []
