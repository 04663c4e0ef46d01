"""Finish: the run is over. Open the merge request of what was pushed, or take up the one that is there.

A run that the cluster failed comes here too, with its reason and no commit: publish may have pushed before its end was
lost. Only where it has not is the task tried again, or failed.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from core import links
from core.errors import GitLabConflict, GitLabError, GitLabUnavailable, TokenRefused
from core.gitlab.nouns import MergeRequest, Project
from core.lease import Lease, hold
from core.task import Phase, Progress, Reason, Task
from worker.conversation.merge_request import merge_request_description, merge_request_title, names_task
from worker.orders import push_branch, run_name
from worker.steps.endings import end, ring_after
from worker.steps.entry import enter
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
        fresh = fresh if fresh.commit else await _settle(desk, fresh)
        if fresh is None:
            return
        try:
            merge_request = await _merge_request(desk, lease, fresh)
        except (GitLabUnavailable, TokenRefused):
            raise  # not this merge request's trouble: tried again
        except GitLabError as error:
            await end(desk, fresh, Reason.MERGE_REQUEST, str(error))
            return
        done = await desk.store.change(
            fresh, Phase.COMPLETED, merge_request_iid=merge_request.iid, merge_request_url=merge_request.web_url
        )
    if done is not None:
        log.info("task completed", extra={"task_id": task.id, "merge_request": merge_request.iid})
        await ring_after(desk, done)


async def _settle(desk: Desk, task: Task) -> Task | None:
    """Find what a failed run has pushed; None where it has not, and the task has gone another way."""
    tip = desk.gitlab.branch_tip(task.trigger.project_id, push_branch(task))
    if tip is not None and tip.parents == (task.base_commit,) and names_task(tip.message, task):
        log.info("what a lost run had pushed was found", extra={"task_id": task.id})
        pushed: dict[str, Any] = {"commit": tip.id, "result_branch": push_branch(task), "reason": "", "detail": ""}
        return await desk.store.change(task, tell_after=None, **pushed)
    if tip is None and task.attempt < desk.settings.max_attempts:
        await _try_again(desk, task)
    else:
        await end(desk, task, Reason(task.reason), task.detail)
    return None


async def _try_again(desk: Desk, task: Task) -> None:
    attempt = replace(task, attempt=task.attempt + 1, reason="", detail="", progress=Progress(), started_at=0.0)
    names = ("attempt", "reason", "detail", "progress", "started_at")
    fields: dict[str, Any] = {name: getattr(attempt, name) for name in names} | {"job_name": run_name(attempt)}
    again = await desk.store.change(task, Phase.QUEUED, deadline_seconds=desk.settings.retry_seconds, **fields)
    if again is not None:
        log.warning("task is tried again", extra={"task_id": task.id, "attempt": again.attempt, "why": task.reason})
        desk.doorbell.ring("launch", task.id)


async def _merge_request(desk: Desk, lease: Lease, task: Task) -> MergeRequest:
    project = desk.gitlab.project(task.trigger.project_id)
    found = desk.gitlab.merge_request_from(project.id, task.result_branch)
    if found is not None:
        return found
    if desk.gitlab.branch_head(project.id, task.result_branch) != task.commit:
        raise GitLabError(f"the branch {task.result_branch} is not at the commit that was pushed")
    await lease.renew()
    try:
        return desk.gitlab.create_merge_request(project.id, _fields(desk, task, project))
    except GitLabConflict:
        found = desk.gitlab.merge_request_from(project.id, task.result_branch)
        if found is None:
            raise
        return found


def _fields(desk: Desk, task: Task, project: Project) -> dict[str, object]:
    return {
        "source_branch": task.result_branch,
        "target_branch": task.branch or project.default_branch,
        "title": merge_request_title(task),
        "description": merge_request_description(task, links.task_page(desk.settings, task)),
        "squash": True,
        "remove_source_branch": True,
        "assignee_ids": [task.requester_id],
    }
