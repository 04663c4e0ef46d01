"""`ablehand` as somebody types it: the demo to its end, and wrong commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.adapters import programs
from tests.adapters.conftest import require

PROJECT = Path(__file__).parents[2]


def ablehand(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with an environment of its own."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHONPATH": str(PROJECT), **variables}
    command = [sys.executable, "-m", "ablehand", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)


def told(ran: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Read the last line of ``--json``."""
    outcome: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return outcome


def test_the_demo_plays_its_story() -> None:
    """Status 0 and the merge request; every step is printed."""
    ran = ablehand("demo", "--json")

    assert ran.returncode == 0, ran.stderr
    outcome = told(ran)
    assert set(outcome) == {"status", "merge_request", "branch", "commit", "notes", "seconds", "follow_up"}
    assert (outcome["status"], outcome["notes"]) == ("completed", 2)
    assert outcome["merge_request"].endswith("/shop/web/-/merge_requests/1")
    assert "Add the endpoint to server.py" in ran.stderr
    # The second act: a comment on a line of the merge request becomes a commit on its branch.
    assert outcome["follow_up"] == outcome["commit"]
    assert "@alice reviews it, and comments on server.py:11" in ran.stderr
    assert "Answer with JSON" in ran.stderr
    assert f"A follow-up commit is on {outcome['branch']}: {outcome['commit'][:8]}" in ran.stderr


def test_the_demo_works_on_a_copy_of_any_repository(tmp_path: Path) -> None:
    """A local repository is copied, worked on, and left as it was."""
    repository = tmp_path / "mine"
    git = ["git", "-C", str(repository), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "init", "-q", "-b", "trunk", str(repository)], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "First"], check=True)
    before = subprocess.run([*git, "rev-parse", "--all"], capture_output=True, check=True).stdout

    ran = ablehand("demo", "--json", "--repo", str(repository), "--prompt", "Go", "--agent-command", "touch new.txt")

    assert ran.returncode == 0, ran.stderr
    assert told(ran)["branch"].startswith("agent/1-")
    assert "at `trunk`" in ran.stderr
    assert subprocess.run([*git, "rev-parse", "--all"], capture_output=True, check=True).stdout == before
    assert [path.name for path in repository.iterdir()] == [".git"]


def test_the_demo_fails_with_the_reason() -> None:
    """An agent that fails ends it with another status, and its sentence."""
    ran = ablehand("demo", "--json", "--agent-command", "false", "--prompt", "Go")

    assert ran.returncode == 1
    assert told(ran)["status"] == "failed"
    assert "The agent stopped with an error" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        pytest.param(["dmeo"], 2, "No such command 'dmeo'", id="typo"),
        pytest.param(["demo", "--repo", "."], 2, "--repo needs --agent-command", id="no-agent"),
        pytest.param(["demo", "--scripted"], 2, "--scripted needs --agent", id="no-real-agent"),
        pytest.param(["demo", "--repo", "/usr", "--agent-command", "true"], 1, "can't clone it", id="no-repository"),
        pytest.param(["bot"], 1, "ablehand: Set ABLEHAND_REDIS_URL, ABLEHAND_GITLAB_URL.", id="bot"),
        pytest.param(["worker"], 1, "ablehand: Set ABLEHAND_GITLAB_URL, ABLEHAND_GITLAB_TOKEN", id="worker"),
        pytest.param(["reconciler"], 1, "ablehand: Set ABLEHAND_GITLAB_URL, ABLEHAND_GITLAB_TOKEN", id="reconciler"),
        pytest.param(["up"], 1, "ablehand: Set ABLEHAND_GITLAB_URL, ABLEHAND_GITLAB_TOKEN.", id="up"),
        pytest.param(["hook", "install", "a/b"], 1, "ablehand: Set ABLEHAND_GITLAB_URL", id="hook"),
    ],
)
def test_a_wrong_command_is_one_sentence(arguments: list[str], status: int, sentence: str) -> None:
    """No traceback, and what to do."""
    ran = ablehand(*arguments)

    assert ran.returncode == status
    assert sentence in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("agent", sorted(programs.PACKAGES))
def test_the_demo_shows_the_real_agents(agent: str) -> None:
    """The real program does the seeded task, and a script is its model."""
    require(agent)

    ran = ablehand("demo", "--json", "--agent", agent, "--scripted", PATH=programs.path())

    assert ran.returncode == 0, ran.stderr
    assert told(ran)["status"] == "completed"
    assert "Worked on it · " in ran.stderr
