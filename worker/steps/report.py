"""Report: bring what people see to what is true. One comment that is edited, one closing reply, the labels.

It looks at the task as it is, never at what has happened: called once or five times, the outcome is the same. A comment
is looked for by its marker before it is written, so that a lost answer of GitLab's does not make a second one. What may
not be written yet (`core.store.TaskStore.claim_write`) stays in the outbox; what GitLab does not take is given up.
"""

from __future__ import annotations

import hashlib
import logging
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from core import links
from core.errors import AblehandError, GitLabError, GitLabNotFound, GitLabUnavailable, TokenRefused
from core.lease import Lease, hold
from core.limits import in_force
from core.reasons import SILENT_REASONS
from core.task import Phase, Place, Source, Status, Task
from core.waiting import why_waiting
from worker import task_tokens
from worker.conversation.markers import Marker, find_final, find_progress
from worker.conversation.progress import progress_comment
from worker.conversation.replies import closing_reply
from worker.steps.entry import enter
from worker.wiring import Desk

LABELS = {Status.PENDING: "running", Status.RUNNING: "running", Status.COMPLETED: "done"}
"""Whatever else a task ends as shows as failed."""
REFUSED: Final = -1
"""Instead of a comment's id: GitLab did not take it (a locked discussion, say), and is not asked again."""
SHOWN_SECONDS: Final = 86_400
"""How long it is remembered what a comment says."""
_EMOJI: Final = {Status.COMPLETED: "white_check_mark", Status.CANCELLED: "octagonal_sign"}

log = logging.getLogger(__name__)


class _NotYet(AblehandError):
    """Too much was written of late; *seconds*: when there may be room."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.1f} s too early")
        self.seconds = seconds


def run(task_id: int) -> None:
    """Tell people how the task stands; the RQ function."""
    enter("report", task_id, report)


async def report(desk: Desk, task: Task) -> None:
    """Make GitLab show the task as it is now, and take it out of the outbox; or leave it there for later."""
    async with hold(desk.redis, task.id, call_seconds=desk.settings.gitlab_timeout_seconds) as lease:
        fresh = await desk.store.get(task.id)
        if fresh is None or fresh.phase is Phase.RECEIVED:
            return
        try:
            if fresh.reason not in SILENT_REASONS and fresh.trigger.place is not Place.NOWHERE:
                fresh = await _tell(desk, lease, fresh)
        except _NotYet as early:
            # Not all in the same moment, if many have to wait.
            await desk.store.postpone("outbox", task.id, early.seconds * random.uniform(1, 1.3))  # noqa: S311 - jitter
            return
        if fresh.phase.is_final and fresh.token_project_id:
            fresh = await _revoke_tokens(desk, fresh)
        await desk.store.told(fresh)


async def _revoke_tokens(desk: Desk, task: Task) -> Task:
    """End the task's tokens. Done here: this step runs after every end, and again until it got through."""
    try:
        task_tokens.revoke_all(desk, task)
    except GitLabError as error:
        _give_up(task, error)
    return await desk.store.change(task, tell_after=None, token_project_id=0) or task


async def _tell(desk: Desk, lease: Lease, task: Task) -> Task:
    if task.progress_note_id or task.phase not in {Phase.REJECTED, Phase.CANCELLED}:
        task = await _show_progress(desk, lease, task)
    if task.phase.is_final and not task.final_note_id:
        task = await _close(desk, lease, task)
    if task.trigger.source is Source.LABEL:
        await _set_label(desk, lease, task)
    return task


async def _show_progress(desk: Desk, lease: Lease, task: Task) -> Task:
    if task.progress_note_id == REFUSED:
        return task
    queued = await desk.store.queued()
    # Not in it though its phase said so: it got its slot since it was read.
    place = queued.index(task.id) + 1 if task.phase is Phase.QUEUED and task.id in queued else 0
    waiting = await why_waiting(desk.store, in_force(desk.settings), task) if place else ""
    shown = replace(task, queue_place=place, waiting=waiting)
    body = progress_comment(shown, links.task_page(desk.settings, task), await desk.store.now())
    if task.progress_note_id:
        await _edit(desk, lease, task, body)
        return task
    note_id = await _post_once(desk, lease, task, find_progress, body)
    return await desk.store.change(task, tell_after=None, progress_note_id=note_id) or task


