"""What a kubelet looks at now and then: whether a container holds more memory, or a volume more bytes, than it may."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

from simulators.kubernetes.container_run import ContainerRun
from simulators.kubernetes.kubelet import Kubelet
from simulators.kubernetes.pod_run import PodRun, Stop
from simulators.kubernetes.quantities import parse_quantity


class Housekeeping:
    """Looks after the Pods that have processes; a script uses nothing."""

    def __init__(self, kubelet: Kubelet) -> None:
        self._kubelet = kubelet

    async def work(self) -> None:
        """Look at everything again and again until it is cancelled."""
        while True:
            await asyncio.sleep(self._kubelet.services.delays.housekeeping)
            for run in [run for run in self._kubelet.runs.values() if run.has_processes]:
                containers = [one for one in run.containers if one.alive is not None and one.alive.first_process]
                if containers:
                    await self._look_at(run, containers)

    async def _look_at(self, run: PodRun, containers: list[ContainerRun]) -> None:
        for container in containers:
            limit = container.container.get("resources", {}).get("limits", {}).get("memory")
            alive = container.alive
            if limit is None or alive is None:
                continue
            if await asyncio.to_thread(alive.resident_bytes) > parse_quantity(str(limit)):
                container.kill(out_of_memory=True)
        for name, place, told, limit_bytes in run.volumes.limits():
            if await asyncio.to_thread(_size, place) > limit_bytes:
                message = f'Usage of EmptyDir volume "{name}" exceeds the limit "{told}". '
                self._kubelet.services.recorder.warn(run.pod, "Evicted", message)
                run.stop(Stop(grace_seconds=0, reason="Evicted", message=message))
                return


def _size(place: Path) -> int:
    """Return what the files below a directory take on disk."""
    return sum(_blocks(place))


def _blocks(place: Path) -> Iterator[int]:
    try:
        entries = list(os.scandir(place))
    except FileNotFoundError:
        return
    for entry in entries:
        try:
            yield entry.stat(follow_symlinks=False).st_blocks * 512
            if entry.is_dir(follow_symlinks=False):
                yield from _blocks(Path(entry.path))
        except FileNotFoundError:
            continue
