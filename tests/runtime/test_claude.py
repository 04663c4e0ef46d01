"""The adapter for Claude Code against a stand-in that plays the streams that were recorded as traps."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.adapters.claude import ClaudeAdapter
from runtime.console import Console
from runtime.contract import Event, Order
from runtime.mcp import ANSWER_SECONDS
from runtime.sandbox import Sandbox
from tests.runtime.conftest import Project, StepRun

INIT = {"type": "system", "subtype": "init", "session_id": "s-1", "model": "claude-opus-5-5", "mcp_servers": []}


def assistant(identity: str, *content: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Give an ``assistant`` line."""
    return {"type": "assistant", "message": {"id": identity, "content": list(content)}, **more}


def text(words: str) -> dict[str, Any]:
    """Give a text block."""
    return {"type": "text", "text": words}


def tool(name: str, identity: str = "t", **given_: Any) -> dict[str, Any]:
    """Give a ``tool_use`` block."""
    return {"type": "tool_use", "id": identity, "name": name, "input": given_}


def answer(identity: str, result: Any = None, **more: Any) -> dict[str, Any]:
    """Give the ``user`` line that answers a tool call."""
    block = {"type": "tool_result", "tool_use_id": identity, **more}
    return {"type": "user", "message": {"content": [block]}, "tool_use_result": result}


def outcome(**values: Any) -> dict[str, Any]:
    """Give a ``result`` line of a good run, with changes."""
    used = {"claude-opus-5-5": {"inputTokens": 1000, "outputTokens": 50, "costUSD": 0.05}}
    line = {"type": "result", "subtype": "success", "is_error": False, "num_turns": 2, "total_cost_usd": 0.3}
    return line | {"result": "Added it.", "session_id": "s-1", "model_usage_since_last_result": used} | values


class Played:
    """A prepared project in which ``claude`` is the stand-in."""

    def __init__(self, project: Project) -> None:
        self.project = project
        project.change(agent="claude")
        project.succeed("prepare")
        self.script = project.folder / "script.json"
        programs = project.folder / "bin"
        programs.mkdir()
        stand_in = programs / "claude"
        stand_in.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("fake_claude.py")} "$@"\n')
        stand_in.chmod(0o755)
        self.path = f"{programs}:{os.environ['PATH']}"

    def play(self, *steps: Any, **variables: str) -> StepRun:
        """Run the agent step with these steps as Claude Code's."""
        self.script.write_text(json.dumps(steps))
        return self.project.run("agent", variables | {"PATH": self.path, "CLAUDE_FAKE_SCRIPT": str(self.script)})

    @property
    def call(self) -> dict[str, Any]:
        """How the stand-in was called."""
        called: dict[str, Any] = json.loads(self.script.with_suffix(".call").read_text())
        return called


@pytest.fixture
def claude(project: Project) -> Played:
    """Prepare a project for the stand-in."""
    return Played(project)


def test_calls_it_without_the_repositorys_settings(claude: Played) -> None:
    """User settings only, no hooks, our MCP file only, the default branch's instructions, words of ours first."""
    claude.project.change(model="opus", budget_usd=1.5, max_turns=40, prompt="/clear")

    run = claude.play(INIT, outcome(), ANTHROPIC_API_KEY="sk-ant-canary", ABLEHAND_GIT_TOKEN="glpat-canary")

    line = " ".join(claude.call["arguments"])
    instructions = claude.project.workspace / "instructions" / "CLAUDE.md"
    for words in (
        "-p --output-format stream-json --verbose",
        "--setting-sources user",
        '"disableAllHooks":true',
        "--strict-mcp-config",
        f"--append-system-prompt-file {instructions}",
        "--model opus --max-turns 40 --max-budget-usd 1.5",
    ):
        assert words in line
    assert "--mcp-config" not in claude.call["arguments"]
    assert claude.call["environ"]["ANTHROPIC_API_KEY"] == "sk-ant-canary"
    assert "glpat-canary" not in json.dumps(claude.call)
    assert claude.call["environ"].get("IS_SANDBOX") == ("1" if os.geteuid() == 0 else None)
    assert claude.call["stdin"].startswith("Work on the task")
    assert claude.call["stdin"].endswith("/clear")
    assert run.result.ok


