"""What the executor's tests share: a run to order, and waiting for what it does."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.contract import Order, Step
from worker.executors.bubblewrap import bubblewrap_problem
from worker.executors.process import ProcessExecutor
from worker.executors.protocol import LogLine, RunRequest, RunState
from worker.executors.run_directory import RunDirectory
from worker.executors.run_plan import StepSetting
from worker.executors.run_states import read_state

READ_TOKEN = f"canary-read-{os.getpid()}"
WRITE_TOKEN = f"canary-write-{os.getpid()}"
"""This test process's own: another's run may show its tokens in /proc at the same time."""
FAKE_STEP = Path(__file__).with_name("fake_step.py")
PATIENCE_SECONDS = 60.0
Script = dict[str, list[list[object]]]


def executor_in(directory: Path, *, sandbox: bool = False) -> ProcessExecutor:
    """Give an executor whose steps are `fake_step`."""
    setting = StepSetting(command=(sys.executable, "-S", str(FAKE_STEP)), readable=(FAKE_STEP.parent,))
    return ProcessExecutor(directory=directory, setting=setting, sandbox=sandbox, poll_seconds=0.02)


def require_bubblewrap() -> None:
    """Skip the test where bubblewrap does not work; in CI it must."""
    problem = bubblewrap_problem()
    if problem and os.environ.get("CI") != "true":
        pytest.skip(problem)
    assert not problem


def request_for(
    name: str, script: Script | None = None, *, deadline_seconds: int = 60, output_limit_bytes: int = 1_000_000
) -> RunRequest:
    """Order a run whose steps do what *script* says."""
    order = Order(
        task_id=7,
        clone_url="http://gitlab.invalid/shop/web.git",
        default_branch="main",
        base_branch="main",
        base_commit="0" * 40,
        push_branch="agent/7",
        commit_message="Add the endpoint",
        author_name="Agent",
        author_email="agent@invalid",
        commit_time=1,
        prompt=json.dumps(script or {}),
        output_limit_bytes=output_limit_bytes,
    )
    return RunRequest(
        name=name,
        task_id=7,
        unique_id="0123456789abcdef",
        attempt=1,
        project_id=3,
        order=order,
        deadline_seconds=deadline_seconds,
        read_token=READ_TOKEN,
        write_token=WRITE_TOKEN,
        agent_variables={"MODEL_KEY": "canary-model", "MODEL_URL": "http://model.invalid"},
    )


def until(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds; fails the test if it never does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def ended(directory: Path, name: str) -> RunState:
    """Wait for the run's end and give its last state."""
    run = RunDirectory(directory / name)

    def is_ended() -> bool:
        state = read_state(run)
        return state is not None and state.ended

    until(is_ended)
    state = read_state(run)
    assert state is not None
    return state


def lines_of(executor: ProcessExecutor, name: str, step: Step, after: int = 0) -> list[LogLine]:
    """Read the step's log to its end."""

    async def read() -> list[LogLine]:
        """Collect."""
        return [line async for line in executor.read_log(name, step, after)]

    return asyncio.run(asyncio.wait_for(read(), PATIENCE_SECONDS))


def text_of(executor: ProcessExecutor, name: str, step: Step) -> str:
    """Give the step's whole output."""
    return "\n".join(line.text for line in lines_of(executor, name, step))


def is_alive_by(heartbeat: Path) -> bool:
    """Whether whoever writes *heartbeat* still does."""
    before = heartbeat.read_bytes()
    deadline = time.monotonic() + 0.15
    while time.monotonic() < deadline:
        time.sleep(0.02)
        if heartbeat.read_bytes() not in (before, b""):
            return True
    return False
