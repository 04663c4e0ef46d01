"""The Events that controllers and kubelets leave behind: what happened to which object, and how often."""

from typing import Any, Final
from uuid import uuid4

from simulators.kubernetes.clock import moment
from simulators.kubernetes.objects import Objects

Object = dict[str, Any]

KUBELET: Final = "kubelet"
SCHEDULER: Final = "default-scheduler"
JOB_CONTROLLER: Final = "job-controller"
TAINT_EVICTION: Final = "taint-eviction-controller"


class Recorder:
    """One component's way to write Events. An Event that happens again is counted, not written anew."""

    def __init__(self, objects: Objects, component: str) -> None:
        self._objects = objects
        self._component = component
        self._written: dict[tuple[str, str, str, str], str] = {}

    def normal(self, about: Object, reason: str, message: str, *, container: str = "") -> None:
        """Write an Event of type Normal; *container* is a field path such as `spec.containers{publish}`."""
        self._write(("Normal", reason, message), about, container)

    def warn(self, about: Object, reason: str, message: str, *, container: str = "") -> None:
        """Write an Event of type Warning."""
        self._write(("Warning", reason, message), about, container)

    def _write(self, what: tuple[str, str, str], about: Object, container: str) -> None:
        namespace = about["metadata"].get("namespace", "default")
        key = (about["metadata"]["uid"], container, what[1], what[2])
        name = self._written.get(key)
        if name is not None and self._objects.find("events", namespace, name) is not None:
            self._objects.change("events", namespace, name, _again)
            return
        home = self._objects.find("namespaces", "", namespace)
        # As in a real one, nothing is created in a namespace that is being deleted.
        if home is None or "deletionTimestamp" in home["metadata"]:
            return
        event = _event(about, what, container)
        event["metadata"] = {"name": f"{about['metadata']['name']}.{uuid4().hex[:16]}", "namespace": namespace}
        event |= {"source": {"component": self._component}, "reportingComponent": self._component}
        self._written[key] = self._objects.create("events", event)["metadata"]["name"]


def _again(event: Object) -> None:
    event["count"] += 1
    event["lastTimestamp"] = moment()


def _event(about: Object, what: tuple[str, str, str], container: str) -> Object:
    kind, reason, message = what
    meta = about["metadata"]
    involved = {
        "apiVersion": about["apiVersion"],
        "kind": about["kind"],
        "name": meta["name"],
        "uid": meta["uid"],
        "resourceVersion": meta["resourceVersion"],
    }
    if "namespace" in meta:
        involved["namespace"] = meta["namespace"]
    if container:
        involved["fieldPath"] = container
    now = moment()
    # A real Event's message is cut at 1,024 characters.
    said = {"type": kind, "reason": reason, "message": message[:1024]}
    times = {"count": 1, "firstTimestamp": now, "lastTimestamp": now, "eventTime": None, "reportingInstance": ""}
    return {"apiVersion": "v1", "kind": "Event", "involvedObject": involved} | said | times
