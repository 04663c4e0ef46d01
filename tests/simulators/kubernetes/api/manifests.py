"""Manifests that the tests vary."""

from typing import Any

Object = dict[str, Any]

LOCKED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def pod_spec(**changes: Any) -> Object:
    """Return the smallest Pod spec, with *changes*."""
    return {"restartPolicy": "Never", "containers": [{"name": "main", "image": "echo:1"}], **changes}


def pod(name: str = "one", *, labels: dict[str, str] | None = None, **spec: Any) -> Object:
    """Return a Pod."""
    meta: Object = {"name": name} | ({"labels": labels} if labels else {})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": pod_spec(**spec)}


def job(name: str = "one", *, template: Object | None = None, **spec: Any) -> Object:
    """Return a suspended Job; *template* is its Pod's spec."""
    fields = {"suspend": True, "backoffLimit": 0, "template": {"spec": template or pod_spec()}, **spec}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": fields}


def config_map(name: str = "one", *, labels: dict[str, str] | None = None, **values: str) -> Object:
    """Return a ConfigMap."""
    meta: Object = {"name": name} | ({"labels": labels} if labels else {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": values}


def is_running(found: Object | None) -> bool:
    """Whether a Pod is there and runs."""
    return found is not None and found["status"]["phase"] == "Running"


def has_completed(found: Object | None) -> bool:
    """Whether a Job is there and has ended well."""
    return found is not None and "completionTime" in found["status"]
