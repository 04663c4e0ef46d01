"""Asks every MCP server for its tools before the agent works, so that one which does not start is told, not missed.

The agents differ in what they do about a server that fails: one leaves it out without a word, another waits for it. So
the agent gets those that answered here, and people hear of the others.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, cast
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from runtime.contract import Event
from runtime.environment import agent_environment
from runtime.mcp import ANSWER_SECONDS, McpProblem, McpServer
from runtime.sandbox import Sandbox

ANSWER_LIMIT_BYTES: Final = 8_000_000
PROTOCOL: Final = "2025-03-26"
_HTTP_OK: Final = range(200, 300)


def usable_servers(sandbox: Sandbox, servers: tuple[McpServer, ...]) -> tuple[McpServer, ...]:
    """Give those that answered, and tell people of the others. All are asked at once."""
    if not servers:
        return ()
    usable = []
    with ThreadPoolExecutor(len(servers)) as pool:
        asked = [(server, pool.submit(list_tools, sandbox, server)) for server in servers]
        for server, answer in asked:
            try:
                count = len(answer.result())
            except McpProblem as problem:
                words = f"MCP server {server.name} does not work, so the agent goes without it: {problem}"
                sandbox.console.write(words)
                sandbox.console.emit(Event(kind="notice", text=words))
            else:
                usable.append(server)
                sandbox.console.write(f"MCP server {server.name}: {count} tools")
    return tuple(usable)


def list_tools(sandbox: Sandbox, server: McpServer, *, seconds: float = ANSWER_SECONDS) -> list[str]:
    """Start or call *server*, as an agent would, and give its tools' names; of one behind a URL, only that it answers.

    Raises:
        McpProblem: It does not answer as such a server does.
    """
    if server.url:
        _call(server, seconds)
        return []
    environ = agent_environment(sandbox) | server.environment
    child = _start(server, environ, sandbox.home)
    try:
        return _converse(child, time.monotonic() + seconds)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        for pipe in (child.stdin, child.stdout):
            with suppress(OSError):
                cast("IO[bytes]", pipe).close()


def _start(server: McpServer, environ: Mapping[str, str], home: Path) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(server.command),
            # Not in the work tree, where the repository's own npm or pip settings would count.
            cwd=home,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Its complaints may hold what it was given.
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )
    except OSError as error:
        raise McpProblem(f"{server.command[0]} can't be started ({error.strerror})") from error


def _converse(child: subprocess.Popen[bytes], deadline: float) -> list[str]:
    answers = _answers(cast("IO[bytes]", child.stdout), deadline)
    _say(child, _initialize())
    _answer_to(1, answers)
    _say(child, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    _say(child, {"jsonrpc": "2.0", "id": 2, "method": "tools/list"})
    tools = _answer_to(2, answers).get("tools")
    listed = tools if isinstance(tools, list) else []
    return [str(tool["name"]) for tool in listed if isinstance(tool, dict) and "name" in tool]


def _initialize() -> dict[str, Any]:
    client = {"name": "ablehand", "version": "1"}
    given = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": client}
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": given}


def _say(child: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):  # the answer that does not come says it
        cast("IO[bytes]", child.stdin).write(json.dumps(message).encode() + b"\n")


def _answer_to(number: int, answers: Iterator[dict[str, Any]]) -> dict[str, Any]:
    for answer in answers:
        if answer.get("id") == number:
            if isinstance(result := answer.get("result"), dict):
                return result
            raise McpProblem("it refuses to work")
    raise McpProblem("it ended without an answer")


def _answers(pipe: IO[bytes], deadline: float) -> Iterator[dict[str, Any]]:
    rest, total = b"", 0
    while True:
        if not select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise McpProblem("it did not answer in time")
        piece = os.read(pipe.fileno(), 65_536)
        total += len(piece)
        if not piece or total > ANSWER_LIMIT_BYTES:
            return
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            with suppress(ValueError, RecursionError):
                if isinstance(value := json.loads(line), dict):
                    yield value


class _Straight(HTTPRedirectHandler):
    """A redirect would carry the headers to another host."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


def _call(server: McpServer, seconds: float) -> None:
    kinds = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    body = json.dumps(_initialize()).encode()
    request = Request(server.url, data=body, headers=server.headers | kinds)  # noqa: S310 - http(s), by read_server
    try:
        with build_opener(_Straight).open(request, timeout=seconds) as answer:
            if answer.status not in _HTTP_OK:
                raise McpProblem(f"it answers with status {answer.status}")
    except HTTPError as error:
        error.close()
        raise McpProblem(f"it answers with status {error.code}") from None
    except (OSError, ValueError) as error:
        raise McpProblem(f"it can't be reached ({getattr(error, 'reason', error)})") from None
