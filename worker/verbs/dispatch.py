"""Which file carries out which command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from worker.conversation.commands import (
    Approve,
    Cancel,
    Help,
    Logs,
    Malformed,
    Plan,
    Retry,
    Review,
    Run,
    Status,
    TooLong,
    Unclear,
)
from worker.requests.request import Case
from worker.verbs import approve, cancel, logs, plan, retry, review, run, status, talk
from worker.verbs.outcome import Outcome
from worker.wiring import Desk

VERBS: Final[dict[type, Callable[[Desk, Case, Any], Awaitable[Outcome]]]] = {
    Run: run.carry_out,
    Plan: plan.carry_out,
    Approve: approve.carry_out,
    Cancel: cancel.carry_out,
    Retry: retry.carry_out,
    Review: review.carry_out,
    Status: status.carry_out,
    Logs: logs.carry_out,
    Help: talk.carry_out,
    Unclear: talk.carry_out,
    Malformed: talk.carry_out,
    TooLong: talk.carry_out,
}


async def carry_out(desk: Desk, case: Case) -> Outcome:
    """Do what was asked for; everything that has an effect may be done twice.

    Raises:
        Refusal: It will not be done; the reason says why.
    """
    command = case.request.command
    return await VERBS[type(command)](desk, case, command)
