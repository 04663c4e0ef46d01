"""Intake against the simulated GitLab: who may ask for what, from where, and how often it counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from core.errors import GitLabUnavailable
from core.task import Phase, Reason
from simulators.gitlab.access import DEVELOPER, GUEST, REPORTER
from simulators.gitlab.records import Note
from tests.worker.ledger import bells, comment_trigger, label_trigger, received, taken_in
from tests.worker.town import Town
from worker.reconciler.sweep import sweep
from worker.steps.intake import intake
from worker.steps.report import report
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


async def test_a_developers_comment_is_queued(desk: Desk, town: Town) -> None:
    """Everything that later steps need is read now; an eye is given, launch and report are rung."""
    note = town.say("/agent --model opus add a /health endpoint\n\nIt says ok.")

    task = await taken_in(desk, comment_trigger(note))

    fields = ("prompt", "repository", "branch", "visibility", "issue_title", "issue_author", "requester_id",
              "requester_username", "requester_name", "agent", "model")  # fmt: skip
    assert {name: getattr(task, name) for name in ("phase", *fields)} == {
        "phase": Phase.QUEUED,
        "prompt": "add a /health endpoint\n\nIt says ok.",
        "repository": "shop/web",
        "branch": "main",
        "visibility": "private",
        "issue_title": "A health check",
        "issue_author": "alice",
        "requester_id": town.alice.id,
        "requester_username": "alice",
        "requester_name": "Alice Doe",
        "agent": "command",
        "model": "opus",
    }
    assert town.world.awards(note) == ["eyes"]
    assert sorted(await bells(desk.redis)) == ["launch 1", "report 1"]


async def test_intake_run_twice_does_nothing_more(desk: Desk, town: Town) -> None:
    """A second bell, with the task as it was and as it is, changes nothing."""
    note = town.say("/agent go on with it")
    before = await received(desk, comment_trigger(note))
    await intake(desk, before)
    once = await desk.store.get(before.id)

    await intake(desk, before)
    assert once is not None
    await intake(desk, once)

    assert await desk.store.get(before.id) == once
    assert town.world.awards(note) == ["eyes"]


@dataclass(frozen=True, slots=True)
class Case:
    """A comment, and how its task ends. *told*: whether people get a reply."""

    comment: Callable[[Town], Note]
    reason: Reason
    told: bool = True
    detail: str = ""


def _by(town: Town, level: int, body: str = "/agent do it") -> Note:
    person = town.world.add_user("carol")
    if level:
        town.world.add_member(town.project, person, level)
    else:
        town.project.visibility = "public"
    return town.say(body, author=person)


def _blocked(town: Town) -> Note:
    note = town.say("/agent do it")
    town.world.block_user(town.alice)
    return note


def _machine(town: Town) -> Note:
    other = town.world.add_user("renovate", bot=True)
    town.world.add_member(town.project, other, DEVELOPER)
    return town.say("/agent do it", author=other)


def _edited(town: Town) -> Note:
    note = town.say("Just a thought")
    note.created_at -= timedelta(minutes=5)
    town.world.edit_note(note, body="/agent do it")
    return note


def _unasked(town: Town) -> Note:
    note = town.say("/agent do it")
    town.world.edit_note(note, body="Never mind")
    return note


def _old(town: Town) -> Note:
    note = town.say("/agent do it")
    note.created_at = note.updated_at = note.created_at - timedelta(hours=24, minutes=1)
    return note


def _deleted(town: Town) -> Note:
    note = town.say("/agent do it")
    town.world.delete_note(note)
    return note


def _without_issue(town: Town) -> Note:
    note = town.say("/agent do it")
    del town.project.issues[town.issue.iid]
    return note


def _expelled(town: Town) -> Note:
    note = town.say("/agent do it")
    town.world.remove_member(town.project, town.bot)
    return note


def _confidential(town: Town) -> Note:
    town.project.visibility = "internal"
    town.issue.confidential = True
    return town.say("/agent do it")


def _internal(town: Town) -> Note:
    town.project.visibility = "public"
    return town.say("/agent do it", internal=True)


def _archived(town: Town) -> Note:
    note = town.say("/agent do it")
    town.world.archive(town.project)
    return note


def _empty(town: Town) -> Note:
    town.project.repository.delete_branch("main")
    return town.say("/agent do it")


CASES = {
    "reporter": Case(lambda town: _by(town, REPORTER), Reason.NOT_ALLOWED),
    "guest": Case(lambda town: _by(town, GUEST), Reason.NOT_ALLOWED),
    "stranger": Case(lambda town: _by(town, 0), Reason.NOT_ALLOWED),
    "blocked": Case(_blocked, Reason.NOT_ALLOWED),
    "reporter-asks-for-help": Case(lambda town: _by(town, REPORTER, "/agent help"), Reason.NOT_ALLOWED),
    "the-bot-itself": Case(lambda town: town.say("/agent do it", author=town.bot), Reason.IGNORED, told=False),
    "another-bot": Case(_machine, Reason.IGNORED, told=False),
    "no-command": Case(lambda town: town.say("Hello `/agent do it`"), Reason.IGNORED, told=False),
    "edited-into-a-command": Case(_edited, Reason.IGNORED, told=False),
    "edited-out-of-it": Case(_unasked, Reason.IGNORED, told=False),
    "a-day-old": Case(_old, Reason.IGNORED, told=False),
    "comment-deleted": Case(_deleted, Reason.GONE, told=False),
    "issue-deleted": Case(_without_issue, Reason.GONE, told=False),
    "bot-expelled": Case(_expelled, Reason.GONE, told=False),
    "confidential-issue": Case(_confidential, Reason.CONFIDENTIAL),
    "internal-comment": Case(_internal, Reason.CONFIDENTIAL),
    "archived": Case(_archived, Reason.ARCHIVED),
    "empty-repository": Case(_empty, Reason.EMPTY_REPOSITORY),
    "no-such-branch": Case(lambda town: town.say("/agent --branch nowhere do it"), Reason.BRANCH, detail="nowhere"),
    "help": Case(lambda town: town.say("/agent help"), Reason.COMMAND),
    "unclear": Case(lambda town: town.say("/agent stauts"), Reason.COMMAND),
    "not-yet": Case(lambda town: town.say("/agent cancel"), Reason.COMMAND),
    "malformed": Case(lambda town: town.say("/agent --brunch x do it"), Reason.COMMAND),
    "too-long": Case(lambda town: town.say("/agent do " + "it " * 30_000), Reason.PROMPT),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_what_may_not_be_done_is_refused(desk: Desk, town: Town, case: Case) -> None:
    """The task is rejected with its reason, no eye is given, and a reply is due or is not."""
    note = case.comment(town)

    task = await taken_in(desk, comment_trigger(note))

    assert (task.phase, task.reason) == (Phase.REJECTED, case.reason)
    assert case.detail in task.detail
    assert town.world.awards(note) == []
    assert await desk.store.untold() == ([task.id] if case.told else [])
    assert await bells(desk.redis) == ([f"report {task.id}"] if case.told else [])


@pytest.mark.parametrize("name", ["reporter", "help", "too-long", "no-such-branch"])
async def test_a_refusal_is_one_reply_to_who_asked(desk: Desk, town: Town, name: str) -> None:
    """There is no progress comment, and one reply that mentions them."""
    note = CASES[name].comment(town)
    task = await taken_in(desk, comment_trigger(note))

    for _ in range(2):
        await report(desk, task)

    assert len(town.bodies()) == 1
    assert town.bodies()[0].startswith(f"@{note.author.username} ")


async def test_a_confidential_issue_of_a_private_project_is_worked_on(desk: Desk, town: Town) -> None:
    """What comes out can be seen by whoever may see the project."""
    town.issue.confidential = True

    task = await taken_in(desk, comment_trigger(town.say("/agent do it", internal=True)))

    assert task.phase is Phase.QUEUED


async def test_another_branch_is_started_from(desk: Desk, town: Town) -> None:
    """A branch that exists is taken as it was written."""
    town.world.commit_files(town.project, files={"a": "b"}, branch="release/1.x")

    task = await taken_in(desk, comment_trigger(town.say("/agent --branch release/1.x do it")))

    assert (task.phase, task.branch) == (Phase.QUEUED, "release/1.x")


async def test_a_gitlab_that_does_not_answer_is_asked_again_later(desk: Desk, town: Town) -> None:
    """Nothing is decided: the task is as it was."""
    before = await received(desk, comment_trigger(town.say("/agent do it")))
    town.server.faults.answer("GET", "/members/all/", status=502, times=3)

    with pytest.raises(GitLabUnavailable):
        await intake(desk, before)

    assert await desk.store.get(before.id) == before


async def test_an_eye_that_is_refused_does_not_keep_people_waiting(desk: Desk, town: Town) -> None:
    """The bells are rung before the decoration."""
    before = await received(desk, comment_trigger(town.say("/agent do it")))
    town.server.faults.answer("POST", "/award_emoji$", status=502)

    with pytest.raises(GitLabUnavailable):
        await intake(desk, before)

    assert sorted(await bells(desk.redis)) == ["launch 1", "report 1"]


async def test_a_developers_label_on_a_strangers_issue_is_theirs(desk: Desk, town: Town) -> None:
    """Who set the label asks, not who wrote the issue; the eye is given to the issue."""
    town.project.visibility = "public"
    stranger = town.world.add_user("stranger")
    issue = town.world.add_issue(town.project, author=stranger, title="Please help")
    town.world.label(issue, town.alice, add=["agent-ready"])

    task = await taken_in(desk, label_trigger(issue))

    assert (task.phase, task.prompt, task.requester_username) == (Phase.QUEUED, "Please help", "alice")
    assert (task.issue_author, town.world.awards(issue)) == ("stranger", ["eyes"])


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
