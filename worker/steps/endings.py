"""The ways in which a task ends other than by a merge request."""

from __future__ import annotations

import logging
from typing import Any

from core.errors import Refusal
from core.reasons import SILENT_REASONS, Reason
from core.task import Phase, Task
from worker.wiring import Desk

DETAIL_LIMIT = 4000

log = logging.getLogger(__name__)


async def end(desk: Desk, task: Task, reason: Reason, detail: str = "") -> None:
    """Fail *task*; nothing happens where it has moved on since it was read."""
    await _end(desk, task, Phase.FAILED, reason, detail)


async def refuse(desk: Desk, task: Task, refusal: Refusal, **fields: Any) -> None:
    """Reject *task* with the refusal's reason; those that nobody is told of leave no trace on GitLab."""
    await _end(desk, task, Phase.REJECTED, Reason(refusal.reason), refusal.detail, **fields)


async def answer(desk: Desk, task: Task, text: str, **fields: Any) -> None:
    """End a task that asked for words with *text*: Markdown of ours, which becomes the one reply; empty: no reply."""
    reason = Reason.ANSWERED if text else Reason.SHOWN
    await _end(desk, task, Phase.REJECTED, reason, answer=text, **fields)


async def _end(desk: Desk, task: Task, to: Phase, reason: Reason, detail: str = "", **fields: Any) -> None:
    silent = reason in SILENT_REASONS
    ended = await desk.store.change(
        task, to, tell_after=None if silent else 0, reason=reason.value, detail=detail[:DETAIL_LIMIT], **fields
    )
    if ended is not None:
        log.info("task ended", extra={"task_id": task.id, "phase": to.value, "reason": reason.value})
        await ring_after(desk, ended)


async def ring_after(desk: Desk, ended: Task) -> None:
    """Have people told of a task's end, and let the next in the queue have its slot."""
    if ended.reason not in SILENT_REASONS:
        desk.doorbell.ring("report", ended.id)
    await ring_next(desk)


async def ring_next(desk: Desk) -> None:
    """Let the next in the queue have a slot that has become free."""
    queued = await desk.store.queued()
    if queued:
        desk.doorbell.ring("launch", queued[0])
