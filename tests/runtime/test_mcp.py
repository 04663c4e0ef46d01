"""MCP servers: who may bring them, who has their credentials, and what happens when one does not start."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from runtime.adapters.codex import CodexAdapter
from runtime.adapters.opencode import OpencodeAdapter
from runtime.console import Console
from runtime.mcp import ANSWER_SECONDS, McpProblem, McpServer, mcp_servers, read_server
from runtime.mcp_check import list_tools
from runtime.sandbox import Sandbox
from tests.runtime.conftest import FILES, Project, git
from tests.runtime.real_servers import coda_server, gitlab_server
from tests.runtime.test_claude import INIT, Played, outcome

CANARY = "mcp-canary-0123456789"
FAKE = (sys.executable, str(Path(__file__).with_name("fake_mcp.py")))


def described(manner: str, **more: Any) -> dict[str, Any]:
    """Describe the stand-in as ``.mcp.json`` does."""
    return {"command": FAKE[0], "args": [FAKE[1], manner]} | more


@pytest.fixture
def sandbox(project: Project) -> Sandbox:
    """Give a sandbox whose step has one variable for MCP servers and one for the agent."""
    for folder in ("home", "tmp", "instructions"):
        (project.workspace / folder).mkdir(parents=True)
    environ = {
        "PATH": os.environ["PATH"],
        "ABLEHAND_MCP_VARIABLES": "TRACKER_TOKEN",
        "ABLEHAND_TOOL_VARIABLES": "JAVA_HOME",
        "TRACKER_TOKEN": CANARY,
        "ANTHROPIC_API_KEY": "sk-canary",
        "JAVA_HOME": "/java",
    }
    return Sandbox(
        order=project.order,
        workspace=project.workspace,
        handover=project.handover,
        console=Console(io.BytesIO()),
        environ=environ,
    )


def of_project(sandbox: Sandbox, text: str, **order: Any) -> tuple[McpServer, ...]:
    """Give the servers where the default branch has *text* as its ``.mcp.json``."""
    (sandbox.instructions / ".mcp.json").write_text(text)
    return mcp_servers(replace(sandbox, order=replace(sandbox.order, **order)))


def test_every_agent_waits_for_a_server_as_long_as_we_do(sandbox: Sandbox) -> None:
    """Their own patience is shorter, and what is not there by then they work without, without a word."""
    git("init", "-q", str(sandbox.repo), at=sandbox.workspace)
    servers = [McpServer(name="near", command=("near",)), McpServer(name="far", url="http://127.0.0.1:9/mcp")]

    CodexAdapter(sandbox, servers).prepare()
    OpencodeAdapter(sandbox, servers).prepare()

    codex = tomllib.loads((sandbox.home / ".codex" / "config.toml").read_text())["mcp_servers"]
    opencode = json.loads((sandbox.home / "opencode.json").read_text())["mcp"]
    assert [codex[name]["startup_timeout_sec"] for name in ("near", "far")] == [ANSWER_SECONDS, ANSWER_SECONDS]
    assert [opencode[name]["timeout"] for name in ("near", "far")] == [ANSWER_SECONDS * 1000, ANSWER_SECONDS * 1000]


def test_the_operators_servers_get_their_credentials(sandbox: Sandbox) -> None:
    """From variables of the step; a URL's go into its headers."""
    servers = {
        "tracker": described("plain", env={"TOKEN": "Bearer ${TRACKER_TOKEN}", "PLAIN": "$TRACKER_TOKEN"}),
        "docs": {"url": "https://docs.example/mcp", "headers": {"Authorization": "Bearer ${TRACKER_TOKEN}"}},
    }

    assert of_project(sandbox, "", mcp_servers=servers) == (
        McpServer(
            name="tracker",
            command=(*FAKE, "plain"),
            environment={"TOKEN": f"Bearer {CANARY}", "PLAIN": "$TRACKER_TOKEN"},
        ),
        McpServer(name="docs", url="https://docs.example/mcp", headers={"Authorization": f"Bearer {CANARY}"}),
    )


