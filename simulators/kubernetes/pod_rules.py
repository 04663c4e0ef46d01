"""The rules for the spec of a Pod, beyond the schema; its volumes too. Pure."""

from collections.abc import Iterator
from typing import Any

from simulators.kubernetes.container_rules import check_containers, quantity
from simulators.kubernetes.metadata_rules import check_label_name, check_labels, check_subdomain
from simulators.kubernetes.problems import barred, duplicate, required, unsupported, wrong
from simulators.kubernetes.refusals import Cause

Object = dict[str, Any]

_RESTARTS = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_KEYED = {"secret": "secretName", "configMap": "name", "persistentVolumeClaim": "claimName", "hostPath": "path"}
_MUTABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def check_pod_spec(field: str, spec: Object) -> Iterator[Cause]:
    """Yield what is wrong with the Pod spec that stands at *field*."""
    yield from _check_volumes(f"{field}.volumes", spec.get("volumes") or [])
    yield from check_containers(field, spec)
    for name, value, choices in (
        ("restartPolicy", spec.get("restartPolicy", "Always"), _RESTARTS),
        ("dnsPolicy", spec.get("dnsPolicy", "ClusterFirst"), _DNS_POLICIES),
    ):
        if value not in choices:
            yield unsupported(f"{field}.{name}", value, choices)
    if spec.get("dnsPolicy") == "None" and not (spec.get("dnsConfig") or {}).get("nameservers"):
        yield required(
            f"{field}.dnsConfig.nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None"
        )
    if spec.get("activeDeadlineSeconds") is not None and not 1 <= spec["activeDeadlineSeconds"] <= 2**31 - 1:
        yield wrong(
            f"{field}.activeDeadlineSeconds",
            spec["activeDeadlineSeconds"],
            "must be between 1 and 2147483647, inclusive",
        )
    if spec.get("serviceAccountName"):
        yield from check_subdomain(f"{field}.serviceAccountName", spec["serviceAccountName"])
    yield from check_labels(f"{field}.nodeSelector", spec.get("nodeSelector"))
    for index, toleration in enumerate(spec.get("tolerations") or []):
        yield from _check_toleration(f"{field}.tolerations[{index}]", toleration)


def check_pod_change(new: Object, old: Object) -> Iterator[Cause]:
    """Yield what may not be changed in the spec of a Pod that exists."""
    if _fixed_part(new["spec"]) != _fixed_part(old["spec"]):
        yield barred("spec", _MUTABLE)


def _fixed_part(spec: Object) -> Object:
    fixed = {
        key: value for key, value in spec.items() if key not in ("activeDeadlineSeconds", "tolerations", "nodeName")
    }
    for kind in ("containers", "initContainers"):
        fixed[kind] = [container | {"image": ""} for container in spec.get(kind) or []]
    return fixed


def _check_toleration(place: str, toleration: Object) -> Iterator[Cause]:
    operator, effect = toleration.get("operator", "Equal"), toleration.get("effect", "")
    if operator not in ("Equal", "Exists"):
        yield unsupported(f"{place}.operator", operator, ("Equal", "Exists"))
    if operator == "Exists" and toleration.get("value"):
        yield wrong(f"{place}.operator", toleration["value"], "value must be empty when `operator` is 'Exists'")
    if not toleration.get("key") and operator != "Exists":
        yield wrong(
            f"{place}.operator",
            operator,
            'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        )
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        yield wrong(f"{place}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
    if effect and effect not in _EFFECTS:
        yield unsupported(f"{place}.effect", effect, _EFFECTS)


def _check_volumes(field: str, volumes: list[Object]) -> Iterator[Cause]:
    seen: set[str] = set()
    for index, volume in enumerate(volumes):
        place = f"{field}[{index}]"
        yield from check_label_name(f"{place}.name", volume["name"])
        if volume["name"] in seen:
            yield duplicate(f"{place}.name", volume["name"])
        seen.add(volume["name"])
        sources = [key for key, value in volume.items() if key != "name" and value is not None]
        if not sources:
            yield required(place, "must specify a volume type")
        for extra in sources[1:]:
            yield barred(f"{place}.{extra}", "may not specify more than 1 volume type")
        for source in sources[:1]:
            yield from _check_source(f"{place}.{source}", source, volume[source])


def _check_source(place: str, kind: str, source: Object) -> Iterator[Cause]:
    if kind in _KEYED and not source.get(_KEYED[kind]):
        yield required(f"{place}.{_KEYED[kind]}")
    if kind == "emptyDir" and source.get("sizeLimit") is not None:
        quantity(source["sizeLimit"])
    mode = source.get("defaultMode")
    modes = [("defaultMode", mode)]
    for index, item in enumerate(source.get("items") or []):
        modes.append((f"items[{index}].mode", item.get("mode")))
        if not item.get("key") and "fieldRef" not in item and "resourceFieldRef" not in item:
            yield required(f"{place}.items[{index}].key")
        yield from _check_path(f"{place}.items[{index}].path", item.get("path", ""))
    for name, value in modes:
        if value is not None and not 0 <= value <= 0o777:
            why = "must be a number between 0 and 0777 (octal), both inclusive"
            yield wrong(f"{place}.{name}", value, why)


def _check_path(place: str, path: str) -> Iterator[Cause]:
    if not path:
        yield required(place)
    if path.startswith("/"):
        yield wrong(place, path, "must be a relative path")
    if ".." in path.split("/"):
        yield wrong(place, path, "must not contain '..'")
