"""Asked by assigning an issue or merge request to the bot, or by asking it for a review: who did so asks."""

from __future__ import annotations

from dataclasses import replace

from core.errors import Refusal
from core.gitlab.nouns import Item
from core.reasons import Reason
from core.task import Task
from worker.conversation import commands
from worker.conversation.commands import Command
from worker.requests.appointment import find_appointment
from worker.requests.asker import check_asker, who_we_are
from worker.requests.request import Request
from worker.wiring import Desk


async def read(desk: Desk, task: Task, item: Item) -> Request:
    """Find who assigned it.

    Raises:
        Refusal: It is not the bot's any more, a machine did it, or another task has this assignment.
    """
    return await read_appointment(desk, task, item, commands.Run(prompt=item.title))


async def read_appointment(desk: Desk, task: Task, item: Item, command: Command) -> Request:
    """Find who appointed the bot, and have it ask for *command*.

    Raises:
        Refusal: As `read`.
    """
    identity = await who_we_are(desk)
    found = find_appointment(desk.gitlab, task.trigger.noteable, item, task.trigger.source, identity)
    if found is None:
        raise Refusal(Reason.GONE)
    trigger = replace(task.trigger, event_id=found.event_id, happened_at="" if found.event_id else "creation")
    if await desk.store.claim(trigger.key, task.id) != task.id:
        raise Refusal(Reason.DUPLICATE)
    return Request(trigger=trigger, requester=await check_asker(desk, found.by), command=command)
