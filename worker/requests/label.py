"""Asked by the label: who set it last asks for what the issue says."""

from __future__ import annotations

from dataclasses import replace

from core.errors import Refusal
from core.gitlab.nouns import Item, LabelEvent
from core.reasons import Reason
from core.task import Task
from worker.conversation import commands
from worker.requests.asker import check_asker
from worker.requests.request import Request
from worker.wiring import Desk


async def read(desk: Desk, task: Task, item: Item) -> Request:
    """Find who set the label.

    Raises:
        Refusal: The label is off again, a machine set it, or another task has this labelling.
    """
    ready = f"{desk.settings.label_prefix}-ready"
    if ready not in item.labels:
        raise Refusal(Reason.GONE)
    events = desk.gitlab.label_events(task.trigger.noteable)
    added = [event for event in events if event.label == ready and event.action == "add"]
    # Where GitLab has no event the label was there from the start, and the author put it.
    last = added[-1] if added else LabelEvent(id=0, label=ready, action="add", user=item.author, created_at="")
    trigger = replace(task.trigger, event_id=last.id, happened_at="" if last.id else "creation")
    if await desk.store.claim(trigger.key, task.id) != task.id:
        raise Refusal(Reason.DUPLICATE)
    return Request(
        trigger=trigger, requester=await check_asker(desk, last.user), command=commands.Run(prompt=item.title)
    )
