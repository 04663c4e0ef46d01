"""The rules for each kind of object, beyond the schema; Pods and Jobs have modules of their own. Pure."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import Any

from simulators.kubernetes.container_rules import quantity
from simulators.kubernetes.job_rules import check_job, check_job_change
from simulators.kubernetes.metadata_rules import check_metadata
from simulators.kubernetes.pod_rules import check_pod_change, check_pod_spec
from simulators.kubernetes.problems import IMMUTABLE, barred, required, too_long, unsupported, wrong
from simulators.kubernetes.refusals import Cause, bad_request, invalid

Object = dict[str, Any]

LARGEST = 1024 * 1024
_KEY = r"[-._a-zA-Z0-9]+"
_KEY_WORDS = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
    f"(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '{_KEY}')"
)
_TYPED_KEYS = {
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


def check_object(resource: str, new: Object, old: Object | None) -> None:
    """Refuse with 422 an object that breaks a rule, or that changes what is fixed in *old*."""
    causes = list(check_metadata(resource, new["metadata"]))
    if resource in _RULES:
        causes += _RULES[resource](new)
    if old is not None and resource in _CHANGES:
        causes += _CHANGES[resource](new, old)
    if causes:
        raise invalid(resource, new["metadata"]["name"], causes)


def _pod(pod: Object) -> Iterator[Cause]:
    return check_pod_spec("spec", pod["spec"])


def _workload(obj: Object) -> Iterator[Cause]:
    spec = obj["spec"]
    pod = spec["template"]["spec"]
    # A StatefulSet's pods get a volume for each of its claims.
    claimed = [{"name": claim["metadata"]["name"], "emptyDir": {}} for claim in spec.get("volumeClaimTemplates") or []]
    yield from check_pod_spec("spec.template.spec", pod | {"volumes": (pod.get("volumes") or []) + claimed})
    wanted = (spec.get("selector") or {}).get("matchLabels") or {}
    labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    if not wanted.items() <= labels.items():
        why = "`selector` does not match template `labels`"
        yield wrong("spec.template.metadata.labels", labels, why)


def _workload_change(new: Object, old: Object) -> Iterator[Cause]:
    if new["spec"].get("selector") != old["spec"].get("selector"):
        yield wrong("spec.selector", new["spec"].get("selector"), IMMUTABLE)


def _secret(secret: Object) -> Iterator[Cause]:
    values = {key: _decoded(value) for key, value in (secret.get("data") or {}).items()}
    yield from _check_keys("data", values)
    if sum(map(len, values.values())) > LARGEST:
        yield too_long("data", LARGEST)
    for key in _TYPED_KEYS.get(secret["type"], ()):
        if key not in values:
            yield required(f"data[{key}]")


def _decoded(value: str | None) -> bytes:
    try:
        return base64.b64decode(value or "", validate=True)
    except binascii.Error:
        message = 'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0'
        raise bad_request(message) from None


def _secret_change(new: Object, old: Object) -> Iterator[Cause]:
    if new["type"] != old["type"]:
        yield wrong("type", new["type"], IMMUTABLE)
    yield from _config_change(new, old)


def _config_map(config: Object) -> Iterator[Cause]:
    values = {key: value.encode() for key, value in (config.get("data") or {}).items()}
    yield from _check_keys("data", values)
    if sum(map(len, values.values())) > LARGEST:
        yield too_long("", LARGEST)


def _config_change(new: Object, old: Object) -> Iterator[Cause]:
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        yield barred("immutable", "field is immutable when `immutable` is set")
    if new.get("data") != old.get("data"):
        yield barred("data", "field is immutable when `immutable` is set")


def _check_keys(field: str, values: dict[str, bytes]) -> Iterator[Cause]:
    for key in values:
        if not re.fullmatch(_KEY, key):
            yield wrong(f"{field}[{key}]", key, _KEY_WORDS)


def _role(role: Object) -> Iterator[Cause]:
    for index, rule in enumerate(role.get("rules") or []):
        place = f"rules[{index}]"
        if not rule.get("verbs"):
            yield required(f"{place}.verbs", "verbs must contain at least one value")
        for name in ("apiGroups", "resources"):
            if not rule.get(name):
                yield required(f"{place}.{name}", f"{name} must supply at least one value")


def _role_binding(binding: Object) -> Iterator[Cause]:
    if binding["roleRef"]["kind"] not in ("Role", "ClusterRole"):
        yield unsupported("roleRef.kind", binding["roleRef"]["kind"], ("Role", "ClusterRole"))
    for index, subject in enumerate(binding.get("subjects") or []):
        if subject["kind"] == "ServiceAccount" and not subject.get("namespace"):
            yield required(f"subjects[{index}].namespace")


def _role_binding_change(new: Object, old: Object) -> Iterator[Cause]:
    if new["roleRef"] != old["roleRef"]:
        yield wrong("roleRef", new["roleRef"], "cannot change roleRef")


def _quota(quota: Object) -> Iterator[Cause]:
    for name, amount in ((quota.get("spec") or {}).get("hard") or {}).items():
        if quantity(amount) < 0:
            yield wrong(f"spec.hard[{name}]", str(amount), "must be greater than or equal to 0")


_RULES: dict[str, Callable[[Object], Iterator[Cause]]] = {
    "pods": _pod,
    "jobs": check_job,
    "deployments": _workload,
    "statefulsets": _workload,
    "secrets": _secret,
    "configmaps": _config_map,
    "roles": _role,
    "rolebindings": _role_binding,
    "resourcequotas": _quota,
}
_CHANGES: dict[str, Callable[[Object, Object], Iterator[Cause]]] = {
    "pods": check_pod_change,
    "jobs": check_job_change,
    "deployments": _workload_change,
    "statefulsets": _workload_change,
    "secrets": _secret_change,
    "configmaps": _config_change,
    "rolebindings": _role_binding_change,
}
