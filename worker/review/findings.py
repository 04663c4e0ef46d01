"""Decodes a review that an agent wrote: hostile Markdown with one block of JSON in it. Pure, strict, never raises."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

TEXT_LIMIT: Final = 4_000
PATH_LIMIT: Final = 500
LINE_LIMIT: Final = 10_000_000
DECODED_MOST: Final = 100
"""Of one list; an agent that finds more has not understood its task."""
_OPENS: Final = re.compile(r" {0,3}```json\s*")
_CLOSES: Final = re.compile(r" {0,3}```\s*")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is to be said about one line, counted in the file after the change. Hostile text."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Review:
    """What was found, in the agent's order, and its summary."""

    findings: tuple[Finding, ...]
    summary: str


def decode(document: str) -> Review:
    """Read a review. Where no block is a list of comments, all of it is summary."""
    lines = document.split("\n")
    for begin, end in _blocks(lines):
        entries = _entries("\n".join(lines[begin + 1 : end]))
        if entries is not None:
            rest = "\n".join([*lines[:begin], *lines[end + 1 :]])
            return Review(tuple(_findings(entries)), rest.strip())
    return Review((), document.strip())


def _blocks(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Give the first and the last line of each fenced block that is called JSON; one that never ends is none."""
    begin = -1
    for number, line in enumerate(lines):
        if begin < 0 and _OPENS.fullmatch(line):
            begin = number
        elif begin >= 0 and _CLOSES.fullmatch(line):
            yield begin, number
            begin = -1


def _entries(text: str) -> list[Any] | None:
    try:
        entries = json.loads(text)
        # A lone surrogate is legal JSON and illegal UTF-8.
        json.dumps(entries, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return entries if isinstance(entries, list) else None


def _findings(entries: list[Any]) -> Iterator[Finding]:
    for entry in entries[:DECODED_MOST]:
        if not isinstance(entry, dict):
            continue
        path, line, text = (entry.get(name) for name in ("path", "line", "text"))
        if not isinstance(path, str) or type(line) is not int or not isinstance(text, str):
            continue
        if 0 < len(path) <= PATH_LIMIT and 0 < line <= LINE_LIMIT and text.strip():
            yield Finding(path.removeprefix("./"), line, text[:TEXT_LIMIT])
