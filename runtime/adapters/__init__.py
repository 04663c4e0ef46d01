"""How each agent is called, read and judged. `runtime.agent` picks one by the order and owns limits and bundle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from runtime.contract import Event, Failure, StepResult
from runtime.sandbox import Sandbox, StepFailed


class Adapter(Protocol):
    """One run of one agent."""

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

    def result(self, code: int) -> StepResult:
        """Judge the end by what was read and by the exit code; what is known of cost and turns is in it either way."""


def choose_adapter(sandbox: Sandbox) -> Adapter:
    """Give a fresh adapter for the order's agent.

    Raises:
        StepFailed: agent-missing.
    """
    match sandbox.order.agent:
        case "claude":
            from runtime.adapters.claude import ClaudeAdapter

            return ClaudeAdapter(sandbox)
        case "command":
            from runtime.adapters.command import CommandAdapter

            return CommandAdapter(sandbox)
        case unknown:
            raise StepFailed(Failure.AGENT_MISSING, f"this runtime has no adapter for the agent {unknown[:50]!r}")
