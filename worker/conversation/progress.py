"""The one comment that shows how far a task is, written anew for each edit."""

from __future__ import annotations

from typing import Final

from core.figures import duration, ordinal
from core.task import Line, Mode, Phase, Task
from runtime.contract import CACHED, Mark
from worker.conversation import markers, outcome, sanitize
from worker.conversation.failures import task_sentence
from worker.conversation.prose import prose

ITEMS_SHOWN: Final = 20
"""Of the agent's own checklist; the page has them all."""
NOTICE_LIMIT: Final = 3_000
_WORTH_SAYING_SECONDS: Final = 60
_HEADLINES: Final = {
    Phase.RECEIVED: "👀 Received",
    Phase.LAUNCHING: "🤖 Starting a sandbox",
    Phase.STARTING: "🤖 Starting a sandbox",
    Phase.PREPARING: "🤖 Working on it",
    Phase.WORKING: "🤖 Working on it",
    Phase.PUBLISHING: "🤖 Working on it",
    Phase.FINISHING: "🤖 Finishing",
    Phase.FAILED: "❌ It did not work",
    Phase.CANCELLED: "🛑 Cancelled",
    Phase.REJECTED: "🚫 Not started",
}
_WITHOUT_CHECKLIST: Final = frozenset(
    {Phase.RECEIVED, Phase.QUEUED, Phase.LAUNCHING, Phase.STARTING, Phase.REJECTED},
)
_DONE: Final = "done"
_ACTIVE: Final = "active"


def progress_comment(task: Task, page_url: str, now: float, *, limit_seconds: float = 0) -> str:
    """Give the whole comment for the task's phase, its marker included.

    *now* is in Unix seconds. *limit_seconds*: the time limit that ended the run, for the sentence about it.
    """
    log = sanitize.link("log" if task.phase.is_final else "live log", page_url)
    parts = [" · ".join([_headline(task), *_facts(task, now), log]) + _checklist(task), *_notices(task)]
    if notice := prose(task.project_notice, NOTICE_LIMIT):
        parts.append(notice)
    if task.phase in {Phase.FAILED, Phase.REJECTED}:
        parts.append(task_sentence(task, limit_seconds=limit_seconds))
    return "\n\n".join([*parts, markers.progress_marker(task)])


def _headline(task: Task) -> str:
    if task.phase is Phase.QUEUED and task.attempt > 1:
        return f"🔁 The cluster ended the run; attempt {task.attempt} waits for a free slot"
    if task.phase is Phase.QUEUED:
        place = f", {ordinal(task.queue_place)} in the queue" if task.queue_place > 0 else ""
        why = f": {sanitize.plain(task.waiting, 200)}" if task.waiting else ""
        return f"⏳ Waiting for a free slot{place}{why}"
    if task.phase is Phase.COMPLETED:
        return f"⚠️ Not finished: {outcome.changed(task)}" if task.unfinished else f"✅ {_done(task)}"
    return _HEADLINES[task.phase]


def _done(task: Task) -> str:
    if task.mode is Mode.REVIEW:
        return f"Reviewed {outcome.merge_request(task)}"
    if task.mode is Mode.PLAN:
        return "The plan is written"
    return f"Done: {outcome.changed(task) or 'nothing needed changing'}"


def _notices(task: Task) -> list[str]:
    return [f"⚠️ {shown}" for notice in task.progress.notices if (shown := sanitize.inline(notice, 200))]


def _facts(task: Task, now: float) -> list[str]:
    if task.phase.is_final:
        return outcome.spent(task)
    if task.phase is Phase.STARTING and task.progress.current:
        return [sanitize.inline(task.progress.current, 300)]
    waited = now - dict(task.phase_times).get(task.phase, task.created_at)
    if task.phase in _WITHOUT_CHECKLIST and waited >= _WORTH_SAYING_SECONDS:
        return [f"for {duration(waited)}"]
    return []


def _checklist(task: Task) -> str:
    if task.phase in _WITHOUT_CHECKLIST or (task.phase.is_final and not task.progress.lines):
        return ""
    seen = {line.mark: line for line in task.progress.lines}
    return "".join(f"\n{row}" for mark in Mark if (row := _row(task, mark, seen)))


def _row(task: Task, mark: Mark, seen: dict[str, Line]) -> str:
    line = seen.get(mark, Line(mark=mark, state=""))
    if mark is Mark.SETUP and not line.state and (Mark.AGENT in seen or task.phase.is_final):
        return ""
    if mark is Mark.PUSH and task.mode is not Mode.CHANGE:
        return ""
    if mark is Mark.PUSH and task.phase is Phase.COMPLETED and not outcome.changed(task):
        return ""
    is_failed = line.state == "failed" or (line.state == _ACTIVE and task.phase is Phase.FAILED)
    box = "- [x] " if line.state == _DONE else "- [ ] ❌ " if is_failed else "- [ ] "
    took = f" ({duration(line.seconds)})" if line.seconds >= 1 else ""
    return box + _words(task, mark, line) + took + (_items(task) if mark is Mark.AGENT else "")


def _words(task: Task, mark: Mark, line: Line) -> str:
    if mark is Mark.CLONE:
        verb = "Cloned" if line.state == _DONE else "Clone"
        return f"{verb} {sanitize.code(task.repository, 200)}{_at_branch(task)}"
    if mark is Mark.SETUP:
        done = "Restored the result of" if line.text == CACHED else "Ran"
        return (done if line.state == _DONE else "Run") + " `agent-setup.sh`"
    if mark is Mark.PUSH:
        if outcome.is_follow_up(task):
            return f"{'Pushed' if line.state == _DONE else 'Push'} to {outcome.merge_request(task)}"
        opened = line.state == _DONE and outcome.merge_request(task)
        return f"Pushed and opened {opened}" if opened else "Push and open a merge request"
    return " · ".join([_agent(task, line), *outcome.work(task)]) if line.state else "Work on it"


def _at_branch(task: Task) -> str:
    return f" at {sanitize.code(task.branch, 100)}" if task.branch else ""


def _agent(task: Task, line: Line) -> str:
    if line.state == _DONE:
        return "Worked on it"
    is_live = line.state == _ACTIVE and not task.phase.is_final
    return (is_live and sanitize.inline(task.progress.current, 120)) or ("Working on it" if is_live else "Work on it")


def _items(task: Task) -> str:
    shown, more = task.progress.items[:ITEMS_SHOWN], len(task.progress.items) - ITEMS_SHOWN
    boxes = "".join(
        f"\n  - [{'x' if status == _DONE else ' '}] {sanitize.inline(title, 120) or sanitize.ELLIPSIS}"
        for title, status in shown
    )
    return boxes + (f"\n  - {more} more in the log" if more > 0 else "")
