"""Asked by a comment: the command in it counts, and its author."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from core.errors import GitLabNotFound, Refusal
from core.gitlab.client import GitLab
from core.gitlab.nouns import Item, Note
from core.reasons import Reason
from core.task import Noteable, Task
from worker.conversation import commands
from worker.conversation.markers import find_final, find_progress
from worker.requests.asker import check_asker, who_we_are
from worker.requests.request import Request
from worker.wiring import Desk

EDIT_TOLERANCE: Final = timedelta(seconds=2)
STALE: Final = timedelta(hours=24)
"""A hook's test button sends old comments; what is older than this is not asked today."""
OUTAGE: Final = "outage"
"""Where the sweep keeps since when nobody was listening: what was asked from then on is answered, however late."""


async def read(desk: Desk, task: Task, _item: Item) -> Request:
    """Read the comment that the trigger names.

    Raises:
        Refusal: It is gone, is no command, was edited or is old, or a machine wrote it.
    """
    on = task.trigger.noteable
    try:
        note = desk.gitlab.note(on, task.trigger.event_id)
    except GitLabNotFound:
        raise Refusal(Reason.GONE) from None
    command = commands.parse(note.body, bot=(await who_we_are(desk)).username)
    if command is None or note.system or _is_a_copy_of_ours(note) or await _is_edited_or_stale(desk, note):
        raise Refusal(Reason.IGNORED)
    return Request(
        trigger=task.trigger,
        requester=await check_asker(desk, note.author),
        command=command,
        internal=note.internal,
        discussion=_thread_of(desk.gitlab, on, note),
    )


def _is_a_copy_of_ours(note: Note) -> bool:
    return find_progress(note.body) is not None or find_final(note.body) is not None


async def _is_edited_or_stale(desk: Desk, note: Note) -> bool:
    created, updated = datetime.fromisoformat(note.created_at), datetime.fromisoformat(note.updated_at)
    if updated - created > EDIT_TOLERANCE:
        return True
    if datetime.now(created.tzinfo) - created <= STALE:
        return False
    since = await desk.store.recall(OUTAGE)
    return not since or created < datetime.fromtimestamp(float(since), UTC)


def _thread_of(gitlab: GitLab, on: Noteable, note: Note) -> str:
    """Find the thread that a comment stands in; empty for one that stands alone, or left its thread."""
    if not note.is_in_thread:
        return ""
    threads = gitlab.discussions(on)
    return next((thread.id for thread in threads if any(note.id == other.id for other in thread.notes)), "")
