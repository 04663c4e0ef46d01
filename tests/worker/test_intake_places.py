"""Intake of all that hangs on merge requests and threads, and of assignments and review requests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from core.identity import remember_identity
from core.reasons import Reason
from core.task import Mode, Phase, Place, Source, Trigger
from simulators.gitlab.access import DEVELOPER, MAINTAINER, REPORTER
from simulators.gitlab.records import Item, MergeRequest, User
from tests.worker.ledger import bells, comment_trigger, received, taken_in
from tests.worker.town import Town
from worker.reconciler.sweep import sweep
from worker.steps.intake import intake
from worker.steps.report import report
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


def merge_request(town: Town, author: User | None = None) -> MergeRequest:
    """Open a merge request, as alice where no *author* is given."""
    town.world.commit_files(town.project, files={"a.py": "1\n"}, branch="feature")
    branches = {"source_branch": "feature", "target_branch": "main"}
    return town.world.add_merge_request(town.project, author=author or town.alice, title="A change", branches=branches)  # type: ignore[arg-type]


def asked(item: Item, source: Source, *, when: str = "2026-01-01T00:00:00Z") -> Trigger:
    """Give the trigger of an assignment or a review request, as the bot decodes it."""
    place = Place.MERGE_REQUEST if isinstance(item, MergeRequest) else Place.ISSUE
    return Trigger(source=source, place=place, project_id=item.project.id, iid=item.iid, event_id=0, happened_at=when)


def comment_on(item: Item, note_id: int) -> Trigger:
    """Give the trigger of a comment on an issue or merge request."""
    return replace(asked(item, Source.COMMENT, when=""), event_id=note_id)


async def test_a_mention_means_the_command(desk: Desk, town: Town) -> None:
    """By the bot's present name, at a line's start or within it."""
    first = await taken_in(desk, comment_trigger(town.say("@ablehand add an endpoint")))
    second = await taken_in(desk, comment_trigger(town.say("Could you mend it, @Ablehand?")))

    assert [task.phase for task in (first, second)] == [Phase.QUEUED] * 2
    assert first.prompt == "add an endpoint"


async def test_a_comment_on_a_merge_request_works_on_its_branch(desk: Desk, town: Town) -> None:
    """What stands alone is answered alone, and the eye is given to the comment."""
    request = merge_request(town)
    note = town.world.comment(request, author=town.alice, body="/agent rename it")

    task = await taken_in(desk, comment_on(request, note.id))

    assert (task.phase, task.branch, task.merge_request_iid, task.discussion) == (
        Phase.QUEUED,
        "feature",
        request.iid,
        "",
    )
    assert town.world.awards(note) == ["eyes"]


@pytest.mark.parametrize("on_line", [True, False], ids=["line-of-a-diff", "thread"])
async def test_a_thread_is_answered_in_itself(desk: Desk, town: Town, *, on_line: bool) -> None:
    """Whether it hangs on a line or not, also for a reply further down."""
    request = merge_request(town)
    position = {"new_path": "a.py", "old_path": "a.py", "new_line": 1, "position_type": "text"} if on_line else None
    first = town.world.comment(request, author=town.alice, body="Odd", threaded=True, position=position)
    note = town.world.comment(request, author=town.alice, body="/agent mend it", reply_to=first.discussion_id)

    task = await taken_in(desk, comment_on(request, note.id))
    await report(desk, task)

    assert (task.phase, task.discussion) == (Phase.QUEUED, first.discussion_id)
    reply = next(other for other in town.world.notes(request) if other.author is town.bot)
    assert reply.discussion_id == first.discussion_id


async def test_an_internal_thread_is_answered_internally(desk: Desk, town: Town) -> None:
    """What members asked among themselves, nobody else reads."""
    note = town.say("/agent help", internal=True)

    await report(desk, await taken_in(desk, comment_trigger(note)))

    assert [other.internal for other in town.world.notes(town.issue) if other.author is town.bot] == [True]


async def test_an_assignment_asks_for_what_the_issue_says(desk: Desk, town: Town) -> None:
    """Who assigned it asks, not who wrote it; the eye is given to the issue."""
    stranger = town.world.add_user("stranger")
    issue = town.world.add_issue(town.project, author=stranger, title="Please help")
    town.world.assign(issue, town.alice, town.alice, town.bot)

    task = await taken_in(desk, asked(issue, Source.ASSIGNMENT))

    assert (task.phase, task.prompt, task.requester_username) == (Phase.QUEUED, "Please help", "alice")
    assert (task.mode, town.world.awards(issue)) == (Mode.CHANGE, ["eyes"])


@pytest.mark.parametrize("kind", ["task", "incident"])
async def test_tasks_and_incidents_are_worked_on_too(desk: Desk, town: Town, kind: str) -> None:
    """They are issues to the API."""
    issue = town.world.add_issue(
        town.project, author=town.alice, title="A thing", issue_type=kind, assignees=[town.bot]
    )

    assert (await taken_in(desk, asked(issue, Source.ASSIGNMENT))).phase is Phase.QUEUED


@pytest.mark.parametrize("noted", [True, False], ids=["with-note", "without-note"])
async def test_an_issue_may_be_opened_assigned(desk: Desk, town: Town, *, noted: bool) -> None:
    """Where GitLab kept no note of it, its author assigned it."""
    issue = town.world.add_issue(town.project, author=town.alice, title="Do it", assignees=[town.bot])
    if not noted:
        issue.notes.clear()

    first = await taken_in(desk, asked(issue, Source.ASSIGNMENT, when="1"))
    again = await taken_in(desk, asked(issue, Source.ASSIGNMENT, when="2"))

    assert (first.phase, first.requester_username) == (Phase.QUEUED, "alice")
    assert again.reason == Reason.DUPLICATE


@dataclass(frozen=True, slots=True)
class Refused:
    """How the bot came to be assigned, and what becomes of it."""

    reason: Reason
    level: int = REPORTER
    is_bot: bool = False
    undone: bool = False


REFUSED = {
    "reporter": Refused(Reason.NOT_ALLOWED),
    "machine": Refused(Reason.IGNORED, level=MAINTAINER, is_bot=True),
    "undone": Refused(Reason.GONE, level=DEVELOPER, undone=True),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("source", [Source.ASSIGNMENT, Source.REVIEW_REQUEST])
async def test_who_may_not_ask_may_not_assign(desk: Desk, town: Town, source: Source, case: Refused) -> None:
    """A Reporter can set assignees on GitLab, and has no work done by it; a Developer's earlier act is not borrowed."""
    person = town.world.add_user("carol", bot=case.is_bot)
    town.world.add_member(town.project, person, case.level)
    item: Item = merge_request(town) if source is Source.REVIEW_REQUEST else town.issue
    field = "reviewers" if source is Source.REVIEW_REQUEST else "assignees"
    for people, by in (([town.bot], town.alice), ([], town.alice), ([town.bot], person)):
        town.world.change_item(item, by, **{field: people})  # type: ignore[arg-type]
    if case.undone:
        town.world.change_item(item, person, **{field: []})  # type: ignore[arg-type]

    assert (await taken_in(desk, asked(item, source))).reason == case.reason


