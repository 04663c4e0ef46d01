"""A store with its machinery in the test's own loop, and the three-container Job that the product runs."""

import asyncio
import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from simulators.kubernetes.deletion import Deletion
from simulators.kubernetes.images import Behaviour, Image
from simulators.kubernetes.log_request import LogOptions
from simulators.kubernetes.machinery import Machinery
from simulators.kubernetes.nodes import Node
from simulators.kubernetes.objects import Objects

Object = dict[str, Any]

NAMESPACE = "agents"
PATIENCE_SECONDS = 60.0


class Cluster:
    """One cluster with one namespace, `agents`, and one image of processes, `process`."""

    def __init__(self, directory: Path, *, nodes: Sequence[Node] = (Node(),)) -> None:
        self.objects = Objects()
        self.images: dict[str, Behaviour] = {"process": Image()}
        self.machinery = Machinery(self.objects, directory, self.images, nodes=nodes)

    async def start(self) -> None:
        """Begin, with the namespace in place."""
        await self.machinery.start()
        self.objects.create("namespaces", {"metadata": {"name": NAMESPACE}, "spec": {"finalizers": ["kubernetes"]}})

    def create(self, resource: str, obj: Object) -> Object:
        """Store an object in the namespace."""
        obj["metadata"].setdefault("namespace", NAMESPACE)
        return self.objects.create(resource, copy.deepcopy(obj))

    def job(self, name: str = "run") -> Object:
        """Return the Job as it is now."""
        return self.objects.get("jobs", NAMESPACE, name)

    def pods(self) -> list[Object]:
        """Return all Pods of the namespace."""
        return list(self.objects.list("pods", NAMESPACE)[0])

    def pod(self) -> Object:
        """Return the one Pod of the namespace."""
        (pod,) = self.pods()
        return pod

    def delete(self, resource: str, name: str, **how: Any) -> None:
        """Delete an object of the namespace."""
        self.objects.delete(resource, NAMESPACE, name, Deletion(**how))

    def events(self, reason: str) -> list[tuple[str, str]]:
        """Return type and message of the Events with this reason, sorted."""
        found, _ = self.objects.list("events", NAMESPACE)
        return sorted((event["type"], event["message"]) for event in found if event["reason"] == reason)

    async def log(self, container: str, **options: Any) -> str:
        """Return what the Pod's container has printed."""
        chunks = self.machinery.read(self.pod(), LogOptions(container, **options))
        return b"".join([chunk async for chunk in chunks]).decode()

    def printed(self, container: str) -> bytes:
        """Return what the Pod's container has printed so far, without waiting for anything."""
        logs = self.machinery.kubelet.services.logs.get(self.pod()["metadata"]["uid"], {})
        return logs[container].tail(100) if container in logs else b""

    async def until(self, condition: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the condition holds."""
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - a condition is about anything, not about one event
                await asyncio.sleep(0.005)

    async def until_job(self, condition: str, name: str = "run") -> Object:
        """Wait until the Job has this condition, and return it."""
        await self.until(lambda: condition in true_conditions(self.job(name)))
        return self.job(name)

    async def until_running(self, container: str) -> Object:
        """Wait until this container of the one Pod runs, and return the Pod."""
        await self.until(lambda: self.pods() and "running" in states(self.pod()).get(container, {}))
        return self.pod()


def job(name: str = "run", *, image: str = "process", **scripts: str) -> Object:
    """Return the product's Job: two init containers and one more, each a shell script, `true` where none is given."""
    containers = [_container(step, scripts.get(step, "true"), image) for step in ("prepare", "agent", "publish")]
    on_exit = [
        {"action": "FailJob", "onExitCodes": {"containerName": step, "operator": "NotIn", "values": [0]}}
        for step in ("prepare", "agent", "publish")
    ]
    disruption = {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    return {
        "metadata": {"name": name},
        "spec": {
            "parallelism": 1,
            "completions": 1,
            "backoffLimit": 0,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": [disruption, *on_exit]},
            "template": {
                "metadata": {"labels": {"app": "run"}},
                "spec": {
                    "restartPolicy": "Never",
                    "terminationGracePeriodSeconds": 1,
                    "volumes": [{"name": "work", "emptyDir": {}}],
                    "initContainers": containers[:2],
                    "containers": containers[2:],
                },
            },
        },
    }


def pod_spec(obj: Object) -> Object:
    """Return the Pod template's spec of a Job, to be changed in place."""
    spec: Object = obj["spec"]["template"]["spec"]
    return spec


def container_of(obj: Object, name: str) -> Object:
    """Return one container of a Job's template, to be changed in place."""
    spec = pod_spec(obj)
    found: Object = next(one for one in spec["initContainers"] + spec["containers"] if one["name"] == name)
    return found


def true_conditions(obj: Object) -> list[str]:
    """Return the types of the conditions that are true, in their order."""
    return [one["type"] for one in obj.get("status", {}).get("conditions", []) if one["status"] == "True"]


def condition(obj: Object, kind: str) -> tuple[str, str]:
    """Return reason and message of one condition."""
    (found,) = [one for one in obj["status"]["conditions"] if one["type"] == kind]
    return found.get("reason", ""), found.get("message", "")


def states(pod: Object) -> dict[str, Object]:
    """Return each container's state."""
    status = pod.get("status", {})
    return {
        one["name"]: one["state"]
        for key in ("initContainerStatuses", "containerStatuses")
        for one in status.get(key, [])
    }


def ending(pod: Object, container: str) -> tuple[int, str]:
    """Return exit code and reason of a container that has ended."""
    terminated = states(pod)[container]["terminated"]
    return terminated["exitCode"], terminated["reason"]


def _container(name: str, script: str, image: str) -> Object:
    return {
        "name": name,
        "image": image,
        "command": ["sh", "-c", script],
        "volumeMounts": [{"name": "work", "mountPath": "/data"}],
    }
