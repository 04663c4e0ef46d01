"""Intake: may they, and what do they want? A received task becomes a queued one, or is refused.

The delivery was a hint. Everything that counts is read from GitLab here: the comment's text and author, who set the
label, the person's access, the issue and the project as they are now.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from core.errors import GitLabNotFound, Refusal
from core.gitlab.nouns import Issue, LabelEvent, Note, Project, User
from core.task import Phase, Reason, Source, Task, Trigger
from worker.conversation import access, commands, replies
from worker.conversation.commands import Command
from worker.conversation.markers import find_final, find_progress
from worker.steps.endings import refuse
from worker.steps.entry import enter
from worker.wiring import Desk

QUEUED_DEADLINE_SECONDS: Final = 300
"""The reconciler fills free slots anyway; this is for the case that it finds none."""
EDIT_TOLERANCE: Final = timedelta(seconds=2)
STALE: Final = timedelta(hours=24)
"""A hook's test button sends old comments; what is older than this is not asked today."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who asks for what, as GitLab tells it now."""

    trigger: Trigger
    """With the event's own id: what is named after it does not depend on who told us."""
    requester: User
    command: Command
    internal: bool = False


def run(task_id: int) -> None:
    """Take the task in; the RQ function."""
    enter("intake", task_id, intake)


async def intake(desk: Desk, task: Task) -> None:
    """Move a received task to queued or rejected; anything else is left alone."""
    if task.phase is not Phase.RECEIVED:
        return
    asked: dict[str, Any] = {}
    try:
        project, issue = _place(desk, task)
        request = await _request(desk, task, issue)
        asked = _asked(desk, request)
        _look_for_a_twin(desk, request.trigger)
        fields = asked | _checked(desk, project, issue, request)
    except Refusal as refusal:
        await refuse(desk, task, refusal, **asked)
        return
    queued = await desk.store.change(task, Phase.QUEUED, deadline_seconds=QUEUED_DEADLINE_SECONDS, **fields)
    if queued is None:
        return
    log.info("task queued", extra={"task_id": task.id, "source": task.trigger.source, "project_id": project.id})
    desk.doorbell.ring("launch", task.id)
    desk.doorbell.ring("report", task.id)
    # Last: it is decoration, and may fail.
    desk.gitlab.award(
        project.id, issue.iid, task.trigger.event_id if task.trigger.source is Source.COMMENT else 0, "eyes"
    )


def _place(desk: Desk, task: Task) -> tuple[Project, Issue]:
    try:
        project = desk.gitlab.project(task.trigger.project_id)
        return project, desk.gitlab.issue(project.id, task.trigger.issue_iid)
    except GitLabNotFound:
        raise Refusal(Reason.GONE) from None


async def _request(desk: Desk, task: Task, issue: Issue) -> Request:
    if task.trigger.source is Source.COMMENT:
        return _from_comment(desk, task)
    return await _from_label(desk, task, issue)


def _from_comment(desk: Desk, task: Task) -> Request:
    try:
        note = desk.gitlab.note(task.trigger.project_id, task.trigger.issue_iid, task.trigger.event_id)
    except GitLabNotFound:
        raise Refusal(Reason.GONE) from None
    command = commands.parse(note.body)
    if command is None or note.system or _is_edited_or_stale(note) or access.is_machine(desk.gitlab, note.author):
        raise Refusal(Reason.IGNORED)
    return Request(trigger=task.trigger, requester=note.author, command=command, internal=note.internal)


async def _from_label(desk: Desk, task: Task, issue: Issue) -> Request:
    ready = f"{desk.settings.label_prefix}-ready"
    if ready not in issue.labels:
        raise Refusal(Reason.GONE)
    events = desk.gitlab.label_events(issue.project_id, issue.iid)
    added = [event for event in events if event.label == ready and event.action == "add"]
    # Where GitLab has no event the label was there from the start, and the author put it.
    last = added[-1] if added else LabelEvent(id=0, label=ready, action="add", user=issue.author, created_at="")
    trigger = replace(task.trigger, event_id=last.id, happened_at="" if last.id else "creation")
    if await desk.store.claim(trigger.key, task.id) != task.id:
        raise Refusal(Reason.DUPLICATE)
    if last.user is None or access.is_machine(desk.gitlab, last.user):
        raise Refusal(Reason.IGNORED)
    return Request(trigger=trigger, requester=last.user, command=commands.Run(prompt=issue.title))


def _asked(desk: Desk, request: Request) -> dict[str, Any]:
    return {
        "trigger": request.trigger,
        "unique_id": desk.store.unique_id(request.trigger),
        "requester_id": request.requester.id,
        "requester_username": request.requester.username,
        "requester_name": request.requester.name,
    }


def _checked(desk: Desk, project: Project, issue: Issue, request: Request) -> dict[str, Any]:
    """Give the queued task's fields, every rule having been kept."""
    access.check_requester(desk.gitlab, project, request.requester)
    access.check_place(project, issue, internal=request.internal)
    command = request.command
    if not isinstance(command, commands.Run):
        reason = Reason.PROMPT if isinstance(command, commands.TooLong) else Reason.COMMAND
        raise Refusal(reason, replies.answer(command))
    branch = command.branch or project.default_branch
    if command.branch and not desk.gitlab.branch_head(project.id, branch):
        raise Refusal(Reason.BRANCH, branch)
    return {
        "prompt": command.prompt,
        "repository": project.path,
        "branch": branch,
        "visibility": project.visibility,
        "issue_title": issue.title,
        "issue_author": issue.author.username,
        "agent": desk.settings.agent,
        "model": command.model or desk.settings.model,
    }


def _look_for_a_twin(desk: Desk, trigger: Trigger) -> None:
    """Refuse a trigger that was answered, even if Redis has forgotten that: a received task has no comment yet."""
    me = desk.gitlab.me().id
    for note in desk.gitlab.notes(trigger.project_id, trigger.issue_iid):
        marked = (find_progress(note.body) or find_final(note.body)) if note.author.id == me else None
        # The numbers of tasks begin anew with an empty Redis, so that they tell nothing here.
        if marked and marked.trigger_key == trigger.key:
            raise Refusal(Reason.DUPLICATE)


def _is_edited_or_stale(note: Note) -> bool:
    created, updated = datetime.fromisoformat(note.created_at), datetime.fromisoformat(note.updated_at)
    return updated - created > EDIT_TOLERANCE or datetime.now(created.tzinfo) - created > STALE
