"""`review`: somebody asked for a review of a merge request; it changes nothing, so that forks get one as well."""

from __future__ import annotations

from dataclasses import asdict

from core.errors import Refusal
from core.gitlab.nouns import MergeRequest
from core.reasons import Reason
from core.task import Mode
from worker import project_file
from worker.choices import choices
from worker.conversation.commands import Review, Wishes
from worker.requests.request import Case
from worker.verbs.outcome import Queued
from worker.verbs.source_branch import check_open
from worker.wiring import Desk

NO_MERGE_REQUEST = "A review is of a merge request: ask for it there."


async def carry_out(desk: Desk, case: Case, command: Review) -> Queued:
    """Queue the review.

    Raises:
        Refusal: It was asked elsewhere than on a merge request, or that is not open.
    """
    del command
    item = case.item
    if not isinstance(item, MergeRequest):
        raise Refusal(Reason.COMMAND, NO_MERGE_REQUEST)
    check_open(item)
    chosen = choices(Wishes(), project_file.load(desk.gitlab, case.project), desk.settings)
    return Queued(
        {
            **asdict(chosen),
            "mode": Mode.REVIEW,
            "prompt": "",
            "branch": item.source_branch,
            "target_branch": item.target_branch,
            "merge_request_iid": item.iid,
            "merge_request_url": item.web_url,
        }
    )
