"""Says in words what an item of Codex's stream does. Pure."""

from __future__ import annotations

from typing import Final

from runtime.adapters.json_values import blocks, dig, text_of
from runtime.adapters.telling import Told, calling, changing, running, using

_SHELL: Final = "bash -c "


def tell_item(item: object, root: str, *, begins: bool) -> Told | None:
    """Say what begins, or what has gone wrong at the end; None where there is nothing to say."""
    match dig(item, "type"):
        case "command_execution":
            if begins:
                return running(_command(text_of(dig(item, "command"))))
            code = dig(item, "exit_code")
            return Told(f"  failed: exit code {code}") if isinstance(code, int) and code else None
        case "file_change" if not begins:
            changes = blocks(dig(item, "changes"))
            path, kind = (text_of(changes[0].get(name)) for name in ("path", "kind")) if changes else ("", "")
            return changing(path, root, new=kind == "add")
        case "mcp_tool_call" if begins:
            return calling(text_of(dig(item, "server")), text_of(dig(item, "tool")))
        case "web_search" if begins:
            return using("web search")
    return None


def _command(command: str) -> str:
    """Leave out the shell that the command is wrapped in."""
    _, found, inner = command.partition(_SHELL)
    return inner.strip("'\"") if found else command
