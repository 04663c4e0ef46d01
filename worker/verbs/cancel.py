"""`cancel`: the task ends at once; its run and the spending within seconds, by the step of the same name.

A cancel may be read before what it means: comments are taken in by several workers, in no order. What was asked before
it and comes after it is cancelled too (`core.item_tasks`).
"""

from __future__ import annotations

import logging
from typing import Any, Final

from core.errors import GitLabNotFound
from core.lease import hold
from core.task import Phase, Source, Task
from worker.conversation import outcome
from worker.conversation.commands import Approve, Cancel, Plan, Retry, Review, Run, parse
from worker.requests.asker import who_we_are
from worker.requests.request import Case
from worker.steps.endings import ring_next
from worker.verbs import earlier
from worker.verbs.outcome import Answered
from worker.wiring import Desk

TOLD_AFTER_SECONDS: Final = 60
"""When people are told though nobody has found out what was pushed."""

log = logging.getLogger(__name__)


async def carry_out(desk: Desk, case: Case, command: Cancel) -> Answered:
    """Cancel a task; what became of it is told by its own reply.

    Raises:
        Refusal: There is no task of that number.
    """
    if command.number:
        task: Task | None = await earlier.task_of_project(desk, case, command.number)
    else:
        task = await _newest(desk, case)
    if task is None:
        return Answered("There is nothing to cancel here: no task waits or runs.")
    ended = await _cancel(desk, task, case)
    if ended.cancelled_with != case.task.id:
        link = f": {outcome.merge_request(ended)}" if outcome.merge_request(ended) else ""
        return Answered(f"There is nothing to cancel: task {ended.id} has ended already ({ended.status}{link}).")
    if ended.trigger.noteable == case.task.trigger.noteable:
        return Answered("")
    return Answered(f"Task {ended.id} is cancelled; the reply on {outcome.where(ended)} says what became of it.")


async def _newest(desk: Desk, case: Case) -> Task | None:
    """Find the newest task here that was asked for before, and has not ended."""
    trigger, items = case.task.trigger, desk.store.items
    # First: what is accepted while we look finds this, or is found.
    await items.cancel_before(trigger.noteable, trigger.event_id, case.request.requester.username)
    for task in await items.newest(trigger.noteable):
        # Taken in twice, it finds what it has done itself.
        is_done = task.cancelled_with == case.task.id
        if is_done or (not task.phase.is_final and _came_before(task, case.task) and await _is_work(desk, task)):
            await items.forget_cancel(trigger.noteable, trigger.event_id)
            return task
    return None


def _came_before(task: Task, own: Task) -> bool:
    if task.trigger.source is Source.COMMENT:
        return task.trigger.event_id < own.trigger.event_id
    return task.id != own.id


async def _is_work(desk: Desk, task: Task) -> bool:
    """Tell whether a task is more than a question; of one that is not taken in yet, only its comment knows."""
    if task.phase is not Phase.RECEIVED or task.trigger.source is not Source.COMMENT:
        return True
    try:
        note = desk.gitlab.note(task.trigger.noteable, task.trigger.event_id)
    except GitLabNotFound:
        return False
    return isinstance(parse(note.body, bot=(await who_we_are(desk)).username), Run | Plan | Review | Approve | Retry)


async def _cancel(desk: Desk, task: Task, case: Case) -> Task:
    """Move the task to cancelled wherever it is by now; give it as it is then."""
    while not task.phase.is_final:
        if task.phase is Phase.FINISHING:
            # Its merge request may be being opened: what comes of that is waited for.
            async with hold(desk.redis, task.id, call_seconds=desk.settings.gitlab_timeout_seconds):
                cancelled = await _try(desk, await desk.store.get(task.id) or task, case)
        else:
            cancelled = await _try(desk, task, case)
        task = cancelled or await desk.store.get(task.id) or task
        if cancelled is not None:
            log.info("task cancelled", extra={"task_id": task.id})
            desk.doorbell.ring("cancel", task.id)
            await ring_next(desk)
    return task


async def _try(desk: Desk, task: Task, case: Case) -> Task | None:
    if task.phase.is_final:
        return None
    fields: dict[str, Any] = {"cancelled_by": case.request.requester.username, "cancelled_with": case.task.id}
    if task.phase is Phase.RECEIVED:
        fields |= _who(desk, task, case)
    return await desk.store.change(task, Phase.CANCELLED, tell_after=TOLD_AFTER_SECONDS, **fields)


def _who(desk: Desk, task: Task, case: Case) -> dict[str, Any]:
    """Give what the reply to a task needs that was never taken in."""
    if task.requester_id:
        return {}
    asker = case.request.requester
    if task.trigger.source is Source.COMMENT:
        asker = desk.gitlab.note(task.trigger.noteable, task.trigger.event_id).author
    return {
        "requester_id": asker.id,
        "requester_username": asker.username,
        "requester_name": asker.name,
        "repository": case.project.path,
    }
