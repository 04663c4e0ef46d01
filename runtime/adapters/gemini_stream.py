"""Says in words what a tool call of Gemini CLI does. Pure."""

from __future__ import annotations

from typing import Final

from runtime.adapters.json_values import dig, text_of
from runtime.adapters.telling import Told, calling, changing, delegating, looking, running, using

_QUIET_TOOLS: Final = {
    "read_file": "file_path",
    "list_directory": "dir_path",
    "grep_search": "pattern",
    "glob": "pattern",
    "update_topic": "title",
}


def tell_tool(name: str, given: object, root: str) -> Told:
    """Say what a call does."""
    if name in ("replace", "write_file"):
        return changing(text_of(dig(given, "file_path")), root, new=name == "write_file")
    if name in _QUIET_TOOLS:
        return looking(name.partition("_")[0].capitalize(), text_of(dig(given, _QUIET_TOOLS[name])), root)
    if name == "write_todos":
        return Told("Checklist")
    return _tell_other(name, given)


def _tell_other(name: str, given: object) -> Told:
    if name == "run_shell_command":
        return running(text_of(dig(given, "command")))
    if name == "invoke_agent":
        return delegating(text_of(dig(given, "agent_name")))
    if name.startswith("mcp_"):
        server, _, tool = name.removeprefix("mcp_").partition("_")
        return calling(server, tool)
    return using(name)
