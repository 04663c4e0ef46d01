"""The adapters on what the agents' real programs printed; `make recordings` renews it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.adapters import choose_adapter
from runtime.contract import Event
from tests.adapters.programs import PACKAGES, pinned
from tests.adapters.recording import FOLDER, Recording, replay, sandbox

AGENTS = sorted(PACKAGES)
RECORDED = sorted((path.parent.name, path.stem) for path in FOLDER.glob("*/*.json"))
EDITED = ["Running `exit 3`", "Editing `README.md`", "Writing `new.txt`"]
LOGS = {
    "claude": [
        *("Claude Code started, model claude-opus-5-5", "I look first.", "Read README.md", "TaskCreate One"),
        *("TaskCreate Two", "TaskUpdate", "TaskUpdate", "$ exit 3", "  failed: Exit code 3", "Edit README.md"),
        *("Write new.txt", "Added a file.", "", "It is new."),
    ],
    "codex": [
        *("Codex started, model gpt-5.5", "I look first.", "$ cat README.md", "$ exit 3", "  failed: exit code 3"),
        *("Edit README.md", "Write new.txt", "Added a file.", "", "It is new."),
    ],
    "gemini": [
        *("Gemini CLI started, model gemini-2.5-flash", "I look first.", "Read README.md", "Checklist", "Checklist"),
        *("$ exit 3", "Edit README.md", "Write new.txt", "Added a file.", "", "It is new."),
    ],
    "opencode": [
        *("I look first.", "Read README.md", "Checklist", "Checklist", "$ exit 3", "Edit README.md"),
        *("Write new.txt", "Added a file.", "", "It is new."),
    ],
}
COSTS = {"claude": 0.0171, "codex": 0.0086, "gemini": 0.0046, "opencode": 0.0171}
"""Of 4,150 tokens, 500 of them cached: Claude Code's and opencode's own prices, the order's table for the others."""


@pytest.mark.parametrize(("agent", "case"), RECORDED)
def test_the_recordings_are_of_the_pinned_versions(agent: str, case: str) -> None:
    """Whoever moves a pin records anew."""
    assert Recording.load(agent, case).version == pinned(agent)


@pytest.mark.parametrize("agent", AGENTS)
def test_tells_the_work(agent: str, tmp_path: Path) -> None:
    """The log reads like a report, the current line has what changes something, and the sums are right."""
    told = replay(agent, "work", tmp_path)

    assert told.log == LOGS[agent]
    assert [line for line in told.progress if line != "Running `cat README.md`"] == EDITED
    assert told.result.ok
    assert told.result.summary == "Added a file.\n\nIt is new."
    assert (told.result.tokens, told.result.cost_usd) == (4150, COSTS[agent])
    assert told.result.turns == {"claude": 8, "codex": 5}.get(agent, 7)
    assert told.result.session


@pytest.mark.parametrize("names", [("1", "2"), ("2", "1")], ids="-".join)
def test_gemini_goes_on_in_a_second_file(names: tuple[str, str], tmp_path: Path) -> None:
    """Resumed, it begins a file that holds no call, and writes to another one of the session; both are looked at."""
    recording = Recording.load("gemini", "work")
    place = sandbox("gemini", tmp_path, {})
    folder = (place.home / recording.session_file).parent
    folder.mkdir(parents=True)
    begun, written = (folder / f"session-{name}-{recording.session_file[-14:]}" for name in names)
    adapter = choose_adapter(place)
    for from_stderr, line in recording.lines[:-1]:
        list(adapter.read(line, from_stderr=from_stderr))
    begun.write_text("{}\n", "utf-8")
    list(adapter.read(recording.lines[-1][1], from_stderr=False))
    written.write_text("\n".join([*recording.session, ""]), "utf-8")

    assert (adapter.result(0).tokens, adapter.transcript()) == (4150, written)


@pytest.mark.parametrize("agent", [agent for agent in AGENTS if agent != "codex"])
def test_tells_the_checklist(agent: str, tmp_path: Path) -> None:
    """As the agent has it, whichever tools it uses for that."""
    told = replay(agent, "work", tmp_path)

    assert told.lists[-2:] == [(("One", "active"), ("Two", "pending")), (("One", "done"), ("Two", "pending"))]


@pytest.mark.parametrize("agent", [agent for agent in AGENTS if agent != "codex"])
def test_tells_a_busy_model(agent: str, tmp_path: Path) -> None:
    """What failed, and which of how many tries; Codex's first try anew is told by nobody."""
    told = replay(agent, "busy", tmp_path)

    assert [line.rpartition(", ")[2] for line in told.progress] == ["retry 1 of 4"]
    assert (told.result.ok, told.result.summary) == (True, "Done.")


