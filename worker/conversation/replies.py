"""The short comments that we write once: the reply at a task's end, and answers to commands that start nothing.

A new comment sends mail, an edit does not; so these mention who asked, and there is one of them to a task.
"""

from __future__ import annotations

from typing import Final

from core.task import Status, Task
from worker.conversation import markers, outcome, sanitize
from worker.conversation.commands import (
    PROMPT_LIMIT_BYTES,
    VERBS,
    Help,
    Malformed,
    NotYet,
    TooLong,
    Unclear,
    help_text,
)
from worker.conversation.failures import task_sentence
from worker.conversation.prose import prose

SUMMARY_LIMIT: Final = 1_500


def closing_reply(task: Task, page_url: str, *, limit_seconds: float = 0) -> str:
    """Give the one reply at the end of a task, its marker included: the result, the next step, what it took.

    *limit_seconds*: the time limit that ended the run, for the sentence about it.
    """
    if task.status is Status.REJECTED:
        return rejection(task)
    parts = [f"{outcome.requester(task)} {_result(task, limit_seconds)}"]
    if task.status is Status.COMPLETED and not task.merge_request_url and (said := prose(task.summary, SUMMARY_LIMIT)):
        parts.append(f"The agent says:\n\n{said}")
    parts.append(_took(task, page_url))
    return "\n\n".join([*parts, markers.final_marker(task)])


def rejection(task: Task) -> str:
    """Give the reply to what will not be done, its marker included."""
    return f"{outcome.requester(task)} {task_sentence(task)}\n\n{markers.final_marker(task)}"


def answer(command: Help | Unclear | NotYet | Malformed | TooLong) -> str:
    """Give what we say to a command that starts nothing, without mention and marker: the task's detail."""
    match command:
        case Help():
            return help_text()
        case Unclear(word, nearest):
            return _ask(word, nearest)
        case NotYet(verb):
            return _not_yet(verb)
        case Malformed(sentence):
            return f"{sentence} Nothing was started; `/agent help` shows what can be said."
        case TooLong(size):
            return (
                f"The request has {size // 1024:,} KiB, and {PROMPT_LIMIT_BYTES // 1024} KiB are the limit: "
                "shorten it, or put the long part into the issue, then ask again."
            )


def _ask(word: str, nearest: str) -> str:
    verb = next(verb for verb in VERBS if verb.name == nearest)
    later = "" if verb.is_available else " (which is not available yet)"
    return (
        f"Nothing was started: {sanitize.code(word, 40)} is no command; did you mean `{verb.usage}`{later}? "
        "If it was your request, say it in more words, or write `/agent run` before it."
    )


def _not_yet(name: str) -> str:
    takes_prompt = any(verb.name == name and verb.takes == "prompt" for verb in VERBS)
    instead = " To have it worked on at once, write `/agent run` and what to do." if takes_prompt else ""
    return f"`/agent {name}` is not available yet, so nothing was done.{instead} `/agent help` shows what is."


def _result(task: Task, limit_seconds: float) -> str:
    if task.status is Status.COMPLETED:
        if link := outcome.merge_request(task):
            return f"Done: {link} is ready for your review."
        return "Nothing needed changing, so there is no merge request. If something should, say what in a new `/agent`."
    if task.status is Status.CANCELLED:
        pushed = f"{sanitize.code(task.result_branch, 200)} was pushed before" if task.commit else "nothing was pushed"
        return f"The work was cancelled; {pushed}. To start over, comment `/agent` with your request again."
    return f"It did not work. {task_sentence(task, limit_seconds=limit_seconds)}"


def _took(task: Task, page_url: str) -> str:
    facts = outcome.spent(task)
    return " · ".join([*([f"Took {facts[0]}", *facts[1:]] if task.duration else facts), sanitize.link("log", page_url)])
