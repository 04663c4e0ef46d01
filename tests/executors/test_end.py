"""The ends of a run: cancel, deadline, endless output, a lost supervisor. Nothing may be left alive."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from core.errors import ExecutorError
from runtime.contract import Step
from tests.executors.runs import Script, ended, executor_in, is_alive_by, request_for, require_bubblewrap, until
from worker.executors.process import ProcessExecutor
from worker.executors.protocol import StepPhase
from worker.executors.run_directory import RunDirectory

HEARTBEATS = ("child", "daemon")


def _stubborn_in(step: Step) -> Script:
    return {step: [["ignore-term", ""], ["stubborn", ""], ["print", "ready\n"], ["wait", "never"]]}


def _launch_stubborn(executor: ProcessExecutor, step: Step = Step.AGENT, *, deadline_seconds: int = 60) -> RunDirectory:
    """Launch a run and wait until the step ignores TERM and has left a child and a daemon that do so, too."""
    executor.launch(request_for("run", _stubborn_in(step), deadline_seconds=deadline_seconds))
    run = RunDirectory(executor.directory / "run")
    until(lambda: run.log(step).exists() and b"ready" in run.log(step).read_bytes())
    return run


def _nothing_lives(run: RunDirectory, step: Step = Step.AGENT) -> bool:
    return not any(is_alive_by(run.workspace(step) / name) for name in HEARTBEATS)


@pytest.mark.parametrize("step", list(Step))
def test_cancel_ends_whichever_step_runs(executor: ProcessExecutor, step: Step) -> None:
    """Cancel returns when the step, its child and its daemon are dead, though all ignore TERM."""
    run = _launch_stubborn(executor, step)
    assert all(is_alive_by(run.workspace(step) / name) for name in HEARTBEATS)

    executor.cancel("run")

    assert _nothing_lives(run, step)
    state = ended(executor.directory, "run")
    assert state.problem == "cancelled"
    assert [item.phase for item in state.steps].count(StepPhase.RUNNING) == 0
    assert {item.exit_code for item in state.steps if item.step is step} == {137}


def test_cancel_reaches_into_the_sandbox(sandboxed: ProcessExecutor) -> None:
    """Under bubblewrap, too, nothing is left after a cancel."""
    run = _launch_stubborn(sandboxed)

    sandboxed.cancel("run")

    assert _nothing_lives(run)
    assert ended(sandboxed.directory, "run").problem == "cancelled"


def test_cancel_kills_a_supervisor_that_does_not_answer(executor: ProcessExecutor) -> None:
    """A stopped supervisor is killed after a while, with all that it started."""
    run = _launch_stubborn(executor)
    os.kill(run.read_values("started.json")["pid"], signal.SIGSTOP)
    executor.cancel_seconds = 0.2

    executor.cancel("run")

    assert _nothing_lives(run)
    assert ended(executor.directory, "run").problem == "cancelled"


def test_cancel_never_hits_a_recycled_pid(executor: ProcessExecutor) -> None:
    """Where the recorded pid has become another process, cancel gives up and leaves that one alone."""
    run = _launch_stubborn(executor)
    supervisor = run.read_values("started.json")
    os.kill(supervisor["pid"], signal.SIGSTOP)
    try:
        executor.cancel_seconds = 0.1
        with pytest.MonkeyPatch.context() as patch, subprocess.Popen(["cat"], stdin=subprocess.PIPE) as other:
            run.write_values("started.json", supervisor | {"pid": other.pid})
            patch.setattr("worker.executors.process.KILLED_SECONDS", 0.1)
            with pytest.raises(ExecutorError, match="can't be killed"):
                executor.cancel("run")
            assert other.poll() is None
    finally:
        os.kill(supervisor["pid"], signal.SIGCONT)

    assert ended(executor.directory, "run").problem == "cancelled"


def test_cancel_before_the_start_keeps_a_run_from_starting(executor: ProcessExecutor) -> None:
    """A run whose launcher died early is cancelled, and a late launch leaves it so."""
    run = RunDirectory(executor.directory / "run")
    run.create()
    run.write_values("run.json", {"task_id": 7})
    executor.cancel("run")
    executor.launch(request_for("run"))

    state = ended(executor.directory, "run")
    assert (state.problem, {step.phase for step in state.steps}) == ("cancelled", {StepPhase.WAITING})


def test_cancel_after_the_end_changes_nothing(executor: ProcessExecutor) -> None:
    """An ended run stays what it was; cancelling twice, or the unknown, is fine."""
    executor.launch(request_for("run"))
    before = ended(executor.directory, "run")
    executor.cancel("run")
    executor.cancel("run")
    executor.cancel("unknown")

    assert ended(executor.directory, "run") == before


def test_deadline_ends_the_run(executor: ProcessExecutor) -> None:
    """Past its deadline the whole run is ended, with the problem "timeout"."""
    run = _launch_stubborn(executor, deadline_seconds=1)

    assert ended(executor.directory, "run").problem == "timeout"
    assert _nothing_lives(run)


def test_endless_output_ends_the_run(executor: ProcessExecutor) -> None:
    """A step whose log passes twice the order's limit and 1 MiB is ended."""
    executor.launch(request_for("run", {"agent": [["flood", ""]]}, output_limit_bytes=1000))

    state = ended(executor.directory, "run")
    assert state.problem == "output"
    assert state.steps[2].phase is StepPhase.WAITING


