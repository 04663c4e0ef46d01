"""Puts a script's tool calls in the words of the agent that asked: a model uses the tools that it is offered. Pure."""

import re
import shlex
from collections.abc import Callable, Collection, Mapping
from typing import Any

from simulators.model.script import Call

Arguments = dict[str, Any]
Wording = Callable[[Mapping[str, Any], str], Arguments]

_PLACE = re.compile(r"(?:[Ww]orking directory: |<cwd>|Workspace Directories:\*\*\\n\s*- )(/[^\s\\<\"]+)")


def working_directory(request: str) -> str:
    """Find the directory that the agent tells the model it works in; empty where it tells none.

    The last that it tells: a session that goes on has told of an earlier one.
    """
    found = _PLACE.findall(request)
    return found[-1].rstrip("/.,") if found else ""


def in_words_of(offered: Collection[str], call: Call, directory: str) -> tuple[str, Arguments]:
    """Give the name and the arguments with which *call* is made of an agent that offers these tools."""
    for name, wording in _WORDINGS.get(call.tool, {}).items():
        if name in offered:
            return name, wording(call.arguments, directory)
    return call.tool, dict(call.arguments)


def _path(given: Mapping[str, Any], directory: str) -> str:
    path = str(given["path"])
    return path if path.startswith("/") or not directory else f"{directory}/{path}"


def _edit(given: Mapping[str, Any], directory: str, path: str, old: str, new: str) -> Arguments:
    return {path: _path(given, directory), old: given["old"], new: given["new"]}


def _patch(given: Mapping[str, Any]) -> Arguments:
    """Give Codex's own form of a change: it has one tool for all of them, and that takes a text."""
    if "text" in given:
        lines = [f"*** Add File: {given['path']}", *(f"+{line}" for line in given["text"].splitlines())]
    else:
        lines = [f"*** Update File: {given['path']}", "@@"]
        lines += [f"-{line}" for line in given["old"].splitlines()]
        lines += [f"+{line}" for line in given["new"].splitlines()]
    return {"input": "\n".join(["*** Begin Patch", *lines, "*** End Patch"])}


def _todos(given: Mapping[str, Any], name: str, **more: str) -> Arguments:
    return {"todos": [{name: title, "status": status, **more} for title, status in given["items"]]}


_WORDINGS: dict[str, dict[str, Wording]] = {
    "run": {
        "Bash": lambda given, _: {"command": given["command"], "description": "Run it"},
        "bash": lambda given, _: {"command": given["command"], "description": "Run it"},
        "run_shell_command": lambda given, _: {"command": given["command"], "description": "Run it"},
        "exec_command": lambda given, _: {"cmd": given["command"]},
    },
    "write": {
        "Write": lambda given, place: {"file_path": _path(given, place), "content": given["text"]},
        "write": lambda given, place: {"filePath": _path(given, place), "content": given["text"]},
        "write_file": lambda given, place: {"file_path": _path(given, place), "content": given["text"]},
        "apply_patch": lambda given, _: _patch(given),
    },
    "read": {
        "Read": lambda given, place: {"file_path": _path(given, place)},
        "read": lambda given, place: {"filePath": _path(given, place)},
        "read_file": lambda given, place: {"file_path": _path(given, place)},
        "exec_command": lambda given, _: {"cmd": f"cat {shlex.quote(given['path'])}"},
    },
    "edit": {
        "Edit": lambda given, place: _edit(given, place, "file_path", "old_string", "new_string"),
        "edit": lambda given, place: _edit(given, place, "filePath", "oldString", "newString"),
        "replace": lambda given, place: (
            {"instruction": "Change it"} | _edit(given, place, "file_path", "old_string", "new_string")
        ),
        "apply_patch": lambda given, _: _patch(given),
    },
    "plan": {
        "TodoWrite": lambda given, _: _todos(given, "content", activeForm="Doing it"),
        "todowrite": lambda given, _: _todos(given, "content", priority="high"),
        "write_todos": lambda given, _: _todos(given, "description"),
        "update_plan": lambda given, _: {"plan": [{"step": step, "status": state} for step, state in given["items"]]},
    },
}
