"""The session that a task on a merge request goes on with: that of the last task which has changed it.

What the last task said is among the earlier work that every task is told of (`worker.context.earlier`), so that nothing
depends on a session.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from core.task import Mode, Place, Task
from core.transcripts import Kept
from runtime.contract import Order
from worker.executors.protocol import RunRequest
from worker.wiring import Desk

ORDER_LIMIT_BYTES: Final = 880_000
"""Of an order with a transcript in it: below what every executor can carry. Without one, it may be longer."""


async def with_memory(desk: Desk, task: Task, request: RunRequest) -> RunRequest:
    """Give *request* with the session; as it is where there is none, or something else than a change is wanted."""
    if task.trigger.place is not Place.MERGE_REQUEST or task.mode is not Mode.CHANGE:
        return request
    kept = await desk.transcripts.get(task.trigger.project_id, task.trigger.iid)
    if kept is None or kept.task_id == task.id:
        return request
    return replace(request, order=_resumed(request.order, kept))


def _resumed(order: Order, kept: Kept) -> Order:
    """Let the order go on with the session, where this agent could read it and it fits."""
    if not kept.packed or kept.agent != order.agent:
        return order
    whole = replace(order, resume_session=kept.session, transcript=kept.packed, transcript_name=kept.name)
    return whole if len(whole.to_json().encode(errors="replace")) <= ORDER_LIMIT_BYTES else order
