"""The simulated model, asked as the agents' programs ask it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from simulators.model.script import Call, Turn, Usage, read_turns
from simulators.model.server import ModelServer
from simulators.model.tools import in_words_of, working_directory

GEMINI = "/v1beta/models/gemini-x:streamGenerateContent"
TOOLS: dict[str, dict[str, Any]] = {
    "/v1/messages": {"model": "m", "stream": True, "tools": [{"name": "Bash"}]},
    "/v1/responses": {"model": "m", "stream": True, "tools": [{"name": "exec_command"}]},
    GEMINI: {"tools": [{"functionDeclarations": [{"name": "run_shell_command"}]}]},
}


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """Serve without a script."""
    with ModelServer() as serving:
        yield serving


@pytest.fixture(params=sorted(TOOLS))
def path(request: pytest.FixtureRequest) -> str:
    """Each dialect's address."""
    return str(request.param)


def ask(model: ModelServer, path: str, **changes: Any) -> httpx2.Response:
    """Send a request that offers a tool, and give the answer."""
    body = TOOLS.get(path, {}) | changes
    return httpx2.post(model.url + path, json=body, headers={"x-api-key": "k"}, timeout=60)


def test_it_answers_by_its_script(model: ModelServer, path: str) -> None:
    """Text, a tool call in the words of the tool that is offered, and the tokens are in the stream."""
    model.script.set(Turn(text="Look.", calls=(Call("run", {"command": "ls -l"}),), usage=Usage(700, 33, cached=200)))

    answer = ask(model, path).text

    for part in ("Look.", TOOLS[path].get("tools", [])[0].get("name", "run_shell_command"), "ls -l", "33", "200"):
        assert part in answer
    assert model.script.left == 0


def test_it_answers_in_one_piece_too(model: ModelServer) -> None:
    """Claude Code asks so after a stream that broke."""
    model.script.set(Turn(text="Look."))

    message = ask(model, "/v1/messages", stream=False).json()

    assert (message["content"], message["stop_reason"]) == ([{"type": "text", "text": "Look."}], "end_turn")


def test_a_question_without_tools_is_none_of_its_turns(model: ModelServer, path: str) -> None:
    """A title or a summary that an agent asks for on the side takes nothing off the script."""
    model.script.set(Turn(text="Look."))

    assert "A task" in ask(model, path, tools=[]).text
    assert "Look." in ask(model, path).text
    assert [request.turn for request in model.requests] == [False, True]


def test_it_records_what_it_was_asked(model: ModelServer) -> None:
    """Path, headers and body, also of a path that it does not know."""
    model.script.set(Turn(text="Look."))
    ask(model, "/v1/messages", messages=["hello"])
    assert ask(model, "/v2/other").status_code == 404

    first, second = model.requests
    assert (first.method, first.path, first.headers["x-api-key"]) == ("POST", "/v1/messages", "k")
    assert first.body["messages"] == ["hello"]
    assert second.path == "/v2/other"
    assert model.turns == [first]


def test_it_refuses_as_often_as_it_should(model: ModelServer, path: str) -> None:
    """An error is in the dialect's words, with its headers, for so many requests."""
    model.script.set(Turn(status=429, message="slowly", times=2, headers={"retry-after-ms": "20"}), Turn(text="Look."))

    for _ in range(2):
        refusal = ask(model, path)
        assert (refusal.status_code, refusal.headers["retry-after-ms"]) == (429, "20")
        assert "slowly" in refusal.json()["error"]["message"]
    assert "Look." in ask(model, path).text


def test_it_is_loud_beyond_its_script(model: ModelServer, path: str) -> None:
    """An agent that asks more often than planned fails."""
    assert ask(model, path).status_code == 400


def test_it_cuts_an_answer(model: ModelServer, path: str) -> None:
    """The connection breaks after the beginning."""
    model.script.set(Turn(text="Look.", cut=True))

    with pytest.raises(httpx2.TransportError):
        ask(model, path)


def test_silence_does_not_hold_up_its_end(path: str) -> None:
    """A server with an answer that is due in an hour stops at once, and whoever waits for it is hung up on."""
    with ModelServer(Turn(delay_seconds=3600)) as model:
        program = "import sys, urllib.request as r; r.urlopen(sys.argv[1], data=sys.argv[2].encode(), timeout=3600)"
        asking = subprocess.Popen(
            [sys.executable, "-c", program, model.url + path, json.dumps(TOOLS[path])], stderr=subprocess.DEVNULL
        )
        while not model.requests:
            time.sleep(0.01)
        began = time.monotonic()
    assert time.monotonic() - began < 9
    assert asking.wait(60) == 1


@pytest.mark.parametrize(
    ("offered", "name", "arguments"),
    [
        pytest.param({"Write"}, "Write", {"file_path": "/w/a", "content": "x\n"}, id="claude"),
        pytest.param({"write"}, "write", {"filePath": "/w/a", "content": "x\n"}, id="opencode"),
        pytest.param({"write_file"}, "write_file", {"file_path": "/w/a", "content": "x\n"}, id="gemini"),
        pytest.param(
            {"apply_patch"},
            "apply_patch",
            {"input": "*** Begin Patch\n*** Add File: a\n+x\n*** End Patch"},
            id="codex",
        ),
        pytest.param(set(), "write", {"path": "a", "text": "x\n"}, id="unknown"),
    ],
)
def test_it_uses_the_tools_that_it_is_offered(offered: set[str], name: str, arguments: dict[str, Any]) -> None:
    """One script does for all agents."""
    assert in_words_of(offered, Call("write", {"path": "a", "text": "x\n"}), "/w") == (name, arguments)


@pytest.mark.parametrize(
    "told",
    [
        "Primary working directory: /w/repo\n",
        "<cwd>/w/repo</cwd>",
        "- **Workspace Directories:**\n  - /w/repo\n",
        "  Working directory: /w/repo\n",
    ],
)
def test_it_reads_where_the_agent_works(told: str) -> None:
    """In whichever words the agent tells it."""
    assert working_directory(json.dumps({"text": told})) == "/w/repo"


def test_it_is_a_program(tmp_path: Path) -> None:
    """A script file is played, and the address printed; a wrong key in it is an error."""
    script = tmp_path / "turns.json"
    script.write_text('[{"text": "From a file.", "usage": {"read": 5, "written": 6}}]')
    command = [sys.executable, "-m", "simulators.model", "--script", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as program:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        assert "From a file." in httpx2.post(f"{url}/v1/messages", json=TOOLS["/v1/messages"], timeout=60).text
        program.send_signal(signal.SIGTERM)
        assert program.stdout.read() == "POST /v1/messages\n"
    with pytest.raises(TypeError, match="txt"):
        read_turns('[{"txt": "x"}]')
