"""Whether work on a merge request may be pushed to its source branch: by the bot, and by the person who asked.

What the bot may do is no measure for what somebody may have it do; both have to hold.
"""

from __future__ import annotations

from core.errors import Refusal
from core.gitlab.client import GitLab
from core.gitlab.levels import DEVELOPER
from core.gitlab.nouns import MergeRequest, Project
from core.reasons import Reason

MAINTAINER = 40


def check_open(item: MergeRequest) -> None:
    """Refuse a merge request that nothing can be added to.

    Raises:
        Refusal: It is closed, merged, or being merged.
    """
    if not item.is_open:
        raise Refusal(Reason.CLOSED)


def find_push_project(gitlab: GitLab, project: Project, item: MergeRequest, requester_id: int) -> int:
    """Give the id of the project whose branch is pushed to; 0 where it is *project* itself.

    Raises:
        Refusal: The merge request is not open, or its branch takes no push of the bot's or of the requester's.
    """
    check_open(item)
    if item.is_from_fork:
        return _fork(gitlab, project, item, requester_id)
    branch = gitlab.branch(project.id, item.source_branch)
    if branch is None:
        raise Refusal(Reason.BRANCH, item.source_branch)
    if not branch.can_push or item.source_branch == project.default_branch:
        raise Refusal(Reason.PROTECTED)
    # Who else a protection names is not for Developers to read, so that only its plainest exception counts.
    is_for_maintainers = branch.is_protected and not branch.developers_can_push
    if is_for_maintainers and gitlab.access_level(project.id, requester_id) < MAINTAINER:
        raise Refusal(Reason.PROTECTED)
    return 0


def _fork(gitlab: GitLab, project: Project, item: MergeRequest, requester_id: int) -> int:
    source = item.source_project_id
    branch = gitlab.branch(source, item.source_branch) if source else None
    # GitLab counts in what the merge request's author has allowed.
    if branch is None or not branch.can_push or branch.is_protected or item.source_branch == project.default_branch:
        raise Refusal(Reason.FORK)
    if not item.allow_collaboration and gitlab.access_level(source, requester_id) < DEVELOPER:
        raise Refusal(Reason.FORK)
    return source
