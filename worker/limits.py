"""The limits that an operator sets: who is refused, and the words for it.

A task over a limit of tasks an hour or of a day's money is refused, with the time from which it may be asked again. One
over a limit of runs at once waits (core.waiting), also where others have reserved the money that it needs: theirs may
cost less.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.errors import Refusal
from core.figures import money, plural
from core.limits import in_force
from core.reasons import Reason
from core.task import Task
from worker.wiring import Desk


async def check(desk: Desk, task: Task, requester_id: int, budget_usd: float) -> None:
    """Count a task for who asks.

    Raises:
        Refusal: It is one too many of this hour, or may cost more than is left of today's money.
    """
    if refusal := await broke(desk, task, requester_id, budget_usd):
        raise refusal
    most = desk.settings.max_tasks_per_hour
    frees = await desk.store.usage.ask(requester_id, task.id, most) if most else 0
    if frees:
        raise Refusal(
            Reason.LIMIT,
            f"Nothing was started: you may ask for {plural(most, 'task')} an hour here, and have. The next is free at "
            f"{clock(frees)}: `/agent retry` then.",
        )


async def broke(desk: Desk, task: Task, requester_id: int, budget_usd: float) -> Refusal | None:
    """Give the refusal of a task that may cost more than is left of today's money; None where it may not."""
    limits, usage = in_force(desk.settings), desk.store.usage
    owners = (
        ("this project may spend", limits.project_usd, await usage.of_project(task.trigger.project_id)),
        ("you may spend", limits.person_usd, await usage.of_person(requester_id)),
    )
    for whose, most, used in owners:
        if most and used.spent_usd + budget_usd > most:
            left = dollars(max(0.0, most - used.spent_usd))
            return Refusal(
                Reason.LIMIT,
                f"Nothing was started: {whose} {dollars(most)} a day, {left} of it is left, and this task may cost "
                f"{dollars(budget_usd)}. It frees at {clock(await usage.midnight())}: `/agent retry` then, or now with "
                "a smaller `--budget`.",
            )
    return None


def clock(moment: float) -> str:
    """Give the time of *moment* (Unix seconds) as "14:05 UTC", rounded up so that it is never too early."""
    at = datetime.fromtimestamp(moment, UTC)
    return (at + timedelta(seconds=59) if at.second or at.microsecond else at).strftime("%H:%M UTC")


def dollars(amount: float) -> str:
    """Give an amount, of which nothing is nothing."""
    return money(amount) if amount else "$0"