def test_a_server_that_is_not_there_in_time_is_told(claude: Played) -> None:
    """It is waited for as long as we waited; what Claude Code begins without is in the comment."""
    states = {"quick": "connected", "broken": "failed", "slow": "pending"}
    servers = [{"name": name, "status": status} for name, status in states.items()]

    run = claude.play(INIT | {"mcp_servers": servers}, outcome())

    told = [event.text for event in run.events if event.kind == "notice"]
    assert claude.call["environ"]["MCP_TIMEOUT"] == f"{ANSWER_SECONDS * 1000:.0f}"
    assert told == [
        "MCP server broken is not there when Claude Code begins: failed",
        "MCP server slow is not there when Claude Code begins: pending",
    ]


def test_shows_what_it_does(claude: Played) -> None:
    """The log reads like a report; progress has the file or the command; the checklist is the agent's own."""
    repo = str(claude.project.repo)
    run = claude.play(
        INIT,
        assistant("m1", text("I will edit.")),
        assistant("m1", tool("Edit", file_path=f"{repo}/server.go")),
        assistant("m2", tool("Bash", command="go test ./... `x`\nrm y"), tool("Read", file_path=f"{repo}/a.go")),
        answer("t", is_error=True, content=[text("exit 1\nmore")]),
        assistant("m3", tool("TaskCreate", "c1", subject="Write it"), tool("TaskCreate", "c2", subject="Test it")),
        answer("c1", {"task": {"id": "1", "subject": "Write it"}}),
        answer("c2", {"task": {"id": "2"}}),
        assistant("m4", tool("TaskUpdate", taskId="1", status="completed")),
        assistant("m4", tool("TaskUpdate", taskId="2", status="in_progress")),
        assistant("m9", tool("Grep", pattern="x"), parent_tool_use_id="t"),
        {"type": "system", "subtype": "api_retry", "attempt": 2, "max_retries": 4, "error": "overloaded"},
        ["write", "server.go", "package main // health\n"],
        outcome(),
    )

    log = [line for line in run.log.splitlines() if not line.startswith("@")]
    assert log == [
        "Claude Code started, model claude-opus-5-5",
        "I will edit.",
        "Edit server.go",
        "$ go test ./... `x`",
        "Read a.go",
        "  failed: exit 1",
        "TaskCreate Write it",
        "TaskCreate Test it",
        "TaskUpdate",
        "TaskUpdate",
        "  Grep x",
        "Model API: overloaded, retry 2 of 4",
    ]
    progress = [(event.text, event.turns) for event in run.events if event.kind == "progress"]
    assert progress == [
        ("Editing `server.go`", 1),
        ("Running `go test ./... 'x'`", 2),
        ("Model API: overloaded, retry 2 of 4", 4),
    ]
    lists = [event.items for event in run.events if event.kind == "checklist"]
    assert lists[0] == (("Write it", "pending"),)
    assert lists[-1] == (("Write it", "done"), ("Test it", "active"))
    assert (run.result.summary, run.result.session, run.result.turns) == ("Added it.", "s-1", 4)
    assert (claude.project.handover / "change.bundle").exists()


def test_follows_the_older_todo_list(claude: Played) -> None:
    """TodoWrite gives the whole list each time."""
    todos = [{"content": "One", "status": "completed"}, {"content": "Two", "status": "odd"}, "junk"]

    run = claude.play(INIT, assistant("m", tool("TodoWrite", todos=todos)), outcome())

    assert [event.items for event in run.events if event.kind == "checklist"] == [(("One", "done"), ("Two", "pending"))]


def test_adds_up_several_results(claude: Played) -> None:
    """Cost and tokens of this run are the sum; the text is the last one's; a session's earlier costs don't count."""
    run = claude.play(INIT, outcome(result="First."), INIT, assistant("m", text("more")), outcome(result="Last."))

    assert (run.result.cost_usd, run.result.tokens, run.result.summary) == (0.1, 2100, "Last.")


def test_counts_written_tokens_where_no_result_came(claude: Played) -> None:
    """A run that was ended still says what it used, from the stream's deltas."""
    delta = {"type": "stream_event", "event": {"type": "message_delta", "usage": {"output_tokens": 82}}}

    run = claude.play(INIT, delta, delta, ["exit", 143])

    assert (run.result.failure, run.result.tokens) == ("agent", 164)


