"""Label and field selectors: parsed once for a request, then asked of each object."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from simulators.kubernetes.refusals import bad_request

Object = dict[str, Any]
Selector = Callable[[Object], bool]

_COMMA = re.compile(r",(?![^()]*\))")
_SET = re.compile(r"^(\S+)\s+(in|notin)\s*\(([^()]*)\)$")
_EQUALITY = re.compile(r"^([^\s=!]+)\s*(==|=|!=)\s*(\S*)$")
_PRESENCE = re.compile(r"^(!?)\s*([A-Za-z0-9][A-Za-z0-9._/-]*)$")

_FIELDS: dict[str, tuple[str, ...]] = {
    "pods": ("spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase", "status.podIP"),
    "events": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "secrets": ("type",),
    "namespaces": ("status.phase",),
    "jobs": ("status.successful",),
    "nodes": ("spec.unschedulable",),
}


def select(resource: str, labels: str, fields: str) -> Selector | None:
    """Return what says whether an object is chosen by both selectors; None where all are.

    Raises:
        Refusal: 400, where a selector cannot be read or names a field that *resource* cannot be chosen by.
    """
    tests = [*_label_tests(labels), *_field_tests(resource, fields)]
    if not tests:
        return None
    return lambda obj: all(test(obj) for test in tests)


def _label_tests(text: str) -> Iterable[Selector]:
    for part in filter(None, map(str.strip, _COMMA.split(text))):
        yield _label_test(part, text)


def _label_test(part: str, text: str) -> Selector:
    if found := _SET.match(part):
        key, word, listed = found.groups()
        values = {value.strip() for value in listed.split(",")}
        # As the real one: `notin` and `!=` also choose what has no such label.
        return (lambda obj: _labels(obj).get(key) in values) if word == "in" else _not_in(key, values)
    if found := _EQUALITY.match(part):
        key, sign, value = found.groups()
        return _not_in(key, {value}) if sign == "!=" else (lambda obj: _labels(obj).get(key) == value)
    if found := _PRESENCE.match(part):
        absent, key = found.groups()
        return lambda obj: (key in _labels(obj)) is not bool(absent)
    raise bad_request(f"unable to parse requirement: found '{part}' in \"{text}\"")


def _not_in(key: str, values: set[str]) -> Selector:
    return lambda obj: _labels(obj).get(key) not in values


def _labels(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def _field_tests(resource: str, text: str) -> Iterable[Selector]:
    known = ("metadata.name", "metadata.namespace", *_FIELDS.get(resource, ()))
    for part in filter(None, text.split(",")):
        found = _EQUALITY.match(part.strip())
        if found is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        path, sign, value = found.groups()
        if path not in known:
            raise bad_request(f'field label not supported: "{path}"')
        yield _field_test(path.split("."), value, wanted=sign != "!=")


def _field_test(path: list[str], value: str, *, wanted: bool) -> Selector:
    if path == ["source"]:
        path = ["source", "component"]
    return lambda obj: (_field(obj, path) == value) is wanted


def _field(obj: Object, path: list[str]) -> str:
    found: Any = obj
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, bool):
        return str(found).lower()
    return "" if found is None else str(found)
