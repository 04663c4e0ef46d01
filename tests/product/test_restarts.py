"""Parts of ours die, restart and come back; a running agent goes on, and nothing is lost or done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ablehand import TERMINATED
from core.task import Phase
from operate.embedded_redis import EmbeddedRedis
from simulators.gitlab.records import Issue
from tests.product.conftest import short_folder
from tests.product.stack import Gate, Stack, run_stack

ROOMS = ("bot", "reconciler", "worker-1", "worker-2")


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """Give a stack whose parts a test may kill: all of them come back."""
    with short_folder() as folder, run_stack(folder, max_runs="2") as running:
        yield running


def at_the_gate(stack: Stack, gate: Gate) -> Issue:
    """Ask for work that waits at *gate*; return when the agent stands there."""
    stack.wait_until_ready()
    issue = stack.issue()
    stack.ask(issue, f"/agent Do it DO wait={gate.name} edit")
    gate.wait_for_agent()
    return issue


def kill(stack: Stack, *rooms: str) -> None:
    """End processes of ours as a power cut would."""
    for room in rooms:
        os.kill(stack.wait(lambda room=room: stack.processes.pid(room), room), signal.SIGKILL)  # type: ignore[misc]


@pytest.mark.parametrize("rooms", [ROOMS, ("reconciler",), ("worker-1", "worker-2")], ids=",".join)
def test_a_running_agent_goes_on_while_ours_restart(own: Stack, rooms: tuple[str, ...]) -> None:
    """All processes of ours are killed while the agent works: it ends once, with one merge request."""
    gate = Gate()
    issue = at_the_gate(own, gate)
    before = {room: own.processes.pid(room) for room in rooms}

    kill(own, *rooms)
    own.wait(lambda: all(own.processes.pid(room) not in {0, before[room]} for room in rooms), "new processes")
    gate.open()
    own.wait_for_closing(issue)
    own.wait_until_quiet()

    [request] = own.merge_requests(issue.project)
    assert request.source_branch.startswith("agent/")
    assert len(own.replies(issue)) == 2
    assert own.task_log(issue).count("waiting") == 1  # the agent ran once, and its log has each line once


def test_a_long_run_is_not_taken_for_lost(own: Stack) -> None:
    """A run that outlasts many looks at it stays what it is."""
    gate = Gate()
    issue = at_the_gate(own, gate)
    passed = own.task(issue).version

    time.sleep(4 * own.settings.retry_seconds)  # the very thing that must not matter: time passes
    gate.open()
    own.wait_for_closing(issue)

    assert own.task(issue).phase is Phase.COMPLETED
    assert own.task(issue).job_name == f"agent-{own.task(issue).id}-a1"
    assert passed < own.task(issue).version


def test_redis_dies_and_comes_back(own: Stack) -> None:
    """Redis is killed while the agent works, stays away for a while, and comes back with its file."""
    gate = Gate()
    issue = at_the_gate(own, gate)

    own.redis.kill()
    gate.open()
    own.redis.start()
    own.wait_for_closing(issue)
    own.wait_until_quiet()

    assert len(own.merge_requests(issue.project)) == 1
    assert len(own.replies(issue)) == 2


def test_a_hanging_agent_and_a_revoked_token_end_their_tasks() -> None:
    """Silence beyond the limit has its own sentence; without a token the end is known here, if not on GitLab."""
    with short_folder() as folder, run_stack(folder, idle_timeout_seconds="2") as stack:
        hanging = stack.issue()
        stack.ask(hanging, "/agent Do it DO hang")
        assert "printed nothing for longer than it may" in stack.wait_for_closing(hanging)
        stack.wait_until_quiet()

        gate = Gate()
        issue = at_the_gate(stack, gate)
        stack.gitlab.world.revoke_token(stack.settings.gitlab_token.get_secret_value())
        gate.open()
        stack.wait(lambda: stack.task(issue).phase is Phase.FAILED, "the end")
        stack.wait_until_quiet()

        assert stack.task(issue).reason == "credentials"
        assert stack.merge_requests(issue.project) == []


def test_slots_bound_and_everything_ends(own: Stack) -> None:
    """Six comments at once on two slots: all end, each once, and never more than two run."""
    own.wait_until_ready()
    project = own.project()
    issues = [own.issue(project, title=f"Part {number}") for number in range(6)]
    for issue in issues:
        own.ask(issue, f"/agent Do it DO edit=part{issue.iid}.txt")
    most = 0
    while not all(own.closing(issue) for issue in issues):
        most = max(most, int(own.leftovers().get("slots", 0)))
        time.sleep(0.05)
    own.wait_until_quiet()

    assert len(own.merge_requests(project)) == 6
    assert most == 2


def test_a_standby_takes_over(own: Stack) -> None:
    """Of two reconcilers one leads; when it is stopped and hangs, the other takes over and the first writes no more."""
    gate = Gate()
    issue = at_the_gate(own, gate)
    first = own.processes.pid("reconciler")
    with own.another("reconciler"):
        os.kill(first, signal.SIGSTOP)
        try:
            gate.open()
            own.wait_for_closing(issue)
        finally:
            os.kill(first, signal.SIGCONT)
        own.wait(lambda: own.processes.pid("reconciler") not in {0, first}, "the old leader's end")

    own.wait_until_quiet()
    assert len(own.replies(issue)) == 2


@pytest.mark.parametrize("room", ["worker", "reconciler"])
def test_a_room_that_is_well_touches_its_heartbeat(stack: Stack, tmp_path: Path, room: str) -> None:
    """Also a reconciler that stands by: a probe must not end it."""
    heartbeat = tmp_path / "heartbeat"

    with stack.another(room, heartbeat_file=str(heartbeat)):
        stack.wait(heartbeat.exists, "a heartbeat")


def test_a_worker_waits_for_its_first_redis(stack: Stack) -> None:
    """It says what it waits for, and works as soon as Redis is there."""
    with short_folder() as folder, ExitStack() as afterwards:
        redis, heartbeat = EmbeddedRedis(folder / "later"), folder / "heartbeat"
        said = len(stack.log())
        with stack.another("worker", redis_url=redis.url, heartbeat_file=str(heartbeat)):
            stack.wait(lambda: "waiting for Redis" in stack.log()[said:], "a word on what it waits for")
            afterwards.callback(redis.stop)
            redis.start()
            stack.wait(heartbeat.exists, "a heartbeat")

    assert "Traceback" not in stack.log()[said:]


def test_a_worker_that_waits_for_redis_can_be_stopped(stack: Stack) -> None:
    """It ends by itself: the first process of a container is not ended by a signal that it does not handle."""
    environment = stack.environment | {"ABLEHAND_REDIS_URL": "redis://127.0.0.1:1"}
    command = [sys.executable, "-m", "ablehand", "worker"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as worker:
        assert worker.stdout is not None
        assert any(b"waiting for Redis" in line for line in worker.stdout)
        worker.terminate()

    assert worker.returncode == TERMINATED
