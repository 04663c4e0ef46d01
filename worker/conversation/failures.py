"""Why a task failed or was refused, in one sentence with the next step, for every `core.reasons.Reason`.

Used by progress and closing; the table is `core.failure_sentences`. A sentence never holds text from elsewhere; what
was seen goes behind it as code (`core.task.Task.detail` is hostile).
"""

from __future__ import annotations

import re
from typing import Final

from core.failure_sentences import SENTENCES, TELL_OPERATOR
from core.figures import duration
from core.reasons import Reason
from core.task import Place, Task
from worker.conversation import sanitize
from worker.conversation.commands import PROMPT_LIMIT_BYTES
from worker.conversation.prose import prose

DETAIL_LIMIT: Final = 1_500
"""Characters of a script's or a server's own words that a comment shows."""
OWN_WORDS_LIMIT: Final = 3_000
_PARAGRAPH: Final = re.compile(r"[^\W\d_]|`[^`]")

_ASK_AGAIN: Final = "comment `/agent` with your request again"
_OWN_WORDS: Final = frozenset({Reason.COMMAND, Reason.PROMPT, Reason.LIMIT, Reason.PROJECT_FILE})
"""Their details are sentences of ours, in which hostile words may be quoted."""


def failure_sentence(reason: str, detail: str = "", *, branch: str = "", limit_seconds: float = 0) -> str:
    """Give the sentence for *reason*, and what was seen behind it: one line as code, more as a block of its own.

    A word that is no `Reason` counts as internal. *limit_seconds*: the time limit that ended the run, where known.
    """
    known = Reason(reason) if reason in set(Reason) else Reason.INTERNAL
    sentence = SENTENCES[known].format(
        again=_ASK_AGAIN,
        operator=TELL_OPERATOR,
        branch=sanitize.code(branch or "agent/…", 200),
        limit=f" ({duration(limit_seconds)})" if limit_seconds else "",
        prompt_limit=PROMPT_LIMIT_BYTES // 1024,
    )
    return sentence + _seen(detail)


def task_sentence(task: Task, *, limit_seconds: float = 0) -> str:
    """Give the sentence for an ended task.

    Where we had more to say than one sentence, it is the task's detail.
    """
    if task.reason == Reason.ANSWERED and task.answer:
        return task.answer
    if task.reason in _OWN_WORDS and (own_words := prose(task.detail, OWN_WORDS_LIMIT)):
        # What is no paragraph, a fence say, would be text behind a mention.
        return own_words if _PARAGRAPH.match(own_words) else f"\n\n{own_words}"
    return failure_sentence(
        task.reason, task.detail, branch=task.result_branch or _own_branch(task), limit_seconds=limit_seconds
    )


def _own_branch(task: Task) -> str:
    """Give the branch that is pushed to, where it is not one of ours."""
    return task.branch if task.trigger.place is Place.MERGE_REQUEST else ""


def _seen(detail: str) -> str:
    shown = sanitize.clean(detail).strip()
    if not shown:
        return ""
    if "\n" in shown:
        return f"\n\n{sanitize.block(shown, DETAIL_LIMIT)}"
    return f" Seen: {sanitize.code(shown, 300)}"
