"""What is answered in words: help, a word that is nearly a command, a flag that could not be read."""

from __future__ import annotations

from core.errors import Refusal
from core.reasons import Reason
from worker.conversation import commands, replies
from worker.conversation.commands import Words
from worker.requests.request import Case
from worker.verbs.outcome import Answered
from worker.wiring import Desk


async def carry_out(_desk: Desk, _case: Case, command: Words) -> Answered:
    """Give the help.

    Raises:
        Refusal: It was no command; the detail says what to do.
    """
    if isinstance(command, commands.Help):
        return Answered(replies.answer(command))
    reason = Reason.PROMPT if isinstance(command, commands.TooLong) else Reason.COMMAND
    raise Refusal(reason, replies.answer(command))
