"""Launching: once for each name, whoever asks, how often, and whoever dies meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import ExecutorError
from runtime.contract import Step
from tests.executors.runs import Script, ended, executor_in, lines_of, request_for, text_of, until
from worker.executors.process import ProcessExecutor
from worker.executors.process_tree import start_time
from worker.executors.protocol import RunState, StepPhase
from worker.executors.run_directory import RunDirectory

ONCE: Script = {
    "prepare": [["print", "prepared\n"]],
    "agent": [["print", "worked\n"]],
    "publish": [["print", "published\n"]],
}
LAUNCHER = """
import sys
from pathlib import Path
from tests.executors.runs import executor_in, request_for
executor_in(Path(sys.argv[1])).launch(request_for("run", {"agent": [["wait", "go"], ["print", "worked\\n"]]}))
print("launched", flush=True)
sys.stdin.read()
"""


def _launcher(directory: Path) -> subprocess.Popen[bytes]:
    """Start a process that launches the run ``run`` and then waits to be killed."""
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root
    )


def _outcome(state: RunState) -> list[tuple[StepPhase, int]]:
    return [(step.phase, step.exit_code) for step in state.steps]


def test_steps_run_in_order_and_leave_their_results(executor: ProcessExecutor) -> None:
    """Prepare, agent and publish run one after another, and each one's result can be read."""
    executor.launch(request_for("run", ONCE))
    state = ended(executor.directory, "run")

    assert state.problem == ""
    assert state.task_id == 7
    assert [step.step for step in state.steps] == list(Step)
    assert _outcome(state) == [(StepPhase.ENDED, 0)] * 3
    assert [f'"summary": "{step.step}"' in step.result for step in state.steps] == [True] * 3
    times = [time for step in state.steps for time in (step.started_at, step.ended_at)]
    assert times == sorted(times)


def test_handover_reaches_publish(sandboxed: ProcessExecutor) -> None:
    """What the agent hands over is what publish takes over, and nothing lies in publish's workspace."""
    executor = sandboxed
    executor.launch(request_for("run", {"agent": [["hand-over", "the bundle"]], "publish": [["take-over", ""]]}))
    ended(executor.directory, "run")

    assert text_of(executor, "run", Step.PUBLISH) == "the bundle"


@pytest.mark.parametrize("failing", [Step.PREPARE, Step.AGENT, Step.PUBLISH])
def test_failing_step_stops_the_rest(executor: ProcessExecutor, failing: Step) -> None:
    """No step starts after one that failed; its exit code is kept and the executor adds no problem."""
    executor.launch(request_for("run", {failing: [["exit", 3]]}))
    state = ended(executor.directory, "run")

    place = list(Step).index(failing)
    expected = [(StepPhase.ENDED, 0)] * place + [(StepPhase.ENDED, 3)] + [(StepPhase.WAITING, 0)] * (2 - place)
    assert _outcome(state) == expected
    assert state.problem == ""


def test_step_that_is_killed_has_a_shells_exit_code(executor: ProcessExecutor) -> None:
    """A step that dies of a signal ends the run with 128 and the signal's number."""
    executor.launch(request_for("run", {"agent": [["wait", "never"]]}))
    until((executor.directory / "run" / "agent.log").exists)
    supervisor = RunDirectory(executor.directory / "run").read_values("started.json")["pid"]
    until(lambda: _children(supervisor) != [])
    os.kill(_children(supervisor)[0], signal.SIGKILL)

    assert _outcome(ended(executor.directory, "run"))[1] == (StepPhase.ENDED, 137)


def test_program_that_is_missing_is_said_in_the_log(tmp_path: Path) -> None:
    """A step command that can't be started ends with 127 and a line that says so."""
    executor = executor_in(tmp_path)
    object.__setattr__(executor.setting, "command", ("no-such-program",))
    executor.launch(request_for("run"))

    assert _outcome(ended(tmp_path, "run"))[0] == (StepPhase.ENDED, 127)
    assert text_of(executor, "run", Step.PREPARE) == "no-such-program can't be started: No such file or directory"


def test_second_launch_changes_nothing(executor: ProcessExecutor) -> None:
    """Launching again attaches while the run lives, and leaves it alone once it has ended."""
    executor.launch(request_for("run", {"agent": [["print", "worked\n"], ["wait", "go"]]}))
    executor.launch(request_for("run", ONCE))
    (executor.directory / "run" / "work" / "go").touch()
    before = ended(executor.directory, "run")
    order = (executor.directory / "run" / "order.json").read_text()

    executor.launch(request_for("run", ONCE))

    assert (executor.directory / "run" / "order.json").read_text() == order

    assert ended(executor.directory, "run") == before
    assert text_of(executor, "run", Step.AGENT) == "worked"
    assert text_of(executor, "run", Step.PREPARE) == ""


