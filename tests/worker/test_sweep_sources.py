"""Where the sweep looks: merge requests, to-dos, assignments, review requests and pipelines, each without doubling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from core.identity import recall_identity
from core.task import Place, Source, Trigger
from simulators.gitlab.ci import Job
from simulators.gitlab.records import Item, MergeRequest
from tests.worker.ledger import now, taken_in
from tests.worker.test_intake_places import merge_request
from tests.worker.town import Town
from worker.reconciler.sweep import sweep
from worker.wiring import Desk

pytestmark = pytest.mark.anyio

Asked = tuple[Source, Place, int]


async def found(desk: Desk) -> list[Asked]:
    """Sweep, and list what has become a task."""
    count = await sweep(desk)
    return [await _what(desk, number) for number in range(1, count + 1)]


async def _what(desk: Desk, number: int) -> Asked:
    trigger = (await now(desk, number)).trigger
    return trigger.source, trigger.place, trigger.event_id


def event_of(item: Item) -> int:
    """Give the id of GitLab's newest own note."""
    return max(note.id for note in item.notes if note.system)


def _comment(town: Town) -> Asked:
    note = town.world.comment(merge_request(town), author=town.alice, body="/agent do it")
    return Source.COMMENT, Place.MERGE_REQUEST, note.id


def _on_own(town: Town) -> Asked:
    note = town.world.comment(merge_request(town, town.bot), author=town.alice, body="@ablehand rename it")
    return Source.COMMENT, Place.MERGE_REQUEST, note.id


def _on_closed(town: Town) -> Asked:
    note = town.say("@ablehand what became of it?")
    town.world.close_issue(town.issue)
    return Source.COMMENT, Place.ISSUE, note.id


def _labelled(town: Town) -> Asked:
    town.world.label(merge_request(town), town.alice, add=["agent-ready"])
    return Source.LABEL, Place.MERGE_REQUEST, 0


def _assigned(town: Town) -> Asked:
    town.world.assign(town.issue, town.alice, town.bot)
    return Source.ASSIGNMENT, Place.ISSUE, event_of(town.issue)


def _assigned_closed(town: Town) -> Asked:
    asked = _assigned(town)
    town.world.close_issue(town.issue)
    return asked


def _review(town: Town) -> Asked:
    request = merge_request(town)
    town.world.request_review(request, town.alice, town.bot)
    return Source.REVIEW_REQUEST, Place.MERGE_REQUEST, event_of(request)


def _own(town: Town) -> MergeRequest:
    return merge_request(town, town.bot)


def _branch_pipeline(town: Town) -> Asked:
    request = _own(town)
    jobs = [Job(name="test", status="failed", failure_reason="script_failure")]
    pipeline = town.world.run_pipeline(town.project, request.source_branch, jobs, user=town.bot)
    return Source.PIPELINE, Place.MERGE_REQUEST, pipeline.id


def _request_pipeline(town: Town) -> Asked:
    request = _own(town)
    jobs = [Job(name="test", status="failed", failure_reason="script_failure")]
    pipeline = town.world.run_pipeline(town.project, request.source_branch, jobs, user=town.bot, request=request)
    return Source.PIPELINE, Place.MERGE_REQUEST, pipeline.id


MISSED: dict[str, Callable[[Town], Asked]] = {
    "comment-on-merge-request": _comment,
    "mention-on-our-own-merge-request": _on_own,
    "mention-on-closed-issue": _on_closed,
    "label-on-merge-request": _labelled,
    "assignment": _assigned,
    "assignment-of-closed-issue": _assigned_closed,
    "review-request": _review,
    "failed-pipeline-of-branch": _branch_pipeline,
    "failed-pipeline-of-merge-request": _request_pipeline,
}


@pytest.mark.parametrize("miss", MISSED.values(), ids=MISSED.keys())
async def test_what_no_hook_told_is_found_once(desk: Desk, town: Town, miss: Callable[[Town], Asked]) -> None:
    """Lists and to-dos may both name it: it is one task, and none at the next sweep."""
    asked = miss(town)

    assert await found(desk) == [asked]
    assert await sweep(desk) == 0


def _mine(town: Town) -> None:
    town.world.assign(town.issue, town.alice, town.alice)
    town.world.comment(merge_request(town), author=town.alice, body="Hello @alice, see `@ablehand`")


def _ours(town: Town) -> None:
    request = merge_request(town, town.bot)
    town.world.comment(request, author=town.bot, body="/agent do it")
    town.world.run_pipeline(town.project, request.source_branch, [Job(name="test")], user=town.bot)


def _theirs(town: Town) -> None:
    request = merge_request(town)
    jobs = [Job(name="test", status="failed", failure_reason="script_failure")]
    town.world.run_pipeline(town.project, request.source_branch, jobs, user=town.alice)


def _long_ago(town: Town) -> None:
    for miss in (_assigned, _on_own):
        miss(town)
    past = timedelta(hours=2)
    for item in (town.issue, *town.project.merge_requests.values()):
        for note in item.notes:
            note.created_at -= past
    for todo in town.world.todos:
        todo.created_at -= past


UNASKED: dict[str, Callable[[Town], None]] = {
    "asked-of-others": _mine,
    "by-ourselves": _ours,
    "pipeline-of-somebody-elses": _theirs,
    "long-ago": _long_ago,
}


@pytest.mark.parametrize("happen", UNASKED.values(), ids=UNASKED.keys())
async def test_what_was_not_asked_now_is_not_found(desk: Desk, town: Town, happen: Callable[[Town], None]) -> None:
    """Neither what others were asked, nor what was before the last sweep. A mention in code makes a to-do alone."""
    happen(town)

    for asked in await found(desk):
        source, place, event_id = asked
        trigger = Trigger(source=source, place=place, project_id=town.project.id, iid=1, event_id=event_id)
        assert (await taken_in(desk, trigger)).reason == "ignored"


async def test_a_branchs_pipeline_is_found_by_hook_and_sweep_once(desk: Desk, town: Town) -> None:
    """The hook names no merge request: intake finds it, and knows the sweep's task for it."""
    _, place, event_id = _branch_pipeline(town)
    assert await sweep(desk) == 1
    told = Trigger(source=Source.PIPELINE, place=Place.NOWHERE, project_id=town.project.id, iid=0, event_id=event_id)

    assert (await taken_in(desk, told)).reason == "duplicate"
    assert (await taken_in(desk, replace(told, event_id=event_id + 1))).reason == "gone"
    assert place is Place.MERGE_REQUEST


async def test_what_vanishes_meanwhile_does_not_stop_the_sweep(desk: Desk, town: Town) -> None:
    """An issue that is deleted between the list and its comments is left out."""
    town.say("/agent do it")
    other = town.world.add_issue(town.project, author=town.alice, title="Other")
    town.world.comment(other, author=town.alice, body="/agent do it")
    town.server.faults.answer("GET", "/issues/1/notes$", status=404)

    assert await sweep(desk) == 1


async def test_the_sweep_keeps_who_the_bot_is(desk: Desk, town: Town) -> None:
    """Also when it is renamed while we run: mentions go by the present name."""
    await sweep(desk)
    town.bot.username = "handy"
    note = town.say("@handy do it")

    assert await sweep(desk) == 1
    identity = await recall_identity(desk.store)
    assert identity is not None
    assert (identity.username, (await now(desk, 1)).trigger.event_id) == ("handy", note.id)
