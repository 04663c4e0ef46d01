"""A container without a process: a coroutine that prints what its `Script` says, for thousands of Pods at once."""

import asyncio
import math
import time
from typing import Final

from simulators.kubernetes.containers import Exit
from simulators.kubernetes.images import Script
from simulators.kubernetes.logs import ContainerLog

TERMINATED: Final = 143
KILLED: Final = 137


class ScriptedContainer:
    """One running script; to the kubelet it is as a `ProcessContainer`."""

    def __init__(self, script: Script, log: ContainerLog) -> None:
        self._script = script
        self._log = log
        self._exit: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._printed = 0
        for text in script.first:
            log.write(text.encode(), time.time_ns())
        self._began = asyncio.get_running_loop().time()
        self._go_on()

    async def ended(self) -> Exit:
        """Wait for its end."""
        return await asyncio.shield(self._exit)

    def terminate(self) -> None:
        """End it with 143, where the script heeds a SIGTERM."""
        if self._script.heeds_term:
            self._end(TERMINATED)

    def kill(self) -> None:
        """End it with 137."""
        self._end(KILLED)

    def resident_bytes(self) -> int:
        """Return 0: there is no process."""
        return 0

    @property
    def first_process(self) -> None:
        """None: there is no process."""
        return

    def _go_on(self) -> None:
        loop, script = asyncio.get_running_loop(), self._script
        elapsed = min(loop.time() - self._began, script.seconds)
        # Counted from the beginning, so that a late timer costs no line in the long run.
        while self._printed < math.floor(elapsed * script.lines_per_second + 1e-6):
            self._log.write(script.line(self._printed).encode(), time.time_ns())
            self._printed += 1
        if elapsed >= script.seconds:
            self._end(script.exit_code)
            return
        next_line = (self._printed + 1) / script.lines_per_second if script.lines_per_second else math.inf
        due = min(script.seconds, next_line)
        if due < math.inf:
            self._timer = loop.call_at(self._began + due, self._go_on)

    def _end(self, code: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._exit.done():
            self._exit.set_result(Exit(code))
