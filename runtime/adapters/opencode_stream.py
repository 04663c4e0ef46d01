"""Says in words what a tool call of opencode does. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from runtime.adapters.json_values import dig, text_of
from runtime.adapters.telling import Told, calling, changing, delegating, looking, running, using

_QUIET_TOOLS: Final = {"read": "filePath", "grep": "pattern", "glob": "pattern", "list": "path", "skill": "name"}


def tell_tool(name: str, given: object, root: str, servers: Sequence[str]) -> Told:
    """Say what a call did; a tool of one of *servers* is named after it."""
    if name in ("edit", "write"):
        return changing(text_of(dig(given, "filePath")), root, new=name == "write")
    if name in _QUIET_TOOLS:
        return looking(name.capitalize(), text_of(dig(given, _QUIET_TOOLS[name])), root)
    if name == "todowrite":
        return Told("Checklist")
    if name == "bash":
        return running(text_of(dig(given, "command")))
    if name == "task":
        return delegating(text_of(dig(given, "description")))
    server = next((server for server in servers if name.startswith(f"{server}_")), "")
    return calling(server, name.removeprefix(f"{server}_")) if server else using(name)
