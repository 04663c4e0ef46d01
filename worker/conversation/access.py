"""Who may ask: every answer is read from GitLab anew; an error is never a yes."""

from __future__ import annotations

from core.errors import Refusal
from core.gitlab.client import GitLab
from core.gitlab.levels import DEVELOPER
from core.gitlab.nouns import PRIVATE, Item, Project, User
from core.reasons import Reason


def check_requester(gitlab: GitLab, project: Project, requester: User) -> None:
    """Refuse who may not push to the project themselves.

    Raises:
        Refusal: Below Developer, not active, or no member at all.
    """
    if gitlab.access_level(project.id, requester.id) < DEVELOPER:
        raise Refusal(Reason.NOT_ALLOWED)


def check_place(project: Project, item: Item | None, *, internal: bool) -> None:
    """Refuse to work where the result could not be kept as confidential as the request.

    Raises:
        Refusal: Archived, no commit yet, or a confidential request in a project that others can read.
    """
    if project.archived:
        raise Refusal(Reason.ARCHIVED)
    if (internal or (item is not None and item.confidential)) and project.visibility != PRIVATE:
        raise Refusal(Reason.CONFIDENTIAL)
    if project.empty or not project.default_branch:
        raise Refusal(Reason.EMPTY_REPOSITORY)
