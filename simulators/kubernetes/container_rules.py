"""The rules for the containers of a Pod, beyond the schema. Pure."""

from collections.abc import Iterator
from typing import Any

from simulators.kubernetes.metadata_rules import check_label_name
from simulators.kubernetes.problems import barred, duplicate, missing, required, unsupported, wrong
from simulators.kubernetes.quantities import NoQuantity, parse_quantity
from simulators.kubernetes.refusals import Cause, bad_request

Object = dict[str, Any]

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("FallbackToLogsOnError", "File")
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")


def check_containers(field: str, spec: Object) -> Iterator[Cause]:
    """Yield what is wrong with the containers of the Pod *spec*, which stands at *field*."""
    volumes = {volume["name"] for volume in spec.get("volumes") or []}
    if not spec.get("containers"):
        yield required(f"{field}.containers")
    seen: set[str] = set()
    for kind in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(kind) or []):
            place = f"{field}.{kind}[{index}]"
            if container["name"] in seen:
                yield duplicate(f"{place}.name", container["name"])
            seen.add(container["name"])
            yield from _check_container(place, container, volumes)


def _check_container(place: str, container: Object, volumes: set[str]) -> Iterator[Cause]:
    yield from check_label_name(f"{place}.name", container["name"])
    image = container.get("image", "")
    if not image:
        yield required(f"{place}.image")
    elif image != image.strip():
        yield wrong(f"{place}.image", image, "must not have leading or trailing whitespace")
    policy = container.get("imagePullPolicy", "Always")
    if policy not in _PULL_POLICIES:
        yield unsupported(f"{place}.imagePullPolicy", policy, _PULL_POLICIES)
    policy = container.get("terminationMessagePolicy", "File")
    if policy not in _MESSAGE_POLICIES:
        yield unsupported(f"{place}.terminationMessagePolicy", policy, _MESSAGE_POLICIES)
    yield from _check_mounts(place, container, volumes)
    for index, variable in enumerate(container.get("env") or []):
        yield from _check_variable(f"{place}.env[{index}]", variable)
    yield from _check_resources(f"{place}.resources", container.get("resources") or {})


def _check_mounts(place: str, container: Object, volumes: set[str]) -> Iterator[Cause]:
    paths: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or []):
        where = f"{place}.volumeMounts[{index}]"
        if not mount["name"]:
            yield required(f"{where}.name")
        elif mount["name"] not in volumes:
            yield missing(f"{where}.name", mount["name"])
        if not mount["mountPath"]:
            yield required(f"{where}.mountPath")
        if mount["mountPath"] in paths:
            yield wrong(f"{where}.mountPath", mount["mountPath"], "must be unique")
        paths.add(mount["mountPath"])
        if ".." in mount.get("subPath", "").split("/"):
            yield wrong(f"{where}.subPath", mount["subPath"], "must not contain '..'")


def _check_variable(place: str, variable: Object) -> Iterator[Cause]:
    if not variable["name"]:
        yield required(f"{place}.name")
    if "=" in variable["name"]:
        yield wrong(f"{place}.name", variable["name"], "a valid environment variable name must not contain '='")
    if variable.get("valueFrom") is not None:
        yield from _check_source(f"{place}.valueFrom", variable["valueFrom"])
        if variable.get("value"):
            yield wrong(f"{place}.valueFrom", "", "may not be specified when `value` is not empty")


def _check_source(place: str, source: Object) -> Iterator[Cause]:
    named = [name for name in _SOURCES if source.get(name) is not None]
    if not named:
        yield wrong(place, "", f"must specify one of: {', '.join(f'`{name}`' for name in _SOURCES)}")
    if len(named) > 1:
        yield wrong(place, "", "may not have more than one field specified at a time")
    for name in named:
        for field in ("name", "key") if name in ("configMapKeyRef", "secretKeyRef") else ():
            if not source[name].get(field):
                yield required(f"{place}.{name}.{field}")


def _check_resources(place: str, resources: Object) -> Iterator[Cause]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for kind, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            if quantity(amount) < 0:
                yield wrong(f"{place}.{kind}[{name}]", str(amount), "must be greater than or equal to 0")
    for name, amount in requests.items():
        if name in limits and quantity(amount) > quantity(limits[name]):
            why = f"must be less than or equal to {name} limit of {limits[name]}"
            yield wrong(f"{place}.requests", str(amount), why)
        if name not in ("cpu", "memory", "ephemeral-storage") and "/" not in name and not name.startswith("hugepages-"):
            yield barred(f"{place}.requests[{name}]", f'"{name}" is not a standard resource for containers')


def quantity(amount: Any) -> Any:
    """Return the number that *amount* stands for; refuse with 400, as the API server cannot even read it."""
    try:
        return parse_quantity(str(amount))
    except NoQuantity as error:
        raise bad_request(str(error)) from None
