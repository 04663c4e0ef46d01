"""`run`, the verb that need not be said: work on it, and open a merge request or push to the one that was asked on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from core.errors import Refusal
from core.gitlab.nouns import MergeRequest
from core.reasons import Reason
from core.task import Mode
from worker import project_file
from worker.choices import choices
from worker.conversation.commands import Run
from worker.requests.request import Case
from worker.verbs import source_branch
from worker.verbs.outcome import Queued
from worker.wiring import Desk


async def carry_out(desk: Desk, case: Case, command: Run) -> Queued:
    """Queue the work.

    Raises:
        Refusal: There is no such branch, nothing can be pushed to the merge request, or a flag asks for more than the
            operator allows.
    """
    return Queued(await work_fields(desk, case, command, Mode.CHANGE))


async def work_fields(desk: Desk, case: Case, command: Run, mode: Mode) -> dict[str, Any]:
    """Give the fields of a task that is to be worked on.

    Raises:
        Refusal: As `carry_out`; or the command asks for more than it may have.
    """
    return {
        "mode": mode,
        "prompt": command.prompt,
        **asdict(choices(command, project_file.load(desk.gitlab, case.project), desk.settings)),
        **_branches(desk, case, command, mode),
    }


def _branches(desk: Desk, case: Case, command: Run, mode: Mode) -> dict[str, Any]:
    if isinstance(case.item, MergeRequest):
        if command.branch or command.target:
            raise Refusal(
                Reason.COMMAND,
                "Nothing was started: on a merge request I work on its own branch, so that `--branch` and `--target` "
                "mean nothing here. Leave them out, or ask on an issue.",
            )
        return _on_merge_request(desk, case, case.item, mode)
    default = case.project.default_branch
    for name in (command.branch, command.target):
        if name and name != default and not desk.gitlab.branch_head(case.project.id, name):
            raise Refusal(Reason.BRANCH, name)
    branch = command.branch or default
    return {"branch": branch, "target_branch": command.target or branch}


def _on_merge_request(desk: Desk, case: Case, item: MergeRequest, mode: Mode) -> dict[str, Any]:
    source_branch.check_open(item)
    pushed_to = 0
    if mode is Mode.CHANGE:
        pushed_to = source_branch.find_push_project(desk.gitlab, case.project, item, case.request.requester.id)
    return {
        "push_project_id": pushed_to,
        "branch": item.source_branch,
        "target_branch": item.target_branch,
        "merge_request_iid": item.iid,
        "merge_request_url": item.web_url,
    }
