"""Which MCP servers the agent may use: the operator's from the order, the project's where the operator allows them.

Both are written in the shape of ``.mcp.json``: a name to a ``command`` with ``args`` and ``env``, or to a ``url`` with
``headers``. ``${NAME}`` stands for a variable: an operator's server finds there what the executor named in
`MCP_VARIABLES_VARIABLE`, and a project's finds nothing that agent-setup.sh would not. What comes out of here holds
credentials: an adapter writes it to a file for the agent alone, never to an argument list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from runtime.contract import MCP_VARIABLES_VARIABLE
from runtime.environment import setup_environment
from runtime.sandbox import Sandbox

PROJECT_FILE: Final = ".mcp.json"
SERVERS_LIMIT: Final = 20
ANSWER_SECONDS: Final = 60.0
"""How long a server may take until it has told its tools; one that is fetched first (npx, uvx) takes its time."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class McpProblem(Exception):
    """A server is not described as one can be; the message says what is wrong, without a credential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServer:
    """One server, ready to be started (*command*) or called (*url*); the other of the two is empty."""

    name: str
    command: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    """On top of the agent's own."""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict, repr=False)


def mcp_servers(sandbox: Sandbox) -> tuple[McpServer, ...]:
    """Give the run's servers; what can't be read of them is told in the log and left out."""
    known = _granted(sandbox)
    found = _read_all(sandbox, sandbox.order.mcp_servers, known)
    path = sandbox.instructions / PROJECT_FILE
    if sandbox.order.project_mcp and path.is_file():
        for name, server in _read_all(sandbox, _project_servers(sandbox), setup_environment(sandbox)).items():
            # The operator's goes first: a project must not put its own program under a trusted name.
            found.setdefault(name, server)
    return tuple(found.values())[:SERVERS_LIMIT]


def read_server(name: str, given: object, known: Mapping[str, str]) -> McpServer:
    """Make a server of its description; *known* are the variables that it may name.

    Raises:
        McpProblem: It is none, or names a variable that is not there.
    """
    if not _NAME.fullmatch(name):
        raise McpProblem(f"{name[:70]!r} is no name for a server: letters, digits, - and _")
    if not isinstance(given, dict):
        raise McpProblem(f"{name} is no object")
    url, command = given.get("url", ""), given.get("command", "")
    if not isinstance(url, str) or not isinstance(command, str) or bool(url) == bool(command):
        raise McpProblem(f"{name} needs either a command or a url")
    if url and not url.startswith(("http://", "https://")):
        raise McpProblem(f"{name}: its url is no http or https address")
    arguments = given.get("args", [])
    if not isinstance(arguments, list) or not all(isinstance(one, str) for one in arguments):
        raise McpProblem(f"{name}: args is no list of texts")
    return McpServer(
        name=name,
        # No credential may get here: everybody on the machine can read a command line.
        command=(command, *arguments) if command else (),
        environment=_texts(name, "env", given, known),
        url=url,
        headers=_texts(name, "headers", given, known),
    )


def _granted(sandbox: Sandbox) -> dict[str, str]:
    names = sandbox.environ.get(MCP_VARIABLES_VARIABLE, "").split(",")
    return {name: sandbox.environ[name] for name in names if name in sandbox.environ}


def _project_servers(sandbox: Sandbox) -> dict[str, Any]:
    try:
        value = json.loads((sandbox.instructions / PROJECT_FILE).read_bytes())
    except (ValueError, RecursionError):
        value = None
    servers = value.get("mcpServers") if isinstance(value, dict) else None
    if not isinstance(servers, dict):
        sandbox.console.write(f"{PROJECT_FILE} on {sandbox.order.default_branch} names no servers: left out")
        return {}
    return servers


def _read_all(sandbox: Sandbox, given: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, McpServer]:
    found = {}
    for name, description in given.items():
        try:
            found[name] = read_server(name, description, known)
        except McpProblem as problem:
            sandbox.console.write(f"MCP server left out: {problem}")
    return found


def _texts(name: str, key: str, given: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, str]:
    values = given.get(key, {})
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise McpProblem(f"{name}: {key} is no object of texts")
    asked = {reference for value in values.values() for reference in _REFERENCE.findall(value)}
    if missing := sorted(asked - set(known)):
        raise McpProblem(f"{name}: {key} names {', '.join(missing)}, which it is not given")
    return {label: _REFERENCE.sub(lambda found: known[found[1]], value) for label, value in values.items()}