async def test_each_review_that_is_asked_for_is_one_request(desk: Desk, town: Town) -> None:
    """Two deliveries of the first are one; asking again is another."""
    request = merge_request(town)
    town.world.request_review(request, town.alice, town.bot)
    first = [await taken_in(desk, asked(request, Source.REVIEW_REQUEST, when=when)) for when in ("1", "2")]
    town.world.request_review(request, town.alice, town.bot)

    again = await taken_in(desk, asked(request, Source.REVIEW_REQUEST, when="3"))

    assert first[1].reason == Reason.DUPLICATE
    assert again.reason == first[0].reason != Reason.DUPLICATE
    assert first[0].trigger.key != again.trigger.key
    assert again.requester_username == "alice"


async def test_an_assignment_is_known_by_gitlabs_note(desk: Desk, town: Town) -> None:
    """A delivery that comes after the sweep finds the sweep's task, and the other way round."""
    town.world.assign(town.issue, town.alice, town.bot)
    assert await sweep(desk) == 1
    swept = await desk.store.get(1)
    assert swept is not None
    await intake(desk, swept)

    assert (await taken_in(desk, asked(town.issue, Source.ASSIGNMENT))).reason == Reason.DUPLICATE
    assert await sweep(desk) == 0


async def test_a_former_self_is_not_listened_to(desk: Desk, town: Town) -> None:
    """The user of an older token is ours for ever, whatever GitLab says of it."""
    former = town.world.add_user("old-hand")
    town.world.add_member(town.project, former, DEVELOPER)
    await remember_identity(desk.store, user_id=former.id, username="old-hand")
    await sweep(desk)

    assert (await taken_in(desk, comment_trigger(town.say("/agent go", author=former)))).reason == Reason.IGNORED


