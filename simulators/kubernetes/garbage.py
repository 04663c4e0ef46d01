"""The garbage collector: what an owner's deletion does to an object, and a namespace's to all that is in it.

Also two small things that a real controller-manager does: each namespace gets its `default` ServiceAccount, and a Pod
that is deleted before it has a node is declared Failed.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from simulators.kubernetes.changes import Change
from simulators.kubernetes.deletion import Deletion
from simulators.kubernetes.objects import Objects
from simulators.kubernetes.resources import RESOURCES

Object = dict[str, Any]
Place = tuple[str, str, str]
"""Resource, namespace and name of one object."""

FOREGROUND: Final = "foregroundDeletion"
ORPHAN: Final = "orphan"
_BY_KIND: Final = {(row.api_version, row.kind): row.name for row in RESOURCES.values() if row.stored}


class GarbageCollector:
    """The one collector of a cluster."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._dependents: dict[str, set[Place]] = {}

    async def work(self) -> None:
        """Follow everything that is stored until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for row in RESOURCES.values():
                if row.stored and row.name != "events":
                    group.create_task(self._follow(row.name))

    async def _follow(self, resource: str) -> None:
        with self._objects.subscribe(resource) as changes:
            async for change in changes:
                self._take(resource, change)

    def _take(self, resource: str, change: Change) -> None:
        meta = change.obj["metadata"]
        place = resource, meta.get("namespace", ""), meta["name"]
        for owner in meta.get("ownerReferences") or []:
            self._note(owner, place, change)
        if change.type == "DELETED":
            self._release(meta["uid"])
        elif "deletionTimestamp" in meta:
            self._delete_what_depends(place, change.obj)
        elif change.type == "ADDED" and resource == "namespaces":
            self._add_service_account(meta["name"])
        elif change.type == "ADDED" and meta.get("ownerReferences") and not self._has_owner(change.obj):
            self._delete(place)
        if change.type == "DELETED" and meta.get("namespace"):
            self._empty(meta["namespace"])

    def _note(self, owner: Object, place: Place, change: Change) -> None:
        dependents = self._dependents.setdefault(owner["uid"], set())
        if change.type != "DELETED":
            dependents.add(place)
            return
        dependents.discard(place)
        owner_place = _BY_KIND.get((owner["apiVersion"], owner["kind"]), ""), place[1], owner["name"]
        found = self._find(owner_place)
        if found is not None and found["metadata"]["uid"] == owner["uid"]:
            self._delete_what_depends(owner_place, found)

    def _release(self, uid: str) -> None:
        """Delete what depended on an owner that is gone, unless it has another."""
        for place in sorted(self._dependents.pop(uid, ())):
            found = self._find(place)
            if found is not None and not self._has_owner(found):
                self._delete(place)

    def _delete_what_depends(self, place: Place, obj: Object) -> None:
        """Go on with a deletion that waits for others: of dependents, or of all that is in a namespace."""
        meta, finalizers = obj["metadata"], obj["metadata"].get("finalizers") or []
        if "deletionTimestamp" not in meta:
            return
        if place[0] == "namespaces":
            self._empty(meta["name"])
        if place[0] == "pods" and not obj["spec"].get("nodeName"):
            self._change(place, _declare_failed)
        if ORPHAN in finalizers:
            self._orphan(place, meta["uid"])
        elif FOREGROUND in finalizers:
            self._delete_dependents(place, meta["uid"])

    def _orphan(self, place: Place, uid: str) -> None:
        for dependent in sorted(self._dependents.pop(uid, ())):
            self._change(dependent, lambda found: _disown(found, uid))
        self._change(place, lambda found: _strip(found, ORPHAN))

    def _delete_dependents(self, place: Place, uid: str) -> None:
        dependents = sorted(self._dependents.get(uid, ()))
        for dependent in dependents:
            self._delete(dependent, Deletion(propagation="Foreground"))
        if not any(self._find(dependent) for dependent in dependents):
            self._change(place, lambda found: _strip(found, FOREGROUND))

    def _empty(self, namespace: str) -> None:
        """Delete all that is in a namespace that is being deleted, and let it go when nothing is left."""
        found = self._find(("namespaces", "", namespace))
        if found is None or "deletionTimestamp" not in found["metadata"]:
            return
        names = [row.name for row in RESOURCES.values() if row.stored and row.namespaced]
        for resource in names:
            for obj in self._objects.list(resource, namespace)[0]:
                if "deletionTimestamp" not in obj["metadata"]:
                    self._delete((resource, namespace, obj["metadata"]["name"]))
        if not any(self._objects.list(resource, namespace)[0] for resource in names):
            self._change(("namespaces", "", namespace), lambda stored: stored["spec"].pop("finalizers", None))

    def _add_service_account(self, namespace: str) -> None:
        if self._find(("serviceaccounts", namespace, "default")) is None:
            self._objects.create("serviceaccounts", {"metadata": {"name": "default", "namespace": namespace}})

    def _has_owner(self, obj: Object) -> bool:
        for owner in obj["metadata"].get("ownerReferences") or []:
            resource = _BY_KIND.get((owner["apiVersion"], owner["kind"]), "")
            namespace = obj["metadata"].get("namespace", "") if resource and RESOURCES[resource].namespaced else ""
            found = self._find((resource, namespace, owner["name"]))
            if found is not None and found["metadata"]["uid"] == owner["uid"]:
                return True
        return False

    def _find(self, place: Place) -> Object | None:
        return self._objects.find(*place) if place[0] else None

    def _delete(self, place: Place, deletion: Deletion | None = None) -> None:
        found = self._find(place)
        if found is not None and "deletionTimestamp" not in found["metadata"]:
            self._objects.delete(*place, deletion or Deletion())

    def _change(self, place: Place, edit: Callable[[Object], object]) -> None:
        if self._find(place) is not None:
            self._objects.change(*place, edit)


def _declare_failed(pod: Object) -> None:
    pod.setdefault("status", {})["phase"] = "Failed"


def _disown(obj: Object, uid: str) -> None:
    meta = obj["metadata"]
    meta["ownerReferences"] = [owner for owner in meta.get("ownerReferences") or [] if owner["uid"] != uid]
    if not meta["ownerReferences"]:
        del meta["ownerReferences"]


def _strip(obj: Object, finalizer: str) -> None:
    meta = obj["metadata"]
    meta["finalizers"] = [name for name in meta.get("finalizers") or [] if name != finalizer]
    if not meta["finalizers"]:
        del meta["finalizers"]
