"""What a delete does to an object: gone at once, or marked until its grace is over and its finalizers are off. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

Object = dict[str, Any]
Propagation = Literal["Background", "Foreground", "Orphan"]

_PROPAGATION_FINALIZERS = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}
DEFAULT_GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Deletion:
    """How an object is to be deleted. None for `grace_seconds` is the Pod's own; only Pods have any."""

    propagation: Propagation = "Background"
    grace_seconds: int | None = None


def mark(resource: str, obj: Object, deletion: Deletion) -> None:
    """Put the deletion's marks on *obj*. `is_gone` then says whether it is to be removed now."""
    meta = obj["metadata"]
    finalizer = _PROPAGATION_FINALIZERS.get(deletion.propagation)
    if finalizer and finalizer not in meta.setdefault("finalizers", []):
        meta["finalizers"].append(finalizer)
    grace = _grace(obj, deletion) if resource == "pods" else 0
    if "deletionTimestamp" in meta and grace >= (meta.get("deletionGracePeriodSeconds") or 0):
        return
    meta["deletionTimestamp"] = (datetime.now(UTC) + timedelta(seconds=grace)).strftime("%Y-%m-%dT%H:%M:%SZ")
    meta["deletionGracePeriodSeconds"] = grace
    if resource == "namespaces":
        obj.setdefault("status", {})["phase"] = "Terminating"


def is_gone(obj: Object) -> bool:
    """Whether nothing holds a marked object any more."""
    meta = obj["metadata"]
    held = meta.get("finalizers") or (obj.get("kind") == "Namespace" and obj.get("spec", {}).get("finalizers"))
    return "deletionTimestamp" in meta and not held and not meta.get("deletionGracePeriodSeconds")


def _grace(pod: Object, deletion: Deletion) -> int:
    spec, status = pod.get("spec", {}), pod.get("status", {})
    # As the real one: nothing runs of what no node has, or of what has ended.
    if not spec.get("nodeName") or status.get("phase") in ("Succeeded", "Failed"):
        return 0
    if deletion.grace_seconds is not None:
        return deletion.grace_seconds
    return int(spec.get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS))
