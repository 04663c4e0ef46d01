"""The stored objects: what an API server keeps in etcd, with its versions, its conflicts and its deletions.

REST calls it for clients, the controllers for themselves. Every call comes from the server's one event loop and none
awaits, so each is atomic. Objects that are handed out are the stored ones: read-only. `create`, `replace` and `change`
take what is theirs to keep. A *resource* is the plural name in `resources.RESOURCES`.
"""

import secrets
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from simulators.kubernetes.changes import Change, Entry, History, Object, Subscription
from simulators.kubernetes.clock import moment
from simulators.kubernetes.deletion import Deletion, is_gone, mark
from simulators.kubernetes.refusals import Refusal, already_exists, conflict, expired, not_found
from simulators.kubernetes.resources import RESOURCES
from simulators.kubernetes.selectors import select

FIRST_VERSION = 1000
NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
STALE_CONTINUE = "The provided continue parameter is too old to display a consistent list result."

Key = tuple[str, str]


class Admission(Protocol):
    """What an object must pass before it is stored."""

    def admit(self, objects: "Objects", resource: str, new: Object, old: Object | None) -> None:
        """Fill in defaults in *new*, or raise a Refusal. *old* is None at a create."""


class Objects:
    """All objects of one simulated cluster."""

    def __init__(self, admission: Admission | None = None, *, window: int = 5000) -> None:
        self.version = FIRST_VERSION
        """The resourceVersion of the last change; grows over all resources."""
        self._admission = admission
        self._entries: dict[str, dict[Key, Entry]] = {name: {} for name in RESOURCES}
        self.histories = {name: History(window) for name in RESOURCES}

    def create(self, resource: str, obj: Object, *, dry_run: bool = False) -> Object:
        """Store a new object (generateName, uid, creationTimestamp and generation are set) and return it."""
        meta = obj.setdefault("metadata", {})
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + "".join(secrets.choice(NAME_LETTERS) for _ in range(5))
        obj.setdefault("apiVersion", RESOURCES[resource].api_version)
        obj.setdefault("kind", RESOURCES[resource].kind)
        meta |= {"uid": str(uuid.uuid4()), "creationTimestamp": moment()}
        if self._admission is not None:
            self._admission.admit(self, resource, obj, None)
        if _key(obj) in self._entries[resource]:
            raise already_exists(resource, meta["name"])
        if "spec" in obj:
            meta["generation"] = 1
        return obj if dry_run else self._store(resource, "ADDED", obj, None)

    def get(self, resource: str, namespace: str, name: str) -> Object:
        """Return one object; refuse with 404. *namespace* is "" for what has none."""
        return self.entry(resource, namespace, name).obj

    def find(self, resource: str, namespace: str, name: str) -> Object | None:
        """Return one object, or None."""
        entry = self._entries[resource].get((namespace, name))
        return entry.obj if entry is not None else None

    def entry(self, resource: str, namespace: str, name: str) -> Entry:
        """Return one object with its bytes; refuse with 404."""
        entry = self._entries[resource].get((namespace, name))
        if entry is None:
            raise not_found(resource, name)
        return entry

    def list(
        self, resource: str, namespace: str | None, labels: str = "", fields: str = ""
    ) -> tuple[Sequence[Object], int]:
        """Return the chosen objects, in order of namespace and name, and the version at which they are seen.

        *namespace* None is all of them.
        """
        chosen = select(resource, labels, fields)
        return [entry.obj for entry in self.entries(resource, namespace) if chosen is None or chosen(entry.obj)], (
            self.version
        )

    def entries(self, resource: str, namespace: str | None, *, version: int | None = None) -> Sequence[Entry]:
        """Return all entries in order; at an older *version* as they were then, or refuse with 410."""
        entries = self._entries[resource]
        if version is not None and version < self.version:
            entries = self._rewound(resource, version)
        keys = sorted(key for key in entries if namespace is None or key[0] == namespace)
        return [entries[key] for key in keys]

    def replace(self, resource: str, obj: Object, *, dry_run: bool = False) -> Object:
        """Store a new state of an object and return it; refuse with 409 where its resourceVersion is stale.

        An object without a resourceVersion is stored over any. A state that changes nothing makes no new version.
        """
        meta = obj["metadata"]
        old = self.entry(resource, *_key(obj))
        if meta.get("resourceVersion") not in (None, "", str(old.version)):
            raise conflict(resource, meta["name"])
        _keep_system_fields(resource, obj, old.obj)
        if self._admission is not None:
            self._admission.admit(self, resource, obj, old.obj)
        return obj if dry_run else self._update(resource, obj, old)

    def change(self, resource: str, namespace: str, name: str, edit: Callable[[Object], object]) -> Object:
        """Give *edit* a copy to change in place, store it, and return it. For controllers: nothing is validated."""
        old = self.entry(resource, namespace, name)
        obj = old.copy()
        edit(obj)
        return self._update(resource, obj, old)

    def delete(self, resource: str, namespace: str, name: str, deletion: Deletion | None = None) -> Object:
        """Delete an object, or mark it for those who must let it go first; return its last state.

        A Pod with a grace period stays until the kubelet deletes it with `grace_seconds=0`; an object with finalizers
        stays until the last is taken off.
        """
        old = self.entry(resource, namespace, name)
        obj = old.copy()
        mark(resource, obj, deletion or Deletion())
        return self._update(resource, obj, old)

    def subscribe(self, resource: str, since: int | None = None) -> Subscription:
        """Follow the changes from now, or after the version *since*; refuse with 410 where that is too old."""
        history = self.histories[resource]
        missed = [] if since is None else history.since(since, self.version)
        return history.join(missed)

    def forget_history(self) -> None:
        """Forget all changes so far: every older version gets a 410, as after a compaction of etcd."""
        for history in self.histories.values():
            history.forget(self.version)

    def _update(self, resource: str, obj: Object, old: Entry) -> Object:
        if is_gone(obj):
            del self._entries[resource][_key(obj)]
            return self._store(resource, "DELETED", obj, old)
        if obj == old.obj:
            return old.obj
        if obj.get("spec") != old.obj.get("spec"):
            obj["metadata"]["generation"] = old.obj["metadata"].get("generation", 1) + 1
        return self._store(resource, "MODIFIED", obj, old)

    def _store(self, resource: str, change: str, obj: Object, old: Entry | None) -> Object:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        entry = Entry(obj, self.version)
        if change != "DELETED":
            self._entries[resource][_key(obj)] = entry
        self.histories[resource].add(Change(change, entry, old))
        return entry.obj

    def _rewound(self, resource: str, version: int) -> dict[Key, Entry]:
        try:
            later = self.histories[resource].since(version, self.version)
        except Refusal as error:
            raise expired(STALE_CONTINUE) from error
        entries = dict(self._entries[resource])
        for change in reversed(later):
            if change.previous is None:
                del entries[_key(change.obj)]
            else:
                entries[_key(change.obj)] = change.previous
        return entries


def _key(obj: dict[str, Any]) -> Key:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _keep_system_fields(resource: str, obj: Object, old: Object) -> None:
    meta, kept = obj["metadata"], old["metadata"]
    if meta.get("uid") not in (None, "", kept["uid"]):
        why = f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {kept['uid']}"
        raise conflict(resource, meta["name"], why)
    for name in ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"):
        meta.pop(name, None)
        if name in kept:
            meta[name] = kept[name]
    # Set to the stored one, so that a state that changes nothing is seen as such.
    meta["resourceVersion"] = kept["resourceVersion"]
