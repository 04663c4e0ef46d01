"""Folds a run's events into what the progress comment shows. Pure; folding an event twice changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from core.task import Line, Progress
from runtime.contract import Event, Mark

TEXT_LIMIT: Final = 200
ITEM_LIMIT: Final = 20
NOTICE_LIMIT: Final = 10


def fold(progress: Progress, event: Event) -> Progress:
    """Give *progress* after *event*; an event that makes no sense leaves it as it is."""
    if event.kind == "progress":
        return replace(
            progress,
            current=event.text[:TEXT_LIMIT],
            turns=max(progress.turns, event.turns),
            cost_usd=max(progress.cost_usd, event.cost_usd),
        )
    if event.kind == "notice":
        notices = dict.fromkeys((*progress.notices, event.text[:TEXT_LIMIT]))
        return replace(progress, notices=tuple(notices)[:NOTICE_LIMIT])
    if event.kind == "checklist":
        items = tuple((title[:TEXT_LIMIT], state) for title, state in event.items[:ITEM_LIMIT])
        return replace(progress, items=items)
    if event.mark not in set(Mark):
        return progress
    others = tuple(line for line in progress.lines if line.mark != event.mark)
    if event.kind == "skipped":
        return replace(progress, lines=others)
    state = "active" if event.kind == "began" else "done"
    line = Line(mark=event.mark, state=state, seconds=event.seconds, text=event.text[:TEXT_LIMIT])
    return replace(progress, lines=tuple(sorted((*others, line), key=lambda item: list(Mark).index(Mark(item.mark)))))


def described(event: Event) -> str:
    """Give the one log line that stands for *event*.

    Empty for a mark that there is not, and for an event that only moves the progress comment.
    """
    if event.mark not in set(Mark):
        return ""
    if event.kind == "began":
        return f"── {event.mark}"
    if event.kind == "ended":
        text = " ".join(event.text.split())[:TEXT_LIMIT]
        return f"── {event.mark} done in {event.seconds:.1f} s" + (f", {text}" if text else "")
    return ""
