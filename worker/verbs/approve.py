"""`approve`: carry out a plan that a `plan` before has written."""

from __future__ import annotations

from typing import Final

from core.task import Mode, Phase, Task
from worker.conversation.commands import Approve
from worker.requests.request import Case
from worker.verbs import earlier, run
from worker.verbs.outcome import Queued
from worker.wiring import Desk

_BY_WHOM: Final = "Carry out this plan, which you wrote for it and which was approved:"


async def carry_out(desk: Desk, case: Case, command: Approve) -> Queued:
    """Queue the change that the plan describes.

    Raises:
        Refusal: There is no finished plan here, it is carried out already, or as for `run`.
    """
    here = await earlier.tasks_here(desk, case)
    plan = await earlier.task_here(desk, case, command.number) if command.number else _newest_plan(here)
    _check(plan, here)
    prompt = f"{plan.prompt}\n\n{_BY_WHOM}\n\n{plan.document or plan.summary}"
    wished = earlier.goes_on(case, plan, prompt)
    return Queued(await run.work_fields(desk, case, wished, Mode.CHANGE) | {"parent_id": plan.id})


def _newest_plan(here: list[Task]) -> Task:
    plans = [task for task in here if task.mode is Mode.PLAN and task.phase not in {Phase.REJECTED, Phase.CANCELLED}]
    if not plans:
        raise earlier.refusal("There is no plan here to approve: `/agent plan` and what to do writes one.")
    return plans[0]


def _check(plan: Task, here: list[Task]) -> None:
    if plan.mode is not Mode.PLAN:
        raise earlier.refusal(f"Task {plan.id} is no plan: `/agent plan` and what to do writes one.")
    if not plan.phase.is_final:
        raise earlier.refusal(f"The plan of task {plan.id} is not finished: approve it when it is there.")
    if plan.phase is not Phase.COMPLETED or not (plan.document or plan.summary):
        raise earlier.refusal(f"Task {plan.id} came to no plan: `/agent retry {plan.id}` tries it again.")
    for task in here:
        if task.parent_id == plan.id and task.mode is Mode.CHANGE and task.phase not in _FAILED:
            done = "has carried that plan out already" if task.phase.is_final else "is carrying that plan out"
            raise earlier.refusal(f"Task {task.id} {done}: `/agent retry {task.id}` does it once more when it is over.")


_FAILED: Final = frozenset({Phase.FAILED, Phase.CANCELLED, Phase.REJECTED})
