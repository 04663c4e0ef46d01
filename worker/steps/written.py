"""The end of a task that was to write words: its document is waited for, and the task is completed with it.

The run's end is seen in the executor, the document comes with the log: which of the two is first nobody knows.
"""

from __future__ import annotations

import logging
from typing import Final

from core.lease import Lease
from core.task import Mode, Phase, Task
from worker.review.publish import publish_review
from worker.steps.endings import ring_after
from worker.wiring import Desk

PATIENCE_SECONDS: Final = 60.0
"""How long the log's last lines are waited for; then the summary has to do."""
LOOK_SECONDS: Final = 1.0

log = logging.getLogger(__name__)


async def finish_writing(desk: Desk, lease: Lease, task: Task) -> None:
    """Complete *task* once its document is there; until then, have it looked at again."""
    is_whole = task.document_total > 0 and task.document_parts >= task.document_total
    began = dict(task.phase_times)[Phase.FINISHING]
    if task.document_parts < task.document_total and await desk.store.now() - began < PATIENCE_SECONDS:
        await desk.store.postpone("deadlines", task.id, LOOK_SECONDS)
        return
    # A document without its end reads as if it were whole; the summary has a beginning and says that it was cut.
    document = task.document if is_whole else task.summary
    if task.mode is Mode.REVIEW:
        document = await publish_review(desk.gitlab, lease, task, document)
    done = await desk.store.change(task, Phase.COMPLETED, document=document)
    if done is not None:
        log.info("task completed", extra={"task_id": task.id, "mode": task.mode, "is_whole": is_whole})
        await ring_after(desk, done)