async def test_a_copy_of_our_own_words_asks_nothing(desk: Desk, town: Town) -> None:
    """The hidden marker gives it away, whoever posts it."""
    note = town.say("/agent do it\n\n<!-- ablehand:final task=9 trigger=comment:1:1:1 -->")

    assert (await taken_in(desk, comment_trigger(note))).reason == Reason.IGNORED


NAMES = ["project_7_bot_0a1b", "group_3_bot", "service_account_group_9", "support-bot", "ghost"]


@pytest.mark.parametrize("name", NAMES)
async def test_machines_are_known_by_name_too(desk: Desk, town: Town, name: str) -> None:
    """GitLab may not say of all of them that they are bots."""
    machine = town.world.add_user(name)
    town.world.add_member(town.project, machine, DEVELOPER)

    assert (await taken_in(desk, comment_trigger(town.say("/agent go", author=machine)))).reason == Reason.IGNORED


async def test_an_allowed_bot_may_ask_as_far_as_its_role_goes(desk: Desk, town: Town) -> None:
    """By its id; what it may do is judged as for a person."""
    allowed, lesser = (town.world.add_user(name, bot=True) for name in ("renovate", "service_account_x"))
    town.world.add_member(town.project, allowed, DEVELOPER)
    town.world.add_member(town.project, lesser, REPORTER)
    desk = replace(desk, settings=desk.settings.model_copy(update={"allowed_bots": (allowed.id, lesser.id)}))

    tasks = [await taken_in(desk, comment_trigger(town.say("/agent do it", author=one))) for one in (allowed, lesser)]

    assert [task.reason for task in tasks] == ["", Reason.NOT_ALLOWED]


async def test_two_bots_that_answer_each_other_come_to_an_end(desk: Desk, town: Town) -> None:
    """An allowed bot that answers whatever we write is told once that it is enough, and then nothing."""
    other = town.world.add_user("parrot", bot=True)
    town.world.add_member(town.project, other, DEVELOPER)
    update = {"allowed_bots": (other.id,), "thread_tasks_per_hour": 3}
    desk = replace(desk, settings=desk.settings.model_copy(update=update))
    heard, replies = "Hello", 0

    for _ in range(20):
        said = town.say(f"@ablehand help\n\n> {heard}", author=other)
        task = await taken_in(desk, comment_trigger(said))
        await report(desk, task)
        if len(town.bodies()) == replies:
            break
        replies, heard = len(town.bodies()), town.bodies()[-1].splitlines()[0]

    assert replies == 4
    assert "3 times" in town.bodies()[-1]
    assert task.reason == Reason.IGNORED


async def test_an_hour_later_a_conversation_may_go_on(desk: Desk, town: Town) -> None:
    """Counting an intake that runs twice changes nothing."""
    desk = replace(desk, settings=desk.settings.model_copy(update={"thread_tasks_per_hour": 1}))
    first = await received(desk, comment_trigger(town.say("/agent help")))
    place = f"{{ablehand}}:thread:{town.project.id}:issues:{town.issue.iid}"
    await desk.store.enter_thread(place.partition("thread:")[2], first.id, limit=1)
    await intake(desk, first)
    refused = await taken_in(desk, comment_trigger(town.say("/agent help")))
    await desk.redis.zadd(place, {str(first.id): await desk.store.now() - 3601})

    allowed = await taken_in(desk, comment_trigger(town.say("/agent help")))

    answered = await desk.store.get(first.id)
    assert answered is not None
    assert [answered.reason, refused.reason, allowed.reason] == [Reason.ANSWERED, Reason.LIMIT, Reason.ANSWERED]


async def test_what_was_asked_during_a_long_outage_is_answered(desk: Desk, town: Town) -> None:
    """A comment from the weekend that nobody listened in is found on Monday; older ones stay ignored."""
    note, older = town.say("/agent help"), town.say("/agent help")
    note.created_at = note.updated_at = note.created_at - timedelta(hours=40)
    older.created_at = older.updated_at = older.created_at - timedelta(hours=60)
    await desk.store.remember("sweep", str(await desk.store.now() - 50 * 3600))

    assert await sweep(desk) == 1

    assert await bells(desk.redis) == ["intake 1"]
    assert (await taken_in(desk, comment_trigger(older))).reason == Reason.IGNORED
    swept = await desk.store.get(1)
    assert swept is not None
    await intake(desk, swept)
    assert (await taken_in(desk, comment_trigger(note))).reason == Reason.ANSWERED
