"""Rings what is due: steps whose deadline has passed, and what people have not been told yet.

Bells are rung at once by whoever changes a task; this is what makes a lost one cost seconds and never a task.
"""

from __future__ import annotations

import asyncio
import logging

from core.crash import point
from core.doorbell import STEP_OF
from core.task import Reason, Task
from worker.steps.endings import end
from worker.wiring import Desk

log = logging.getLogger(__name__)


async def ring_overdue(desk: Desk) -> None:
    """Ring the step of every task whose deadline has passed; end the runs that should have ended."""
    for task_id in await desk.store.overdue():
        task = await desk.store.get(task_id)
        if task is None or task.phase.is_final:
            await desk.store.drop("deadlines", task_id)
            continue
        await desk.store.postpone("deadlines", task_id, desk.settings.retry_seconds)
        step = STEP_OF.get(task.phase)
        if step is None:
            await _stop(desk, task)
        else:
            await asyncio.to_thread(desk.doorbell.ring, step, task_id)


async def ring_untold(desk: Desk) -> None:
    """Have people told of every change that is due."""
    for task_id in await desk.store.untold():
        if await desk.store.get(task_id) is None:
            await desk.store.drop("outbox", task_id)
            continue
        await desk.store.postpone("outbox", task_id, desk.settings.retry_seconds)
        await asyncio.to_thread(desk.doorbell.ring, "report", task_id)


async def fill_slots(desk: Desk) -> None:
    """Ring the launch of the queue's head where a slot is free."""
    queued = await desk.store.queued()
    if queued and await desk.store.slots_taken() < desk.settings.max_runs:
        await asyncio.to_thread(desk.doorbell.ring, "launch", queued[0])


async def _stop(desk: Desk, task: Task) -> None:
    log.warning("run is overdue", extra={"task_id": task.id, "phase": task.phase.value})
    with point("executor.cancel"):
        await asyncio.to_thread(desk.executor.cancel, task.job_name)
    await end(desk, task, Reason.TIMEOUT, "the run did not end in its time")
