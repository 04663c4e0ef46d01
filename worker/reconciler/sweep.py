"""Finds on GitLab what no hook told us: GitLab sends a delivery once, and not at all while a hook is switched off.

What it finds goes the same way as a delivery; the trigger's semantic id keeps it from being done twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from core.crash import point
from core.gitlab.client import GitLab
from core.gitlab.nouns import Issue
from core.task import Source, Trigger
from worker.conversation import commands
from worker.wiring import Desk

OVERLAP_SECONDS: Final = 120
"""Clocks differ, and GitLab's lists lag."""
FIRST_LOOK_SECONDS: Final = 360
NOTES_LOOKED_AT: Final = 100
MEMORY: Final = "sweep"

log = logging.getLogger(__name__)


async def sweep(desk: Desk) -> int:
    """Accept every trigger since the last sweep that is not known; answer how many there were."""
    now = await desk.store.now()
    since = float(await desk.store.recall(MEMORY) or now - FIRST_LOOK_SECONDS) - OVERLAP_SECONDS
    ready = f"{desk.settings.label_prefix}-ready"
    triggers = await asyncio.to_thread(lambda: list(_triggers(desk.gitlab, since, ready)))
    fresh = []
    for trigger in triggers:
        new, task_id = await desk.store.accept(trigger)
        if new:
            fresh.append(task_id)
    if fresh:
        log.info("sweep found triggers", extra={"tasks": fresh})
        await asyncio.to_thread(desk.doorbell.ring, "intake", *fresh)
    await desk.store.remember(MEMORY, str(now))
    return len(fresh)


def _triggers(gitlab: GitLab, since: float, ready: str) -> Iterator[Trigger]:
    with point("sweep"):
        moment = datetime.fromtimestamp(since, UTC)
        ours = set(gitlab.memberships())
        me = gitlab.me().id
        for issue in gitlab.issues_since(moment.isoformat(timespec="seconds")):
            if issue.project_id in ours:
                yield from _on_issue(gitlab, issue, moment, ready=ready, me=me)


def _on_issue(gitlab: GitLab, issue: Issue, since: datetime, *, ready: str, me: int) -> Iterator[Trigger]:
    if ready in issue.labels:
        yield Trigger(
            source=Source.LABEL,
            project_id=issue.project_id,
            issue_iid=issue.iid,
            event_id=0,
            happened_at=issue.updated_at,
        )
    for note in gitlab.notes(issue.project_id, issue.iid, newest=NOTES_LOOKED_AT):
        if datetime.fromisoformat(note.created_at) < since:
            return
        if note.author.id != me and commands.parse(note.body) is not None:
            yield Trigger(source=Source.COMMENT, project_id=issue.project_id, issue_iid=issue.iid, event_id=note.id)
