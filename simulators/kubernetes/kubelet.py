"""The kubelets of all nodes: they run the Pods that have a node, end what is deleted, and hand out the logs."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from typing import Any, Final

from simulators.kubernetes.changes import Change
from simulators.kubernetes.deletion import Deletion
from simulators.kubernetes.log_request import LogOptions
from simulators.kubernetes.node import NodeServices
from simulators.kubernetes.pod_run import PodRun, Stop
from simulators.kubernetes.refusals import Refusal

Object = dict[str, Any]

ENDED: Final = ("Succeeded", "Failed")


class Kubelet:
    """One object for the kubelets of all nodes."""

    def __init__(self, services: NodeServices) -> None:
        self.services = services
        self.runs: dict[str, PodRun] = {}
        """By Pod uid: what runs now, on whichever node."""
        self.lost_nodes: set[str] = set()
        self._begun: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def work(self) -> None:
        """Follow the Pods until it is cancelled."""
        with self.services.objects.subscribe("pods") as changes:
            async for change in changes:
                self._take(change)

    async def end(self) -> None:
        """End everything that runs, and wait until it is gone."""
        for run in self.runs.values():
            run.vanish()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def run_of(self, namespace: str, name: str) -> PodRun:
        """Return what runs of a Pod; raise a LookupError where nothing does."""
        for run in self.runs.values():
            if (run.pod["metadata"]["namespace"], run.pod["metadata"]["name"]) == (namespace, name):
                return run
        raise LookupError(f"nothing of pod {namespace}/{name} runs")

    def lose(self, node: str) -> None:
        """Let a node be gone, with all that runs there: nobody writes a status for its Pods any more."""
        self.lost_nodes.add(node)
        for run in self.runs.values():
            if run.pod["spec"]["nodeName"] == node:
                run.vanish()

    async def read(self, pod: Object, options: LogOptions) -> AsyncIterator[bytes]:
        """Yield a container's log. Refuses with 500 where the Pod's node does not answer."""
        node = pod["spec"].get("nodeName", "")
        if node in self.lost_nodes:
            where = f"https://{node}:10250/containerLogs/{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            message = f'Get "{where}/{options.container}": dial tcp: connect: no route to host'
            raise Refusal(500, "InternalError", message)
        log = self.services.logs.get(pod["metadata"]["uid"], {}).get(options.container)
        if log is not None:
            async for chunk in log.read(options):
                yield chunk

    def _take(self, change: Change) -> None:
        pod = change.obj
        meta, node = pod["metadata"], pod["spec"].get("nodeName")
        run = self.runs.get(meta["uid"])
        if change.type == "DELETED":
            self._forget(pod, run)
        elif run is not None and "deletionTimestamp" in meta:
            run.stop(Stop(grace_seconds=meta.get("deletionGracePeriodSeconds") or 0))
        elif node and meta["uid"] not in self._begun and node not in self.lost_nodes and not _has_ended(pod):
            self._begin(pod)

    def _begin(self, pod: Object) -> None:
        meta = pod["metadata"]
        if "deletionTimestamp" in meta:
            self.services.objects.delete("pods", meta["namespace"], meta["name"], Deletion(grace_seconds=0))
            return
        # A Pod that has ended may still be in changes that were made before it did.
        self._begun.add(meta["uid"])
        run = self.runs[meta["uid"]] = PodRun(self.services, pod)
        task = asyncio.create_task(run.run(), name=f"pod {meta['namespace']}/{meta['name']}")
        self._tasks.add(task)
        task.add_done_callback(lambda _: self._ended(meta["uid"], task))

    def _ended(self, uid: str, task: asyncio.Task[None]) -> None:
        self.runs.pop(uid, None)
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"{task.get_name()} broke", "exception": error, "task": task}
            )

    def _forget(self, pod: Object, run: PodRun | None) -> None:
        uid = pod["metadata"]["uid"]
        self._begun.discard(uid)
        if run is not None:
            run.vanish()
        for log in self.services.logs.pop(uid, {}).values():
            log.close()
        shutil.rmtree(self.services.pod_directory(pod), ignore_errors=True)


def _has_ended(pod: Object) -> bool:
    return pod.get("status", {}).get("phase") in ENDED
