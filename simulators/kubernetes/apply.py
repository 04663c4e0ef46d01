"""Server-side apply: what a field manager applied last, so that a field that it leaves out now goes away.

Conflicts between managers are not found: the last one wins, as with `force`. That is enough for kubectl and helm.
"""

import copy
from typing import Any

from simulators.kubernetes.strategic import list_key, strategic_merge

Object = dict[str, Any]
Key = tuple[str, str, str, str]


class Applied:
    """The last applied object by resource, namespace, name and manager."""

    def __init__(self) -> None:
        self._last: dict[Key, Object] = {}

    def first(self, key: Key, patch: Object) -> Object:
        """Return the object to create."""
        self._last.pop(key, None)
        return copy.deepcopy(patch)

    def again(self, key: Key, target: Object, patch: Object) -> Object:
        """Return *target* with *patch* applied, and without what this manager no longer applies."""
        _remove_left_out(target, self._last.get(key, {}), patch)
        merged: Object = strategic_merge(target, copy.deepcopy(patch))
        return merged

    def remember(self, key: Key, patch: Object) -> None:
        """Keep what was applied."""
        self._last[key] = copy.deepcopy(patch)


def _remove_left_out(target: Object, last: Object, patch: Object) -> None:
    for field, value in last.items():
        if field not in target:
            continue
        if field not in patch:
            del target[field]
        elif isinstance(value, dict) and isinstance(patch[field], dict) and isinstance(target[field], dict):
            _remove_left_out(target[field], value, patch[field])
        elif isinstance(value, list) and isinstance(patch[field], list):
            target[field] = _without_left_out(field, target[field], value, patch[field])


def _without_left_out(field: str, target: list[Any], last: list[Any], patch: list[Any]) -> list[Any]:
    key = list_key(field, last)
    if key is None:
        return target
    kept = {item.get(key) for item in patch}
    dropped = {item.get(key) for item in last} - kept
    return [item for item in target if item.get(key) not in dropped]
