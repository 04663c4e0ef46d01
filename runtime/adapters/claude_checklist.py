"""Claude Code's own list of tasks, followed through its stream: TaskCreate and TaskUpdate, or TodoWrite. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from runtime.adapters.json_values import blocks, dig, first_line, text_of
from runtime.contract import CHECKLIST_LIMIT, Event

_STATES: Final = {"pending": "pending", "in_progress": "active", "completed": "done"}


class Checklist:
    """The list as it is now. A task has no id until the answer to its TaskCreate."""

    def __init__(self) -> None:
        self._waiting: dict[str, str] = {}
        self._items: dict[str, tuple[str, str]] = {}

    def take_call(self, block: dict[str, Any]) -> Iterator[Event]:
        """Take a ``tool_use`` block; yield the list where it changed."""
        given = block.get("input")
        match block.get("name"):
            case "TaskCreate" if len(self._waiting) < CHECKLIST_LIMIT:
                self._waiting[text_of(block.get("id"))] = first_line(text_of(dig(given, "subject")))
            case "TaskUpdate":
                yield from self._update(given)
            case "TodoWrite":
                todos = blocks(dig(given, "todos"))[:CHECKLIST_LIMIT]
                self._items = {str(place): _todo(todo) for place, todo in enumerate(todos)}
                yield self._event()

    def take_answer(self, message: dict[str, Any]) -> Iterator[Event]:
        """Take a ``user`` line; yield the list where a task of it now has its id."""
        task = dig(message, "tool_use_result", "task")
        for block in blocks(dig(message, "message", "content")):
            title = self._waiting.pop(text_of(block.get("tool_use_id")), "")
            key = text_of(dig(task, "id"))
            if title and key and len(self._items) < CHECKLIST_LIMIT:
                self._items[key] = (title, "pending")
                yield self._event()

    def _update(self, given: object) -> Iterator[Event]:
        key, status = text_of(dig(given, "taskId")), text_of(dig(given, "status"))
        if key not in self._items:
            return
        title, state = self._items[key]
        title = first_line(text_of(dig(given, "subject"))) or title
        if status == "deleted":
            del self._items[key]
        else:
            self._items[key] = (title, _STATES.get(status, state))
        yield self._event()

    def _event(self) -> Event:
        return Event(kind="checklist", items=tuple(self._items.values()))


def _todo(todo: dict[str, Any]) -> tuple[str, str]:
    return first_line(text_of(todo.get("content"))), _STATES.get(text_of(todo.get("status")), "pending")
