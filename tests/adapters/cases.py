"""What is recorded of every agent: a case's name to the model's turns, by which the agent's real program is led."""

from __future__ import annotations

from simulators.model.script import Call, Turn, Usage

SOON = {"retry-after-ms": "20", "retry-after": "0"}


def cases(agent: str) -> dict[str, tuple[Turn, ...]]:
    """Give the cases of *agent*."""
    work = (
        Turn(text="I look first.", calls=(Call("read", {"path": "README.md"}),), usage=Usage(1000, 50)),
        *(Turn(calls=calls, usage=Usage(0, 0)) for calls in planning(agent)),
        Turn(calls=(Call("run", {"command": "exit 3"}),), usage=Usage(2000, 70, cached=500)),
        Turn(calls=(Call("edit", {"path": "README.md", "old": "hello", "new": "good day"}),), usage=Usage(0, 0)),
        Turn(calls=(Call("write", {"path": "new.txt", "text": "new\n"}),), usage=Usage(0, 0)),
        Turn(text="Added a file.\n\nIt is new.", usage=Usage(1000, 30)),
    )
    busy = (Turn(status=529, message="busy", headers=SOON), Turn(text="Done."))
    refused = (Turn(status=401, message="no such key", times=9, headers=SOON),)
    found = {"work": work, "busy": busy, "refused": refused}
    if calls := delegating(agent):
        found["delegated"] = (
            Turn(calls=calls),
            Turn(calls=(Call("run", {"command": "ls"}),)),
            Turn(text="There is one file."),
            Turn(text="My helper counted: one."),
        )
    return found


def planning(agent: str) -> list[tuple[Call, ...]]:
    """Give the calls by which an agent plans two things and does the first; none for Codex, which has no such tool."""
    states = ("in_progress", "completed")
    match agent:
        case "codex":
            return []
        case "claude":
            create = tuple(Call("TaskCreate", {"subject": title, "description": title}) for title in ("One", "Two"))
            return [create, *((Call("TaskUpdate", {"taskId": "1", "status": state}),) for state in states)]
        case _:
            return [(Call("plan", {"items": [["One", state], ["Two", "pending"]]}),) for state in states]


def delegating(agent: str) -> tuple[Call, ...]:
    """Give the call that lets a sub-agent work, where the agent has one."""
    task = {"description": "Count the files", "prompt": "Count the files."}
    kinds = {"claude": ("Agent", "general-purpose"), "opencode": ("task", "general")}
    if agent not in kinds:
        return ()
    tool, kind = kinds[agent]
    return (Call(tool, task | {"subagent_type": kind}),)
