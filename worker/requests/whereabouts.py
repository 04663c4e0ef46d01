"""Where a trigger hangs, if its delivery did not say: a branch's pipeline names no merge request."""

from __future__ import annotations

from dataclasses import replace

from core.errors import GitLabNotFound, Refusal
from core.reasons import Reason
from core.task import Place, Source, Task
from worker.wiring import Desk


async def locate(desk: Desk, task: Task) -> Task:
    """Give *task* with the merge request that its trigger hangs on.

    Raises:
        Refusal: There is no open merge request of the pipeline's branch, or another task has this pipeline.
    """
    trigger = task.trigger
    if trigger.source is not Source.PIPELINE or trigger.place is not Place.NOWHERE:
        return task
    try:
        branch = desk.gitlab.pipeline_ref(trigger.project_id, trigger.event_id)
        request = desk.gitlab.merge_request_from(trigger.project_id, branch) if branch else None
    except GitLabNotFound:
        raise Refusal(Reason.GONE) from None
    if request is None or not request.is_open:
        raise Refusal(Reason.GONE)
    found = replace(trigger, place=Place.MERGE_REQUEST, iid=request.iid)
    if await desk.store.claim(found.key, task.id) != task.id:
        raise Refusal(Reason.DUPLICATE)
    return replace(task, trigger=found)
