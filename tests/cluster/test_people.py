"""People look at a task: on its page, signed in at GitLab, and in a terminal, by a token of GitLab's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.gitlab import Gate, GitLab, Issue
from tests.cluster.installation import RELEASE, Installation, public_url
from tests.cluster.proxy import forwarded

PROJECT = Path(__file__).parents[2]
TERMINAL_SECONDS = 60
Terminal = Callable[..., str]
AtWork = tuple[dict[str, Any], Gate, Issue]


@pytest.fixture
def terminal(installation: Installation, gitlab: GitLab) -> Iterator[Terminal]:
    """Give ``ablehand task`` as Alice has it on her machine, by way of a forwarded port; it gives what is printed."""
    with forwarded(installation.cluster, installation.namespace, f"{RELEASE}-bot", 80) as address:
        variables = {**os.environ, "ABLEHAND_PUBLIC_URL": address, "ABLEHAND_TOKEN": gitlab.tokens["alice"]}

        def run(*words: str) -> str:
            command = [sys.executable, "-m", "ablehand", "task", *words]
            done = subprocess.run(
                command,
                cwd=PROJECT,
                env=variables,
                capture_output=True,
                text=True,
                timeout=TERMINAL_SECONDS,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        yield run


@pytest.fixture
def at_work(installation: Installation, gitlab: GitLab, terminal: Terminal) -> Iterator[AtWork]:
    """Give a task whose agent is at work, as the API shows it, with the gate that the agent waits at."""
    installation.wait_until_idle()
    gate = gitlab.gate()
    issue = gitlab.ask(f"Do it DO wait={gate.address} edit={gate.name}.txt")
    gate.wait_for_agents()
    task = json.loads(terminal("list", "--limit", "1", "--json"))
    yield task, gate, issue
    gate.open()
    gitlab.wait_for_closing(issue)
    installation.wait_until_idle()


def test_a_page_is_for_those_who_see_the_project(installation: Installation, gitlab: GitLab, at_work: AtWork) -> None:
    """Whoever opens it is sent to GitLab and comes back signed in: Alice to the page and its log, Eve to nothing."""
    address = f"{public_url(installation.namespace)}/tasks/{at_work[0]['id']}"

    def shown() -> str:
        status, place, page = gitlab.visit(address, "alice")
        assert (status, place) == (200, address)
        return page if "waiting at the gate" in page else ""

    page = installation.cluster.wait(shown, "the agent's line on the page")
    refused = gitlab.visit(address, "eve")

    assert "Alice Moreau" in page
    assert refused[:2] == (404, address)
    assert "waiting at the gate" not in refused[2]


def test_a_terminal_follows_a_task(gitlab: GitLab, terminal: Terminal, at_work: AtWork) -> None:
    """List, page and log while the agent works; the log is followed to its end, where the merge request is known."""
    task, gate, issue = at_work
    number = str(task["id"])

    assert task["status"] == "running"
    assert number in terminal("list", "--status", "running").split()
    assert json.loads(terminal("show", number, "--json"))["job_name"] == task["job_name"]
    gate.open()
    followed = terminal("logs", "-f", number)
    gitlab.wait_for_closing(issue)

    assert "waiting at the gate" in followed
    assert followed == terminal("logs", number)
    [request] = gitlab.merge_requests(issue)
    assert json.loads(terminal("show", number, "--json"))["merge_request_url"].endswith(f"/{request['iid']}")


def test_a_task_of_a_terminal_becomes_a_merge_request(gitlab: GitLab, terminal: Terminal) -> None:
    """``ablehand task run --wait`` ends well when the merge request is there; nothing was commented on anywhere."""
    task = json.loads(terminal("run", "shop/web", "Add a file DO edit=terminal.txt", "--wait", "--json"))

    number = task["merge_request_url"].rpartition("/")[2]
    project = gitlab.projects["shop/web"]
    request = gitlab.as_alice("GET", f"/projects/{project}/merge_requests/{number}")
    assert task["status"] == "completed"
    assert request["source_branch"] == task["result_branch"]
