"""Reads single values out of an agent's stream of JSON lines. Pure.

The stream has passed through a process that the agent's own commands could write to: nothing has a type until checked.
"""

from __future__ import annotations

import json
from typing import Any, Final

from runtime.contract import NUMBER_LIMIT

SHOWN_LETTERS: Final = 200


def decode(line: str) -> dict[str, Any] | None:
    """Read one line; None where it is no JSON object."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def dig(value: object, *keys: str) -> object:
    """Go down through nested objects; None where the way ends."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def blocks(value: object) -> list[dict[str, Any]]:
    """Give the objects of a list; empty for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(value: object) -> str:
    """Give a text; empty for anything else."""
    return value if isinstance(value, str) else ""


def number(value: object) -> float:
    """Give a number from 0 to the contract's limit; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return value if 0 <= value < NUMBER_LIMIT else 0


def first_line(text: str) -> str:
    """Give the first line that says something, cut."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= SHOWN_LETTERS else line[:SHOWN_LETTERS] + "…"
