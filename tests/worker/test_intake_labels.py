"""Intake of labels, and of triggers that were answered before Redis was emptied."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.reasons import Reason
from core.task import Phase
from simulators.gitlab.access import REPORTER
from tests.worker.ledger import comment_trigger, label_trigger, received, taken_in
from tests.worker.town import Town
from worker.reconciler.sweep import sweep
from worker.steps.intake import intake
from worker.steps.report import report
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


async def test_a_developers_label_on_a_strangers_issue_is_theirs(desk: Desk, town: Town) -> None:
    """Who set the label asks, not who wrote the issue; the eye is given to the issue."""
    town.project.visibility = "public"
    stranger = town.world.add_user("stranger")
    issue = town.world.add_issue(town.project, author=stranger, title="Please help")
    town.world.label(issue, town.alice, add=["agent-ready"])

    task = await taken_in(desk, label_trigger(issue))

    assert (task.phase, task.prompt, task.requester_username) == (Phase.QUEUED, "Please help", "alice")
    assert (task.author, town.world.awards(issue)) == ("stranger", ["eyes"])


async def test_a_reporters_label_is_refused(desk: Desk, town: Town) -> None:
    """A Reporter may set labels on GitLab, and may not have work done by it."""
    carol = town.world.add_user("carol")
    town.world.add_member(town.project, carol, REPORTER)
    town.world.label(town.issue, carol, add=["agent-ready"])

    task = await taken_in(desk, label_trigger(town.issue))

    assert (task.phase, task.reason, task.requester_username) == (Phase.REJECTED, Reason.NOT_ALLOWED, "carol")


async def test_the_last_who_set_the_label_asks(desk: Desk, town: Town) -> None:
    """A Reporter who sets it again after a Developer does not borrow the Developer's name."""
    carol = town.world.add_user("carol")
    town.world.add_member(town.project, carol, REPORTER)
    town.world.label(town.issue, town.alice, add=["agent-ready"])
    town.world.label(town.issue, town.alice, remove=["agent-ready"])
    town.world.label(town.issue, carol, add=["agent-ready"])

    task = await taken_in(desk, label_trigger(town.issue))

    assert (task.reason, task.requester_username) == (Reason.NOT_ALLOWED, "carol")


async def test_a_label_that_was_taken_off_asks_nothing(desk: Desk, town: Town) -> None:
    """Nobody is told of it either."""
    town.world.label(town.issue, town.alice, add=["agent-ready"])
    town.world.label(town.issue, town.alice, remove=["agent-ready"])

    task = await taken_in(desk, label_trigger(town.issue))

    assert (task.phase, task.reason) == (Phase.REJECTED, Reason.GONE)


async def test_a_machines_label_is_ignored(desk: Desk, town: Town) -> None:
    """The bot's own labels start nothing."""
    town.world.label(town.issue, town.bot, add=["agent-ready"])

    assert (await taken_in(desk, label_trigger(town.issue))).reason == Reason.IGNORED


async def test_an_issue_may_be_opened_with_the_label(desk: Desk, town: Town) -> None:
    """GitLab may keep no event for it: the author put the label there."""
    issue = town.world.add_issue(town.project, author=town.alice, title="Do it", labels=["agent-ready"])
    issue.label_events.clear()

    first = await taken_in(desk, label_trigger(issue))
    again = await taken_in(desk, label_trigger(issue, when="2026-01-01 00:00:00 UTC"))

    assert (first.phase, first.requester_username) == (Phase.QUEUED, "alice")
    assert (again.phase, again.reason) == (Phase.REJECTED, Reason.DUPLICATE)


