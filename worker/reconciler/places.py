"""Keeps the place in the queue that people see near to the true one, while others go ahead."""

from __future__ import annotations

from typing import Final

from worker.wiring import Desk

LOOKED_AT: Final = 200
"""From the head of the queue on; whoever is farther behind is told when they come nearer."""


async def refresh_places(desk: Desk) -> None:
    """Have those told whose place has changed by a tenth or more since it was told."""
    queued = (await desk.store.queued())[:LOOKED_AT]
    tasks = await desk.store.get_all(queued)
    for place, task_id in enumerate(queued, start=1):
        task = tasks.get(task_id)
        if task is not None and abs(task.queue_place - place) * 10 >= place:
            # Nobody's change is undone by it: the compare-and-set lets it fail where the task has moved on.
            await desk.store.change(task, queue_place=place)
