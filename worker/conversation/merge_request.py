"""What a merge request and its commit say. The commit's words depend on nothing that changes while a task runs."""

from __future__ import annotations

from typing import Final

from core.figures import duration, plural
from core.task import Place, Source, Task
from runtime.contract import CACHED, Mark
from worker.conversation import outcome, sanitize
from worker.conversation.prose import prose

TITLE_LIMIT: Final = 100
SUBJECT_LIMIT: Final = 72
PROMPT_SHOWN: Final = 2_000
SUMMARY_SHOWN: Final = 4_000


def merge_request_title(task: Task, *, is_draft: bool = False) -> str:
    """Give the issue's title, else the request's first line, in at most `TITLE_LIMIT` characters; a draft says so."""
    draft = "Draft: " if is_draft else ""
    return draft + _title(task, TITLE_LIMIT - len(draft))


def commit_message(task: Task) -> str:
    """Give the subject, a sentence, and trailers that name the issue, who asked and the task; no e-mail, no mention."""
    trailers = [f"Asked-in: {sanitize.plain(task.repository, 300)}{outcome.place(task)}"]
    if outcome.is_username(task.requester_username):
        trailers.append(f"Requested-by: {task.requester_username}")
    trailers.append(_task_trailer(task))
    return "\n\n".join([_title(task, SUBJECT_LIMIT), "Written by a coding agent, on request.", "\n".join(trailers)])


def names_task(message: str, task: Task) -> bool:
    """Tell whether a commit's message is one that `commit_message` gave for *task*."""
    return _task_trailer(task) in message.splitlines()


def merge_request_description(task: Task, page_url: str, *, closes: bool = True, ci_fixes: int = 0) -> str:
    """Give what was asked and by whom, what was done, how it was checked, what it took.

    *closes*: whether merging it closes the issue; else it is named. *ci_fixes*: how often a failed pipeline is looked
    at.
    """
    parts = [
        *([outcome.unfinished(task)] if task.unfinished else []),
        _asked(task),
        "### What was done",
        prose(task.summary, SUMMARY_SHOWN) or "The agent left no summary: see the changes.",
        "### How it was checked",
        _checked(task, ci_fixes),
        "### What it took",
        " · ".join([*_took(task), sanitize.link("log", page_url)]),
    ]
    if task.trigger.place is Place.ISSUE:
        parts.append(f"{'Closes' if closes else 'Related to'} {outcome.place(task)}")
    return "\n\n".join(parts)


def _task_trailer(task: Task) -> str:
    return f"Agent-Task: {task.id}"


def _title(task: Task, limit: int) -> str:
    first_line = next(iter(sanitize.clean(task.prompt).strip().splitlines()), "")
    for text in () if task.confidential else (task.title, first_line):
        if title := sanitize.plain(text, limit):
            return title
    return f"Change for {outcome.place(task)}" if outcome.place(task) else f"Change of task {task.id}"


def _asked(task: Task) -> str:
    who, where = outcome.requester(task), outcome.where(task)
    request = prose(task.prompt, PROMPT_SHOWN)
    if task.trigger.source is Source.LABEL or not request:
        return f"Asked for by {who}, who gave {where} to the agent."
    quoted = "\n".join(f"> {line}".rstrip() for line in request.split("\n"))
    return f"Asked for by {who} in {where}:\n\n{quoted}"


def _checked(task: Task, ci_fixes: int) -> str:
    setup = next((line for line in task.progress.lines if line.mark == Mark.SETUP and line.state == "done"), None)
    took = f" ({duration(setup.seconds)})" if setup and setup.seconds >= 1 else ""
    how = "had run in an earlier task" if setup and setup.text == CACHED else "ran before the work"
    ran = f"`agent-setup.sh` {how}{took}. " if setup else ""
    mends = (
        f" If the pipeline fails, the agent tries to mend it, {plural(ci_fixes, 'time')} at most." if ci_fixes else ""
    )
    return (
        f"{ran}What the agent says that it tested stands above; nobody has checked it. "
        f"Rely on this merge request's pipeline and on your review.{mends}"
    )


def _took(task: Task) -> list[str]:
    changed = f"{plural(task.files_changed, 'file')} changed, +{task.lines_added} −{task.lines_removed}"  # noqa: RUF001
    return [
        *([changed] if task.files_changed else []),
        *([plural(task.turns, "step")] if task.turns else []),
        *outcome.spent(task),
        *([f"agent {sanitize.code(task.agent, 40)}"] if task.agent else []),
        *([f"model {sanitize.code(task.model, 60)}"] if task.model else []),
    ]