@pytest.mark.parametrize("allowed", [True, False])
def test_a_projects_servers_need_the_operators_consent(sandbox: Sandbox, allowed: bool) -> None:  # noqa: FBT001
    """Where they are allowed, the operator's come first, also under the same name."""
    project = json.dumps({"mcpServers": {"tracker": described("evil"), "own": described("plain")}})
    servers = {"tracker": described("plain")}

    found = of_project(sandbox, project, mcp_servers=servers, project_mcp=allowed)

    assert [(server.name, server.command[-1]) for server in found] == [
        ("tracker", "plain"),
        *([("own", "plain")] if allowed else []),
    ]


@pytest.mark.parametrize("name", ["TRACKER_TOKEN", "ANTHROPIC_API_KEY", "ABLEHAND_MCP_VARIABLES"])
def test_a_projects_servers_can_name_no_credential(sandbox: Sandbox, name: str) -> None:
    """They have what agent-setup.sh has."""
    project = json.dumps({"mcpServers": {"own": described("plain", env={"X": f"${{{name}}}"})}})

    assert of_project(sandbox, project, project_mcp=True) == ()
    assert of_project(sandbox, project.replace(name, "JAVA_HOME"), project_mcp=True)[0].environment == {"X": "/java"}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"mcpServers": []}', "[" * 100_000])
def test_a_broken_file_brings_no_server(sandbox: Sandbox, text: str) -> None:
    """Nor does it fail the run."""
    assert of_project(sandbox, text, project_mcp=True) == ()


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("a b", {"command": "x"}),
        ("", {"command": "x"}),
        ("a", []),
        ("a", {}),
        ("a", {"command": "x", "url": "https://x"}),
        ("a", {"url": "file:///etc/passwd"}),
        ("a", {"command": "x", "args": "y"}),
        ("a", {"command": "x", "args": [1]}),
        ("a", {"command": "x", "env": []}),
        ("a", {"command": "x", "env": {"A": 1}}),
        ("a", {"command": "x", "env": {"A": "${B}"}}),
        ("a", {"command": ["x"]}),
    ],
)
def test_what_is_no_server_is_refused(name: str, given: object) -> None:
    """With a sentence."""
    with pytest.raises(McpProblem):
        read_server(name, given, {})


@pytest.mark.parametrize("manner", ["plain", "noisy"])
def test_a_server_lists_its_tools(sandbox: Sandbox, manner: str) -> None:
    """Whatever else it prints."""
    assert list_tools(sandbox, McpServer(name="a", command=(*FAKE, manner))) == ["read", "write"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        pytest.param((*FAKE, "exits"), "ended without an answer", id="exits"),
        pytest.param((*FAKE, "refuses"), "refuses to work", id="refuses"),
        pytest.param((*FAKE, "silent"), "did not answer in time", id="silent"),
        pytest.param((*FAKE, "floods"), "ended without an answer", id="floods"),
        pytest.param(("/nowhere/server",), "can't be started", id="missing"),
    ],
)
def test_a_server_that_does_not_work_is_named(sandbox: Sandbox, command: tuple[str, ...], words: str) -> None:
    """In words, and within the time."""
    seconds = 1 if "silent" in command else 60

    with pytest.raises(McpProblem, match=words):
        list_tools(sandbox, McpServer(name="a", command=command), seconds=seconds)


