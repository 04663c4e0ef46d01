"""One project on a git server of our own, and a way to run the steps on it as the executors do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from runtime.contract import Event, Order, StepResult, decode_event, decode_result
from tests.runtime.git_server import GitServer

TOKEN = "glpat-canary-0123456789"
SOURCES = Path(__file__).parents[2]
FILES = {"README.md": "hello\n", "server.go": "package main\n", "CLAUDE.md": "Be brief.\n"}


def git(*arguments: str, at: Path, stdin: bytes = b"", **variables: str) -> str:
    """Run git as a person would, and give its output."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(at),
        "GIT_CONFIG_NOSYSTEM": "1",
        **{
            f"GIT_{role}_{what}": "someone@example.com"
            for role in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
        **variables,
    }
    answer = subprocess.run(["git", *arguments], cwd=at, env=environ, input=stdin, capture_output=True, check=False)
    assert answer.returncode == 0, (arguments, answer.stderr.decode())
    return answer.stdout.decode(errors="replace").strip()


def alive(pid: int) -> bool:
    """Say whether a process runs; one that waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@dataclass(frozen=True)
class StepRun:
    """What one step left."""

    code: int
    result: StepResult
    log: str

    @property
    def events(self) -> list[Event]:
        """The events of the log."""
        return [event for line in self.log.splitlines() if (event := decode_event(line))]

    @property
    def marks(self) -> list[str]:
        """The events that name a line of the checklist."""
        return [f"{event.kind} {event.mark}" for event in self.events if event.mark]


class Project:
    """A repository on the server, and one run's folders."""

    def __init__(self, folder: Path, server: GitServer) -> None:
        self.folder = folder
        self.server = server
        self.bare = server.root / "shop.git"
        self.workspace, self.handover = folder / "workspace", folder / "handover"
        self.handover.mkdir()
        self.program = [sys.executable, "-m", "runtime"]
        git("init", "-q", "--bare", "-b", "main", str(self.bare), at=folder)
        git("config", "http.receivepack", "true", at=self.bare)
        self.order = Order(
            task_id=7,
            clone_url=server.url("shop.git"),
            default_branch="main",
            base_branch="main",
            base_commit="",
            push_branch="agent/7-health",
            commit_message="Add a health endpoint\n",
            author_name="Ablehand",
            author_email="bot@example.com",
            commit_time=1_790_000_000,
            prompt="Add a /health endpoint",
            agent="command",
            git_timeout_seconds=30,
            protected_paths=[".gitlab-ci.yml", ".gitlab/", ".gitattributes", "CODEOWNERS"],
        )

    @property
    def repo(self) -> Path:
        """The work tree."""
        return self.workspace / "repo"

    def commit(self, files: Mapping[str, str], branch: str = "main") -> str:
        """Put one more commit on the server, and make it the order's base."""
        author = self.folder / f"author-{branch.replace('/', '-')}"
        if not author.exists():
            git("clone", "-q", str(self.bare), str(author), at=self.folder)
            git("checkout", "-q", "-B", branch, at=author)
        for name, text in files.items():
            (author / name).parent.mkdir(parents=True, exist_ok=True)
            (author / name).write_text(text)
        git("add", "-A", at=author)
        git("commit", "-q", "-m", "work", at=author)
        git("push", "-q", "origin", f"HEAD:refs/heads/{branch}", at=author)
        commit = git("rev-parse", "HEAD", at=author)
        self.change(base_branch=branch, base_commit=commit)
        return commit

    def change(self, **values: Any) -> None:
        """Change the order."""
        self.order = replace(self.order, **values)

    def agent(self, source: str) -> None:
        """Make a small Python program the agent."""
        self.change(agent_command=[sys.executable, "-c", source])

    def run(self, step: str, variables: Mapping[str, str] | None = None, *, workspace: Path | None = None) -> StepRun:
        """Run one step as a process; publish gets an empty workspace of its own."""
        with self.start(step, variables, workspace=workspace) as running:
            log, errors = running.communicate(timeout=300)
        assert errors == b"", errors.decode()
        decoded = decode_result((self.folder / f"{step}.json").read_text())
        assert decoded is not None
        return StepRun(code=running.returncode, result=decoded, log=log.decode())

    def start(
        self, step: str, variables: Mapping[str, str] | None = None, *, workspace: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start one step as a process and leave it running."""
        workspace = workspace or (self.folder / "publishing" if step == "publish" else self.workspace)
        order, result = self.folder / "order.json", self.folder / f"{step}.json"
        order.write_text(self.order.to_json())
        result.unlink(missing_ok=True)
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES)}
        if step != "agent":
            environ["ABLEHAND_GIT_TOKEN"] = TOKEN
        places = {"order": order, "workspace": workspace, "handover": self.handover, "result": result}
        return subprocess.Popen(
            [*self.program, step, *(f"--{name}={place}" for name, place in places.items())],
            cwd=self.folder,
            env=environ | {**(variables or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def succeed(self, *steps: str) -> StepRun:
        """Run steps that have to succeed, and give the last one."""
        for step in steps:
            run = self.run(step)
            assert run.result.ok, (step, run.result, run.log)
        return run

    def pushed(self, branch: str = "agent/7-health") -> str:
        """Give the commit that a branch on the server is at; empty where it does not exist."""
        listing = git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}", at=self.bare)
        return listing.strip()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """Serve git with no repository yet."""
    (tmp_path / "served").mkdir()
    serving = GitServer(tmp_path / "served", TOKEN)
    yield serving
    serving.stop()


@pytest.fixture
def empty_project(tmp_path: Path, server: GitServer) -> Project:
    """Give a project without a commit."""
    return Project(tmp_path, server)


@pytest.fixture
def project(empty_project: Project) -> Project:
    """Give a project with a few files on main."""
    empty_project.commit(FILES)
    return empty_project
