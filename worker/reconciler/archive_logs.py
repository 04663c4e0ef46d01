"""Brings logs to the archive, part by part, and deletes there what has been kept long enough.

A running task's log goes there as far as it will not change: its beginning, in full parts. The rest follows when the
task has ended and its log has been quiet. Redis holds a part until the archive has it, and no more than a log's bounds
if the archive does not answer.
"""

from __future__ import annotations

import logging
import time
from typing import Final

from core.errors import ArchiveError, StoreError
from core.log_archive import LogArchive
from core.log_backlog import LogBacklog
from core.task import Task
from worker.wiring import Desk

LOOK_SECONDS: Final = 10.0
EXPIRE_SECONDS: Final = 6 * 3600.0
QUIET_SECONDS: Final = 60.0
"""How long no line of an ended task has come before its log counts as ended: its last lines may come late."""

log = logging.getLogger(__name__)


async def archive_logs(desk: Desk, *, quiet_seconds: float = QUIET_SECONDS) -> None:
    """Archive what is to be archived now; where the archive does not answer, all stays as it is for the next time."""
    if desk.archive is None:
        return
    backlog = LogBacklog(desk.redis, desk.task_log, keep_seconds=desk.settings.log_seconds)
    waiting = await backlog.waiting()
    tasks = await desk.store.get_all([task_id for task_id, _ in waiting])
    quiet_since = await desk.store.now() - quiet_seconds
    for task_id, last_at in waiting:
        task = tasks.get(task_id)
        try:
            if task is None:
                await backlog.done(task_id)
            else:
                is_over = task.phase.is_final and last_at <= quiet_since
                await _archive(backlog, desk.archive, task, ended=is_over)
        except ArchiveError as error:
            log.warning("logs not archived; they stay in Redis and are tried again", extra={"why": str(error)})
            return
        except StoreError as error:
            log.warning("a log not archived", extra={"task_id": task_id, "why": str(error)})


async def expire_logs(desk: Desk) -> None:
    """Delete the logs that the archive has kept long enough."""
    if desk.archive is None:
        return
    try:
        gone = await desk.archive.expire(desk.settings.log_seconds / 86_400, time.time())
    except ArchiveError as error:
        log.warning("old logs not deleted; tried again later", extra={"why": str(error)})
    else:
        log.info("old logs deleted", extra={"objects": gone})


async def _archive(backlog: LogBacklog, archive: LogArchive, task: Task, *, ended: bool) -> None:
    folder = f"tasks/{task.id}-{task.unique_id}"
    while cut := await backlog.cut(task.id, ended=ended):
        await archive.write(folder, cut.part, cut.entries)
        await backlog.archived(task.id, cut, folder)
    if ended:
        await backlog.done(task.id)
