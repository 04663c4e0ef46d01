"""Keeps a few processes of ours running side by side: starts them, starts them anew when they end, stops them all."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from operate.parent_death import end_with_parent

FIRST_PAUSE_SECONDS: Final = 0.2
STEADY_SECONDS: Final = 30.0
"""A process that ran this long starts anew at once."""
STOP_SECONDS: Final = 10.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Child:
    """One room that is kept running; *arguments* follow ``ablehand`` on its command line.

    *withheld* names variables of the environment that the others get and it does not need.
    """

    name: str
    arguments: Sequence[str]
    withheld: frozenset[str] = frozenset()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    due_at: float = field(default=0.0)


class Processes:
    """The children of one `ablehand up`. They get *environment* and nothing of ours but it."""

    def __init__(
        self,
        children: Sequence[Child],
        environment: Mapping[str, str],
        *,
        log_file: Path | None,
        longest_pause_seconds: float = 10.0,
    ) -> None:
        self._longest_pause = longest_pause_seconds
        self._children = list(children)
        self._environment = dict(environment)
        self._log_file = log_file
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start every child."""
        for child in self._children:
            self._start(child)

    def pid(self, name: str) -> int:
        """Give the process id of the child *name*; 0 while it does not run."""
        found = next(child for child in self._children if child.name == name)
        return found.process.pid if found.process and found.process.poll() is None else 0

    def keep(self) -> None:
        """Start what has ended anew, later each time, until `stop` is called from a signal handler or a thread."""
        while not self._stopping.wait(0.1):
            self.look_after()

    def look_after(self) -> None:
        """Start anew what has ended and is due."""
        now = time.monotonic()
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                steady = now - child.started_at > STEADY_SECONDS
                child.pause = FIRST_PAUSE_SECONDS if steady else min(child.pause * 2, self._longest_pause)
                status = child.process.returncode
                log.warning("process ended; it is started anew", extra={"child": child.name, "status": status})
                child.process, child.due_at = None, now + child.pause
            if child.process is None and now >= child.due_at and not self._stopping.is_set():
                self._start(child)

    def request_stop(self) -> None:
        """Have `keep` return; safe in a signal handler."""
        self._stopping.set()

    def stop(self) -> None:
        """End every child; what does not end in time is killed."""
        self._stopping.set()
        running = [child.process for child in self._children if child.process and child.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, child: Child) -> None:
        command = [sys.executable, "-m", "ablehand", *child.arguments]
        output = self._log_file.open("ab") if self._log_file else None
        try:
            environment = {name: value for name, value in self._environment.items() if name not in child.withheld}
            child.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stderr=output, preexec_fn=end_with_parent
            )
        finally:
            if output:
                output.close()
        child.started_at = time.monotonic()
