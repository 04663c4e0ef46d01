"""Cancel: the task is cancelled already; end what still runs of it, and find out what it had pushed before.

The reconciler ends a final task's run too, at its next listing: this step is quicker, and tells what became of it.
"""

from __future__ import annotations

import logging

from core.crash import point
from core.task import Phase, Task
from worker import orders, pushed
from worker.steps.entry import enter
from worker.wiring import Desk

log = logging.getLogger(__name__)


def run(task_id: int) -> None:
    """End the run of a cancelled task; the RQ function."""
    enter("cancel", task_id, cancel)


async def cancel(desk: Desk, task: Task) -> None:
    """End the run, then have people told; anything that is not cancelled is left alone."""
    if task.phase is not Phase.CANCELLED:
        return
    if task.job_name:
        with point("executor.cancel"):
            desk.executor.cancel(orders.run_name(task))
        log.info("run cancelled", extra={"task_id": task.id})
    found = {} if task.commit or not task.base_commit else pushed.find(desk.gitlab, task)
    await desk.store.change(task, tell_after=0, **found)
    desk.doorbell.ring("report", task.id)