async def _edit(desk: Desk, lease: Lease, task: Task, body: str) -> None:
    """Edit the comment, unless it says just that already."""
    key, digest = f"{{ablehand}}:shown:{task.id}", hashlib.sha256(body.encode()).hexdigest()
    if await desk.redis.get(key) == digest:
        return
    await _wait_for_turn(desk, lease, task, pause_seconds=0 if task.phase.is_final else desk.settings.edit_seconds)
    try:
        desk.gitlab.edit_note(task.trigger.noteable, task.progress_note_id, body)
    except GitLabNotFound:
        pass  # somebody deleted it, and will not want it back
    except GitLabError as error:
        _give_up(task, error)
    await desk.redis.set(key, digest, ex=SHOWN_SECONDS)


async def _close(desk: Desk, lease: Lease, task: Task) -> Task:
    body = closing_reply(task, links.task_page(desk.settings, task))
    note_id = await _post_once(desk, lease, task, find_final, body)
    if note_id == REFUSED:
        _show_end_by_emoji(desk, task)
    return await desk.store.change(task, tell_after=None, final_note_id=note_id) or task


async def _post_once(desk: Desk, lease: Lease, task: Task, find: Callable[[str], Marker | None], body: str) -> int:
    """Write a comment unless the bot has written one whose marker is the same; give its id, or `REFUSED`."""
    where = task.trigger.noteable
    me, wanted = desk.gitlab.me().id, find(body)
    for note in desk.gitlab.notes(where):
        if note.author.id == me and find(note.body) == wanted:
            return note.id
    await _wait_for_turn(desk, lease, task)
    try:
        return _write(desk, task, body)
    except GitLabError as error:
        _give_up(task, error)
        return REFUSED


def _write(desk: Desk, task: Task, body: str) -> int:
    where = task.trigger.noteable
    try:
        return desk.gitlab.create_note(where, body, discussion=task.discussion, internal=task.internal)
    except GitLabNotFound:
        if not task.discussion:
            raise
        # The thread was deleted: the answer stands alone.
        return desk.gitlab.create_note(where, body, internal=task.internal)


def _give_up(task: Task, error: GitLabError) -> None:
    """Go on without what GitLab refused; what it only could not do now is tried again."""
    if isinstance(error, GitLabUnavailable | TokenRefused):
        raise error
    log.warning("GitLab did not take it", extra={"task_id": task.id, "why": str(error)})


def _show_end_by_emoji(desk: Desk, task: Task) -> None:
    note_id = task.trigger.event_id if task.trigger.source is Source.COMMENT else 0
    try:
        desk.gitlab.award(task.trigger.noteable, note_id, _EMOJI.get(task.status, "x"))
    except GitLabError as error:
        _give_up(task, error)


async def _wait_for_turn(desk: Desk, lease: Lease, task: Task, *, pause_seconds: float = 0) -> None:
    """Count one write on GitLab.

    Raises:
        _NotYet: There is no room for it now. Of the room for all, a quarter is kept for ends.
    """
    most = desk.settings.writes_per_minute
    early = await desk.store.claim_write(
        task, per_minute=most if task.phase.is_final else most * 3 // 4, pause_seconds=pause_seconds
    )
    if early:
        raise _NotYet(early)
    await lease.renew()


async def _set_label(desk: Desk, lease: Lease, task: Task) -> None:
    wanted = LABELS.get(task.status, "failed")
    prefix = desk.settings.label_prefix
    label = f"{prefix}-{wanted}"
    others = tuple(f"{prefix}-{state}" for state in ("ready", "running", "done", "failed") if state != wanted)
    present = desk.gitlab.item(task.trigger.noteable).labels
    if label in present and not set(others) & set(present):
        return
    await _wait_for_turn(desk, lease, task)
    try:
        desk.gitlab.change_labels(task.trigger.noteable, add=label, remove=others)
    except GitLabError as error:
        _give_up(task, error)
