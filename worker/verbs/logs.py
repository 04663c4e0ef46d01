"""`logs`: the link to a task's page, where its log is."""

from __future__ import annotations

from core import links
from worker.conversation import sanitize
from worker.conversation.commands import Logs
from worker.requests.request import Case
from worker.verbs import earlier
from worker.verbs.outcome import Answered
from worker.wiring import Desk


async def carry_out(desk: Desk, case: Case, command: Logs) -> Answered:
    """Give the link.

    Raises:
        Refusal: There is no such task here.
    """
    if command.number:
        task = await earlier.task_here(desk, case, command.number)
    else:
        here = [task for task in await earlier.tasks_here(desk, case) if earlier.is_work(task)]
        if not here:
            raise earlier.refusal("There is no log here: nothing has been asked for yet.")
        task = here[0]
    return Answered(f"Here is the {sanitize.link(f'log of task {task.id}', links.task_page(desk.settings, task))}.")
