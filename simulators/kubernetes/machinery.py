"""Everything that makes the stored objects come true: scheduler, kubelets, Job controller, garbage collector.

The server starts one beside its API, in the same event loop, and reads logs from it.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from simulators.kubernetes.clock import Delays
from simulators.kubernetes.garbage import GarbageCollector
from simulators.kubernetes.housekeeping import Housekeeping
from simulators.kubernetes.images import Behaviour
from simulators.kubernetes.job_controller import JobController
from simulators.kubernetes.kubelet import Kubelet
from simulators.kubernetes.log_request import LogOptions
from simulators.kubernetes.node import NodeServices
from simulators.kubernetes.nodes import Node, Nodes
from simulators.kubernetes.objects import Objects
from simulators.kubernetes.scheduler import Scheduler

Object = dict[str, Any]


class Machinery:
    """The machinery of one cluster. Make it, start it and end it in the server's loop.

    It is a `log_request.LogSource`. It sees only what changes after its start, so start it on an empty store.
    """

    def __init__(
        self,
        objects: Objects,
        directory: Path,
        images: Mapping[str, Behaviour],
        *,
        nodes: Sequence[Node] = (Node(),),
        delays: Delays | None = None,
    ) -> None:
        self.delays = delays or Delays()
        services = NodeServices(objects=objects, images=images, delays=self.delays, directory=directory)
        self.kubelet = Kubelet(services)
        self.nodes = Nodes(objects, self.kubelet, self.delays)
        self._first_nodes = nodes
        self._parts = (
            GarbageCollector(objects),
            Scheduler(objects, self.delays),
            JobController(objects, self.delays),
            self.kubelet,
            Housekeeping(self.kubelet),
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to work; when this returns, nothing that is stored from now on is overlooked."""
        self._tasks = [asyncio.create_task(part.work(), name=type(part).__name__) for part in self._parts]
        # Each subscribes before it first waits; those in task groups need a second turn of the loop.
        for _ in range(3):
            await asyncio.sleep(0)
        for node in self._first_nodes:
            self.nodes.add(node)

    async def end(self) -> None:
        """Stop working, and end every container; when this returns, nothing of it is alive.

        Raises what broke a part of it meanwhile, so that no test passes over a machinery that stood still.
        """
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.kubelet.end()
        for result in ended:
            if isinstance(result, Exception):
                raise result

    def read(self, pod: Object, options: LogOptions) -> AsyncIterator[bytes]:
        """Yield the bytes of a container's log."""
        return self.kubelet.read(pod, options)
