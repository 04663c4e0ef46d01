"""Opens the merge request that proposes a task's change: with its words, labels, people, and as a draft if it shall be.

Called by finish, which may be called again at any point: a merge request is looked for by its branch first.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from core import links
from core.errors import GitLabConflict, GitLabError, GitLabNotFound, GitLabUnavailable, TokenRefused
from core.gitlab.levels import DEVELOPER
from core.gitlab.nouns import MergeRequest, Project
from core.lease import Lease
from core.task import Place, Task
from worker import project_file
from worker.choices import bounded
from worker.code_owners import PLACES, owners_of
from worker.conversation import access
from worker.conversation.merge_request import merge_request_description, merge_request_title
from worker.conversation.outcome import is_username
from worker.project_file import ProjectFile
from worker.wiring import Desk

REVIEWERS: Final = 3
"""Where GitLab takes one only (its free edition), it takes the first."""
ASKED_FOR: Final = 15
"""Owners that are looked up, until there are enough who can review."""
_MAY_BE_LEFT_OUT: Final = ("reviewer_ids", "labels", "assignee_ids")

log = logging.getLogger(__name__)


async def propose(desk: Desk, lease: Lease, task: Task) -> MergeRequest:
    """Give the merge request of the task's branch, opened if it is not there yet.

    Raises:
        Refusal: What was asked on has become confidential, and a merge request would show it.
        GitLabError: GitLab refuses it, or the branch is not what was pushed.
    """
    project = desk.gitlab.project(task.trigger.project_id)
    found = desk.gitlab.merge_request_from(project.id, task.result_branch)
    if found is not None:
        return found
    if desk.gitlab.branch_head(project.id, task.result_branch) != task.commit:
        raise GitLabError(f"the branch {task.result_branch} is not at the commit that was pushed")
    fields = _fields(desk, task, project, is_there=_check_place(desk, task, project))
    await lease.renew()
    try:
        return _create(desk, task, project, fields)
    except GitLabConflict:
        found = desk.gitlab.merge_request_from(project.id, task.result_branch)
        if found is None:
            raise
        return found


def _check_place(desk: Desk, task: Task, project: Project) -> bool:
    """Tell whether the issue is still there."""
    if task.trigger.place is Place.NOWHERE:
        return False
    try:
        item = desk.gitlab.item(task.trigger.noteable)
    except GitLabNotFound:
        return False
    access.check_place(project, item, internal=task.internal)
    return True


def _create(desk: Desk, task: Task, project: Project, fields: dict[str, Any]) -> MergeRequest:
    """Open it; without what it can do without, where GitLab does not take that."""
    try:
        return desk.gitlab.create_merge_request(project.id, fields)
    except (GitLabConflict, GitLabUnavailable, TokenRefused):
        raise
    except GitLabError as error:
        plain = {name: value for name, value in fields.items() if name not in _MAY_BE_LEFT_OUT}
        log.warning("merge request refused; tried with less", extra={"task_id": task.id, "why": str(error)})
        return desk.gitlab.create_merge_request(project.id, plain)


def _fields(desk: Desk, task: Task, project: Project, *, is_there: bool) -> dict[str, Any]:
    said = bounded(project_file.load(desk.gitlab, project), desk.settings)
    target = task.target_branch or task.branch or project.default_branch
    closes = is_there and task.trigger.place is Place.ISSUE and target == project.default_branch
    page = links.task_page(desk.settings, task)
    return {
        "source_branch": task.result_branch,
        "target_branch": target,
        "title": merge_request_title(task, is_draft=task.draft or bool(said.draft) or bool(task.unfinished)),
        "description": merge_request_description(task, page, closes=closes, ci_fixes=said.ci_fix or 0),
        "squash": True,
        "remove_source_branch": True,
        "assignee_ids": [task.requester_id],
        **_decorations(desk, task, project, said),
    }


def _decorations(desk: Desk, task: Task, project: Project, said: ProjectFile) -> dict[str, Any]:
    reviewers = _reviewers(desk, task, project)
    return ({"labels": ",".join(said.labels)} if said.labels else {}) | (
        {"reviewer_ids": reviewers} if reviewers else {}
    )


def _reviewers(desk: Desk, task: Task, project: Project) -> list[int]:
    """Give the ids of those who own what was changed, and can review it: members, and not who asked."""
    try:
        texts = (desk.gitlab.file(project.id, place, project.default_branch) for place in PLACES)
        text = next((text for text in texts if text), "")
        owners = owners_of(text, desk.gitlab.changed_paths(project.id, task.base_commit, task.commit)) if text else []
        return list(islice(_who_can_review(desk, task, project, owners[:ASKED_FOR]), REVIEWERS))
    except (GitLabUnavailable, TokenRefused):
        raise
    except GitLabError as error:
        log.warning("no reviewers found", extra={"task_id": task.id, "why": str(error)})
        return []


def _who_can_review(desk: Desk, task: Task, project: Project, usernames: list[str]) -> Iterator[int]:
    others = {task.requester_id, desk.gitlab.me().id}
    for username in usernames:
        user = desk.gitlab.find_user(username) if is_username(username) else None
        if user and user.id not in others and desk.gitlab.access_level(project.id, user.id) >= DEVELOPER:
            yield user.id
