"""Launch: a free slot, and the executor starts a run. Everything here may be done twice."""

from __future__ import annotations

import logging
from dataclasses import replace

from core.crash import point
from core.errors import ExecutorError, ExecutorUnavailable, GitLabNotFound, Refusal
from core.gitlab.nouns import Item, MergeRequest, Project, User
from core.limits import in_force
from core.reasons import Reason
from core.redaction import Redactor
from core.task import Mode, Phase, Place, Task
from worker import limits, orders, project_file, task_tokens
from worker.choices import bounded, check_image
from worker.context.earlier import find_earlier
from worker.context.gather import Gatherer
from worker.context.material import Material
from worker.context.trust import Trust
from worker.conversation import access
from worker.executors.protocol import RunRequest
from worker.failed_jobs import failed_job_files
from worker.project_file import ProjectFile
from worker.requests.asker import who_we_are
from worker.steps.endings import end, refuse
from worker.steps.entry import enter
from worker.steps.memory import with_memory
from worker.verbs import source_branch
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
    own = None
    while admitted := await _admit(desk):
        if admitted.id == task.id:
            own = admitted
        else:
            # By a bell of its own: what goes wrong with it must not be charged to this task.
            desk.doorbell.ring("launch", admitted.id)
    if own is not None:
        await _start(desk, own)


async def _admit(desk: Desk) -> Task | None:
    """Give the next task its slot; refuse those before it for which today's money does not suffice."""
    while True:
        admitted = await desk.store.admit(in_force(desk.settings), deadline_seconds=desk.settings.retry_seconds)
        if admitted is None or admitted.phase is Phase.LAUNCHING:
            return admitted
        why = await limits.broke(desk, admitted, admitted.requester_id, admitted.budget_usd)
        if why and admitted.phase is Phase.QUEUED:
            await refuse(desk, admitted, why)


async def _start(desk: Desk, task: Task) -> None:
    try:
        project, item = _read_again(desk, task)
        pinned = await _pin(desk, task, project, item)
        if pinned is None:
            return
        said = project_file.load(desk.gitlab, project)
        check_image(said, desk.settings)
        said = bounded(said, desk.settings)
        await _note_problems(desk, pinned, project, said)
        material = await _gather(desk, pinned, project, item)
        push_url = desk.gitlab.project(pinned.push_project_id).clone_url if pinned.push_project_id else ""
        request = orders.build(desk.settings, pinned, project, material, push_url=push_url)
        request = _as_project_says(request, pinned, said)
        request = _with_failed_jobs(desk, request, pinned)
        request = await _with_token(desk, request, pinned)
        request = await with_memory(desk, pinned, request)
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
    changed = await desk.store.change(pinned, Phase.STARTING, deadline_seconds=late)
    if changed is None:
        # Perhaps it was cancelled meanwhile, and its run with it, before it was there.
        desk.doorbell.ring("cancel", task.id)
        return
    log.info("run launched", extra={"task_id": task.id, "run": request.name})


async def _gather(desk: Desk, task: Task, project: Project, item: Item | None) -> Material:
    """Read what the agent gets to know."""
    earlier = await find_earlier(desk.store, desk.transcripts, task)
    trust = Trust(desk.gitlab, project.id, (await who_we_are(desk)).ids)
    return Gatherer(gitlab=desk.gitlab, task=task, project=project, trust=trust).gather(item, earlier)


def _read_again(desk: Desk, task: Task) -> tuple[Project, Item | None]:
    """Hold the rules once more: time has passed in the queue."""
    try:
        project = desk.gitlab.project(task.trigger.project_id)
        item = None if task.trigger.place is Place.NOWHERE else desk.gitlab.item(task.trigger.noteable)
    except GitLabNotFound:
        raise Refusal(Reason.GONE) from None
    access.check_requester(desk.gitlab, project, User(id=task.requester_id, username=task.requester_username))
    access.check_place(project, item, internal=task.internal)
    if isinstance(item, MergeRequest):
        source_branch.check_open(item)
        if task.mode is Mode.CHANGE:
            source_branch.find_push_project(desk.gitlab, project, item, task.requester_id)
    return project, item


async def _note_problems(desk: Desk, task: Task, project: Project, said: ProjectFile) -> None:
    """Keep what is wrong with the project's file, if this task is the first that met it."""
    if notice := await project_file.first_notice(desk.store, project, said, task.id):
        # Before the run exists: from then on the reconciler moves the task.
        await desk.store.change(task, project_notice=notice)


def _as_project_says(request: RunRequest, task: Task, said: ProjectFile) -> RunRequest:
    """Give the request with the project's image, where the task has none of its own, and what else it says of runs."""
    wanted = said.publish_on_timeout
    order = replace(
        request.order,
        protected_paths=list(said.protected_paths),
        publish_on_timeout=request.order.publish_on_timeout if wanted is None else wanted,
        setup_cache_key=list(said.setup_cache),
        setup_cache_paths=list(said.setup_cache_folders),
    )
    return replace(request, order=order, image=task.image or said.image or "")


def _with_failed_jobs(desk: Desk, request: RunRequest, task: Task) -> RunRequest:
    """Give the request with what made the pipeline fail, for a task that is to mend it."""
    files = failed_job_files(desk.gitlab, task, Redactor(desk.settings.secrets()))
    return replace(request, order=replace(request.order, context=request.order.context | files)) if files else request


async def _with_token(desk: Desk, request: RunRequest, task: Task) -> RunRequest:
    """Give the request with the task's own push token, where it has one; words and forks do with the operator's."""
    if task.mode is not Mode.CHANGE or task.push_project_id:
        return request
    token = await task_tokens.issue(desk, task, task.trigger.project_id)
    return replace(request, write_token=token) if token else request


async def _pin(desk: Desk, task: Task, project: Project, item: Item | None) -> Task | None:
    """Fix the commit that the work starts from, once: a second launch must order the same."""
    if task.base_commit:
        return task
    head, left_at = _head(desk, task, project, item)
    if not head:
        raise Refusal(Reason.BRANCH, task.branch)
    return await desk.store.change(
        task,
        tell_after=None,
        base_commit=head,
        compare_commit=left_at,
        repository=project.path,
        job_name=orders.run_name(task),
    )


def _head(desk: Desk, task: Task, project: Project, item: Item | None) -> tuple[str, str]:
    """Give the commit to start from, and the one that a merge request's change is to be compared with."""
    if not isinstance(item, MergeRequest):
        return desk.gitlab.branch_head(project.id, task.branch), ""
    # GitLab takes up a merge request's newest commit a moment late; a review is of what its diff shows.
    is_diffs = task.mode is Mode.REVIEW or item.is_from_fork
    return (item.sha if is_diffs else desk.gitlab.branch_head(project.id, task.branch)), item.base_sha
