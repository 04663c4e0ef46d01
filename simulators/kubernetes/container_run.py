"""One container of a Pod: tried until it starts, awaited, and started again where its Pod wants that."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from simulators.kubernetes.container_start import Launch, NotStarted, RunningContainer
from simulators.kubernetes.containers import Exit
from simulators.kubernetes.logs import ContainerLog
from simulators.kubernetes.pod_status import ContainerRecord

Object = dict[str, Any]

PULL_ERROR: Final = "ErrImagePull"


class Stopped(Exception):
    """Nothing of the Pod is to be started any more."""


class PodStop:
    """Whether a Pod is being stopped, for all who wait on its behalf."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()

    def begin(self) -> None:
        """Let every `pause` end, now and later, with Stopped."""
        self._begun.set()

    @property
    def begun(self) -> bool:
        """Whether it is."""
        return self._begun.is_set()

    async def pause(self, seconds: float) -> None:
        """Wait so long, or raise Stopped as soon as the Pod is being stopped."""
        if seconds > 0 and not self.begun:
            try:
                await asyncio.wait_for(self._begun.wait(), seconds)
            except TimeoutError:
                return
        if self.begun:
            raise Stopped


class ContainerRun:
    """One container, as long as its Pod runs. *report* writes the Pod's status."""

    def __init__(
        self, launch: Launch, container: Object, record: ContainerRecord, stop: PodStop, report: Callable[[], None]
    ) -> None:
        self.container = container
        self.alive: RunningContainer | None = None
        self._launch = launch
        self._record = record
        self._stop = stop
        self._report = report
        self._out_of_memory = False
        self._field = f"spec.containers{{{record.name}}}"
        if container in (launch.pod["spec"].get("initContainers") or []):
            self._field = f"spec.initContainers{{{record.name}}}"

    async def run(self, on_start: Callable[[], None]) -> None:
        """Run it to its end; raise Stopped where the Pod is stopped before it runs."""
        back_off = self._launch.services.delays.pull_back_off
        while True:
            log = ContainerLog()
            self.alive = await self._start(log)
            on_start()
            self._report()
            ended = await self.alive.ended()
            self.alive = None
            log.close()
            self._note_end(ended, log)
            if not self._starts_again():
                self._report()
                return
            await self._back_off(back_off)
            back_off *= 2

    def terminate(self) -> None:
        """Ask it to end."""
        if self.alive is not None:
            self._tell("Killing", f"Stopping container {self._record.name}")
            self.alive.terminate()

    def kill(self, *, out_of_memory: bool = False) -> None:
        """End it; *out_of_memory* as the kernel does, so that it ends with OOMKilled."""
        if self.alive is not None:
            self._out_of_memory = self._out_of_memory or out_of_memory
            self.alive.kill()

    async def _start(self, log: ContainerLog) -> RunningContainer:
        services, record = self._launch.services, self._record
        await self._stop.pause(services.delays.pull)
        wait = services.delays.retry
        while True:
            try:
                running = self._launch.start(self.container, log)
            except NotStarted as error:
                if error.reason == PULL_ERROR:
                    await self._fail_pull(error)
                else:
                    self._show(error)
                    await self._stop.pause(wait)
                wait = min(2 * wait, services.delays.retry_most)
                continue
            services.logs.setdefault(self._launch.pod["metadata"]["uid"], {})[record.name] = log
            record.run()
            self._tell("Pulled", f'Container image "{record.image}" already present on machine')
            self._tell("Created", f"Created container: {record.name}")
            self._tell("Started", f"Started container {record.name}")
            return running

    async def _fail_pull(self, error: NotStarted) -> None:
        """Show a pull that failed, then the wait before the next one, as a kubelet turns between the two."""
        image, delays = self._record.image, self._launch.services.delays
        self._tell("Pulling", f'Pulling image "{image}"')
        self._warn("Failed", f'Failed to pull image "{image}": {error.message}')
        self._warn("Failed", f"Error: {PULL_ERROR}")
        self._record.wait(PULL_ERROR, error.message)
        self._report()
        await self._stop.pause(delays.pull_back_off)
        self._tell("BackOff", f'Back-off pulling image "{image}"')
        self._warn("Failed", "Error: ImagePullBackOff")
        self._record.wait("ImagePullBackOff", f'Back-off pulling image "{image}": {PULL_ERROR}: {error.message}')
        self._report()
        await self._stop.pause(2 * delays.pull_back_off)

    def _show(self, error: NotStarted) -> None:
        if error.reason == "InvalidImageName":
            self._warn("InspectFailed", error.message)
            self._warn("Failed", "Error: InvalidImageName")
        else:
            self._warn("Failed", f"Error: {error.message}")
        self._record.wait(error.reason, error.message)
        self._report()

    def _note_end(self, ended: Exit, log: ContainerLog) -> None:
        if ended.start_error:
            self._warn("Failed", f"Error: {ended.start_error}")
            self._record.end(ended.code, "StartError", ended.start_error)
            return
        reason = "OOMKilled" if self._out_of_memory else "Completed" if ended.code == 0 else "Error"
        self._record.end(ended.code, reason, self._launch.message(self.container, log, ended.code))

    def _starts_again(self) -> bool:
        policy = self._launch.pod["spec"].get("restartPolicy", "Always")
        if self._stop.begun or policy == "Never":
            return False
        is_init = "initContainers" in self._field
        return self._record.exit_code != 0 or (policy == "Always" and not is_init)

    async def _back_off(self, seconds: float) -> None:
        meta, record = self._launch.pod["metadata"], self._record
        where = f"container={record.name} pod={meta['name']}_{meta['namespace']}({meta['uid']})"
        record.last_state, record.restarts = record.state, record.restarts + 1
        record.wait("CrashLoopBackOff", f"back-off {seconds:g}s restarting failed {where}")
        self._warn("BackOff", f"Back-off restarting failed container {record.name} in pod {where.partition('pod=')[2]}")
        self._report()
        await self._stop.pause(seconds)

    def _tell(self, reason: str, message: str) -> None:
        self._launch.services.recorder.normal(self._launch.pod, reason, message, container=self._field)

    def _warn(self, reason: str, message: str) -> None:
        self._launch.services.recorder.warn(self._launch.pod, reason, message, container=self._field)
