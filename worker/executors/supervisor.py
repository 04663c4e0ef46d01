"""One run's supervisor: a process of its own that starts the steps, watches them, and outlives all of ours.

    python -m worker.executors.supervisor RUN_DIRECTORY  < the steps' secrets, as one JSON object

`worker.executors.process` starts it. It reads what to do from run.json, keeps run.lock for as long as it lives, and
writes what happens into the directory; see `worker.executors.run_directory`. It knows nothing of orders, sandboxes
and tokens: only command lines, and variables for each step. It has a session of its own and ignores TERM, HUP and INT,
which are meant for the processes that launched it; the file ``cancel`` is the way to end it, and whoever kills it ends
the run as lost. It imports little, so that a run starts quickly.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final, NoReturn

from worker.executors.process_tree import adopt_orphans, die_with, end_descendants, hide_memory, reap, start_time
from worker.executors.run_directory import CANCEL, END, RUN, STARTED, RunDirectory, try_lock

TICK_SECONDS: Final = 0.25
"""How soon a cancel, the deadline or an endless log is noticed. A step's end is noticed at once."""
NOT_STARTED: Final = 127
"""The exit code of a step whose program could not be started, as in a shell."""
_IGNORED: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def main(directory: str) -> int:
    """Detach, take the run, carry it out. The first process returns once the run is safe: 0, or 1 where it is not."""
    hide_memory()
    secrets = json.load(sys.stdin)
    reader, writer = os.pipe()
    if os.fork():
        # Our parent waits for this process alone, so the real supervisor is nobody's zombie.
        os.close(writer)
        return 0 if os.read(reader, 1) else 1
    os.close(reader)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # the launcher waits for the other end of our standard output
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    run = RunDirectory(Path(directory))
    mine = _claim(run)
    os.write(writer, b"1")
    os.close(writer)
    if mine:
        adopt_orphans()
        Supervisor(run, secrets).carry_out()
    return 0


class Supervisor:
    """Carries out the one run that it holds the lock of."""

    def __init__(self, run: RunDirectory, secrets: dict[str, dict[str, str]]) -> None:
        self._run = run
        self._secrets = secrets
        self._plan = run.read_values(RUN)
        self._deadline = time.monotonic() + float(self._plan["deadline_seconds"])
        self._problem = ""
        self._detail = ""
        self._alarm = _alarm()

    def carry_out(self) -> None:
        """Run the steps until one fails or a problem ends them, and say so in the end mark."""
        try:
            for step in self._plan["steps"]:
                self._problem = self._reason_to_end(None)
                if self._problem or self._run_step(step) != 0 or self._problem:
                    break
        except OSError as exc:  # the disk is full or the directory gone: leave nothing alive, and say it if we can
            end_descendants(0, spare=False, wait=self._wait)
            self._problem, self._detail = "infrastructure", f"the run's directory: {exc.strerror}"
        values = {"ended_at": time.time(), "problem": self._problem, "detail": self._detail}
        self._run.write_values(END, values)

    def _run_step(self, step: str) -> int:
        times: dict[str, Any] = {"started_at": time.time()}
        os.close(self._run.start_file(self._run.result(step)))
        log = self._run.start_file(self._run.log(step))
        try:
            self._run.write_values(f"{step}.json", times)
            pid = self._start(step, log)
            exit_code = self._watch(pid, log)
            ended = end_descendants(pid, spare=self._plan["sandboxed"], wait=self._wait)
        finally:
            os.close(log)
        times["exit_code"] = exit_code = (ended or 0) if exit_code is None else exit_code
        self._run.write_values(f"{step}.json", times | {"ended_at": time.time()})
        return exit_code

    def _start(self, step: str, log: int) -> int:
        """Start the step in a session of its own; its output goes straight into the file, so nothing can block it."""
        plan = self._plan["steps"][step]
        environment = plan["environment"] | self._secrets.get(step, {})
        parent = os.getpid()
        pid = os.fork()
        return pid or _become(plan["command"], environment, log, parent)

    def _watch(self, pid: int, log: int) -> int | None:
        """Wait for the step's end and give its exit code; None where a problem ends it first."""
        while True:
            _, exit_code = reap(pid)
            if exit_code is not None:
                return exit_code
            self._problem = self._reason_to_end(log)
            if self._problem:
                return None
            self._wait(TICK_SECONDS)

    def _reason_to_end(self, log: int | None) -> str:
        if self._run.has(CANCEL):
            return "cancelled"
        if time.monotonic() >= self._deadline:
            return "timeout"
        return "output" if log is not None and os.fstat(log).st_size > self._plan["log_limit_bytes"] else ""

    def _wait(self, seconds: float) -> None:
        if select.select([self._alarm], [], [], seconds)[0]:
            os.read(self._alarm, 4096)


def _claim(run: RunDirectory) -> bool:
    """Take the run's lock for the rest of our life; False where the run has begun, or ended, without us.

    An observer may hold the lock for a moment, hence the second try; a supervisor that holds it has said "started".
    """
    descriptor = run.open_lock()
    while not try_lock(descriptor):
        if run.has(STARTED):
            return False
        time.sleep(0.005)
    if run.has(STARTED) or run.has(END):
        return False
    run.write_values(STARTED, {"pid": os.getpid(), "start_time": start_time(os.getpid())})
    return True


def _alarm() -> int:
    """Give a descriptor that can be read once a child has ended."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reader


def _become(command: list[str], environment: dict[str, str], log: int, parent: int) -> NoReturn:
    """Turn this new child into the step."""
    try:
        die_with(parent)
        os.setsid()
        for number in (*_IGNORED, signal.SIGPIPE, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.umask(0o022)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.execvpe(command[0], command, environment)  # noqa: S606 - the executor's own command line
    except OSError as exc:
        os.write(2, f"{command[0]} can't be started: {exc.strerror}\n".encode())
    finally:
        os._exit(NOT_STARTED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
