"""Asked by a failed pipeline of the bot's own merge request, in the name of who asked for the work.

Only for the head as it is now, and only while that is a commit of ours: as soon as a person has pushed, it is theirs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from core.errors import GitLabNotFound, Refusal
from core.figures import plural
from core.gitlab.ci import Job
from core.gitlab.client import GitLab
from core.gitlab.nouns import Item, MergeRequest, User
from core.reasons import Reason
from core.task import Task
from worker import project_file
from worker.choices import bounded
from worker.conversation.commands import Run
from worker.requests.asker import who_we_are
from worker.requests.request import Request
from worker.wiring import Desk

MENDABLE: Final = frozenset({"script_failure"})
"""GitLab's reasons that code can mend; the others are a runner's, a time limit's or a setting's."""
PROMPT: Final = (
    "The pipeline of this merge request failed. Find out why, mend the cause, and say at the end what you tried. The "
    "last lines of its failed jobs are in the files ../context/failed-job-*.txt. Do not make a job pass by switching "
    "it or a test of it off."
)
_TASK: Final = re.compile(r"^Agent-Task: ([1-9][0-9]{0,17})$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """A failed pipeline of a merge request of ours, and the task whose commit it tested."""

    project_id: int
    iid: int
    sha: str
    work: Task


async def read(desk: Desk, task: Task, item: Item) -> Request:
    """Read the pipeline that the trigger names, and see whether it is ours to mend.

    Raises:
        Refusal: It is not, or it was tried as often as it may be, and that was said.
    """
    failure = await _failure(desk, task, item)
    refusal = await _count(desk, task, failure)
    work = failure.work
    return Request(
        trigger=task.trigger,
        requester=User(id=work.requester_id, username=work.requester_username, name=work.requester_name),
        command=Run(prompt=PROMPT),
        parent_id=work.id,
        refusal=refusal,
    )


def mendable_jobs(gitlab: GitLab, project_id: int, pipeline_id: int) -> list[Job]:
    """List the failed jobs that made the pipeline fail for a reason that code can mend."""
    failed = gitlab.failed_jobs(project_id, pipeline_id)
    return [job for job in failed if job.failure_reason in MENDABLE and not job.allow_failure]


async def _failure(desk: Desk, task: Task, item: Item) -> _Failure:
    if not isinstance(item, MergeRequest) or not item.is_open or item.is_from_fork or not await _is_ours(desk, item):
        raise Refusal(Reason.IGNORED)
    project_id, pipeline_id = task.trigger.project_id, task.trigger.event_id
    try:
        if not _failed_at(desk.gitlab, project_id, pipeline_id, item.sha):
            raise Refusal(Reason.IGNORED)
        work = await _task_of(desk, project_id, item.sha)
    except GitLabNotFound:
        raise Refusal(Reason.GONE) from None
    if work is None or not mendable_jobs(desk.gitlab, project_id, pipeline_id):
        raise Refusal(Reason.IGNORED)
    return _Failure(project_id=project_id, iid=item.iid, sha=item.sha, work=work)


async def _is_ours(desk: Desk, request: MergeRequest) -> bool:
    return request.author.id in (await who_we_are(desk)).ids


def _failed_at(gitlab: GitLab, project_id: int, pipeline_id: int, head: str) -> bool:
    """Tell whether the pipeline has failed, and was of the head or of its merge into the target."""
    pipeline = gitlab.pipeline(project_id, pipeline_id)
    if pipeline.status != "failed" or not head:
        return False
    return pipeline.sha == head or head in gitlab.commit(project_id, pipeline.sha).parents


async def _task_of(desk: Desk, project_id: int, head: str) -> Task | None:
    """Give the task that pushed *head*; None where a person did, whatever the commit says."""
    named = _TASK.search(desk.gitlab.commit(project_id, head).message)
    work = await desk.store.get(int(named[1])) if named else None
    return work if work and work.commit == head and work.trigger.project_id == project_id else None


async def _count(desk: Desk, task: Task, failure: _Failure) -> Refusal | None:
    """Take one of the tries that this merge request has; answer what is said, once, where none is left.

    Raises:
        Refusal: That was said, or another pipeline of the same head has taken the try.
    """
    key = f"ci-fix:{failure.project_id}:{failure.iid}"
    project = desk.gitlab.project(failure.project_id)
    most = bounded(project_file.load(desk.gitlab, project), desk.settings).ci_fix or 0
    if not most:
        raise Refusal(Reason.IGNORED)
    if await desk.store.claim(f"{key}:{failure.sha}", task.id) != task.id:
        raise Refusal(Reason.DUPLICATE)
    for number in range(1, most + 1):
        if await desk.store.claim(f"{key}:{number}", task.id) == task.id:
            return None
    if await desk.store.claim(f"{key}:last", task.id) != task.id:
        raise Refusal(Reason.IGNORED)
    return Refusal(
        Reason.LIMIT,
        f"The pipeline still fails after I tried {plural(most, 'time')} to mend it, so I leave it to you: look at its "
        "failed jobs, and ask with `/agent` for what should be done.",
    )
