"""`status`: the tasks of an issue or merge request, the limits in force and what of them is used."""

from __future__ import annotations

from core import links
from core.figures import duration, ordinal, plural
from core.limits import in_force
from core.task import Phase, Task
from core.waiting import why_waiting
from worker import limits
from worker.conversation import outcome, sanitize
from worker.conversation.commands import Status
from worker.requests.request import Case
from worker.verbs import earlier
from worker.verbs.outcome import Answered
from worker.wiring import Desk

ROWS = 8
"""Tasks that are listed; older ones only by their number."""


async def carry_out(desk: Desk, case: Case, command: Status) -> Answered:
    """Give the table and the limits.

    Raises:
        Refusal: There is no task of that number here.
    """
    if command.number:
        tasks = [await earlier.task_here(desk, case, command.number)]
    else:
        tasks = [task for task in await earlier.tasks_here(desk, case) if earlier.is_work(task)]
    rows = [await _row(desk, task) for task in tasks[:ROWS]]
    head = ["| task | what | asked by | how it stands |", "|---|---|---|---|"]
    table = ["Here is what was asked for:", "\n".join([*head, *rows])] if rows else ["Nothing was asked for here yet."]
    more = [f"{plural(len(tasks) - ROWS, 'older task')} not shown."] if len(tasks) > ROWS else []
    return Answered("\n\n".join([*table, *more, await _limits(desk, case)]))


async def _row(desk: Desk, task: Task) -> str:
    link = sanitize.link(str(task.id), links.task_page(desk.settings, task))
    asker = sanitize.inline(task.requester_username or task.requester_name, 60)
    again = f", goes on from {task.parent_id}" if task.parent_id else ""
    return f"| {link} | {task.mode}{again} | {asker} | {await _standing(desk, task)} |"


async def _standing(desk: Desk, task: Task) -> str:
    if task.phase is Phase.QUEUED:
        queued = await desk.store.queued()
        place = f"waits, {ordinal(queued.index(task.id) + 1)} in the queue" if task.id in queued else "waits"
        why = await why_waiting(desk.store, in_force(desk.settings), task)
        return f"{place}: {why}" if why else place
    if not task.phase.is_final:
        since = await desk.store.now() - dict(task.phase_times).get(Phase.LAUNCHING, task.created_at)
        return " · ".join([task.phase.value, f"for {duration(since)}", *outcome.work(task)])
    link = f": {outcome.merge_request(task)}" if task.merge_request_url else ""
    reason = f" ({task.reason})" if task.reason else ""
    return " · ".join([f"{task.status}{reason}{link}", *outcome.spent(task)])


async def _limits(desk: Desk, case: Case) -> str:
    """Say every limit that there is, with what of it is used."""
    settings, usage = desk.settings, desk.store.usage
    project, person = await usage.of_project(case.project.id), await usage.of_person(case.request.requester.id)
    lines = [_runs("in all", await desk.store.slots_taken(), settings.max_runs)]
    lines += [_runs("in this project", project.runs, settings.max_runs_per_project)]
    lines += [_runs("for you", person.runs, settings.max_runs_per_person)]
    if settings.max_tasks_per_hour:
        asked = await usage.asked_by(case.request.requester.id)
        lines.append(f"- tasks an hour for you: {asked} of {settings.max_tasks_per_hour}")
    for whose, used, most in (("in this project", project, settings.budget_usd_per_day_project),
                              ("by you", person, settings.budget_usd_per_day_person)):  # fmt: skip
        reserved = f", {limits.dollars(used.reserved_usd)} reserved by runs" if used.reserved_usd and most else ""
        of = f" of {limits.dollars(most)}" if most else ""
        lines.append(f"- spent today (UTC) {whose}: {limits.dollars(used.spent_usd)}{of}{reserved}")
    dollars = f"at most {limits.dollars(settings.budget_usd)} and " if settings.budget_usd else ""
    lines.append(f"- a task: {dollars}{duration(settings.agent_timeout_seconds)}")
    # A dollar sign before a number is a reference to a snippet.
    return "Limits:\n\n" + "\n".join(line for line in lines if line).replace("$", f"${sanitize.JOINER}")


def _runs(where: str, count: int, most: int) -> str:
    return f"- runs at once {where}: {count} of {most}" if most else ""
