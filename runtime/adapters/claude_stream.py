"""Reads single values out of Claude Code's stream, and says in words what a tool call does. Pure.

The stream has passed through a process that the agent's own commands could write to: nothing has a type until checked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from runtime.contract import NUMBER_LIMIT

SHOWN_LETTERS: Final = 200
_FILE_TOOLS: Final = {
    "Edit": ("Edit", "Editing"),
    "MultiEdit": ("Edit", "Editing"),
    "NotebookEdit": ("Edit", "Editing"),
    "Write": ("Write", "Writing"),
}
_QUIET_TOOLS: Final = {"Read": "file_path", "Grep": "pattern", "Glob": "pattern", "LS": "path"}
"""Logged with this input, but too many to be told as progress."""
_CHECKLIST_TOOLS: Final = frozenset({"TaskCreate", "TaskUpdate", "TaskList", "TaskGet", "TodoWrite"})


@dataclass(frozen=True, slots=True)
class Told:
    """A tool call in words. *progress* is empty where it's not worth a line in the comment."""

    log: str
    progress: str = ""


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


def tell_tool(block: dict[str, Any], root: str) -> Told:
    """Say what a ``tool_use`` block does; paths are shown from the work tree *root*."""
    name, given = text_of(block.get("name")), block.get("input")
    if name in _FILE_TOOLS:
        path = text_of(dig(given, "file_path")) or text_of(dig(given, "notebook_path"))
        path = first_line(path.removeprefix(root + "/"))
        verb, doing = _FILE_TOOLS[name]
        return Told(f"{verb} {path}", f"{doing} {_code(path)}")
    if name in _QUIET_TOOLS:
        what = text_of(dig(given, _QUIET_TOOLS[name])).removeprefix(root + "/")
        return Told(f"{name} {first_line(what)}")
    if name in _CHECKLIST_TOOLS:
        return Told(f"{name} {first_line(text_of(dig(given, 'subject')))}".rstrip())
    if name == "Bash":
        command = first_line(text_of(dig(given, "command")))
        return Told(f"$ {command}", f"Running {_code(command)}")
    return _tell_other(name, given)


def _tell_other(name: str, given: object) -> Told:
    if name in ("Task", "Agent"):
        what = first_line(text_of(dig(given, "description")))
        return Told(f"Sub-agent: {what}", f"Sub-agent: {what}")
    if name.startswith("mcp__"):
        server, _, tool = name.removeprefix("mcp__").partition("__")
        return Told(f"{tool} of {server}", f"Using {_code(first_line(tool))} of {first_line(server)}")
    return Told(f"{first_line(name)}", f"Using {first_line(name)}")


def _code(text: str) -> str:
    return "`" + text.replace("`", "'") + "`"
