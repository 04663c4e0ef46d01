"""A task that a script asks for, from the call to its merge request, in the whole product."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.product.stack import Gate, Stack

PROJECT = Path(__file__).parents[2]


def ablehand(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command as Alice."""
    variables = {
        "ABLEHAND_PUBLIC_URL": stack.settings.public_url,
        "ABLEHAND_TOKEN": stack.gitlab.world.add_token(stack.alice),
        "PATH": stack.environment["PATH"],
    }
    command = [sys.executable, "-m", "ablehand", "task", *words]
    return subprocess.run(command, cwd=PROJECT, env=variables, capture_output=True, text=True, timeout=120, check=False)


def shown(stack: Stack, number: int) -> dict[str, Any]:
    """Give a task as the API shows it."""
    found: dict[str, Any] = json.loads(ablehand(stack, "show", str(number), "--json").stdout)
    return found


def test_a_script_gets_a_merge_request(stack: Stack) -> None:
    """It waits, and then has the merge request's address and the log; nothing was commented on anywhere."""
    project = stack.project()

    done = ablehand(stack, "run", project.path_with_namespace, "Add a file DO edit=new.txt", "--wait", "--json")

    task = json.loads(done.stdout)
    log = ablehand(stack, "logs", str(task["id"]))
    [request] = stack.merge_requests(project)
    assert (done.returncode, task["status"]) == (0, "completed"), done.stderr
    assert task["merge_request_url"].endswith(f"/merge_requests/{request.iid}")
    assert task["duration"] is not None
    assert log.stdout
    stack.wait_until_quiet()


def test_a_script_cancels_and_tries_again(stack: Stack) -> None:
    """The agent is ended, the slot is free, and the second attempt gets through."""
    project, gate = stack.project(), Gate()
    words = f"Add a file DO wait={gate.name} edit=new.txt"
    task = json.loads(ablehand(stack, "run", project.path_with_namespace, words, "--json").stdout)
    gate.wait_for_agent()

    ablehand(stack, "cancel", str(task["id"]))
    stack.wait(lambda: shown(stack, task["id"])["status"] == "cancelled", "the cancel")
    stack.wait_until_quiet()
    gate.open()
    again = json.loads(ablehand(stack, "retry", str(task["id"]), "--json").stdout)
    stack.wait(lambda: shown(stack, again["id"])["status"] == "completed", "the second attempt")

    assert again["parent_id"] == task["id"]
    assert len(stack.merge_requests(project)) == 1
    stack.wait_until_quiet()
