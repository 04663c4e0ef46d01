"""What the model says in `ablehand demo --scripted`: the seeded task, for the real program of any agent."""

from __future__ import annotations

from typing import Final

from demo.agent import BEFORE_TEST, ENDPOINT, FOLLOW_UP, OLD_ROUTES, PLAN, TEST
from simulators.model.script import Call, Turn

KEY: Final = "no-key-is-needed-here"
MODELS: Final = {
    "claude": "claude-opus-5-5",
    "codex": "gpt-5.5",
    "gemini": "gemini-2.5-flash",
    "opencode": "anthropic/claude-opus-5-5",
}
_SUMMARY: Final = """Added `GET /health`, which answers `200 OK`, and a test for it.

The tests pass: `python3 -m unittest`."""


def variables(agent: str, url: str) -> dict[str, str]:
    """Give what points *agent* to the simulated model at *url*."""
    match agent:
        case "codex":
            return {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": KEY}
        case "gemini":
            return {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": KEY}
        case _:
            return {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": KEY}


def turns(agent: str) -> tuple[Turn, ...]:
    """Give the model's turns, each on its own request: the task, and what the review asks for."""
    return (*_first_act(agent), *_second_act())


def _first_act(agent: str) -> tuple[Turn, ...]:
    code, tests = {"path": "server.py"}, {"path": "test_server.py"}
    steps = (
        Turn(text="I read the code first.", calls=(*_plan(agent, 0), Call("read", code))),
        Turn(calls=(*_plan(agent, 1), Call("edit", code | {"old": OLD_ROUTES, "new": ENDPOINT}))),
        Turn(calls=(Call("read", tests),)),
        Turn(calls=(*_plan(agent, 2), Call("edit", tests | {"old": BEFORE_TEST, "new": TEST + BEFORE_TEST}))),
        Turn(calls=(*_plan(agent, 3), Call("run", {"command": "python3 -m unittest"}))),
        Turn(calls=_plan(agent, 4)),
    )
    return (*(step for step in steps if step.calls), Turn(text=_SUMMARY))


def _second_act() -> tuple[Turn, ...]:
    steps = [Turn(text="I change the answer and its test.", calls=(Call("read", {"path": "server.py"}),))]
    for path, line in (
        ("server.py", "    return 200, {}"),
        ("test_server.py", '        self.assertEqual((200, {}), self.get("/health"))'),
    ):
        old, new = line.format('"OK\\n"'), line.format(f"'{FOLLOW_UP}\\n'")
        steps += [
            Turn(calls=(Call("read", {"path": path}),)),
            Turn(calls=(Call("edit", {"path": path, "old": old, "new": new}),)),
        ]
    tested = Turn(calls=(Call("run", {"command": "python3 -m unittest"}),))
    return (*steps, tested, Turn(text="`/health` answers with a JSON object now, and its test expects that."))


def _plan(agent: str, done: int) -> tuple[Call, ...]:
    """Give the calls that tell how far the plan is; Codex has no tool for that."""
    states = [
        "completed" if place < done else "in_progress" if place == done else "pending" for place in range(len(PLAN))
    ]
    match agent:
        case "codex":
            return ()
        case "claude":
            first = tuple(Call("TaskCreate", {"subject": title, "description": title}) for title in PLAN)
            changed = [(place, state) for place, state in enumerate(states) if done - 1 <= place <= done]
            updates = (Call("TaskUpdate", {"taskId": f"{place + 1}", "status": state}) for place, state in changed)
            return first if done == 0 else tuple(updates)
        case _:
            return (Call("plan", {"items": [list(item) for item in zip(PLAN, states, strict=True)]}),)
