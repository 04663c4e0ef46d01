"""What agent-setup.sh and the agent find in their environment: named variables only, never our own.

An image that sets variables for its tools (JAVA_HOME, GOPATH) names them in `TOOL_VARIABLES`; the executor names in
`AGENT_VARIABLES` what is meant for the agent alone.
"""

from __future__ import annotations

import os
from typing import Final

from runtime.contract import MCP_VARIABLES_VARIABLE, RUN_VARIABLE
from runtime.git import CONNECTION_VARIABLES
from runtime.sandbox import Sandbox

AGENT_VARIABLES: Final = "ABLEHAND_AGENT_VARIABLES"
"""Comma-separated names; like ANTHROPIC_* and the other models' own, the agent has them and agent-setup.sh does not."""
TOOL_VARIABLES: Final = "ABLEHAND_TOOL_VARIABLES"
"""Comma-separated names, for both."""

_ALWAYS: Final = ("PATH", "LANG", "LC_ALL", "TZ", *CONNECTION_VARIABLES)
_MODEL_PREFIXES: Final = ("ANTHROPIC_", "CLAUDE_", "OPENAI_", "GEMINI_", "GOOGLE_")
_OURS: Final = "ABLEHAND_"


def setup_environment(sandbox: Sandbox) -> dict[str, str]:
    """Give what agent-setup.sh runs with: no key of the model's, nothing of ours."""
    wanted = (
        {*_ALWAYS, *_names(sandbox, TOOL_VARIABLES)} - _agent_names(sandbox) - _names(sandbox, MCP_VARIABLES_VARIABLE)
    )
    return _chosen(sandbox, wanted) | _places(sandbox) | _identity(sandbox)


def agent_environment(sandbox: Sandbox) -> dict[str, str]:
    """Give what the agent runs with: the same, and the model's variables."""
    return setup_environment(sandbox) | _chosen(sandbox, _agent_names(sandbox))


def _chosen(sandbox: Sandbox, names: set[str]) -> dict[str, str]:
    environ = sandbox.environ
    return {name: environ[name] for name in names if name in environ and not name.startswith(_OURS)}


def _agent_names(sandbox: Sandbox) -> set[str]:
    models = {name for name in sandbox.environ if name.startswith(_MODEL_PREFIXES)}
    return (models - _names(sandbox, MCP_VARIABLES_VARIABLE)) | _names(sandbox, AGENT_VARIABLES)


def _names(sandbox: Sandbox, variable: str) -> set[str]:
    return {name.strip() for name in sandbox.environ.get(variable, "").split(",")} - {""}


def _places(sandbox: Sandbox) -> dict[str, str]:
    return {
        "HOME": str(sandbox.home),
        "TMPDIR": str(sandbox.scratch),
        # Where the agent removes .git, its git must not climb to a repository of the machine's.
        "GIT_CEILING_DIRECTORIES": os.path.realpath(sandbox.workspace),
        "GIT_TERMINAL_PROMPT": "0",
    } | {name: sandbox.environ[name] for name in (RUN_VARIABLE,) if name in sandbox.environ}


def _identity(sandbox: Sandbox) -> dict[str, str]:
    """Let ``git commit`` work; publish makes the commit that counts."""
    author = {"NAME": sandbox.order.author_name, "EMAIL": sandbox.order.author_email}
    return {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in author.items()}
