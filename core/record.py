"""How a task lies in Redis: a hash of strings, one field for each of the task's. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from core.task import Line, Mode, Phase, Place, Progress, Source, Task, Trigger

_ENTERED = "at:"
_TYPES: dict[str, Any] = {item.name: item.type for item in fields(Task)}
_PLAIN: dict[str, Callable[[str], object]] = {
    "int": int, "float": float, "str": str, "bool": lambda text: text == "True", "Phase": Phase, "Mode": Mode,
}  # fmt: skip


def encode(values: Mapping[str, Any]) -> dict[str, str]:
    """Give some of a task's fields as a hash's."""
    return {name: _encoded(value) for name, value in values.items()}


def decode(record: Mapping[str, str]) -> Task:
    """Read a whole hash back. Unknown fields are ignored, so that an older process reads a newer one's tasks."""
    values: dict[str, Any] = {name: _decoded(name, text) for name, text in record.items() if name in _TYPES}
    entered = ((name[len(_ENTERED) :], float(text)) for name, text in record.items() if name.startswith(_ENTERED))
    return Task(**values, phase_times=tuple(sorted(entered, key=lambda item: item[1])))


def _encoded(value: object) -> str:
    if isinstance(value, Trigger):  # flat, and in the webhook's way: asdict's deep copies cost more than all the rest
        return json.dumps({name: getattr(value, name) for name in Trigger.__slots__}, ensure_ascii=False)
    if isinstance(value, Progress):
        return json.dumps(asdict(value), ensure_ascii=False)
    return repr(value) if isinstance(value, float) else str(value)


def _decoded(name: str, text: str) -> object:
    if name == "trigger":
        values = json.loads(text)
        return Trigger(
            **{**values, "source": Source(values["source"]), "place": Place(values.get("place", Place.ISSUE))}
        )
    if name == "progress":
        values = json.loads(text)
        lines = tuple(Line(**line) for line in values.pop("lines"))
        items = tuple((title, state) for title, state in values.pop("items"))
        notices = tuple(values.pop("notices", ()))
        return Progress(**values, lines=lines, items=items, notices=notices)
    return _PLAIN[_TYPES[name]](text)
