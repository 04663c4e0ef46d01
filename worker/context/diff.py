"""Reads the hunks of a file's diff: which lines are in it, under which numbers. Pure, and quick on hostile text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_HUNK: Final = re.compile(r"@@ -(\d{1,9})(?:,\d{1,9})? \+(\d{1,9})(?:,\d{1,9})? @@")


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a hunk with its number on either side; 0 on the side where it is not."""

    old: int
    new: int
    text: str
    """With its sign in front."""


def lines(diff: str) -> Iterator[DiffLine]:
    """Give every line of a file's hunks, in their order."""
    old = new = 0
    for text in diff.split("\n"):
        if found := _HUNK.match(text):
            old, new = int(found[1]), int(found[2])
        elif not (old or new) or not text:
            continue
        elif text[0] == "+":
            yield DiffLine(0, new, text)
            new += 1
        elif text[0] == "-":
            yield DiffLine(old, 0, text)
            old += 1
        elif text[0] == " ":
            yield DiffLine(old, new, text)
            old, new = old + 1, new + 1


def excerpt(diff: str, first: int, last: int, *, is_new: bool, around: int) -> str:
    """Give the diff from *around* lines before *first* to as many behind *last*; "" where *last* is not in it."""
    listed = list(lines(diff))
    numbers = [line.new if is_new else line.old for line in listed]
    if not last or last not in numbers:
        return ""
    end = numbers.index(last)
    begin = numbers.index(first) if first in numbers[:end] else end
    return "\n".join(line.text for line in listed[max(0, begin - around) : end + around + 1])
