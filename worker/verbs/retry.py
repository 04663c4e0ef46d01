"""`retry`: do once more what has ended, as a new task, with other choices where flags name them."""

from __future__ import annotations

from core.task import Mode, Phase, Task
from worker.conversation.commands import Retry, Review
from worker.requests.request import Case
from worker.verbs import earlier, review, run
from worker.verbs.outcome import Queued
from worker.wiring import Desk


async def carry_out(desk: Desk, case: Case, command: Retry) -> Queued:
    """Queue it again.

    Raises:
        Refusal: There is nothing to do again, it has not ended, it worked and was not named, or as for `run`.
    """
    if command.number:
        task = await earlier.task_here(desk, case, command.number)
    else:
        task = _last(await earlier.tasks_here(desk, case))
    if not task.phase.is_final:
        raise earlier.refusal(f"Task {task.id} has not ended: `/agent cancel` stops it, then `/agent retry`.")
    if not earlier.is_work(task):
        raise earlier.refusal(f"Task {task.id} was never a request that could be done: ask in a new `/agent`.")
    if task.phase is Phase.COMPLETED and not command.number:
        raise earlier.refusal(f"Task {task.id} did work: `/agent retry {task.id}` does it again all the same.")
    if task.mode is Mode.REVIEW:
        again = await review.carry_out(desk, case, Review())
        return Queued(again.fields | {"parent_id": task.id})
    wished = earlier.goes_on(case, task, task.prompt, command)
    return Queued(await run.work_fields(desk, case, wished, task.mode) | {"parent_id": task.id})


def _last(here: list[Task]) -> Task:
    asked = [task for task in here if earlier.is_work(task)]
    if not asked:
        raise earlier.refusal("There is nothing here to do again: say what to do behind `/agent`.")
    return asked[0]