def test_many_launchers_start_one_run(executor: ProcessExecutor) -> None:
    """Launchers in several processes at the same moment: all succeed, the agent works once."""
    executor.directory.mkdir()
    launchers = [_launcher(executor.directory) for _ in range(4)]
    said = [launcher.stdout.readline() if launcher.stdout else b"" for launcher in launchers]
    for launcher in launchers:
        launcher.communicate()
    (executor.directory / "run" / "work" / "go").touch()

    assert said == [b"launched\n"] * 4
    assert ended(executor.directory, "run").problem == ""
    assert text_of(executor, "run", Step.AGENT) == "worked"


def test_killed_launcher_does_not_stop_the_run(executor: ProcessExecutor) -> None:
    """Kill the launcher's process group with KILL: the run goes on to its end."""
    launcher = _launcher(executor.directory)
    assert launcher.stdout is not None
    assert launcher.stdout.readline() == b"launched\n"
    launcher.kill()
    launcher.communicate()
    (executor.directory / "run" / "work" / "go").touch()

    assert _outcome(ended(executor.directory, "run")) == [(StepPhase.ENDED, 0)] * 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_supervisor_ignores_what_is_meant_for_launchers(executor: ProcessExecutor, number: signal.Signals) -> None:
    """A deploy's signals leave the run alone."""
    executor.launch(request_for("run", {"agent": [["wait", "go"]]}))
    os.kill(RunDirectory(executor.directory / "run").read_values("started.json")["pid"], number)
    (executor.directory / "run" / "work" / "go").touch()

    assert _outcome(ended(executor.directory, "run")) == [(StepPhase.ENDED, 0)] * 3


@pytest.mark.parametrize(
    "files", [[], ["order.json"], ["order.json", "run.json", "supervisor.log", "launch.lock"]], ids=len
)
def test_launcher_that_died_before_the_start_is_made_up_for(executor: ProcessExecutor, files: list[str]) -> None:
    """A directory in which no supervisor ever started, at any line of the launch, is launched anew."""
    run = executor.directory / "run"
    run.mkdir(parents=True)
    for name in files:
        (run / name).write_text("{}")
    executor.launch(request_for("run", ONCE))

    assert ended(executor.directory, "run").problem == ""
    assert text_of(executor, "run", Step.AGENT) == "worked"


def test_lost_run_is_never_repeated(executor: ProcessExecutor) -> None:
    """A run whose supervisor is gone is not started again by another launch."""
    executor.launch(request_for("run", {"agent": [["print", "worked\n"], ["wait", "never"]]}))
    log = executor.directory / "run" / "agent.log"
    until(lambda: log.exists() and log.read_bytes() == b"worked\n")
    os.kill(RunDirectory(executor.directory / "run").read_values("started.json")["pid"], signal.SIGKILL)
    until(lambda: not RunDirectory(executor.directory / "run").is_supervised())

    executor.launch(request_for("run", ONCE))

    assert ended(executor.directory, "run").problem == "lost"
    assert [line.text for line in lines_of(executor, "run", Step.AGENT)] == ["worked"]


def test_twenty_runs_at_once(executor: ProcessExecutor) -> None:
    """Twenty runs launched side by side all end well, each with its own log."""
    names = [f"run-{number}" for number in range(20)]
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda name: executor.launch(request_for(name, {"agent": [["print", name]]})), names))

    assert [ended(executor.directory, name).problem for name in names] == [""] * 20
    assert [text_of(executor, name, Step.AGENT) for name in names] == names


@pytest.mark.parametrize("name", ["", "../up", "UPPER", "a b", ".removed-x", "x" * 201], ids=repr)
def test_names_that_are_no_runs(executor: ProcessExecutor, name: str) -> None:
    """A name that is not made for a directory can't be launched, and is unknown to everything else."""
    with pytest.raises(ExecutorError, match="no run's name"):
        executor.launch(request_for(name))
    executor.cancel(name)
    executor.remove(name)

    assert lines_of(executor, name, Step.AGENT) == []
    assert not executor.directory.exists()


def test_directory_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    """Where the runs' directory can't be, launching says so."""
    (tmp_path / "file").touch()
    with pytest.raises(ExecutorError, match=r"launch run in .*: Not a directory"):
        executor_in(tmp_path / "file").launch(request_for("run"))


def test_supervisor_that_cannot_start_is_a_sentence(executor: ProcessExecutor) -> None:
    """Where the supervisor can't take its lock, launching says so, and a later launch succeeds."""
    lock = executor.directory / "run" / "run.lock"
    lock.mkdir(parents=True)
    with pytest.raises(ExecutorError, match="supervisor did not start: IsADirectoryError"):
        executor.launch(request_for("run"))
    lock.rmdir()
    executor.launch(request_for("run"))

    assert ended(executor.directory, "run").problem == ""


def test_process_is_known_by_its_start() -> None:
    """A living process has a start time, and one that is not there has none."""
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()

    assert start_time(os.getpid()) > 0
    assert start_time(process.pid) == 0


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]
