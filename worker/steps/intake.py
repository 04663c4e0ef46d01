"""Intake: may they, and what do they want? A received task becomes a queued one, is answered, or is refused.

The delivery was a hint. Everything that counts is read from GitLab here: the comment's text and author, who set the
label, the person's access, the issue or merge request and the project as they are now. `worker.requests` has a file for
each way to ask, `worker.verbs` one for each command.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from core.errors import GitLabError, GitLabNotFound, Refusal
from core.gitlab.nouns import Item, Project
from core.reasons import Reason
from core.task import Phase, Place, Source, Task, Trigger
from worker import limits
from worker.conversation import access
from worker.conversation.commands import Cancel
from worker.conversation.markers import find_final, find_progress
from worker.requests import api, assignment, comment, label, pipeline, review_request
from worker.requests.asker import who_we_are
from worker.requests.request import Case, Request
from worker.requests.thread_limit import check_thread, is_first_refusal
from worker.requests.whereabouts import locate
from worker.steps.endings import answer, refuse
from worker.steps.entry import enter
from worker.verbs import dispatch
from worker.verbs.outcome import Answered, Queued
from worker.wiring import Desk

QUEUED_DEADLINE_SECONDS: Final = 300
"""The reconciler fills free slots anyway; this is for the case that it finds none."""
READERS: Final[dict[Source, Callable[[Desk, Task, Any], Awaitable[Request]]]] = {
    Source.API: api.read,
    Source.COMMENT: comment.read,
    Source.LABEL: label.read,
    Source.ASSIGNMENT: assignment.read,
    Source.REVIEW_REQUEST: review_request.read,
    Source.PIPELINE: pipeline.read,
}

log = logging.getLogger(__name__)


def run(task_id: int) -> None:
    """Take the task in; the RQ function."""
    enter("intake", task_id, intake)


async def intake(desk: Desk, task: Task) -> None:
    """Move a received task to queued or to its end; anything else is left alone."""
    if task.phase is not Phase.RECEIVED:
        return
    asked: dict[str, Any] = {}
    try:
        task = await locate(desk, task)
        project, item = _place(desk, task)
        request = await READERS[task.trigger.source](desk, task, item)
        case = Case(task=task, project=project, item=item, request=request)
        asked = _asked(desk, project, item, request)
        if request.refusal is not None:
            raise request.refusal
        await _check(desk, case, asked)
        outcome = await dispatch.carry_out(desk, case)
        if isinstance(outcome, Queued):
            asked |= outcome.fields
            await limits.check(desk, task, request.requester.id, float(asked["budget_usd"]))
    except Refusal as refusal:
        await refuse(desk, task, refusal, **asked)
        return
    if isinstance(outcome, Answered):
        await answer(desk, task, outcome.text, **asked)
    else:
        await _queue(desk, task, asked)


async def _check(desk: Desk, case: Case, asked: dict[str, Any]) -> None:
    """Refuse who may not, and what can't be; in between, as early as it can be, show that it was seen.

    When that was is added to the fields of what was *asked*.
    """
    request = case.request
    try:
        access.check_requester(desk.gitlab, case.project, request.requester)
    except Refusal:
        # Who asked by form or API looks at the task: it says nothing to anybody else.
        if request.trigger.source is Source.API or await is_first_refusal(desk, case):
            raise
        raise Refusal(Reason.IGNORED) from None
    if case.item is not None:
        if not isinstance(request.command, Cancel):  # what flows too fast must still be stopped
            await check_thread(desk, case)
        if _show_eyes(desk, request.trigger):
            asked["reacted_at"] = await desk.store.now()
        await _look_for_a_twin(desk, request.trigger)
    access.check_place(case.project, case.item, internal=request.internal)


def _show_eyes(desk: Desk, trigger: Trigger) -> bool:
    if trigger.source in {Source.PIPELINE, Source.API}:  # nobody waits for a sign
        return False
    note_id = trigger.event_id if trigger.source is Source.COMMENT else 0
    try:
        desk.gitlab.award(trigger.noteable, note_id, "eyes")
    except GitLabError as error:
        # It is decoration: an archived project refuses it, and a busy GitLab must not keep people waiting for more.
        log.info("no eyes were shown", extra={"project_id": trigger.project_id, "why": str(error)})
        return False
    return True


async def _queue(desk: Desk, task: Task, fields: dict[str, Any]) -> None:
    cancel, by = await desk.store.items.cancelled_before(task.trigger.noteable)
    if task.trigger.source is Source.COMMENT and task.trigger.event_id < cancel:
        # The comment that cancels it was taken in first.
        await desk.store.change(task, Phase.CANCELLED, cancelled_by=by, **fields)
        desk.doorbell.ring("report", task.id)
        return
    queued = await desk.store.change(task, Phase.QUEUED, deadline_seconds=QUEUED_DEADLINE_SECONDS, **fields)
    if queued is None:
        return
    log.info("task queued", extra={"task_id": task.id, "source": task.trigger.source, "mode": queued.mode})
    desk.doorbell.ring("launch", task.id)
    desk.doorbell.ring("report", task.id)


def _place(desk: Desk, task: Task) -> tuple[Project, Item | None]:
    try:
        project = desk.gitlab.project(task.trigger.project_id)
        return project, None if task.trigger.place is Place.NOWHERE else desk.gitlab.item(task.trigger.noteable)
    except GitLabNotFound:
        raise Refusal(Reason.GONE) from None


def _asked(desk: Desk, project: Project, item: Item | None, request: Request) -> dict[str, Any]:
    return {
        "trigger": request.trigger,
        "unique_id": desk.store.unique_id(request.trigger),
        "requester_id": request.requester.id,
        "requester_username": request.requester.username,
        "requester_name": request.requester.name,
        "discussion": request.discussion,
        "parent_id": request.parent_id,
        "internal": request.internal,
        "repository": project.path,
        "visibility": project.visibility,
        "title": item.title if item else "",
        "confidential": request.internal or (item is not None and item.confidential),
        "author": item.author.username if item else "",
    }


async def _look_for_a_twin(desk: Desk, trigger: Trigger) -> None:
    """Refuse a trigger that was answered, even if Redis has forgotten that: a received task has no comment yet."""
    ours = (await who_we_are(desk)).ids
    for note in desk.gitlab.notes(trigger.noteable):
        marked = (find_progress(note.body) or find_final(note.body)) if note.author.id in ours else None
        # The numbers of tasks begin anew with an empty Redis, so that they tell nothing here.
        if marked and marked.trigger_key == trigger.key:
            raise Refusal(Reason.DUPLICATE)
