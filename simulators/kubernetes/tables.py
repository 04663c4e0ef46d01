"""The Table that `kubectl get` asks for: the columns of the real API server, and a row for each object."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from simulators.kubernetes.changes import Entry
from simulators.kubernetes.durations import age, since
from simulators.kubernetes.workload_cells import job_cells, pod_cells

Object = dict[str, Any]
Cells = Callable[[Object], list[Any]]


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one resource. `wide` are shown by `-o wide` only; `cells` gives both, in order."""

    names: tuple[str, ...]
    cells: Cells
    wide: tuple[str, ...] = ()


def is_wanted(accept: str) -> bool:
    """Whether a client wants a Table."""
    return "as=Table" in accept


def table(resource: str, entries: Iterable[Entry], meta: Object) -> bytes:
    """Return the Table of *entries* as JSON; *meta* is the list's own."""
    columns = _COLUMNS.get(resource, _PLAIN)
    body = {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": meta,
        "columnDefinitions": [
            *(_definition(name, 0) for name in columns.names),
            *(_definition(name, 1) for name in columns.wide),
        ],
        "rows": [_row(columns, entry.obj) for entry in entries],
    }
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def _definition(name: str, priority: int) -> Object:
    kind = "integer" if name in ("Data", "Secrets", "Up-to-date", "Available") else "string"
    form = "name" if name == "Name" else ""
    return {"name": name, "type": kind, "format": form, "description": name, "priority": priority}


def _row(columns: Columns, obj: Object) -> Object:
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
    return {"cells": columns.cells(obj), "object": partial}


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _service_cells(obj: Object) -> list[Any]:
    spec = obj["spec"]
    ports = ",".join(f"{port['port']}/{port.get('protocol', 'TCP')}" for port in spec.get("ports") or []) or "<none>"
    address = spec.get("clusterIP") or "<none>"
    return [_name(obj), spec.get("type", "ClusterIP"), address, "<none>", ports, age(obj)]


def _event_cells(obj: Object) -> list[Any]:
    about, source = obj.get("involvedObject", {}), obj.get("source", {})
    last = obj.get("lastTimestamp") or obj.get("eventTime") or obj["metadata"]["creationTimestamp"]
    first = obj.get("firstTimestamp") or last
    return [
        since(last),
        obj.get("type", ""),
        obj.get("reason", ""),
        f"{about.get('kind', '').lower()}/{about.get('name', '')}",
        obj.get("message", "").strip(),
        about.get("fieldPath", ""),
        ", ".join(filter(None, (source.get("component", ""), source.get("host", "")))),
        since(first),
        obj.get("count", 1),
        _name(obj),
    ]


def _deployment_cells(obj: Object) -> list[Any]:
    status, wanted = obj.get("status", {}), obj["spec"].get("replicas", 1)
    ready = f"{status.get('readyReplicas', 0)}/{wanted}"
    return [_name(obj), ready, status.get("updatedReplicas", 0), status.get("availableReplicas", 0), age(obj)]


def _stateful_cells(obj: Object) -> list[Any]:
    ready = f"{obj.get('status', {}).get('readyReplicas', 0)}/{obj['spec'].get('replicas', 1)}"
    return [_name(obj), ready, age(obj)]


def _budget_cells(obj: Object) -> list[Any]:
    spec = obj.get("spec", {})
    allowed = obj.get("status", {}).get("disruptionsAllowed", 0)
    return [_name(obj), spec.get("minAvailable", "N/A"), spec.get("maxUnavailable", "N/A"), allowed, age(obj)]


def _quota_cells(obj: Object) -> list[Any]:
    status = obj.get("status", {})
    hard, used = status.get("hard", obj["spec"].get("hard", {})), status.get("used", {})
    shown = {name: f"{name}: {used.get(name, 0)}/{value}" for name, value in sorted(hard.items())}
    limits = [text for name, text in shown.items() if name.startswith("limits")]
    requests = [text for name, text in shown.items() if not name.startswith("limits")]
    return [_name(obj), ", ".join(requests), ", ".join(limits), age(obj)]


