"""The pictures of the outcome page, as the figures that its SVG is made of. Pure.

Colour alone tells nothing: what was completed stands above the line and all else below it, and every figure is in a
table on the same page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from core.outcomes import MERGE_REQUEST_STATES, Sums
from core.task import Phase

BELOW: Final = (Phase.FAILED, Phase.REJECTED, Phase.CANCELLED)
"""From the line down."""
COLUMN: Final = 0.72
"""How much of its day a column takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """A piece of a picture. Across, a day is 1 wide; down, a task is 1 high, and 0 is the upper edge."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A column for each day: *above* and *below* are how many tasks the line has over and under it."""

    days: int
    above: int
    below: int
    rectangles: tuple[Rectangle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One part of a whole."""

    kind: str
    count: int
    percent: int
    start: float
    """Where it begins, of 100."""
    width: float


def columns(days: Mapping[date, Sums]) -> Columns:
    """Draw the tasks of each day."""
    above = max([1, *(sums.count(Phase.COMPLETED) for sums in days.values())])
    below = max(sum(sums.count(phase) for phase in BELOW) for sums in days.values())
    found = []
    for number, sums in enumerate(days.values()):
        completed = sums.count(Phase.COMPLETED)
        pieces = [(Phase.COMPLETED, above - completed, completed)]
        deep = above
        for phase in BELOW:
            pieces.append((phase, deep, sums.count(phase)))
            deep += sums.count(phase)
        found += [
            Rectangle(kind=phase.value, x=round(number + (1 - COLUMN) / 2, 2), y=y, width=COLUMN, height=height)
            for phase, y, height in pieces
            if height
        ]
    return Columns(days=len(days), above=above, below=below, rectangles=tuple(found))


def shares(sums: Sums) -> tuple[Share, ...]:
    """Divide the merge requests by what became of them; the widths fill 100, unless there is none."""
    whole, start, found = sums.merge_requests, 0.0, []
    for state in MERGE_REQUEST_STATES:
        count = sums.count(state)
        width = 100 * count / whole if whole else 0.0
        found.append(Share(kind=state, count=count, percent=round(width), start=round(start, 2), width=round(width, 2)))
        start += width
    return tuple(found)
