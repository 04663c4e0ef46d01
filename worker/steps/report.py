"""Report: bring what people see to what is true. One comment that is edited, one closing reply, the labels.

It looks at the task as it is, never at what has happened: called once or five times, the outcome is the same. A comment
is looked for by its marker before it is written, so that a lost answer of GitLab's does not make a second one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core import links
from core.errors import GitLabNotFound
from core.lease import Lease, hold
from core.task import SILENT_REASONS, Phase, Source, Status, Task
from worker.conversation.markers import Marker, find_final, find_progress
from worker.conversation.progress import progress_comment
from worker.conversation.replies import closing_reply
from worker.steps.entry import enter
from worker.wiring import Desk

LABELS = {Status.PENDING: "running", Status.RUNNING: "running", Status.COMPLETED: "done"}
"""Whatever else a task ends as shows as failed."""


def run(task_id: int) -> None:
    """Tell people how the task stands; the RQ function."""
    enter("report", task_id, report)


async def report(desk: Desk, task: Task) -> None:
    """Make GitLab show the task as it is now, and take it out of the outbox."""
    async with hold(desk.redis, task.id, call_seconds=desk.settings.gitlab_timeout_seconds) as lease:
        fresh = await desk.store.get(task.id)
        if fresh is None or fresh.phase is Phase.RECEIVED:
            return
        if fresh.reason not in SILENT_REASONS:
            fresh = await _tell(desk, lease, fresh)
        await desk.store.told(fresh)


async def _tell(desk: Desk, lease: Lease, task: Task) -> Task:
    if task.phase is not Phase.REJECTED or task.progress_note_id:
        task = await _show_progress(desk, lease, task)
    if task.trigger.source is Source.LABEL:
        await _set_label(desk, lease, task)
    if task.phase.is_final and not task.final_note_id:
        task = await _close(desk, lease, task)
    return task


async def _show_progress(desk: Desk, lease: Lease, task: Task) -> Task:
    queued = await desk.store.queued()
    # Not in it though its phase said so: it got its slot since it was read.
    place = queued.index(task.id) + 1 if task.phase is Phase.QUEUED and task.id in queued else 0
    shown = replace(task, queue_place=place)
    body = progress_comment(shown, links.task_page(desk.settings, task), await desk.store.now())
    note_id = task.progress_note_id
    if note_id:
        await lease.renew()
        try:
            desk.gitlab.edit_note(task.trigger.project_id, task.trigger.issue_iid, note_id, body)
        except GitLabNotFound:  # somebody deleted it, and will not want it back
            return task
        return task
    note_id = await _post_once(desk, lease, task, find_progress, body)
    return await desk.store.change(task, tell_after=None, progress_note_id=note_id) or task


async def _close(desk: Desk, lease: Lease, task: Task) -> Task:
    body = closing_reply(task, links.task_page(desk.settings, task))
    note_id = await _post_once(desk, lease, task, find_final, body)
    return await desk.store.change(task, tell_after=None, final_note_id=note_id) or task


async def _post_once(desk: Desk, lease: Lease, task: Task, find: Callable[[str], Marker | None], body: str) -> int:
    """Write a comment unless the bot has written one whose marker is the same; give its id."""
    where = (task.trigger.project_id, task.trigger.issue_iid)
    me, wanted = desk.gitlab.me().id, find(body)
    for note in desk.gitlab.notes(*where):
        if note.author.id == me and find(note.body) == wanted:
            return note.id
    await lease.renew()
    return desk.gitlab.create_note(*where, body)


async def _set_label(desk: Desk, lease: Lease, task: Task) -> None:
    wanted = LABELS.get(task.status, "failed")
    prefix = desk.settings.label_prefix
    label = f"{prefix}-{wanted}"
    others = tuple(f"{prefix}-{state}" for state in ("ready", "running", "done", "failed") if state != wanted)
    present = desk.gitlab.issue(task.trigger.project_id, task.trigger.issue_iid).labels
    if label in present and not set(others) & set(present):
        return
    await lease.renew()
    desk.gitlab.change_labels(task.trigger.project_id, task.trigger.issue_iid, add=label, remove=others)
