"""Invisible last lines that tell our comments apart: which task's, and whether it is the progress or the final one.

Written by every comment that we post; read by the steps and the sweep before they post another one. Anybody can write
such a line: it counts only in a comment whose author is the bot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from core.task import Task

_LAST_LINE: Final = re.compile(
    r"(?:\A|\n)<!-- ablehand:(progress|final) task=([1-9][0-9]{0,17}) trigger=([A-Za-z0-9_.~:%]{1,400}) -->\Z"
)


@dataclass(frozen=True, slots=True)
class Marker:
    """What a marker says: *trigger_key* is `core.task.Trigger.key`."""

    task_id: int
    trigger_key: str


def progress_marker(task: Task) -> str:
    """Give the last line of the one comment that is edited."""
    return _marker("progress", task)


def final_marker(task: Task) -> str:
    """Give the last line of the one reply at the end."""
    return _marker("final", task)


def review_marker(task: Task, number: int) -> str:
    """Give the last line of a review's comment on a line; *number* tells the comments of one review apart."""
    return _marker(f"review-{number}", task)


def find_progress(body: str) -> Marker | None:
    """Read the progress marker of a comment; None where its last line is none."""
    return _find("progress", body)


def find_final(body: str) -> Marker | None:
    """Read the final marker of a comment; None where its last line is none."""
    return _find("final", body)


def _marker(kind: str, task: Task) -> str:
    # No dash gets through: two of them with a > behind would end the HTML comment.
    key = quote(task.trigger.key, safe=":").replace("-", "%2D")
    return f"<!-- ablehand:{kind} task={task.id} trigger={key[:400]} -->"


def _find(kind: str, body: str) -> Marker | None:
    last_line = body.replace("\r\n", "\n").rstrip()[-600:]
    match = _LAST_LINE.search(last_line)
    return Marker(int(match[2]), unquote(match[3])) if match and match[1] == kind else None
