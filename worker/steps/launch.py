"""Launch: a free slot, and the executor starts a run. Everything here may be done twice."""

from __future__ import annotations

import logging
from dataclasses import replace

from core.crash import point
from core.errors import ExecutorError, ExecutorUnavailable, GitLabNotFound, Refusal
from core.gitlab.client import DEVELOPER
from core.gitlab.nouns import Issue, Project, User
from core.store import Limits
from core.task import Phase, Reason, Task
from worker import orders, project_file
from worker.conversation import access
from worker.steps.endings import end, refuse
from worker.steps.entry import enter
from worker.wiring import Desk

log = logging.getLogger(__name__)


def run(task_id: int) -> None:
    """Launch the task, and let those go on that are next in the queue; the RQ function."""
    enter("launch", task_id, launch)


async def launch(desk: Desk, task: Task) -> None:
    """Start the task's run if it has its slot; otherwise give every free slot to the queue's next."""
    if task.phase is Phase.LAUNCHING:
        await _start(desk, task)
        return
    settings = desk.settings
    limits = Limits(all=settings.max_runs, project=settings.max_runs_per_project, person=settings.max_runs_per_person)
    own = None
    while admitted := await desk.store.admit(limits, deadline_seconds=settings.retry_seconds):
        if admitted.id == task.id:
            own = admitted
        else:
            # By a bell of its own: what goes wrong with it must not be charged to this task.
            desk.doorbell.ring("launch", admitted.id)
    if own is not None:
        await _start(desk, own)


async def _start(desk: Desk, task: Task) -> None:
    try:
        project, issue, trusted = _read_again(desk, task)
        pinned = await _pin(desk, task, project)
        if pinned is None:
            return
        request = orders.build(desk.settings, pinned, project, issue, trusted=trusted)
        request = replace(request, image=_image(desk, project))
        with point("executor.launch"):
            desk.executor.launch(request)
    except Refusal as refusal:
        await refuse(desk, task, refusal)
        return
    except ExecutorUnavailable:
        raise  # nobody knows how far it got: the same launch is tried again
    except ExecutorError as error:
        await end(desk, task, Reason(error.reason), str(error))
        return
    late = orders.overdue_seconds(desk.settings)
    await desk.store.change(pinned, Phase.STARTING, deadline_seconds=late)
    log.info("run launched", extra={"task_id": task.id, "run": request.name})


def _read_again(desk: Desk, task: Task) -> tuple[Project, Issue, bool]:
    """Hold the rules once more: time has passed in the queue. Tells too whether the issue's author is trusted."""
    try:
        project = desk.gitlab.project(task.trigger.project_id)
        issue = desk.gitlab.issue(project.id, task.trigger.issue_iid)
    except GitLabNotFound:
        raise Refusal(Reason.GONE) from None
    access.check_requester(desk.gitlab, project, User(id=task.requester_id, username=task.requester_username))
    access.check_place(project, issue, internal=False)
    return project, issue, desk.gitlab.access_level(project.id, issue.author.id) >= DEVELOPER


def _image(desk: Desk, project: Project) -> str:
    """Give the image that the project brings along, where the operator allows any."""
    if not desk.settings.allowed_images:
        return ""
    text = desk.gitlab.file(project.id, project_file.NAME, project.default_branch)
    return project_file.image_of(text, desk.settings.allowed_images) if text else ""


async def _pin(desk: Desk, task: Task, project: Project) -> Task | None:
    """Fix the commit that the work starts from, once: a second launch must order the same."""
    if task.base_commit:
        return task
    head = desk.gitlab.branch_head(project.id, task.branch)
    if not head:
        raise Refusal(Reason.BRANCH, task.branch)
    return await desk.store.change(
        task, tell_after=None, base_commit=head, repository=project.path, job_name=orders.run_name(task)
    )
