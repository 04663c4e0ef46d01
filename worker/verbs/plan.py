"""`plan`: the agent writes what it would do, and changes nothing."""

from __future__ import annotations

from dataclasses import fields

from core.task import Mode
from worker.conversation.commands import Plan, Run
from worker.requests.request import Case
from worker.verbs import run
from worker.verbs.outcome import Queued
from worker.wiring import Desk


async def carry_out(desk: Desk, case: Case, command: Plan) -> Queued:
    """Queue the planning.

    Raises:
        Refusal: As for `run`.
    """
    wished = Run(**{item.name: getattr(command, item.name) for item in fields(command)})
    return Queued(await run.work_fields(desk, case, wished, Mode.PLAN))
