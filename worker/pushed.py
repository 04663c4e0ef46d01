"""What a run has pushed, asked of GitLab itself: where its result was lost, or it was ended on the way."""

from __future__ import annotations

from typing import Any

from core.gitlab.client import GitLab
from core.gitlab.nouns import Commit
from core.task import Mode, Task
from worker.conversation.merge_request import names_task
from worker.orders import push_branch


def is_made_for(task: Task, found: Commit) -> bool:
    """Tell whether *found* is the commit that a run of the task made, straight on its base."""
    return found.parents == (task.base_commit,) and names_task(found.message, task)


def tip(gitlab: GitLab, task: Task) -> Commit | None:
    """Give what the branch that was to be pushed to is at; None where the run can't have pushed anything."""
    if task.mode is not Mode.CHANGE:
        return None
    found = gitlab.branch_tip(task.push_project_id or task.trigger.project_id, push_branch(task))
    # A merge request's branch was there before: at the commit that the work started from, nothing has come to it.
    return None if found is not None and found.id == task.base_commit else found


def find(gitlab: GitLab, task: Task) -> dict[str, Any]:
    """Give the task's fields about its commit; none where its branch does not hold it."""
    found = tip(gitlab, task)
    return {"commit": found.id, "result_branch": push_branch(task)} if found and is_made_for(task, found) else {}
