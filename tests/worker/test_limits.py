"""The limits of tasks and money as people meet them: who is refused, with which words, and who waits for what."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from core.limits import in_force
from core.reasons import Reason
from core.task import Phase, Task
from core.waiting import why_waiting
from simulators.gitlab.access import DEVELOPER
from tests.worker.hand_executor import HandExecutor
from tests.worker.ledger import comment_trigger, moved, now, taken_in
from tests.worker.town import Town
from worker import limits
from worker.steps.launch import launch
from worker.steps.report import report
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


async def asked(desk: Desk, town: Town, text: str = "/agent do it as it should be") -> Task:
    """Take a comment of alice's in."""
    return await taken_in(desk, comment_trigger(town.say(text)))


def chosen(desk: Desk, **settings: object) -> Desk:
    """Give the desk with other settings."""
    return replace(desk, settings=desk.settings.model_copy(update=settings))


async def test_a_task_too_many_of_an_hour_is_refused(desk: Desk, town: Town) -> None:
    """The reply says which limit it was and from when on; questions and other people do not count."""
    desk = chosen(desk, max_tasks_per_hour=1)
    await asked(desk, town)
    await asked(desk, town, "/agent status")

    task = await asked(desk, town)
    await report(desk, task)

    assert (task.phase, task.reason) == (Phase.REJECTED, Reason.LIMIT)
    frees = limits.clock(await desk.store.now() + 3600)
    assert re.fullmatch(r"\d\d:\d\d UTC", frees)
    assert town.bodies()[-1].startswith("@alice Nothing was started: you may ask for 1 task an hour here, and have. ")
    assert re.search(r"The next is free at \d\d:\d\d UTC: `/agent retry` then\.", town.bodies()[-1])
    bob = town.world.add_user("bob")
    town.world.add_member(town.project, bob, DEVELOPER)
    other = await taken_in(desk, comment_trigger(town.say("/agent do it as it should be", author=bob)))
    assert other.phase is Phase.QUEUED


async def test_what_a_limit_refused_is_asked_again_by_retry(desk: Desk, town: Town) -> None:
    """Its words are not lost."""
    hourly = chosen(desk, max_tasks_per_hour=1)
    await asked(hourly, town)
    refused = await asked(hourly, town, "/agent a long and careful request")

    again = await asked(desk, town, "/agent retry")

    assert (again.phase, again.prompt, again.parent_id) == (Phase.QUEUED, "a long and careful request", refused.id)


@pytest.mark.parametrize(
    ("setting", "whose"),
    [("budget_usd_per_day_project", "this project may spend"), ("budget_usd_per_day_person", "you may spend")],
)
async def test_a_days_money_is_spent(desk: Desk, town: Town, setting: str, whose: str) -> None:
    """Refused at once, with the amounts and midnight's time; a smaller budget still gets through."""
    desk = chosen(desk, budget_usd=5.0, **{setting: 8.0})
    first = await asked(desk, town)
    await launch(desk, first)
    await moved(desk, first, Phase.WORKING, Phase.COMPLETED, cost_usd=4.0, cost_told=True)

    task = await asked(desk, town)
    await report(desk, task)

    shown = town.bodies()[-1].replace("\u2060", "").replace("\\", "")
    assert (task.phase, task.reason) == (Phase.REJECTED, Reason.LIMIT)
    assert f"Nothing was started: {whose} $8.00 a day, $4.00 of it is left, and this task may cost $5.00." in shown
    assert "It frees at 00:00 UTC: `/agent retry` then, or now with a smaller `--budget`." in shown
    assert (await asked(desk, town, "/agent retry --budget 4")).phase is Phase.QUEUED


async def test_money_that_others_spent_while_it_waited(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """Queued while there was enough, refused when its turn comes; the one behind it starts."""
    desk = chosen(desk, budget_usd=5.0, budget_usd_per_day_project=8.0, max_runs=1)
    first, second = await asked(desk, town), await asked(desk, town)
    third = await asked(desk, town, "/agent --budget 3 do it as it should be")
    await launch(desk, first)
    await moved(desk, first, Phase.WORKING, Phase.COMPLETED, cost_usd=5.0, cost_told=True)

    await launch(desk, third)

    assert ((await now(desk, second)).phase, (await now(desk, second)).reason) == (Phase.REJECTED, Reason.LIMIT)
    assert [request.task_id for request in executor.launched] == [first.id, third.id]


async def test_parallel_tasks_wait_for_reserved_money(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """Nobody is refused for what others may not spend; the comment says what is waited for."""
    desk = chosen(desk, budget_usd=5.0, budget_usd_per_day_project=8.0)
    first, second = await asked(desk, town), await asked(desk, town)
    await launch(desk, first)

    assert [request.task_id for request in executor.launched] == [first.id]
    why = await why_waiting(desk.store, in_force(desk.settings), await now(desk, second))
    assert why == "the rest of this project's money for today is reserved by its runs"
    await moved(desk, first, Phase.WORKING, Phase.COMPLETED, cost_usd=1.0, cost_told=True)
    await launch(desk, await now(desk, second))
    assert [request.task_id for request in executor.launched] == [first.id, second.id]


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"max_runs": 1}, "1 run goes on in all, the limit here"),
        ({"max_runs_per_project": 1}, "1 run goes on in this project, its limit"),
        ({"max_runs_per_person": 1}, "1 run goes on for who asked, their limit"),
        ({"budget_usd": 3.0, "budget_usd_per_day_person": 4.0},
         "the rest of today's money of who asked is reserved by their runs"),
        ({}, ""),
    ],
    ids=["all", "project", "person", "money", "nothing"],
)  # fmt: skip
async def test_why_it_waits(desk: Desk, town: Town, wanted: dict[str, object], why: str) -> None:
    """Each limit of what may go on at once has its phrase."""
    desk = chosen(desk, **wanted)
    first, second = await asked(desk, town), await asked(desk, town)
    await desk.store.admit(in_force(desk.settings), deadline_seconds=60)

    assert (await now(desk, first)).phase is Phase.LAUNCHING
    assert await why_waiting(desk.store, in_force(desk.settings), await now(desk, second)) == why


@pytest.mark.parametrize(
    ("moment", "shown"), [(0, "00:00 UTC"), (1, "00:01 UTC"), (3600, "01:00 UTC"), (86_399.5, "00:00 UTC")]
)
def test_a_clock_is_never_early(moment: float, shown: str) -> None:
    """A minute that has begun is shown as the next."""
    assert limits.clock(moment) == shown
