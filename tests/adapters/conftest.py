"""One prepared project, a scripted model, and each of the real agents between them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulators.model.script import Call, Turn, Usage
from simulators.model.server import ModelServer
from tests.adapters import programs
from tests.runtime.conftest import Project, StepRun, empty_project, project, server

__all__ = ["empty_project", "project", "server"]
KEY = "sk-canary-0123456789"
ADDRESSES = {
    "claude": {"ANTHROPIC_BASE_URL": "", "ANTHROPIC_API_KEY": KEY},
    "codex": {"OPENAI_BASE_URL": "/v1", "OPENAI_API_KEY": KEY},
    "gemini": {"GOOGLE_GEMINI_BASE_URL": "", "GEMINI_API_KEY": KEY},
    "opencode": {"ANTHROPIC_BASE_URL": "", "ANTHROPIC_API_KEY": KEY},
}
MODELS = {
    "claude": "claude-opus-5-5",
    "codex": "gpt-5.5",
    "gemini": "gemini-2.5-flash",
    "opencode": "anthropic/claude-opus-5-5",
}
PRICES = {"gpt-5.5": {"input": 2.0, "cached": 0.2, "output": 10.0}, "*": {"input": 1.0, "output": 4.0}}
WORK = (
    Turn(text="I look.", calls=(Call("run", {"command": "echo seen; ls"}),), usage=Usage(1000, 50)),
    Turn(calls=(Call("write", {"path": "new.txt", "text": "new\n"}),), usage=Usage(2000, 70, cached=500)),
    Turn(text="Added a file.\n\nIt is new.", usage=Usage(1000, 30)),
)


class RealAgent:
    """One agent's real program in one prepared project, and the model that it asks."""

    def __init__(self, name: str, project: Project, model: ModelServer) -> None:
        self.name = name
        self.project = project
        self.model = model
        self.url = model.url
        self.more: dict[str, str] = {}
        project.change(
            agent=name,
            model=MODELS[name],
            prices=PRICES,
            agent_timeout_seconds=240,
            idle_timeout_seconds=120,
        )

    def variables(self) -> dict[str, str]:
        """Give the agent step's own environment."""
        own = {key: value if value == KEY else self.url + value for key, value in ADDRESSES[self.name].items()}
        return {**own, "ABLEHAND_AGENT_VARIABLES": ",".join(own), "PATH": programs.path(), **self.more}

    def run(self, *turns: Turn, **changes: Any) -> StepRun:
        """Let it work on these turns, with these changes to the order."""
        self.model.script.set(*turns)
        self.project.change(**changes)
        if not self.project.repo.exists():
            self.project.succeed("prepare")
        return self.project.run("agent", self.variables())

    def kept(self) -> bool:
        """Whether it left a bundle for publish."""
        return (self.project.handover / "change.bundle").exists()


def require(name: str) -> None:
    """Skip a test whose program is not there, in one line; in CI it has to be."""
    if problem := programs.problem(name):
        if os.environ.get("CI") == "true":
            pytest.fail(problem)
        pytest.skip(problem)


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """Serve a model without a script."""
    with ModelServer() as serving:
        yield serving


@pytest.fixture(params=sorted(programs.PACKAGES))
def agent(request: pytest.FixtureRequest, project: Project, model: ModelServer) -> RealAgent:
    """Give each of the agents."""
    require(request.param)
    return RealAgent(request.param, project, model)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """Give the folder in which whatever must not run would leave its mark."""
    folder = tmp_path / "marks"
    folder.mkdir()
    return folder
