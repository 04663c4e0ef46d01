"""Finish: the run is over. Open the merge request of what was pushed, or take up the one that is there.

A run that the cluster failed comes here too, with its reason and no commit: publish may have pushed before its end was
lost. Only where it has not is the task tried again, or failed.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from core.errors import GitLabError, GitLabUnavailable, Refusal, TokenRefused
from core.lease import Lease, hold
from core.reasons import Reason
from core.task import Mode, Phase, Place, Progress, Task
from worker import pushed
from worker.context.earlier import remember_opener
from worker.orders import push_branch, run_name
from worker.proposal import propose
from worker.steps.endings import end, ring_after
from worker.steps.entry import enter
from worker.steps.written import finish_writing
from worker.wiring import Desk

log = logging.getLogger(__name__)


def run(task_id: int) -> None:
    """Open the task's merge request; the RQ function."""
    enter("finish", task_id, finish)


async def finish(desk: Desk, task: Task) -> None:
    """Complete a task whose branch is pushed; anything else is left alone."""
    async with hold(desk.redis, task.id, call_seconds=desk.settings.gitlab_timeout_seconds) as lease:
        fresh = await desk.store.get(task.id)
        if fresh is None or fresh.phase is not Phase.FINISHING:
            return
        if fresh.mode is not Mode.CHANGE and not fresh.reason:
            await finish_writing(desk, lease, fresh)
            return
        fresh = fresh if fresh.commit else await _settle(desk, fresh)
        if fresh is None:
            return
        try:
            iid, address = await _publish(desk, lease, fresh)
        except (GitLabUnavailable, TokenRefused):
            raise  # not this merge request's trouble: tried again
        except GitLabError as error:
            await end(desk, fresh, Reason.MERGE_REQUEST, str(error))
            return
        except Refusal as refusal:
            await end(desk, fresh, Reason(refusal.reason), refusal.detail)
            return
        await desk.transcripts.assign(fresh.trigger.project_id, iid, fresh.id)
        await remember_opener(desk.store, fresh, iid)
        done = await desk.store.change(fresh, Phase.COMPLETED, merge_request_iid=iid, merge_request_url=address)
    if done is not None:
        log.info("task completed", extra={"task_id": task.id, "merge_request": iid})
        await ring_after(desk, done)


async def _settle(desk: Desk, task: Task) -> Task | None:
    """Find what a failed run has pushed; None where it has not, and the task has gone another way."""
    tip = pushed.tip(desk.gitlab, task)
    if tip is not None and pushed.is_made_for(task, tip):
        log.info("what a lost run had pushed was found", extra={"task_id": task.id})
        found: dict[str, Any] = {"commit": tip.id, "result_branch": push_branch(task), "reason": "", "detail": ""}
        return await desk.store.change(task, tell_after=None, **found)
    if tip is None and task.attempt < desk.settings.max_attempts:
        await _try_again(desk, task)
    else:
        await end(desk, task, Reason(task.reason), task.detail)
    return None


async def _try_again(desk: Desk, task: Task) -> None:
    attempt = task.attempt + 1
    fields: dict[str, Any] = {
        "attempt": attempt,
        "job_name": run_name(replace(task, attempt=attempt)),
        **dict.fromkeys(("reason", "detail", "summary", "document", "unfinished"), ""),
        **dict.fromkeys(("document_parts", "document_total"), 0),
        "progress": Progress(),
        "started_at": 0.0,
    }
    again = await desk.store.change(task, Phase.QUEUED, deadline_seconds=desk.settings.retry_seconds, **fields)
    if again is not None:
        log.warning("task is tried again", extra={"task_id": task.id, "attempt": again.attempt, "why": task.reason})
        desk.doorbell.ring("launch", task.id)


async def _publish(desk: Desk, lease: Lease, task: Task) -> tuple[int, str]:
    """Give number and address of the merge request that shows the work."""
    if task.trigger.place is Place.MERGE_REQUEST:
        return task.merge_request_iid, task.merge_request_url
    merge_request = await propose(desk, lease, task)
    return merge_request.iid, merge_request.web_url
