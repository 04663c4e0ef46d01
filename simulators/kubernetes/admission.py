"""What an object passes before it is stored: defaults, policies and rules, in the API server's order."""

from typing import Any

from simulators.kubernetes.defaults import fill_defaults
from simulators.kubernetes.limit_ranges import apply_limit_ranges, check_limit_ranges
from simulators.kubernetes.object_rules import check_object
from simulators.kubernetes.objects import Objects
from simulators.kubernetes.pod_security import check_pod_security
from simulators.kubernetes.quotas import check_quota
from simulators.kubernetes.refusals import field_error, forbidden, not_found
from simulators.kubernetes.resources import RESOURCES

Object = dict[str, Any]

_BUILT_IN_PRIORITIES = {"system-cluster-critical": 2000000000, "system-node-critical": 2000001000}
_NODE_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
TOLERATION_SECONDS = 300


class ApiAdmission:
    """The admission of a real API server with its usual plugins, for what is created and what is replaced."""

    def admit(self, objects: Objects, resource: str, new: Object, old: Object | None) -> None:
        """Fill in defaults in *new*, or refuse it."""
        if old is None:
            self._admit_new(objects, resource, new)
        else:
            fill_defaults(resource, new)
            if new.get("spec") != old.get("spec") or new["metadata"] != old["metadata"] or "data" in new:
                check_object(resource, new, old)

    def _admit_new(self, objects: Objects, resource: str, new: Object) -> None:
        if RESOURCES[resource].namespaced:
            _check_namespace(objects, resource, new)
        fill_defaults(resource, new)
        if resource == "pods":
            _set_service_account(objects, new)
            _set_priority(objects, new)
            _check_runtime_class(objects, new)
            _set_tolerations(new)
            apply_limit_ranges(objects, new)
        check_object(resource, new, None)
        if resource == "pods":
            check_pod_security(objects, new)
            check_limit_ranges(objects, new)
        if RESOURCES[resource].namespaced:
            check_quota(objects, resource, new)


def _check_namespace(objects: Objects, resource: str, new: Object) -> None:
    name = new["metadata"]["namespace"]
    namespace = objects.find("namespaces", "", name)
    if namespace is None:
        raise not_found("namespaces", name)
    if "deletionTimestamp" in namespace["metadata"]:
        why = f"unable to create new content in namespace {name} because it is being terminated"
        cause = field_error("metadata.namespace", "NamespaceTerminating", f"namespace {name} is being terminated")
        raise forbidden(resource, new["metadata"]["name"], why, [cause])


def _set_service_account(objects: Objects, pod: Object) -> None:
    namespace, spec = pod["metadata"]["namespace"], pod["spec"]
    name = spec.get("serviceAccountName") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account = objects.find("serviceaccounts", namespace, name)
    if account is None:
        why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        raise forbidden("pods", pod["metadata"]["name"], why)
    if account.get("imagePullSecrets") and not spec.get("imagePullSecrets"):
        spec["imagePullSecrets"] = account["imagePullSecrets"]


def _set_priority(objects: Objects, pod: Object) -> None:
    spec, name = pod["spec"], pod["spec"].get("priorityClassName", "")
    found = objects.find("priorityclasses", "", name) if name else {"value": 0}
    if found is None and name in _BUILT_IN_PRIORITIES:
        found = {"value": _BUILT_IN_PRIORITIES[name]}
    if found is None:
        raise forbidden("pods", pod["metadata"]["name"], f"no PriorityClass with name {name} was found")
    spec["priority"] = found["value"]
    spec["preemptionPolicy"] = found.get("preemptionPolicy", "PreemptLowerPriority")


def _check_runtime_class(objects: Objects, pod: Object) -> None:
    name = pod["spec"].get("runtimeClassName")
    if name and objects.find("runtimeclasses", "", name) is None:
        why = f'pod rejected: RuntimeClass "{name}" not found'
        raise forbidden("pods", pod["metadata"]["name"], why)


def _set_tolerations(pod: Object) -> None:
    tolerations = pod["spec"].setdefault("tolerations", [])
    for taint in _NODE_TAINTS:
        if not any(
            one.get("key") in (None, "", taint) and one.get("effect", "") in ("", "NoExecute") for one in tolerations
        ):
            wait = {"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION_SECONDS}
            tolerations.append(wait)
