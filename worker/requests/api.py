"""Asked by form or over the API: the bot knew who it was, and put what they want into the task when it accepted it."""

from __future__ import annotations

from core.gitlab.nouns import Item, User
from core.task import Task
from worker.conversation.commands import Cancel, Command, Retry, Run
from worker.requests.request import Request
from worker.wiring import Desk


async def read(desk: Desk, task: Task, _item: Item | None) -> Request:
    """Read who asks for what; what they may is judged as for everybody."""
    earlier = await desk.store.get(task.parent_id) if task.parent_id else None
    return Request(
        trigger=task.trigger,
        requester=User(id=task.requester_id, username=task.requester_username, name=task.requester_name),
        command=_command(task),
        # As confidential as what it is about, and answered in the same thread.
        internal=earlier is not None and earlier.internal,
        discussion=earlier.discussion
        if earlier is not None and earlier.trigger.noteable == task.trigger.noteable
        else "",
        parent_id=task.parent_id,
    )


def _command(task: Task) -> Command:
    if task.verb == "cancel":
        return Cancel(number=task.parent_id)
    if task.verb == "retry":
        return Retry(number=task.parent_id)
    return Run(task.prompt, branch=task.branch, agent=task.agent, model=task.model)
