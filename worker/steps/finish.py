"""Finish: the branch is pushed; open its merge request, or take up the one that is there, and complete the task."""

from __future__ import annotations

import logging

from core import links
from core.errors import GitLabConflict, GitLabError, GitLabUnavailable, TokenRefused
from core.gitlab.nouns import MergeRequest, Project
from core.lease import Lease, hold
from core.task import Phase, Reason, Task
from worker.conversation.merge_request import merge_request_description, merge_request_title
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
