"""Says in words what a tool call of Claude Code does. Pure."""

from __future__ import annotations

from typing import Any, Final

from runtime.adapters.json_values import dig, first_line, text_of
from runtime.adapters.telling import Told, calling, changing, delegating, looking, running, using

_FILE_TOOLS: Final = frozenset({"Edit", "MultiEdit", "NotebookEdit", "Write"})
_QUIET_TOOLS: Final = {"Read": "file_path", "Grep": "pattern", "Glob": "pattern", "LS": "path"}
"""Logged with this input, but too many to be told as progress."""
_CHECKLIST_TOOLS: Final = frozenset({"TaskCreate", "TaskUpdate", "TaskList", "TaskGet", "TodoWrite", "ToolSearch"})


def tell_tool(block: dict[str, Any], root: str) -> Told:
    """Say what a ``tool_use`` block does; paths are shown from the work tree *root*."""
    name, given = text_of(block.get("name")), block.get("input")
    if name in _FILE_TOOLS:
        path = text_of(dig(given, "file_path")) or text_of(dig(given, "notebook_path"))
        return changing(path, root, new=name == "Write")
    if name in _QUIET_TOOLS:
        return looking(name, text_of(dig(given, _QUIET_TOOLS[name])), root)
    if name in _CHECKLIST_TOOLS:
        return Told(f"{name} {first_line(text_of(dig(given, 'subject')))}".rstrip())
    return _tell_other(name, given)


def _tell_other(name: str, given: object) -> Told:
    if name == "Bash":
        return running(text_of(dig(given, "command")))
    if name in ("Task", "Agent"):
        return delegating(text_of(dig(given, "description")))
    if name.startswith("mcp__"):
        server, _, tool = name.removeprefix("mcp__").partition("__")
        return calling(server, tool)
    return using(name)
