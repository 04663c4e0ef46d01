"""Says in words what an agent does, for the log and for the one current line. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.adapters.json_values import first_line


@dataclass(frozen=True, slots=True)
class Told:
    """A tool call in words. *progress* is empty where it's not worth a line in the comment."""

    log: str
    progress: str = ""


def changing(path: str, root: str, *, new: bool = False) -> Told:
    """Say that a file is edited, or written anew; the path is shown from the work tree *root*."""
    shown = inside(path, root)
    return (
        Told(f"Write {shown}", f"Writing {as_code(shown)}")
        if new
        else Told(f"Edit {shown}", f"Editing {as_code(shown)}")
    )


def looking(verb: str, what: str, root: str) -> Told:
    """Say that something is read or searched: for the log alone, there are too many of these."""
    return Told(f"{verb} {inside(what, root)}".rstrip())


def running(command: str) -> Told:
    """Say that a command runs."""
    shown = first_line(command)
    return Told(f"$ {shown}", f"Running {as_code(shown)}")


def delegating(task: str) -> Told:
    """Say that a sub-agent works."""
    words = f"Sub-agent: {first_line(task)}"
    return Told(words, words)


def calling(server: str, tool: str) -> Told:
    """Say that a tool of an MCP server is used."""
    return Told(
        f"{first_line(tool)} of {first_line(server)}", f"Using {as_code(first_line(tool))} of {first_line(server)}"
    )


def using(tool: str) -> Told:
    """Say that some other tool is used."""
    return Told(first_line(tool), f"Using {first_line(tool)}")


def inside(path: str, root: str) -> str:
    """Give a path as it is seen from the work tree."""
    return first_line(path.removeprefix(root + "/"))


def as_code(text: str) -> str:
    """Give Markdown's code span, whatever is in the text."""
    return "`" + text.replace("`", "'") + "`"
