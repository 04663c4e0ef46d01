"""Asked for a review of a merge request: as an assignment, but nothing is changed."""

from __future__ import annotations

from core.gitlab.nouns import Item
from core.task import Task
from worker.conversation import commands
from worker.requests.assignment import read_appointment
from worker.requests.request import Request
from worker.wiring import Desk


async def read(desk: Desk, task: Task, item: Item) -> Request:
    """Find who asked for the review.

    Raises:
        Refusal: The bot is no reviewer any more, a machine did it, or another task has this request.
    """
    return await read_appointment(desk, task, item, commands.Review())
