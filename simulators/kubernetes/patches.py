"""Merge patches (RFC 7386) and JSON patches (RFC 6902), applied to an object. Pure; the target is changed in place."""

from collections.abc import Callable
from typing import Any

from simulators.kubernetes.refusals import Refusal, bad_request

Object = dict[str, Any]


def merge(target: Any, patch: Any) -> Any:
    """Return *target* with a merge patch applied: null takes a field away, a list replaces a list."""
    if not isinstance(patch, dict):
        return patch
    merged = target if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def json_patch(target: Object, operations: Any) -> Object:
    """Return *target* with a JSON patch applied; refuse with 422 an operation that does not fit."""
    if not isinstance(operations, list):
        raise bad_request("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    for operation in operations:
        try:
            _OPERATIONS[operation["op"]](target, operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            message = f"the server rejected our request due to an error in our request: {operation} ({error!r})"
            raise Refusal(422, "Invalid", message) from None
    return target


def _add(target: Object, operation: Object) -> None:
    parent, key = _place(target, operation["path"])
    if isinstance(parent, list):
        parent.insert(len(parent) if key == "-" else _index(parent, key, past_end=True), operation["value"])
    else:
        parent[key] = operation["value"]


def _remove(target: Object, operation: Object) -> None:
    parent, key = _place(target, operation["path"])
    if isinstance(parent, list):
        del parent[_index(parent, key)]
    else:
        del parent[key]


def _replace(target: Object, operation: Object) -> None:
    parent, key = _place(target, operation["path"])
    if isinstance(parent, list):
        parent[_index(parent, key)] = operation["value"]
    elif key in parent:
        parent[key] = operation["value"]
    else:
        raise KeyError(operation["path"])


def _copy(target: Object, operation: Object) -> None:
    _add(target, {"path": operation["path"], "value": _read(target, operation["from"])})


def _move(target: Object, operation: Object) -> None:
    value = _read(target, operation["from"])
    _remove(target, {"path": operation["from"]})
    _add(target, {"path": operation["path"], "value": value})


def _test(target: Object, operation: Object) -> None:
    if _read(target, operation["path"]) != operation["value"]:
        raise ValueError(f"testing path {operation['path']} value failed")


_OPERATIONS: dict[str, Callable[[Object, Object], None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "copy": _copy,
    "move": _move,
    "test": _test,
}


def _place(target: Object, pointer: str) -> tuple[Any, str]:
    *parents, last = _steps(pointer)
    found: Any = target
    for step in parents:
        found = found[_index(found, step)] if isinstance(found, list) else found[step]
    return found, last


def _read(target: Object, pointer: str) -> Any:
    parent, key = _place(target, pointer)
    return parent[_index(parent, key)] if isinstance(parent, list) else parent[key]


def _steps(pointer: str) -> list[str]:
    if not pointer.startswith("/"):
        raise ValueError(pointer)
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]


def _index(items: list[Any], key: str, *, past_end: bool = False) -> int:
    index = int(key)
    if not 0 <= index < len(items) + past_end:
        raise IndexError(key)
    return index
