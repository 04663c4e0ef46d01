"""Keeps up to date what has become of our merge requests, as far as no hook has told it.

All that have changed since the last look are read from GitLab, and their state is noted; those that we did not open for
a task are none of ours, and nothing is kept of them.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Final

from core.outcomes import Outcomes
from worker.reconciler.sweep import FIRST_LOOK_SECONDS, OVERLAP_SECONDS
from worker.wiring import Desk

MEMORY: Final = "merge-requests"

log = logging.getLogger(__name__)


async def follow_merge_requests(desk: Desk) -> int:
    """Note what has become of merge requests since the last look; answer how many had news."""
    now = await desk.store.now()
    since = float(await desk.store.recall(MEMORY) or now - FIRST_LOOK_SECONDS) - OVERLAP_SECONDS
    moment = datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds")
    changed = await asyncio.to_thread(desk.gitlab.own_merge_requests_since, moment)
    outcomes = Outcomes(desk.redis)
    news = [await outcomes.record(each.project_id, each.iid, each.state, each.updated_at) for each in changed]
    await desk.store.remember(MEMORY, str(now))
    if any(news):
        log.info("merge requests have moved", extra={"number": sum(news)})
    return sum(news)
