"""The short comments that we write once: the reply at a task's end, and answers to commands that start nothing.

A new comment sends mail, an edit does not; so these mention who asked, and there is one of them to a task.
"""

from __future__ import annotations

from typing import Final

from core.task import Mode, Place, Source, Status, Task
from worker.conversation import markers, outcome, sanitize
from worker.conversation.commands import (
    PROMPT_LIMIT_BYTES,
    Help,
    Malformed,
    TooLong,
    Unclear,
    Words,
)
from worker.conversation.failures import task_sentence
from worker.conversation.prose import prose
from worker.conversation.vocabulary import BY_NAME, help_text

SUMMARY_LIMIT: Final = 1_500
DOCUMENT_LIMIT: Final = 20_000
"""Characters of a plan or a review."""


def closing_reply(task: Task, page_url: str, *, limit_seconds: float = 0) -> str:
    """Give the one reply at the end of a task, its marker included: the result, the next step, what it took.

    *limit_seconds*: the time limit that ended the run, for the sentence about it.
    """
    if task.status is Status.REJECTED:
        return rejection(task)
    if task.status is Status.COMPLETED and task.mode is not Mode.CHANGE:
        parts = [f"{outcome.requester(task)} {_words(task)}", _took(task, page_url)]
        return "\n\n".join([*parts, markers.final_marker(task)])
    parts = [f"{outcome.requester(task)} {_result(task, limit_seconds)}"]
    says_more = outcome.is_follow_up(task) or not task.merge_request_url
    if task.status is Status.COMPLETED and says_more and (said := prose(task.summary, SUMMARY_LIMIT)):
        parts.append(f"The agent says:\n\n{said}")
    parts.append(_took(task, page_url))
    return "\n\n".join([*parts, markers.final_marker(task)])


def rejection(task: Task) -> str:
    """Give the reply to what will not be done, its marker included."""
    return f"{outcome.requester(task)} {task_sentence(task)}\n\n{markers.final_marker(task)}"


def answer(command: Words) -> str:
    """Give what we say to a command that starts nothing, without mention and marker: the task's detail."""
    match command:
        case Help():
            return help_text()
        case Unclear(word, nearest):
            return _ask(word, nearest)
        case Malformed(sentence):
            return f"{sentence} Nothing was started; `/agent help` shows what can be said."
        case TooLong(size):
            return (
                f"The request has {size // 1024:,} KiB, and {PROMPT_LIMIT_BYTES // 1024} KiB are the limit: "
                "shorten it, or put the long part into the issue, then ask again."
            )


def _ask(word: str, nearest: str) -> str:
    return (
        f"Nothing was started: {sanitize.code(word, 40)} is no command; did you mean `{BY_NAME[nearest].usage}`? "
        "If it was your request, say it in more words, or write `/agent run` before it."
    )


def _words(task: Task) -> str:
    """Give what a task wrote that was to change nothing, and what to do with it."""
    said = prose(task.document, DOCUMENT_LIMIT)
    if task.mode is Mode.REVIEW:
        return f"My review:\n\n{said or 'There is nothing that I would change.'}"
    if not said:
        return "I came to no plan. `/agent retry` tries once more."
    return (
        f"My plan:\n\n{said}\n\n`/agent approve {task.id}` carries it out. "
        "To have it otherwise, ask for another with `/agent plan` and what to do."
    )


def _result(task: Task, limit_seconds: float) -> str:
    if task.status is Status.COMPLETED:
        return _came(task)
    if task.status is Status.CANCELLED:
        return f"The work was cancelled{_by(task)}; {_pushed(task)}. To start over, comment `/agent retry`."
    return f"It did not work. {task_sentence(task, limit_seconds=limit_seconds)}"


def _came(task: Task) -> str:
    if task.trigger.source is Source.PIPELINE:
        tried = "pushed a change that should mend it" if task.commit else "found nothing to change"
        return f"The {outcome.pipeline(task)} failed, and I {tried}."
    link = outcome.changed(task)
    if link and task.unfinished:
        return f"Not finished: see {link}. {outcome.unfinished(task)}"
    if link and outcome.is_follow_up(task):
        return f"Done: {link} has a new commit, {sanitize.code(task.commit[:8], 8)}."
    if link:
        return f"Done: {link} is ready for your review."
    came = "nothing was pushed" if outcome.is_follow_up(task) else "there is no merge request"
    return f"Nothing needed changing, so {came}. If something should, say what in a new `/agent`."


def _by(task: Task) -> str:
    if not outcome.is_username(task.cancelled_by):
        return ""
    return " by you" if task.cancelled_by == task.requester_username else f" by @{task.cancelled_by}"


def _pushed(task: Task) -> str:
    if not task.commit:
        return "nothing was pushed"
    branch = sanitize.code(task.result_branch, 200)
    if task.trigger.place is Place.MERGE_REQUEST:
        return f"its commit on {branch} was pushed before, and stays"
    return f"{branch} was pushed before, and stays until you delete it"


def _took(task: Task, page_url: str) -> str:
    facts = outcome.spent(task)
    return " · ".join([*([f"Took {facts[0]}", *facts[1:]] if task.duration else facts), sanitize.link("log", page_url)])