def _claim_cells(obj: Object) -> list[Any]:
    spec, status = obj["spec"], obj.get("status", {})
    modes = ",".join({"ReadWriteOnce": "RWO", "ReadWriteMany": "RWX"}.get(mode, mode) for mode in spec["accessModes"])
    asked = spec.get("resources", {}).get("requests", {}).get("storage", "")
    storage = spec.get("storageClassName", "")
    return [_name(obj), status.get("phase", "Pending"), spec.get("volumeName", ""), asked, modes, storage, age(obj)]


def _node_cells(obj: Object) -> list[Any]:
    conditions = {one["type"]: one["status"] for one in obj.get("status", {}).get("conditions") or []}
    state = "Ready" if conditions.get("Ready") == "True" else "NotReady"
    if obj.get("spec", {}).get("unschedulable"):
        state += ",SchedulingDisabled"
    return [_name(obj), state, "<none>", age(obj), obj.get("status", {}).get("nodeInfo", {}).get("kubeletVersion", "")]


def _selector_text(selector: Object) -> str:
    return ",".join(f"{key}={value}" for key, value in selector.get("matchLabels", {}).items()) or "<none>"


_PLAIN = Columns(("Name", "Age"), lambda obj: [_name(obj), age(obj)])

_COLUMNS: dict[str, Columns] = {
    "pods": Columns(
        ("Name", "Ready", "Status", "Restarts", "Age"),
        pod_cells,
        ("IP", "Node", "Nominated Node", "Readiness Gates"),
    ),
    "jobs": Columns(
        ("Name", "Status", "Completions", "Duration", "Age"), job_cells, ("Containers", "Images", "Selector")
    ),
    "namespaces": Columns(
        ("Name", "Status", "Age"), lambda obj: [_name(obj), obj.get("status", {}).get("phase", "Active"), age(obj)]
    ),
    "nodes": Columns(("Name", "Status", "Roles", "Age", "Version"), _node_cells),
    "secrets": Columns(
        ("Name", "Type", "Data", "Age"),
        lambda obj: [_name(obj), obj.get("type", "Opaque"), len(obj.get("data") or {}), age(obj)],
    ),
    "configmaps": Columns(
        ("Name", "Data", "Age"),
        lambda obj: [_name(obj), len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), age(obj)],
    ),
    "services": Columns(("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age"), _service_cells),
    "serviceaccounts": Columns(
        ("Name", "Secrets", "Age"), lambda obj: [_name(obj), len(obj.get("secrets") or []), age(obj)]
    ),
    "events": Columns(
        ("Last Seen", "Type", "Reason", "Object", "Message"),
        _event_cells,
        ("Subobject", "Source", "First Seen", "Count", "Name"),
    ),
    "deployments": Columns(("Name", "Ready", "Up-to-date", "Available", "Age"), _deployment_cells),
    "statefulsets": Columns(("Name", "Ready", "Age"), _stateful_cells),
    "poddisruptionbudgets": Columns(
        ("Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"), _budget_cells
    ),
    "resourcequotas": Columns(("Name", "Request", "Limit", "Age"), _quota_cells),
    "limitranges": Columns(("Name", "Created At"), lambda obj: [_name(obj), obj["metadata"]["creationTimestamp"]]),
    "roles": Columns(("Name", "Created At"), lambda obj: [_name(obj), obj["metadata"]["creationTimestamp"]]),
    "rolebindings": Columns(
        ("Name", "Role", "Age"),
        lambda obj: [_name(obj), f"{obj['roleRef']['kind']}/{obj['roleRef']['name']}", age(obj)],
    ),
    "networkpolicies": Columns(
        ("Name", "Pod-Selector", "Age"),
        lambda obj: [_name(obj), _selector_text(obj["spec"].get("podSelector", {})), age(obj)],
    ),
    "persistentvolumeclaims": Columns(
        ("Name", "Status", "Volume", "Capacity", "Access Modes", "StorageClass", "Age"), _claim_cells
    ),
}