@pytest.mark.parametrize("step", [Step.PREPARE, Step.AGENT])
def test_what_a_step_leaves_is_killed_before_the_next(executor: ProcessExecutor, step: Step) -> None:
    """A child and a daemon that outlive their step are dead when the next one starts; the run goes on."""
    executor.launch(request_for("run", {step: [["stubborn", ""]]}))
    state = ended(executor.directory, "run")

    assert (state.problem, [item.exit_code for item in state.steps]) == ("", [0, 0, 0])
    assert _nothing_lives(RunDirectory(executor.directory / "run"), step)


@pytest.mark.parametrize("sandbox", [False, True], ids=["alone", "bubblewrap"])
def test_killed_supervisor_is_lost_and_leaves_nothing(tmp_path: Path, *, sandbox: bool) -> None:
    """Kill the supervisor with KILL: the run is lost, and once that is said nothing of it lives."""
    if sandbox:
        require_bubblewrap()
    executor = executor_in(tmp_path, sandbox=sandbox)
    run = _launch_stubborn(executor)
    os.kill(run.read_values("started.json")["pid"], signal.SIGKILL)

    state = ended(tmp_path, "run")

    assert (state.problem, state.detail) == ("lost", "its supervisor vanished")
    assert _nothing_lives(run)


def test_sandbox_dies_with_its_supervisor_without_our_help(sandboxed: ProcessExecutor) -> None:
    """Under bubblewrap the kernel ends everything, daemons included, though nobody looks."""
    run = _launch_stubborn(sandboxed)
    os.kill(run.read_values("started.json")["pid"], signal.SIGKILL)

    until(lambda: _nothing_lives(run))
    assert not run.has("end.json")


def test_directory_that_vanishes_leaves_nothing_alive(executor: ProcessExecutor) -> None:
    """Where the supervisor can't write any more, it ends what it started before it goes."""
    run = _launch_stubborn(executor)
    moved = run.path.rename(executor.directory / "elsewhere")
    pid = RunDirectory(moved).read_values("started.json")["pid"]
    os.kill(_step_of(pid), signal.SIGKILL)

    until(lambda: not RunDirectory(moved).is_supervised())
    assert not any(is_alive_by(moved / "work" / name) for name in HEARTBEATS)


def _step_of(supervisor: int) -> int:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        for child in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split():
            if b"fake_step" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    raise AssertionError("no step")
