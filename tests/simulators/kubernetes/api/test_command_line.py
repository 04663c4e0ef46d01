"""The simulated cluster as a program of its own, as somebody tries it by hand."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import programs

Running = tuple[subprocess.Popen[str], dict[str, str]]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Return the program, and an environment in which kubectl reaches it."""
    command = [sys.executable, "-m", "simulators.kubernetes", "--directory", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as program:
        assert program.stdout is not None
        name, _, path = program.stdout.readline().strip().partition("=")
        home = str(tmp_path / "home")
        yield program, {"HOME": home, "PATH": os.environ["PATH"], name.removeprefix("export "): path}
        program.kill()


def _kubectl(environment: dict[str, str], *arguments: str) -> str:
    command = [str(programs.kubectl()), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_runs_jobs_and_ends_with_all_that_it_started(running: Running, tmp_path: Path) -> None:
    """A Job runs as a process, which is gone as soon as the program has ended by SIGTERM."""
    program, environment = running
    mark = f"mark-{tmp_path.name}"
    _kubectl(environment, "create", "job", "wait", "--image=debian:12", "--", "sh", "-c", f"sleep 600; : {mark}")
    _kubectl(environment, "wait", "--for=jsonpath={.status.ready}=1", "job/wait", "--timeout=90s")
    before = _processes(mark)

    program.send_signal(signal.SIGTERM)

    assert program.wait(timeout=30) == 0
    assert before
    assert _processes(mark) == []


def _processes(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            # It ended meanwhile.
            continue
        if mark.encode() in words and b"kubectl" not in words:
            found.append(path.parent.name)
    return found
