"""Strategic merge patches: like a merge patch, but lists of named things merge by their key. Pure.

Which lists merge, and by which key, stands in the API's Go types; here are those of the kinds that are stored.
"""

from typing import Any

from simulators.kubernetes.refusals import bad_request

Object = dict[str, Any]

_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "secrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "ownerReferences": "uid",
    "conditions": "type",
    "addresses": "type",
    "limits": "type",
}
_PORT_KEYS = ("containerPort", "port")
_PRIMITIVE = ("finalizers",)


def strategic_merge(target: Any, patch: Any) -> Any:
    """Return *target* with a strategic merge patch applied; the target is changed in place."""
    if not isinstance(patch, dict):
        return patch
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    merged = target if isinstance(target, dict) else {}
    _retain(merged, patch)
    for key, value in patch.items():
        if not key.startswith("$"):
            _merge_field(merged, key, value)
        elif key.startswith("$deleteFromPrimitiveList/"):
            field = key.partition("/")[2]
            merged[field] = [item for item in merged.get(field) or [] if item not in value]
    for key, order in patch.items():
        if key.startswith("$setElementOrder/"):
            _reorder(merged, key.partition("/")[2], order)
    return merged


def _merge_field(merged: Object, key: str, value: Any) -> None:
    if value is None or (isinstance(value, dict) and value.get("$patch") == "delete"):
        merged.pop(key, None)
    elif isinstance(value, list):
        merged[key] = _merge_list(key, merged.get(key) or [], value)
    else:
        merged[key] = strategic_merge(merged.get(key), value)


def _retain(merged: Object, patch: Object) -> None:
    if "$retainKeys" in patch:
        for key in [key for key in merged if key not in patch["$retainKeys"]]:
            del merged[key]


def _merge_list(field: str, old: list[Any], new: list[Any]) -> list[Any]:
    if field in _PRIMITIVE:
        return old + [item for item in new if item not in old]
    key = list_key(field, new)
    if key is None or {"$patch": "replace"} in new:
        return [item for item in new if item != {"$patch": "replace"}]
    merged = list(old)
    for item in new:
        if key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        place = next((index for index, one in enumerate(merged) if one.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            merged = [one for one in merged if one.get(key) != item[key]]
        elif place is None:
            merged.append(strategic_merge({}, item))
        else:
            merged[place] = strategic_merge(merged[place], item)
    return merged


def list_key(field: str, items: list[Any]) -> str | None:
    """Return the key by which the *items* of a list field merge; None where a new list replaces the old."""
    if not items or not isinstance(items[0], dict):
        return None
    if field == "ports":
        return next((key for key in _PORT_KEYS if key in items[0]), None)
    return _KEYS.get(field)


def _reorder(merged: Object, field: str, order: list[Any]) -> None:
    items = merged.get(field)
    if not items:
        return
    if isinstance(items[0], dict):
        key = next(iter(order[0])) if order else "name"
        places = {entry[key]: index for index, entry in enumerate(order)}
        items.sort(key=lambda item: places.get(item.get(key), len(places)))
    else:
        items.sort(key=lambda item: order.index(item) if item in order else len(order))
