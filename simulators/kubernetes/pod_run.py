"""One Pod on its node, from its volumes to its end: what a kubelet does for it, and how it is stopped.

`kubelet` makes one for each Pod that the scheduler gives a node. It runs the init containers one after the other, then
the others at once, and writes the Pod's status after each step.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from simulators.kubernetes.container_run import ContainerRun, PodStop, Stopped
from simulators.kubernetes.container_start import Launch
from simulators.kubernetes.deletion import Deletion
from simulators.kubernetes.images import Scripted
from simulators.kubernetes.node import NodeServices
from simulators.kubernetes.pod_status import new_record, set_condition, write_status
from simulators.kubernetes.volumes import PodVolumes, VolumeTrouble

Object = dict[str, Any]

DEADLINE_MESSAGE: Final = "Pod was active on the node longer than the specified deadline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Why a Pod is stopped: *reason* and *message* of its status, empty where it is being deleted.

    *disruption* is the message of the DisruptionTarget condition that it gets; empty for none.
    """

    grace_seconds: float
    reason: str = ""
    message: str = ""
    disruption: str = ""


class PodRun:
    """One Pod, as long as it runs."""

    def __init__(self, services: NodeServices, pod: Object) -> None:
        self.pod = pod
        self.has_processes = False
        """Whether anything of it may use memory and disk; a script does not."""
        self.volumes = PodVolumes(services.objects, pod, services.pod_directory(pod) / "volumes")
        self._services = services
        self._record = new_record(pod)
        self._stop: Stop | None = None
        self._stopping = PodStop()
        self._kill_timer: asyncio.Handle | None = None
        self._kill_due = 0.0
        self._silent = False
        launch = Launch(services, pod, self.volumes)
        self._init, self._main = (
            [
                ContainerRun(launch, container, self._record.find(container["name"]), self._stopping, self._report)
                for container in pod["spec"].get(key) or []
            ]
            for key in ("initContainers", "containers")
        )

    @property
    def containers(self) -> list[ContainerRun]:
        """All of its containers, in their order."""
        return [*self._init, *self._main]

    async def run(self) -> None:
        """Run it to its end; return when nothing of it is alive and its last status is written."""
        self._report()
        deadline = self._arm_deadline()
        try:
            await self._mount()
            await self._run_containers()
        except Stopped:
            pass
        finally:
            for timer in (deadline, self._kill_timer):
                if timer is not None:
                    timer.cancel()
        await asyncio.to_thread(self.volumes.remove)
        self._finish()

    def stop(self, stop: Stop) -> None:
        """End it: SIGTERM now, SIGKILL after the grace. A second stop can only shorten the grace."""
        if self._stop is None:
            self._stop = stop
            self._stopping.begin()
            for container in self.containers:
                container.terminate()
        loop = asyncio.get_running_loop()
        due = loop.time() + stop.grace_seconds
        # Kept by ourselves: where it is due at once, uvloop's handle does not tell when.
        if self._kill_timer is not None and self._kill_due <= due:
            return
        if self._kill_timer is not None:
            self._kill_timer.cancel()
        self._kill_due, self._kill_timer = due, loop.call_at(due, self._kill)

    def vanish(self) -> None:
        """End it at once and say nothing, as where its node is gone or its Pod is deleted by force."""
        self._silent = True
        self._stopping.begin()
        self._kill()

    def _kill(self) -> None:
        for container in self.containers:
            container.kill()

    def _arm_deadline(self) -> asyncio.TimerHandle | None:
        seconds = self.pod["spec"].get("activeDeadlineSeconds")
        if seconds is None:
            return None
        return asyncio.get_running_loop().call_later(seconds, self._pass_deadline)

    def _pass_deadline(self) -> None:
        if self._stop is None:
            self._services.recorder.normal(self.pod, "DeadlineExceeded", DEADLINE_MESSAGE)
            grace = self.pod["spec"].get("terminationGracePeriodSeconds", 30)
            self.stop(Stop(grace_seconds=grace, reason="DeadlineExceeded", message=DEADLINE_MESSAGE))

    async def _mount(self) -> None:
        """Make the volumes; what they need may come later than the Pod, so this tries until it is there."""
        wait, images = self._services.delays.retry, self._services.images
        while True:
            # An image that is not there yet may turn out to be one of processes.
            self.has_processes = not all(
                isinstance(images.get(run.container["image"]), Scripted) for run in self.containers
            )
            try:
                self.volumes.make(on_disk=self.has_processes)
            except VolumeTrouble as trouble:
                self._services.recorder.warn(self.pod, "FailedMount", str(trouble))
                await self._stopping.pause(wait)
                wait = min(2 * wait, self._services.delays.retry_most)
            else:
                break
        self._record.sandbox = True
        self._report()

    async def _run_containers(self) -> None:
        for run in self._init:
            await run.run(on_start=_nothing)
            if self._record.find(run.container["name"]).exit_code != 0:
                return
            await self._stopping.pause(self._services.delays.start)
        results = await asyncio.gather(*(run.run(on_start=self._begin) for run in self._main), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def _begin(self) -> None:
        self._record.phase = "Running"

    def _report(self) -> None:
        if not self._silent and self._stored() is not None:
            meta = self.pod["metadata"]
            self._services.objects.change("pods", meta["namespace"], meta["name"], self._write)

    def _write(self, pod: Object) -> None:
        write_status(pod, self._record)
        if self._record.phase == "Failed" and self._stop is not None and self._stop.disruption:
            set_condition(
                pod["status"],
                "DisruptionTarget",
                "True",
                reason="TerminationByKubelet",
                message=self._stop.disruption,
            )

    def _stored(self) -> Object | None:
        """Return the Pod as it is stored now; None where it is gone, or another has its name."""
        meta = self.pod["metadata"]
        found = self._services.objects.find("pods", meta["namespace"], meta["name"])
        return found if found is not None and found["metadata"]["uid"] == meta["uid"] else None

    def _finish(self) -> None:
        records = [*self._record.init, *self._record.main]
        well = all(record.exit_code == 0 for record in records) and not (self._stop and self._stop.reason)
        self._record.phase = "Succeeded" if well else "Failed"
        if self._stop is not None:
            self._record.reason, self._record.message = self._stop.reason, self._stop.message
        self._report()
        found = self._stored()
        if found is not None and "deletionTimestamp" in found["metadata"] and not self._silent:
            meta = self.pod["metadata"]
            self._services.objects.delete("pods", meta["namespace"], meta["name"], Deletion(grace_seconds=0))


def _nothing() -> None:
    return None