@pytest.mark.parametrize("agent", AGENTS)
def test_tells_a_refused_key(agent: str, tmp_path: Path) -> None:
    """The failure is the operator's to mend, and the API's sentence is there."""
    result = replay(agent, "refused", tmp_path).result

    assert (result.ok, result.failure) == (False, "credentials")
    assert "401" in result.detail
    assert "no such key" in result.detail


@pytest.mark.parametrize("agent", ["claude", "opencode"])
def test_tells_a_sub_agent(agent: str, tmp_path: Path) -> None:
    """Its task is the current line, and its words are not taken for the agent's own."""
    told = replay(agent, "delegated", tmp_path)

    assert "Sub-agent: Count the files" in told.progress
    assert told.result.summary == "My helper counted: one."


def test_counts_the_sub_agents_tokens(tmp_path: Path) -> None:
    """Claude Code's result has them; a turn of the sub-agent's is none of the agent's."""
    result = replay("claude", "delegated", tmp_path).result

    assert (result.tokens, result.turns, result.cost_usd) == (4200, 2, 0.02)


@pytest.mark.parametrize("agent", [agent for agent in AGENTS if agent != "claude"])
@pytest.mark.parametrize(("limit", "failure"), [({"max_turns": 2}, "turns"), ({"budget_usd": 0.001}, "budget")])
def test_wants_the_agent_ended_at_a_limit(agent: str, limit: dict[str, Any], failure: str, tmp_path: Path) -> None:
    """Where the agent keeps to none itself, the adapter says when it is enough."""
    recording = Recording.load(agent, "work")
    place = sandbox(agent, tmp_path, {}, **limit)
    adapter = choose_adapter(place)
    session = place.home / recording.session_file
    if recording.session_file:
        session.parent.mkdir(parents=True)
        session.write_text("\n".join([*recording.session, ""]), "utf-8")

    lines = iter(recording.lines)
    while not adapter.exhausted:
        from_stderr, line = next(lines)
        list(adapter.read(line, from_stderr=from_stderr))

    assert adapter.result(-15).failure == failure


@pytest.mark.parametrize("agent", AGENTS)
def test_a_killed_agent_is_no_success(agent: str, tmp_path: Path) -> None:
    """However far it had come; what it used is told all the same."""
    recording = Recording.load(agent, "work")
    adapter = choose_adapter(sandbox(agent, tmp_path, {}))
    for from_stderr, line in recording.lines[: len(recording.lines) // 2]:
        list(adapter.read(line, from_stderr=from_stderr))

    result = adapter.result(-9)

    assert (result.ok, result.failure) == (False, "agent")
    assert "code -9" in result.detail


@pytest.mark.parametrize("agent", AGENTS)
def test_bears_a_line_of_ten_mebibytes(agent: str, tmp_path: Path) -> None:
    """Whole or broken, as JSON or not, it is one line of many."""
    adapter = choose_adapter(sandbox(agent, tmp_path, {}))
    huge = "x" * (10 * 1024 * 1024)

    for line in (json.dumps({"type": "text", "part": {"text": huge}}), '{"type": "' + huge, "[" * (1024 * 1024)):
        list(adapter.read(line, from_stderr=False))

    assert len(adapter.result(1).detail) < 2_000


_KEYS = st.sampled_from(
    [
        "type",
        "subtype",
        "message",
        "content",
        "id",
        "item",
        "part",
        "state",
        "input",
        "tool",
        "tokens",
        "usage",
        "error",
        *("parameters", "tool_name", "todos", "changes", "items", "status", "data", "reason", "cost", "cache", "text"),
    ]
)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=8,
)
_TYPES = st.sampled_from(
    [
        "thread.started",
        "item.started",
        "item.completed",
        "error",
        "turn.failed",
        "turn.completed",
        "init",
        "message",
        "tool_use",
        "tool_result",
        "result",
        "step_start",
        "text",
        "step_finish",
        "system",
        "assistant",
        "user",
    ]
)
_ITEMS = st.sampled_from(["command_execution", "file_change", "mcp_tool_call", "todo_list", "agent_message", "error"])


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(agent=st.sampled_from(AGENTS), kind=_TYPES, item=_ITEMS, message=st.dictionaries(_KEYS, _JSON, max_size=5))
def test_survives_any_stream(agent: str, kind: str, item: str, message: dict[str, Any]) -> None:
    """Whatever JSON comes, reading and judging it raises nothing and yields texts and events."""
    adapter = choose_adapter(sandbox(agent, Path("/nowhere"), {}))
    content = message.get("item")
    if isinstance(content, dict):
        message["item"] = content | {"type": item}

    shown = list(adapter.read(json.dumps(message | {"type": kind}), from_stderr=False))

    assert all(isinstance(one, str | Event) for one in shown)
    assert adapter.result(0).cost_usd >= 0
