"""Intake against the simulated GitLab: who may ask for what, from where, and how often it counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from core.errors import GitLabUnavailable
from core.reasons import Reason
from core.task import Phase
from simulators.gitlab.access import DEVELOPER, GUEST, REPORTER
from simulators.gitlab.records import Note
from tests.worker.ledger import bells, comment_trigger, received, taken_in
from tests.worker.town import Town
from worker.steps.intake import intake
from worker.steps.report import report
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


async def test_a_developers_comment_is_queued(desk: Desk, town: Town) -> None:
    """Everything that later steps need is read now; an eye is given, launch and report are rung."""
    note = town.say("/agent --model opus add a /health endpoint\n\nIt says ok.")

    task = await taken_in(desk, comment_trigger(note))

    fields = ("prompt", "repository", "branch", "visibility", "title", "author", "requester_id",
              "requester_username", "requester_name", "agent", "model")  # fmt: skip
    assert {name: getattr(task, name) for name in ("phase", *fields)} == {
        "phase": Phase.QUEUED,
        "prompt": "add a /health endpoint\n\nIt says ok.",
        "repository": "shop/web",
        "branch": "main",
        "visibility": "private",
        "title": "A health check",
        "author": "alice",
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
    "unclear": Case(lambda town: town.say("/agent stauts"), Reason.COMMAND),
    "malformed": Case(lambda town: town.say("/agent --brunch x do it"), Reason.COMMAND),
    "too-long": Case(lambda town: town.say("/agent do " + "it " * 30_000), Reason.PROMPT),
}


UNSEEN = {Reason.NOT_ALLOWED, Reason.ARCHIVED}
"""GitLab takes no emoji in an archived project."""


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_what_may_not_be_done_is_refused(desk: Desk, town: Town, case: Case) -> None:
    """The task is rejected with its reason, a reply is due or is not, and only who may ask sees that it was seen."""
    note = case.comment(town)

    task = await taken_in(desk, comment_trigger(note))

    assert (task.phase, task.reason) == (Phase.REJECTED, case.reason)
    assert case.detail in task.detail
    assert town.world.awards(note) == (["eyes"] if case.told and case.reason not in UNSEEN else [])
    assert (await desk.store.due())[1] == ([task.id] if case.told else [])
    assert await bells(desk.redis) == ([f"report {task.id}"] if case.told else [])


@pytest.mark.parametrize("name", ["reporter", "too-long", "no-such-branch"])
async def test_a_refusal_is_one_reply_to_who_asked(desk: Desk, town: Town, name: str) -> None:
    """There is no progress comment, and one reply that mentions them."""
    note = CASES[name].comment(town)
    task = await taken_in(desk, comment_trigger(note))

    for _ in range(2):
        await report(desk, task)

    assert len(town.bodies()) == 1
    assert town.bodies()[0].startswith(f"@{note.author.username} ")


async def test_a_question_is_answered_in_words(desk: Desk, town: Town) -> None:
    """Help gets an eye and one reply, and is no work: lists leave it out."""
    note = town.say("/agent help")

    task = await taken_in(desk, comment_trigger(note))
    await report(desk, task)

    assert (task.phase, task.reason) == (Phase.REJECTED, Reason.ANSWERED)
    assert town.world.awards(note) == ["eyes"]
    assert len(town.bodies()) == 1
    assert town.bodies()[0].startswith("@alice Write one of these")
    assert await desk.store.latest() == []


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
    """It is decoration: the work is queued without it."""
    town.server.faults.answer("POST", "/award_emoji$", status=502)

    task = await taken_in(desk, comment_trigger(town.say("/agent do it")))

    assert task.phase is Phase.QUEUED
    assert sorted(await bells(desk.redis)) == ["launch 1", "report 1"]


async def test_who_may_not_ask_is_told_so_once_an_hour(desk: Desk, town: Town) -> None:
    """A stranger can't make us talk as often as they like; another one is told as well."""
    carol, dave = (town.world.add_user(name) for name in ("carol", "dave"))
    town.project.visibility = "public"

    tasks = [await taken_in(desk, comment_trigger(town.say("/agent go", author=one))) for one in (carol, carol, dave)]

    assert [task.reason for task in tasks] == [Reason.NOT_ALLOWED, Reason.IGNORED, Reason.NOT_ALLOWED]
