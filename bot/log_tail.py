"""The end of a log as a page shows it before any script runs, and to who lets none run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.plain_text import visible_text
from core.task_log import TaskLog

LINES: Final = 200
CHARACTERS: Final = 30_000
"""Of all lines together: the page has to stay light."""
CHARACTERS_IN_A_LINE: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TailLine:
    """One line without anything that a terminal obeys; what is cut away is said in it."""

    at: float
    text: str


async def log_tail(task_log: TaskLog, task_id: int) -> list[TailLine]:
    """Give the last lines of a task's log, as many as there is room for."""
    room = CHARACTERS
    shown: list[TailLine] = []
    for entry in reversed(await task_log.tail(task_id, LINES)):
        line = TailLine(at=entry.at, text=_cut(visible_text(entry.text)))
        room -= len(line.text)
        if room < 0 and shown:
            break
        shown.append(line)
    return shown[::-1]


def _cut(text: str) -> str:
    more = len(text) - CHARACTERS_IN_A_LINE
    return f"{text[:CHARACTERS_IN_A_LINE]}… ({more:,} more characters)" if more > 0 else text
