"""Rings what is due: steps whose deadline has passed, and what people have not been told yet.

Bells are rung at once by whoever changes a task; this is what makes a lost one cost seconds and never a task. While the
workers have much to do nothing is rung again: the bells that they have not answered yet are among what waits.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from core.doorbell import STEP_OF
from core.reasons import Reason
from core.task import Task
from worker.steps.endings import end
from worker.wiring import Desk

MUCH_TO_DO: Final = 20
"""Jobs that wait."""

log = logging.getLogger(__name__)


async def ring_due(desk: Desk) -> None:
    """Ring what is overdue and what people have not been told, unless the workers are behind."""
    overdue, untold = await desk.store.due()
    if (overdue or untold) and not await is_busy(desk):
        await ring_overdue(desk, overdue)
        await ring_untold(desk, untold)


async def ring_overdue(desk: Desk, overdue: list[int]) -> None:
    """Ring the step of every task whose deadline has passed; end the runs that should have ended."""
    for task_id in overdue:
        task = await desk.store.get(task_id)
        if task is None or task.phase.is_final:
            await desk.store.drop("deadlines", task_id)
            continue
        # Behind the read: a task that has moved on since it was listed is not overdue, and keeps its deadline.
        if not await desk.store.put_off(task_id, desk.settings.retry_seconds):
            continue
        step = STEP_OF.get(task.phase)
        if step is None:
            await _stop(desk, task)
        else:
            await asyncio.to_thread(desk.doorbell.ring, step, task_id)


async def ring_untold(desk: Desk, untold: list[int]) -> None:
    """Have people told of every change that is due."""
    for task_id in untold:
        if await desk.store.get(task_id) is None:
            await desk.store.drop("outbox", task_id)
            continue
        await desk.store.postpone("outbox", task_id, desk.settings.retry_seconds)
        await asyncio.to_thread(desk.doorbell.ring, "report", task_id)


async def fill_slots(desk: Desk) -> None:
    """Ring the launch of the queue's head where a slot is free: whoever freed it has rung, and may have died of it."""
    queued = await desk.store.queued()
    if queued and not await is_busy(desk) and await desk.store.slots_taken() < desk.settings.max_runs:
        await asyncio.to_thread(desk.doorbell.ring, "launch", queued[0])


async def is_busy(desk: Desk) -> bool:
    """Tell whether the workers have enough to do already."""
    return await asyncio.to_thread(desk.doorbell.waiting) >= MUCH_TO_DO


async def _stop(desk: Desk, task: Task) -> None:
    """Fail a task whose run is late; what is alive of a final task's run is ended by `worker.reconciler.runs`."""
    log.warning("run is overdue", extra={"task_id": task.id, "phase": task.phase.value})
    await end(desk, task, Reason.TIMEOUT, "the run did not end in its time")
