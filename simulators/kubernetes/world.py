"""The simulated cluster as a test handles it, from any thread: what is in it, and what happens to it."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import yaml

from simulators.kubernetes import disruptions
from simulators.kubernetes.deletion import Deletion
from simulators.kubernetes.machinery import Machinery
from simulators.kubernetes.nodes import Node
from simulators.kubernetes.objects import Objects
from simulators.kubernetes.resources import RESOURCES
from simulators.kubernetes.schema import conform

Object = dict[str, Any]
Found = TypeVar("Found")

_BY_KIND = {(row.api_version, row.kind): row for row in RESOURCES.values()}
CALL_SECONDS = 30
WAIT_SECONDS = 20.0


class World:
    """One running cluster. Every method hands its work to the server's loop and waits for it.

    Objects that are handed out are the stored ones: read-only. A refusal of the API is raised as its `Refusal`.
    """

    def __init__(self, objects: Objects, machinery: Machinery, loop: asyncio.AbstractEventLoop) -> None:
        self.objects = objects
        self.machinery = machinery
        self._loop = loop

    def call(self, function: Callable[..., Found], *arguments: Any) -> Found:
        """Return what *function* returns in the server's loop."""
        return asyncio.run_coroutine_threadsafe(_called(function, arguments), self._loop).result(CALL_SECONDS)

    def add_namespace(self, name: str, labels: Mapping[str, str] | None = None) -> Object:
        """Create a namespace and wait for its `default` ServiceAccount."""
        manifest = {"metadata": {"name": name, "labels": dict(labels or {})}}
        namespace = self.call(self.objects.create, "namespaces", manifest)
        self.wait("serviceaccounts", name, "default", lambda found: found is not None)
        return namespace

    def apply(self, manifests: str | Object, namespace: str = "") -> list[Object]:
        """Create or replace what the YAML *manifests* hold, or the one object; *namespace* where they name none."""
        documents = list(yaml.safe_load_all(manifests)) if isinstance(manifests, str) else [manifests]
        return [self.call(self._apply, document, namespace) for document in documents if document]

    def get(self, resource: str, namespace: str, name: str) -> Object:
        """Return one object; raise a Refusal where it is not there."""
        return self.call(self.objects.get, resource, namespace, name)

    def list(self, resource: str, namespace: str | None = None, labels: str = "") -> Any:
        """Return the chosen objects, a sequence."""
        return self.call(self.objects.list, resource, namespace, labels)[0]

    def change(self, resource: str, namespace: str, name: str, edit: Callable[[Object], object]) -> Object:
        """Change an object as a controller does: nothing is validated."""
        return self.call(self.objects.change, resource, namespace, name, edit)

    def delete(self, resource: str, namespace: str, name: str, deletion: Deletion | None = None) -> None:
        """Delete an object; Pods with their grace."""
        self.call(self.objects.delete, resource, namespace, name, deletion)

    def wait(
        self,
        resource: str,
        namespace: str,
        name: str,
        done: Callable[[Object | None], bool],
        seconds: float = WAIT_SECONDS,
    ) -> Any:
        """Return the object, or None, as soon as *done* says so; raise TimeoutError after *seconds*."""
        waiting = self._wait(resource, namespace, name, done)
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(waiting, seconds), self._loop)
        return future.result(seconds + CALL_SECONDS)

    def wait_for(self, resource: str, told: Callable[[], Any], seconds: float = WAIT_SECONDS) -> Any:
        """Return what *told* returns as soon as that is not None; it is asked in the loop, at changes of *resource*."""
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(self._wait_for(resource, told), seconds), self._loop)
        return future.result(seconds + CALL_SECONDS)

    def evict(self, namespace: str, name: str) -> None:
        """Evict a Pod through the eviction API, as a drain does."""
        self.call(disruptions.evict, self.objects, namespace, name)

    def evict_under_pressure(self, namespace: str, name: str) -> None:
        """Evict a Pod as its kubelet does when the node runs short of memory."""
        self.call(disruptions.evict_under_pressure, self.machinery.kubelet, namespace, name)

    def forget_container(self, namespace: str, name: str, container: str) -> None:
        """Lose what a container that has ended left behind: how it ended, and its log."""
        self.call(disruptions.forget_container, self.objects, namespace, name, container)

    def preempt(self, namespace: str, name: str) -> None:
        """Preempt a Pod for one that matters more."""
        self.call(disruptions.preempt, self.objects, namespace, name)

    def shut_down(self, namespace: str, name: str) -> None:
        """End a Pod as its kubelet does when the node shuts down in good order."""
        self.call(disruptions.shut_down, self.machinery.kubelet, namespace, name)

    def out_of_memory(self, namespace: str, name: str, container: str) -> None:
        """Kill a running container as the kernel does at its memory limit."""
        self.call(disruptions.out_of_memory, self.machinery.kubelet, namespace, name, container)

    def add_node(self, node: Node) -> None:
        """Let a node join."""
        self.call(self.machinery.nodes.add, node)

    def drain_node(self, name: str) -> None:
        """Let no more Pods onto a node, and evict those that are there."""
        self.call(self.machinery.nodes.drain, name)

    def lose_node(self, name: str) -> None:
        """Let a node's machine vanish without a word."""
        self.call(self.machinery.nodes.lose, name)

    def remove_node(self, name: str) -> None:
        """Take a node out of the cluster for good."""
        self.call(self.machinery.nodes.remove, name)

    def forget_history(self) -> None:
        """Give a 410 to every watch and page from an older version, as after a compaction."""
        self.call(self.objects.forget_history)

    def set_history_window(self, changes: int) -> None:
        """Keep only so many changes of each resource from now on."""
        for history in self.objects.histories.values():
            history.window = changes

    def _apply(self, manifest: Object, namespace: str) -> Object:
        row = _BY_KIND[manifest["apiVersion"], manifest["kind"]]
        conform(row.name, manifest)
        meta = manifest["metadata"]
        if row.namespaced:
            meta.setdefault("namespace", namespace)
        if self.objects.find(row.name, meta.get("namespace", ""), meta["name"]) is None:
            return self.objects.create(row.name, manifest)
        return self.objects.replace(row.name, manifest)

    async def _wait(
        self, resource: str, namespace: str, name: str, done: Callable[[Object | None], bool]
    ) -> Object | None:
        with self.objects.subscribe(resource) as changes:
            while not done(found := self.objects.find(resource, namespace, name)):
                await anext(changes)
        return found

    async def _wait_for(self, resource: str, told: Callable[[], Any]) -> Any:
        with self.objects.subscribe(resource) as changes:
            while (found := told()) is None:
                await anext(changes)
        return found


async def _called(function: Callable[..., Found], arguments: tuple[Any, ...]) -> Found:
    return function(*arguments)
