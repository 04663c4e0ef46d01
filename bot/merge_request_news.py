"""Reads from a delivery what has become of one of our merge requests. Pure.

It is a hint like all that hooks tell, and moves nothing but sums; the reconciler's sweep tells the same from GitLab.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from bot.shapes import Envelope, ItemHook
from core.task import BRANCH_PREFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """A merge request's state at a *moment*, as GitLab spells both."""

    project_id: int
    iid: int
    state: str
    moment: str


def read_news(body: bytes) -> News | None:
    """Give what *body* tells of a merge request from a branch of ours; None where it tells nothing."""
    try:
        if Envelope.model_validate_json(body).object_kind != "merge_request":
            return None
        hook = ItemHook.model_validate_json(body)
    except ValidationError:
        return None
    request = hook.object_attributes
    if request is None or not request.iid or not (request.source_branch or "").startswith(BRANCH_PREFIX):
        return None
    return News(project_id=hook.of_project, iid=request.iid, state=request.state or "", moment=request.updated_at or "")
