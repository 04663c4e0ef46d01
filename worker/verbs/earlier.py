"""The tasks that a command speaks of: those of the same issue or merge request, and what goes on from one of them.

Another item's task is not shown nor worked on from here, since its readers may be others; another project's looks as if
it were not there.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from core.errors import Refusal
from core.gitlab.nouns import MergeRequest
from core.reasons import Reason
from core.task import Mode, Phase, Source, Task
from worker.conversation import outcome
from worker.conversation.commands import Run, Wishes
from worker.requests.request import Case
from worker.wiring import Desk


async def tasks_here(desk: Desk, case: Case) -> list[Task]:
    """Read the item's tasks whose kind is known, the newest first; internal ones only for who asked internally."""
    tasks = await desk.store.items.newest(case.task.trigger.noteable)
    return [task for task in tasks if task.phase is not Phase.RECEIVED and (case.request.internal or not task.internal)]


async def task_here(desk: Desk, case: Case, number: int) -> Task:
    """Read the item's task *number*; where there is no item, the project's.

    Raises:
        Refusal: There is none in this project, or it hangs elsewhere.
    """
    if case.item is None:
        return await task_of_project(desk, case, number)
    for task in await tasks_here(desk, case):
        if task.id == number:
            return task
    task = await task_of_project(desk, case, number)
    if task.trigger.noteable == case.task.trigger.noteable:
        raise none_such(number)
    raise refusal(f"Task {number} was asked on {outcome.where(task)}: ask for it there.")


async def task_of_project(desk: Desk, case: Case, number: int) -> Task:
    """Read the project's task *number*.

    Raises:
        Refusal: There is none.
    """
    task = await desk.store.get(number)
    # By form or API it is known by its number from its first moment.
    is_unknown = task is not None and task.phase is Phase.RECEIVED and case.request.trigger.source is not Source.API
    if task is None or task.trigger.project_id != case.project.id or is_unknown:
        raise none_such(number)
    return task


def is_work(task: Task) -> bool:
    """Tell whether a task asked for more than words, and its request is known."""
    return bool(task.prompt) or task.mode is Mode.REVIEW


def goes_on(case: Case, task: Task, prompt: str, wishes: Wishes | None = None) -> Run:
    """Give the command that does *prompt* as *task* was to be done, but for what *wishes* chooses."""
    on_branch = not isinstance(case.item, MergeRequest)
    had = Run(
        prompt,
        branch=task.branch if on_branch else "",
        target=task.target_branch if on_branch else "",
        agent=task.agent,
        model=task.model,
        budget=task.budget_usd,
        timeout=task.timeout_seconds,
        draft=task.draft,
        image=task.image,
    )
    chosen: dict[str, Any] = {item.name: getattr(wishes, item.name) for item in fields(Wishes)} if wishes else {}
    return replace(had, **{name: value for name, value in chosen.items() if value})


def none_such(number: int) -> Refusal:
    """Give the refusal of a task that is not there, or not for who asks."""
    return refusal(f"There is no task {number} in this project: `/agent status` lists those that are here.")


def refusal(sentence: str) -> Refusal:
    """Give a refusal in words of ours."""
    return Refusal(Reason.COMMAND, sentence)
