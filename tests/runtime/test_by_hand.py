"""The runtime without Ablehand: one command does a task, as a developer starts it in the image."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.conftest import FILES, SOURCES, TOKEN, Project, git

EDIT = "open('health.go', 'w').write('package main\\n'); import os; print(sorted(os.environ)); print('Added it.')"
IN_ORDER = [
    "── clone",
    "── clone done",
    "── setup",
    "setup ran",
    "── setup done",
    "── agent",
    "Added it.",
    "── agent done",
]


def by_hand(project: Project, *options: str, token: str = TOKEN, stdin: str = "") -> tuple[int, str]:
    """Start the command in a folder that is not ours; give its exit code and all that it printed."""
    command = [sys.executable, "-m", "runtime", "task", "--clone-url", project.order.clone_url]
    command += ["--workspace", str(project.folder / "by-hand"), *options]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES), "ABLEHAND_GIT_TOKEN": token}
    ended = subprocess.run(
        command, cwd=project.folder, env=environ, input=stdin, capture_output=True, text=True, timeout=120, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


def work_with(source: str) -> tuple[str, ...]:
    """Let a small program be the agent."""
    return ("--agent", "command", "--agent-command", shlex.join([sys.executable, "-c", source]))


def places(text: str, words: list[str]) -> list[int]:
    """Tell where each of *words* stands, each behind the one before."""
    found, start = [], 0
    for word in words:
        start = text.find(word, start)
        found.append(start)
    return found


@pytest.fixture
def ready(project: Project) -> Project:
    """Give a project with a setup script."""
    project.commit(FILES | {"agent-setup.sh": "echo setup ran\n"})
    return project


def test_does_a_whole_task(ready: Project) -> None:
    """Clone, setup, agent; what was changed is there to be looked at, and nothing is pushed."""
    code, text = by_hand(ready, "--prompt", "Add it", *work_with(EDIT))

    repository = ready.folder / "by-hand/work/repo"
    assert code == 0, text
    assert -1 not in places(text, IN_ORDER), text
    assert (repository / "health.go").read_text() == "package main\n"
    assert str(repository) in text
    assert git("for-each-ref", "--format=%(refname)", at=ready.bare) == "refs/heads/main"


def test_pushes_where_it_is_asked_to(ready: Project) -> None:
    """As Ablehand does, onto a branch of its own."""
    code, text = by_hand(ready, "--prompt", "Add it", "--push", "--push-branch", "agent/mine", *work_with(EDIT))

    assert code == 0, text
    assert ready.pushed("agent/mine") in text
    assert git("show", "agent/mine:health.go", at=ready.bare) == "package main"


def test_the_agent_has_no_token(ready: Project) -> None:
    """Its step is not even given it."""
    source = "import os, pathlib; print('ABLEHAND_GIT_TOKEN' in pathlib.Path('/proc/self/environ').read_text())"

    _, text = by_hand(ready, "--prompt", "x", *work_with(source))

    assert "\nFalse\n" in text
    assert TOKEN not in text


def test_tries_out_a_setup_script(ready: Project) -> None:
    """Alone, with its last words where it fails."""
    code, text = by_hand(ready, "--setup-only")
    assert (code, "setup ran" in text, "── setup done" in text) == (0, True, True)

    ready.commit({"agent-setup.sh": "echo about to fail\nexit 7\n"})
    code, text = by_hand(ready, "--setup-only", "--workspace", str(ready.folder / "again"))

    assert code == 1
    assert "agent failed, setup: agent-setup.sh ended with code 7\nabout to fail" in text


def test_takes_a_prompt_from_standard_input(ready: Project) -> None:
    """It may be long."""
    _, text = by_hand(ready, "--prompt", "-", *work_with("print('asked:', input())"), stdin="do it\n")

    assert "asked: do it" in text


@pytest.mark.parametrize(
    ("options", "token", "words"),
    [
        pytest.param(["--branch", "nowhere"], TOKEN, "there is no branch 'nowhere'; there are: main", id="branch"),
        pytest.param([], "wrong", "clone: fatal:", id="token"),
        pytest.param(["--clone-url", "file:///etc"], TOKEN, "not an http or https URL", id="url"),
        pytest.param(["--workspace", "."], TOKEN, "is not empty", id="workspace"),
        pytest.param(["--workspace", "/dev/null/1"], TOKEN, "let user", id="place"),
    ],
)
def test_says_what_is_wrong(ready: Project, options: list[str], token: str, words: str) -> None:
    """In one line, without a traceback."""
    code, text = by_hand(ready, "--prompt", "x", *options, token=token)

    assert code == 1
    assert words in text
    assert "Traceback" not in text


@pytest.mark.parametrize("arguments", [["--help"], ["task", "--help"]])
def test_explains_itself(tmp_path: Path, arguments: list[str]) -> None:
    """Steps, flags, variables, and how to do a task by hand."""
    command = [sys.executable, "-m", "runtime", *arguments]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES)}
    text = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True).stdout

    wanted = {"ABLEHAND_GIT_TOKEN", "ANTHROPIC_", "--workspace"}
    wanted |= {"--clone-url", "--setup-only", "--push"} if "task" in arguments else {"prepare", "publish", "docker run"}
    assert {word for word in wanted if word not in text} == set()