class Remote(BaseHTTPRequestHandler):
    """An MCP server behind a URL: open to who has the token."""

    def do_POST(self) -> None:
        """Answer, refuse, or lead elsewhere."""
        self.rfile.read(int(self.headers["Content-Length"]))
        status = 302 if self.path == "/moved" else 200 if self.headers["Authorization"] == f"Bearer {CANARY}" else 401
        self.send_response(status)
        self.send_header("Location", "/mcp")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def remote() -> Iterator[str]:
    """Give the address of the server behind a URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Remote)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_behind_a_url_is_called(sandbox: Sandbox, remote: str) -> None:
    """With its headers; a refusal, a redirect and silence are told apart."""
    headers = {"Authorization": f"Bearer {CANARY}"}

    assert list_tools(sandbox, McpServer(name="a", url=f"{remote}/mcp", headers=headers)) == []
    for url, given, words in [
        (f"{remote}/mcp", {}, "status 401"),
        (f"{remote}/moved", headers, "status 302"),
        ("http://127.0.0.1:1/mcp", headers, "can't be reached"),
    ]:
        with pytest.raises(McpProblem, match=words) as refused:
            list_tools(sandbox, McpServer(name="a", url=url, headers=given))
        assert CANARY not in str(refused.value)


CREDENTIALS = {"ABLEHAND_MCP_VARIABLES": "TRACKER_TOKEN", "TRACKER_TOKEN": CANARY, "ANTHROPIC_API_KEY": "sk-canary-1"}


def test_the_agent_gets_the_servers_that_work(project: Project) -> None:
    """The others are told in a notice; no credential is in an argument list, the agent's environment or the log."""
    claude = Played(project)
    servers = {
        "tracker": described("variables", env={"TOKEN": "${TRACKER_TOKEN}"}),
        "broken": described("exits", env={"TOKEN": "${TRACKER_TOKEN}"}),
        "unset": described("plain", env={"TOKEN": "${NOWHERE}"}),
    }
    project.change(mcp_servers=servers)

    run = claude.play(INIT, outcome(), **CREDENTIALS)

    assert run.result.ok, run.log
    call = claude.call
    file = Path(call["arguments"][call["arguments"].index("--mcp-config") + 1])
    assert (file.stat().st_mode & 0o777, json.loads(file.read_text())["mcpServers"]) == (
        0o600,
        {"tracker": {"command": FAKE[0], "args": [FAKE[1], "variables"], "env": {"TOKEN": CANARY}}},
    )
    assert CANARY not in " ".join(call["arguments"]) + run.log
    assert "TRACKER_TOKEN" not in call["environ"]
    assert [event.text for event in run.events if event.kind == "notice"] == [
        "MCP server broken does not work, so the agent goes without it: it ended without an answer"
    ]
    assert "MCP server left out: unset: env names NOWHERE, which it is not given" in run.log


def test_no_argument_list_of_the_run_holds_a_credential(project: Project) -> None:
    """Asked of the kernel, by the agent, while it and the servers' check have run."""
    project.commit(FILES | {"agent-setup.sh": "env; cat /proc/*/cmdline; true\n"})
    project.succeed("prepare")
    project.change(mcp_servers={"tracker": described("plain", env={"TOKEN": "${TRACKER_TOKEN}"})})
    project.agent(
        "import os, subprocess; print(os.environ, flush=True); subprocess.run(['sh', '-c', 'cat /proc/*/cmdline'])"
    )

    run = project.run("agent", CREDENTIALS)

    assert run.result.ok, run.log
    assert "MCP server tracker: 2 tools" in run.log
    # Masked where it was printed: so neither is there to be found.
    assert CANARY not in run.log
    assert "[secret]" not in run.log.replace("'ANTHROPIC_API_KEY': '[secret]'", "")


@pytest.mark.parametrize(
    ("install", "variable", "tool"),
    [
        pytest.param(gitlab_server, "GITLAB_PERSONAL_ACCESS_TOKEN", "get_merge_request", id="gitlab-from-npm"),
        pytest.param(coda_server, "CODA_API_TOKEN", "coda_whoami", id="coda-from-pypi"),
    ],
)
def test_a_real_server_starts_and_lists_its_tools(sandbox: Sandbox, install: Any, variable: str, tool: str) -> None:
    """The ones that the image has, described as the chart describes them."""
    given = {"command": str(install()), "env": {variable: "${TRACKER_TOKEN}", "GITLAB_API_URL": "http://127.0.0.1:1"}}
    (server,) = of_project(sandbox, "", mcp_servers={"real": given})

    assert tool in list_tools(sandbox, server)
