"""Finds on GitLab what no hook told us: GitLab sends a delivery once, and not at all while a hook is switched off.

What it finds goes the same way as a delivery; the trigger's semantic id keeps it from being done twice. It also keeps
who the bot is, for those who can't ask GitLab.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from core.counts import count
from core.crash import point
from core.errors import GitLabDenied, GitLabNotFound
from core.gitlab.client import GitLab
from core.gitlab.inbox import Todo
from core.gitlab.nouns import Item, MergeRequest
from core.identity import Identity, remember_identity
from core.task import Noteable, Place, Source, Trigger
from worker.conversation import commands
from worker.requests.appointment import find_appointment, is_appointed
from worker.requests.comment import OUTAGE, STALE
from worker.wiring import Desk

OVERLAP_SECONDS: Final = 120
"""Clocks differ, and GitLab's lists lag."""
FIRST_LOOK_SECONDS: Final = 360
NOTES_LOOKED_AT: Final = 100
MEMORY: Final = "sweep"
_APPOINTMENTS: Final = {"assigned": Source.ASSIGNMENT, "review_requested": Source.REVIEW_REQUEST}
_MENTIONS: Final = frozenset({"mentioned", "directly_addressed"})

log = logging.getLogger(__name__)


async def sweep(desk: Desk) -> int:
    """Accept every trigger since the last sweep that is not known; answer how many there were."""
    now = await desk.store.now()
    me = await asyncio.to_thread(desk.gitlab.me, anew=True)
    identity = await remember_identity(desk.store, user_id=me.id, username=me.username)
    since = float(await desk.store.recall(MEMORY) or now - FIRST_LOOK_SECONDS) - OVERLAP_SECONDS
    if now - since > STALE.total_seconds() / 2:
        await desk.store.remember(OUTAGE, str(since))
    look = Look(desk.gitlab, identity, datetime.fromtimestamp(since, UTC), f"{desk.settings.label_prefix}-ready")
    fresh = []
    for trigger in await asyncio.to_thread(lambda: list(look.triggers())):
        new, task_id = await desk.store.accept(trigger)
        if new:
            fresh.append(task_id)
    if fresh:
        log.info("sweep found triggers", extra={"tasks": fresh})
        await count(desk.redis, {"swept": len(fresh)})
        await asyncio.to_thread(desk.doorbell.ring, "intake", *fresh)
    await desk.store.remember(MEMORY, str(now))
    return len(fresh)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at all that happened *since*. Blocking."""

    gitlab: GitLab
    identity: Identity
    since: datetime
    ready: str

    def triggers(self) -> Iterator[Trigger]:
        """Find what may have been asked, some of it twice: on what has changed, on our to-do list, in our pipelines."""
        with point("sweep"):
            moment = self.since.isoformat(timespec="seconds")
            ours = set(self.gitlab.memberships())
            changed: list[Item] = [*self.gitlab.issues_since(moment), *self.gitlab.merge_requests_since(moment)]
            for item in changed:
                if item.project_id in ours:
                    # What has gone meanwhile asks for nothing.
                    with suppress(GitLabNotFound, GitLabDenied):
                        yield from self._on_item(item)
            for todo in self.gitlab.todos():
                if todo.on.project_id in ours and self._is_new(todo.created_at):
                    with suppress(GitLabNotFound, GitLabDenied):
                        yield from self._from_todo(todo)
            yield from self._from_pipelines(moment)

    def _on_item(self, item: Item) -> Iterator[Trigger]:
        place = Place.MERGE_REQUEST if isinstance(item, MergeRequest) else Place.ISSUE
        on = Noteable(project_id=item.project_id, place=place, iid=item.iid)
        if self.ready in item.labels:
            yield _trigger(Source.LABEL, on, happened_at=item.updated_at)
        for source in _APPOINTMENTS.values():
            yield from self._appointed(source, on, item)
        for note in self.gitlab.notes(on, newest=NOTES_LOOKED_AT):
            if not self._is_new(note.created_at):
                return
            is_command = commands.parse(note.body, bot=self.identity.username) is not None
            if is_command and note.author.id not in self.identity.ids:
                yield _trigger(Source.COMMENT, on, note.id)

    def _appointed(self, source: Source, on: Noteable, item: Item) -> Iterator[Trigger]:
        if not is_appointed(item, source, self.identity):
            return
        found = find_appointment(self.gitlab, on, item, source, self.identity)
        if found is not None and self._is_new(found.created_at):
            yield _trigger(source, on, found.event_id, "" if found.event_id else "creation")

    def _from_todo(self, todo: Todo) -> Iterator[Trigger]:
        """Also what hangs on closed issues and merge requests: GitLab leaves those out of the lists of changes."""
        if todo.action in _MENTIONS and todo.note_id:
            yield _trigger(Source.COMMENT, todo.on, todo.note_id)
        if todo.action in _APPOINTMENTS:
            yield from self._appointed(_APPOINTMENTS[todo.action], todo.on, self.gitlab.item(todo.on))

    def _from_pipelines(self, moment: str) -> Iterator[Trigger]:
        own: dict[int, list[MergeRequest]] = {}
        for request in self.gitlab.own_merge_requests():
            own.setdefault(request.project_id, []).append(request)
        for project_id, requests in own.items():
            # A project whose pipelines are off denies the list.
            with suppress(GitLabNotFound, GitLabDenied):
                for pipeline_id, ref in self.gitlab.failed_pipelines(project_id, moment):
                    for request in requests:
                        if ref in _refs(request):
                            on = Noteable(project_id=project_id, place=Place.MERGE_REQUEST, iid=request.iid)
                            yield _trigger(Source.PIPELINE, on, pipeline_id)

    def _is_new(self, moment: str) -> bool:
        return datetime.fromisoformat(moment) >= self.since


def _refs(request: MergeRequest) -> set[str]:
    """List what the pipelines of a merge request name as their ref."""
    place = f"refs/merge-requests/{request.iid}"
    return {request.source_branch, f"{place}/head", f"{place}/merge"}


def _trigger(source: Source, on: Noteable, event_id: int = 0, happened_at: str = "") -> Trigger:
    return Trigger(
        source=source, place=on.place, project_id=on.project_id, iid=on.iid, event_id=event_id, happened_at=happened_at
    )