async def test_one_labelling_is_one_task(desk: Desk, town: Town) -> None:
    """Two deliveries that spell its time differently, and the sweep, find the task of the first."""
    town.world.label(town.issue, town.alice, add=["agent-ready"])
    assert await sweep(desk) == 1
    tasks = [await received(desk, label_trigger(town.issue, when=f"2026-01-0{day}")) for day in (1, 2)]
    tasks.insert(
        0, await received(desk, label_trigger(town.issue, when=desk.gitlab.issue(town.project.id, 1).updated_at))
    )

    for task in tasks:
        await intake(desk, task)

    judged = [await desk.store.get(task.id) for task in tasks]
    assert [task.reason if task else None for task in judged] == ["", Reason.DUPLICATE, Reason.DUPLICATE]


async def test_labelling_again_is_another_task(desk: Desk, town: Town) -> None:
    """The label comes off and goes on again: that is a second request, with a branch of its own."""
    town.world.label(town.issue, town.alice, add=["agent-ready"])
    first = await taken_in(desk, label_trigger(town.issue, when="1"))
    town.world.label(town.issue, town.alice, remove=["agent-ready"])
    town.world.label(town.issue, town.alice, add=["agent-ready"])

    second = await taken_in(desk, label_trigger(town.issue, when="2"))

    assert [first.phase, second.phase] == [Phase.QUEUED] * 2
    assert first.unique_id != second.unique_id


async def test_what_a_labelling_is_called_does_not_depend_on_who_told_it(desk: Desk, town: Town) -> None:
    """After Redis was emptied, the sweep's trigger names the same branch as the delivery's did."""
    town.world.label(town.issue, town.alice, add=["agent-ready"])
    told = await taken_in(desk, label_trigger(town.issue, when="2026-01-01 00:00:00 UTC"))
    await desk.redis.flushall()

    swept = await taken_in(desk, label_trigger(town.issue, when="2026-01-01T00:00:00.000Z"))

    assert swept.phase is Phase.QUEUED
    assert (swept.unique_id, swept.trigger.key) == (told.unique_id, told.trigger.key)


@pytest.mark.parametrize("moved_on", [0, 3], ids=["same-id", "other-id"])
@pytest.mark.parametrize("source", ["comment", "label"])
async def test_an_answered_trigger_is_known_without_redis(desk: Desk, town: Town, source: str, moved_on: int) -> None:
    """A twin is known by the marker in the bot's comment, whatever number a new ledger gives the task."""
    trigger = comment_trigger(town.say("/agent do it"))
    if source == "label":
        town.world.label(town.issue, town.alice, add=["agent-ready"])
        trigger = label_trigger(town.issue)
    await report(desk, await taken_in(desk, trigger))
    town.world.label(town.issue, town.bot, remove=["agent-running"])
    if source == "label":
        town.issue.labels = [town.world.project_label(town.project, "agent-ready")]
    await _forget(desk, moved_on)

    task = await taken_in(desk, replace(trigger, happened_at="later" if source == "label" else ""))

    assert (task.phase, task.reason) == (Phase.REJECTED, Reason.DUPLICATE)


@pytest.mark.parametrize("moved_on", [0, 3], ids=["same-id", "other-id"])
async def test_a_refused_trigger_is_refused_once_without_redis(desk: Desk, town: Town, moved_on: int) -> None:
    """A reply at the end is as good a marker as a progress comment."""
    trigger = comment_trigger(town.say("/agent help"))
    await report(desk, await taken_in(desk, trigger))
    await _forget(desk, moved_on)

    await report(desk, await taken_in(desk, trigger))

    assert len(town.bodies()) == 1


async def test_a_marker_in_somebody_elses_comment_is_no_twin(desk: Desk, town: Town) -> None:
    """Anybody can write what looks like our marker, and stops nothing by it."""
    note = town.say("/agent do it")
    key = comment_trigger(note).key
    town.say(f"Done\n\n<!-- ablehand:progress task=9 trigger={key} -->")

    assert (await taken_in(desk, comment_trigger(note))).phase is Phase.QUEUED


async def _forget(desk: Desk, tasks: int) -> None:
    """Empty Redis; the next task's number is *tasks* higher than 1."""
    await desk.redis.flushall()
    if tasks:
        await desk.redis.set("{ablehand}:last", tasks)
