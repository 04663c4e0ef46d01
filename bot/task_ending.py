"""How a task ended, in a sentence for its page, and what may be done with it now. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from markupsafe import Markup, escape

from bot.coded import coded
from bot.wishes import PROMPT_LIMIT
from core.failure_sentences import SENTENCES, TELL_OPERATOR, UNFINISHED
from core.reasons import Reason
from core.task import Mode, Phase, Task

CHARACTERS_IN_A_KIB: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """*kind* is good, bad or, where nobody wanted more, neutral."""

    kind: Literal["good", "bad", "neutral"]
    sentence: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What somebody may do with a task as it is."""

    cancel: bool = False
    retry: bool = False
    again: bool = False


def ending(task: Task) -> Ending | None:
    """Give how *task* ended; None while it has not."""
    match task.phase:
        case Phase.COMPLETED if task.unfinished:
            return Ending(kind="neutral", sentence=escape(UNFINISHED.get(task.unfinished, UNFINISHED[""])))
        case Phase.COMPLETED:
            return Ending(kind="good", sentence=escape(_result(task)))
        case Phase.CANCELLED:
            by = f" by @{task.cancelled_by}" if task.cancelled_by else ""
            return Ending(kind="neutral", sentence=escape(f"Cancelled{by}."))
        case Phase.FAILED | Phase.REJECTED:
            return Ending(kind="bad", sentence=_sentence(task))
        case _:
            return None


def choices(task: Task, *, may_ask: bool) -> Choices:
    """Give what makes sense by now, for somebody who may have things done in its project, or may not."""
    if not may_ask:
        return Choices()
    if not task.phase.is_final:
        return Choices(cancel=True)
    return Choices(retry=bool(task.prompt) and task.phase is not Phase.COMPLETED, again=bool(task.prompt))


def _result(task: Task) -> str:
    if task.mode is Mode.PLAN:
        return "The plan is written."
    if task.mode is Mode.REVIEW:
        return "The review is written."
    return "The work is done." if task.commit or task.merge_request_url else "Nothing needed changing."


def _sentence(task: Task) -> Markup:
    """Give core's sentence, its code as HTML."""
    reason = Reason(task.reason) if task.reason in set(Reason) else Reason.INTERNAL
    branch = (task.result_branch or task.branch or "agent/…").replace("`", "")
    text = SENTENCES[reason].format(
        again="ask again",
        operator=TELL_OPERATOR,
        branch=f"`{branch}`",
        limit="",
        prompt_limit=PROMPT_LIMIT // CHARACTERS_IN_A_KIB,
    )
    return coded(text)
