"""The executor for one machine: the three runtime steps as local processes, under a supervisor of each run's own.

Nothing of a run hangs on us: its supervisor (`worker.executors.supervisor`) is detached, and all that is known of it
lies in the run's directory, which any process of ours may read, again after any restart. Chosen by
``ABLEHAND_EXECUTOR=process``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Final

from core.errors import ExecutorError, SettingsError
from core.reasons import Reason
from runtime.contract import Step
from worker.executors.bubblewrap import bubblewrap_problem
from worker.executors.process_tree import kill_exactly
from worker.executors.protocol import Listing, LogLine, RunRequest, RunState
from worker.executors.run_directory import (
    CANCEL,
    END,
    ORDER,
    RUN,
    STARTED,
    SUPERVISOR_LOG,
    RunDirectory,
    is_run_name,
)
from worker.executors.run_plan import PROJECT, StepSetting, plan_run, secrets_by_step
from worker.executors.run_states import RunStates, end_leftovers, settle
from worker.executors.step_log import read_lines
from worker.executors.tree_removal import remove_tree

START_SECONDS: Final = 30.0
KILLED_SECONDS: Final = 5.0
_REMOVED: Final = ".removed-"
"""Starts the name of a directory that is being deleted; no run's name begins so."""
log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class ProcessExecutor:
    """Runs on this machine, below one directory."""

    directory: Path
    """Of all runs; made when the first is launched. On a disk of its own user's, not in /tmp."""
    setting: StepSetting = field(default_factory=StepSetting)
    sandbox: bool | None = None
    """Whether to run the steps under bubblewrap; None: where it works."""
    poll_seconds: float = 0.1
    """How often observers and log readers look."""
    listing_seconds: float = 5.0
    cancel_seconds: float = 20.0
    """How long `cancel` waits for a supervisor before it kills it."""
    _sandboxed: bool = field(init=False)

    def __post_init__(self) -> None:
        """Find out about bubblewrap, and say once where agents will run without."""
        self.directory = self.directory.absolute()
        problem = bubblewrap_problem() if self.sandbox is not False else "it is switched off"
        if problem and self.sandbox:
            raise SettingsError(f"bubblewrap is asked for, but {problem}: install it, or switch the sandbox off")
        if problem:
            log.warning("agents run without a sandbox, as this user, because of bubblewrap: %s", problem)
        self._sandboxed = not problem

    def launch(self, request: RunRequest) -> None:
        """Start the run, or attach: see `worker.executors.protocol.Executor.launch`.

        A run that has started once is never started again, whether its supervisor lives or not.
        """
        if not is_run_name(request.name):
            raise ExecutorError(f"launch a run: {request.name[:80]!r} is no run's name")
        run = RunDirectory(self.directory / request.name)
        try:
            run.create()
            with run.locked_for_launch():
                if not (run.has(STARTED) or run.has(END)):
                    self._start(run, request)
        except OSError as exc:
            raise ExecutorError(f"launch {request.name} in {self.directory}: {exc.strerror or exc}") from exc

    def cancel(self, name: str) -> None:
        """End the run and everything that it started: see `worker.executors.protocol.Executor.cancel`.

        Raises:
            ExecutorError: Something of it can't be killed, even by force.
        """
        run = self._find(name)
        if run is None:
            return
        with suppress(FileNotFoundError):
            (run.path / CANCEL).touch()
            if _settled_within(run, self.cancel_seconds):
                return
            supervisor = run.read_values(STARTED)
            log.warning("supervisor did not answer and was killed", extra={"run": name})
            kill_exactly(int(supervisor.get("pid", 0)), int(supervisor.get("start_time", 0)))
            if not _settled_within(run, KILLED_SECONDS):
                raise ExecutorError(f"cancel {name}: its supervisor can't be killed")

    def remove(self, name: str) -> None:
        """Delete what an ended run left: see `worker.executors.protocol.Executor.remove`.

        Raises:
            ExecutorError: It has not ended, or its files can't be deleted.
        """
        run = self._find(name)
        if run is None:
            return
        try:
            with run.locked() as ours:
                if not ours or not (run.has(END) or end_leftovers(run)):
                    raise ExecutorError(f"remove {name}: it has not ended")
                run.path.rename(self.directory / f"{_REMOVED}{name}-{token_hex(4)}")
            self._finish_removals()
        except FileNotFoundError:
            return  # somebody else was faster
        except OSError as exc:
            raise ExecutorError(f"remove {name}: {exc.strerror or exc}") from exc

    def exists(self, name: str) -> bool:
        """Tell whether the run has a directory: see `worker.executors.protocol.Executor.exists`."""
        return self._find(name) is not None

    async def observe(self) -> AsyncIterator[RunState | Listing]:
        """Yield states, a listing, changes: see `worker.executors.protocol.Executor.observe`."""
        try:
            await asyncio.to_thread(self._finish_removals)
        except OSError as exc:
            log.warning("removed runs are not all deleted", extra={"why": str(exc)})
        states = RunStates(self.directory)
        listing_at = 0.0
        while True:
            for state in states.changes():  # far cheaper here than in a thread
                yield state
            if time.monotonic() >= listing_at:
                yield Listing(names=states.names())
                listing_at = time.monotonic() + self.listing_seconds
            await asyncio.sleep(self.poll_seconds)

    async def read_log(self, name: str, step: Step, after: int) -> AsyncIterator[LogLine]:
        """Yield the step's lines: see `worker.executors.protocol.Executor.read_log`."""
        run = self._find(name)
        while run is not None:
            # Whether it has ended is asked before the reading: what is read then is all.
            complete = "ended_at" in run.read_values(f"{step}.json") or run.is_over()
            before = after
            for line in read_lines(run.log(step), after, complete=complete):
                yield line
                after = line.position
            if after == before:
                if complete:
                    return
                await asyncio.sleep(self.poll_seconds)

    def _finish_removals(self) -> None:
        """Delete what was removed, also where whoever removed it died over it."""
        for leftover in self.directory.glob(f"{_REMOVED}*"):
            remove_tree(leftover)

    def _find(self, name: str) -> RunDirectory | None:
        run = RunDirectory(self.directory / name)
        return run if is_run_name(name) and run.path.is_dir() else None

    def _start(self, run: RunDirectory, request: RunRequest) -> None:
        run.write(ORDER, request.order.to_json())
        run.write_values(RUN, plan_run(run, request, self.setting, sandboxed=self._sandboxed))
        output = run.start_file(run.path / SUPERVISOR_LOG)
        try:
            done = subprocess.run(  # noqa: S603 - our own module
                [sys.executable, "-S", "-m", "worker.executors.supervisor", str(run.path)],
                input=json.dumps(secrets_by_step(request)).encode(),
                stdout=subprocess.PIPE,  # its end wakes us; waiting for an exit with a timeout polls
                stderr=output,
                cwd=PROJECT,
                env={"PATH": os.defpath},
                start_new_session=True,
                timeout=START_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ExecutorError(
                f"launch {run.name}: its supervisor did not start within {START_SECONDS:.0f} s"
            ) from None
        finally:
            os.close(output)
        if done.returncode != 0:
            lines = (run.path / SUPERVISOR_LOG).read_text(errors="replace").splitlines()
            raise ExecutorError(f"launch {run.name}: its supervisor did not start: {' '.join(lines[-1:])[:200]}")


def _settled_within(run: RunDirectory, seconds: float) -> bool:
    """Wait until nothing of the run is alive; it then has an end mark."""
    deadline = time.monotonic() + seconds
    while not settle(run, Reason.LOST):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True
