"""What a step is given, and how it says that it failed. Built once by `runtime.__main__`, passed to the steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runtime.console import Console
from runtime.contract import BUNDLE_NAME, GIT_TOKEN_VARIABLE, Failure, Order


class StepFailed(Exception):
    """A step can't reach its goal; *detail* is what was seen, for people: one line, or a few of a script's output."""

    def __init__(self, failure: Failure, detail: str = "") -> None:
        super().__init__(f"{failure}: {detail}")
        self.failure = failure
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """The order and the places that the contract names. *environ* is the step's own environment, secrets included."""

    order: Order
    workspace: Path
    handover: Path
    console: Console
    environ: Mapping[str, str]

    @property
    def repo(self) -> Path:
        """The work tree."""
        return self.workspace / "repo"

    @property
    def instructions(self) -> Path:
        """What the default branch tells the agent and us."""
        return self.workspace / "instructions"

    @property
    def context(self) -> Path:
        """What the agent may read as data."""
        return self.workspace / "context"

    @property
    def home(self) -> Path:
        """HOME of the agent and of agent-setup.sh."""
        return self.workspace / "home"

    @property
    def scratch(self) -> Path:
        """TMPDIR of the agent and of agent-setup.sh."""
        return self.workspace / "tmp"

    @property
    def bundle(self) -> Path:
        """What the agent step leaves for publish."""
        return self.handover / BUNDLE_NAME

    @property
    def git_token(self) -> str:
        """Prepare's read token or publish's write token; empty for a public project."""
        return self.environ.get(GIT_TOKEN_VARIABLE, "")