@pytest.mark.parametrize(
    ("steps", "failure", "detail"),
    [
        pytest.param(
            [outcome(is_error=True, api_error_status=401, result="Invalid API key · Fix external API key")],
            "credentials",
            "claude ended with code 0, model API status 401: Invalid API key · Fix external API key",
            id="error-called-success",
        ),
        pytest.param(
            [outcome(subtype="error_max_budget_usd", is_error=True, result=None), ["exit", 1]],
            "budget",
            "stopped at $0.05 of $0.02",
            id="budget",
        ),
        pytest.param(
            [outcome(subtype="error_max_turns", is_error=True, result=None, errors=["max turns", 7]), ["exit", 1]],
            "turns",
            "stopped after 2 of 5 turns",
            id="turns",
        ),
        pytest.param(
            [["stderr", "error: unknown option"], ["exit", 1]],
            "agent",
            "claude ended with code 1: error: unknown option",
            id="flag",
        ),
        pytest.param([INIT], "agent", "claude ended with code 0: it gave no result", id="no-result"),
        pytest.param([outcome(), ["exit", 1]], "agent", "claude ended with code 1: Added it.", id="code-beats-result"),
        pytest.param(
            [{"type": "result", "subtype": "success"}],
            "agent",
            "claude ended with code 0: it gave no result",
            id="vague",
        ),
    ],
)
def test_knows_failures(claude: Played, steps: list[Any], failure: str, detail: str) -> None:
    """``is_error`` and the exit code decide, never ``subtype``."""
    claude.project.change(budget_usd=0.02, max_turns=5)

    run = claude.play(*steps)

    assert (run.result.ok, run.result.failure, run.result.detail) == (False, failure, detail)


def test_keeps_the_result_of_a_run_that_hangs_after_it(claude: Played) -> None:
    """The process is ended, the result counts, and so does the work tree."""
    shorter = (
        "import sys, runtime.agent as a; a.LINGER_SECONDS = 0.5; from runtime.__main__ import main; sys.exit(main())"
    )
    claude.project.program = [sys.executable, "-c", shorter]

    run = claude.play(INIT, ["write", "new.txt", "new"], outcome(), ["sleep", 300])

    assert (run.result.ok, run.result.summary, run.result.cost_usd) == (True, "Added it.", 0.05)
    assert (claude.project.handover / "change.bundle").exists()


def test_a_line_of_ten_mebibytes_does_no_harm(claude: Played) -> None:
    """It is read as a whole, and little of it is in the log; one that is longer is cut and passed over."""
    huge = answer("t", is_error=True, content="x" * (10 * 1024 * 1024))

    run = claude.play(INIT, huge, "{" + "y" * (17 * 1024 * 1024), outcome())

    assert (run.result.ok, run.result.summary) == (True, "Added it.")
    assert len(run.log) < 100_000
    assert any(line.startswith("  failed: xxx") for line in run.log.splitlines())


def test_ends_a_run_that_never_begins(claude: Played) -> None:
    """No line within the time for the first: its own failure, long before the idle limit."""
    claude.project.change(first_event_seconds=1)

    run = claude.play(["stderr", "still trying"], ["sleep", 300])

    assert (run.result.failure, run.result.detail) == ("unbegun", "the agent did not begin within 1 s")


def test_says_when_it_is_not_installed(project: Project) -> None:
    """No ``claude`` on the path is its own failure."""
    project.change(agent="claude")
    project.succeed("prepare")
    (project.folder / "git-only").mkdir()

    run = project.run("agent", {"PATH": str(project.folder / "git-only")})

    assert (run.result.failure, run.result.detail) == (
        "agent-missing",
        "claude can't be started: No such file or directory",
    )


_KEYS = st.sampled_from(
    ["type", "subtype", "message", "content", "id", "input", "name", "usage", "event", "result", "todos", "task"]
)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=5,
)
_TYPES = st.sampled_from(["system", "assistant", "user", "stream_event", "result"])


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=_TYPES, message=st.dictionaries(_KEYS, _JSON, max_size=4), subtype=st.sampled_from(["init", "api_retry", []])
)
def test_survives_any_stream(kind: str, message: dict[str, Any], subtype: object) -> None:
    """Whatever JSON comes, reading and judging it raises nothing and yields texts and events."""
    order = Order(
        task_id=1,
        clone_url="http://h/x",
        default_branch="main",
        base_branch="main",
        base_commit="1" * 40,
        push_branch="agent/1",
        commit_message="m",
        author_name="a",
        author_email="e",
        commit_time=1,
        prompt="p",
    )
    console = Console(io.BytesIO())
    place = Path("/nowhere")
    adapter = ClaudeAdapter(Sandbox(order=order, workspace=place, handover=place, console=console, environ={}))
    line = json.dumps(message | {"type": kind, "subtype": subtype})

    shown = list(adapter.read(line, from_stderr=False))

    assert all(isinstance(one, str | Event) for one in shown)
    assert adapter.result(0).session
