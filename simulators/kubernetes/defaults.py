"""The fields that an API server fills in where a manifest leaves them out. What is given is changed in place."""

import base64
import zlib
from collections.abc import Callable
from typing import Any

from simulators.kubernetes.pod_defaults import fill_pod_spec

Object = dict[str, Any]


def fill_defaults(resource: str, obj: Object) -> None:
    """Fill in what every object of *resource* has; doing it twice changes nothing."""
    fill = _FILLS.get(resource)
    if fill is not None:
        fill(obj)


def _namespace(obj: Object) -> None:
    obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    obj.setdefault("status", {}).setdefault("phase", "Active")
    obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"]["name"]


def _pod(obj: Object) -> None:
    fill_pod_spec(obj["spec"])
    status = obj.setdefault("status", {})
    status.setdefault("phase", "Pending")
    status.setdefault("qosClass", _quality(obj["spec"]))


def _job(obj: Object) -> None:
    spec, template = obj["spec"], obj["spec"]["template"]
    if spec.get("parallelism") is None and spec.get("completions") is None:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", 6)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("podReplacementPolicy", "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed")
    for rule in (spec.get("podFailurePolicy") or {}).get("rules", []):
        for condition in rule.get("onPodConditions") or []:
            condition.setdefault("status", "True")
    meta = template.setdefault("metadata", {})
    fill_pod_spec(template["spec"])
    if not spec.get("manualSelector"):
        _select_by_uid(obj, meta)
    if meta.get("labels") and not obj["metadata"].get("labels"):
        obj["metadata"]["labels"] = dict(meta["labels"])
    obj.setdefault("status", {})


def _select_by_uid(obj: Object, template_meta: Object) -> None:
    uid, name = obj["metadata"]["uid"], obj["metadata"]["name"]
    labels = template_meta.setdefault("labels", {}) or {}
    for prefix in ("batch.kubernetes.io/", ""):
        labels |= {f"{prefix}controller-uid": uid, f"{prefix}job-name": name}
    template_meta["labels"] = labels
    obj["spec"].setdefault("selector", {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}})


def _secret(obj: Object) -> None:
    obj.setdefault("type", "Opaque")
    for key, text in (obj.pop("stringData", None) or {}).items():
        obj.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()


def _service(obj: Object) -> None:
    spec = obj["spec"]
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    spec.setdefault("internalTrafficPolicy", "Cluster")
    for port in spec.get("ports") or []:
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port["port"])
    if "clusterIP" not in spec:
        number = zlib.crc32(obj["metadata"]["uid"].encode())
        spec["clusterIP"] = f"10.96.{number >> 8 & 255}.{number & 255}"
    spec.setdefault("clusterIPs", [spec["clusterIP"]])


def _deployment(obj: Object) -> None:
    spec = obj["spec"]
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
    spec.setdefault("strategy", rolling)
    fill_pod_spec(spec["template"]["spec"])


def _stateful(obj: Object) -> None:
    spec = obj["spec"]
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("podManagementPolicy", "OrderedReady")
    spec.setdefault("updateStrategy", {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})
    fill_pod_spec(spec["template"]["spec"])


def _claim(obj: Object) -> None:
    obj["spec"].setdefault("volumeMode", "Filesystem")
    obj.setdefault("status", {}).setdefault("phase", "Pending")


def _network_policy(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("podSelector", {})
    spec.setdefault("policyTypes", ["Ingress", *(["Egress"] if spec.get("egress") else [])])


def _role_binding(obj: Object) -> None:
    for subject in obj.get("subjects") or []:
        if subject["kind"] in ("User", "Group"):
            subject.setdefault("apiGroup", "rbac.authorization.k8s.io")


def _limit_range(obj: Object) -> None:
    for limit in (obj.get("spec") or {}).get("limits") or []:
        if limit["type"] == "Container":
            default = limit.setdefault("default", dict(limit.get("max") or {}))
            limit.setdefault("defaultRequest", dict(limit.get("min") or {}))
            limit["defaultRequest"] = default | limit["defaultRequest"]


def _quality(spec: Object) -> str:
    containers = [*(spec.get("initContainers") or []), *spec["containers"]]
    resources = [container.get("resources") or {} for container in containers]
    if not any(one.get("requests") or one.get("limits") for one in resources):
        return "BestEffort"
    for one in resources:
        limits, requests = one.get("limits") or {}, one.get("requests") or {}
        if any(name not in limits or limits[name] != requests.get(name) for name in ("cpu", "memory")):
            return "Burstable"
    return "Guaranteed"


_FILLS: dict[str, Callable[[Object], None]] = {
    "namespaces": _namespace,
    "pods": _pod,
    "jobs": _job,
    "secrets": _secret,
    "services": _service,
    "deployments": _deployment,
    "statefulsets": _stateful,
    "persistentvolumeclaims": _claim,
    "networkpolicies": _network_policy,
    "rolebindings": _role_binding,
    "limitranges": _limit_range,
}
