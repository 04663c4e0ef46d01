"""How each agent is called, read and judged. `runtime.agent` picks one by the order and owns limits and bundle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from runtime.contract import Event, Failure, StepResult
from runtime.mcp import McpServer
from runtime.sandbox import Sandbox, StepFailed


class Adapter(Protocol):
    """One run of one agent."""

    def prepare(self) -> None:
        """Write what the agent reads beside its prompt, and take away what it must not read; called once, first.

        Raises:
            GitError: The work tree is no repository any more.
        """

    def arguments(self) -> Sequence[str]:
        """Give the command line, the program first."""

    def environment(self) -> dict[str, str]:
        """Give what comes on top of `runtime.environment.agent_environment`."""

    def stdin(self) -> str:
        """Give what the agent reads."""

    def read(self, line: str, *, from_stderr: bool) -> Iterator[Event | str]:
        """Take one line of hostile output; yield what to show: log lines and events."""

    @property
    def finished(self) -> bool:
        """Whether the agent has given its result, although it may still run."""

    @property
    def exhausted(self) -> bool:
        """Whether it is to be ended: past a limit that it does not keep to itself, or its model is out of reach."""

    def result(self, code: int) -> StepResult:
        """Judge the end by what was read and by the exit code; what is known of cost and turns is in it either way."""

    def transcript(self) -> Path | None:
        """Give the file that holds this run's session, once it has ended; None: it is not known, or not one file.

        A later run's *resume* is a copy of it, of the same name.
        """


def choose_adapter(sandbox: Sandbox, servers: Sequence[McpServer] = (), resume: Path | None = None) -> Adapter:
    """Give a fresh adapter for the order's agent, which is to use *servers* and go on with the transcript *resume*.

    Raises:
        StepFailed: agent-missing.
    """
    match sandbox.order.agent:
        case "claude":
            from runtime.adapters.claude import ClaudeAdapter

            return ClaudeAdapter(sandbox, servers, resume)
        case "codex":
            from runtime.adapters.codex import CodexAdapter

            return CodexAdapter(sandbox, servers, resume)
        case "opencode":
            from runtime.adapters.opencode import OpencodeAdapter

            return OpencodeAdapter(sandbox, servers, resume)
        case "gemini":
            from runtime.adapters.gemini import GeminiAdapter

            return GeminiAdapter(sandbox, servers, resume)
        case "command":
            from runtime.adapters.command import CommandAdapter

            return CommandAdapter(sandbox, servers, resume)
        case unknown:
            raise StepFailed(Failure.AGENT_MISSING, f"this runtime has no adapter for the agent {unknown[:50]!r}")
