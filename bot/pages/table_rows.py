"""A task as a row of the table: short words, nothing in it that could do anything but be read. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from core.figures import duration, money
from core.plain_text import visible_text
from core.task import Phase, Status, Task

LONGEST: Final = 160
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the table shows of a task; empty where there is nothing yet."""

    id: int
    version: int
    status: Status
    note: str
    """Which phase of that status it is in, or why it came to it."""
    title: str
    project: str
    asker: str
    agent: str
    model: str
    created_at: float
    age: str
    started_at: float
    """0 unless it runs."""
    duration: str
    cost: str
    merge_request: str
    merge_request_url: str


def row_of(task: Task, now: float) -> Row:
    """Give a task's row at the time *now*."""
    cost = task.cost_usd or task.progress.cost_usd
    has_link = urlsplit(task.merge_request_url).scheme in {"https", "http"}
    return Row(
        id=task.id,
        version=task.version,
        status=task.status,
        note=_note(task),
        title=_line(task.prompt) or _line(task.title) or f"Task {task.id}",
        project=_line(task.repository),
        asker=_line(task.requester_username),
        agent=_line(task.agent),
        model=_line(task.model),
        created_at=task.created_at,
        age=age(now - task.created_at),
        started_at=task.started_at if task.started_at and not task.phase.is_final else 0.0,
        duration=_duration(task, now),
        cost=money(cost) if cost else "",
        merge_request=f"!{task.merge_request_iid}" if task.merge_request_iid else "",
        merge_request_url=task.merge_request_url if has_link else "",
    )


def age(seconds: float) -> str:
    """Give "now", "5 min", "3 h" or "12 d"."""
    if seconds < _MINUTE:
        return "now"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min"
    return f"{int(seconds // _HOUR)} h" if seconds < _DAY else f"{int(seconds // _DAY):,} d"


def _note(task: Task) -> str:
    if task.phase.is_final:
        return task.reason.replace("-", " ")
    return "" if task.phase is Phase.RECEIVED else task.phase.value


def _duration(task: Task, now: float) -> str:
    if task.duration is not None:
        return duration(task.duration)
    return duration(now - task.started_at) if task.started_at and not task.phase.is_final else ""


def _line(text: str) -> str:
    """Give the beginning of *text* on one line."""
    line = " ".join(visible_text(text[: LONGEST * 4]).split())
    return f"{line[:LONGEST]}…" if len(line) > LONGEST else line
