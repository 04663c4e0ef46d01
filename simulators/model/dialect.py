"""What the three dialects have in common: a request is read, and the answer is a list of server-sent events."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from simulators.model.script import Turn, Usage

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One turn, its calls already in the agent's words."""

    identity: str
    model: str
    text: str
    calls: Sequence[tuple[str, JsonObject]]
    usage: Usage

    @property
    def call_ids(self) -> list[str]:
        """An id for each call."""
        return [f"{self.identity}_{place}" for place in range(len(self.calls))]


class Dialect(Protocol):
    """One provider's way to ask and to answer."""

    def offered(self, body: JsonObject) -> list[str]:
        """List the tools that the request offers; none: it is no turn of the agent's, but a side question."""

    def streams(self, path: str, body: JsonObject) -> bool:
        """Say whether it wants a stream."""

    def events(self, answer: Answer) -> Iterator[str]:
        """Give the stream's events as they go over the wire."""

    def whole(self, answer: Answer) -> JsonObject:
        """Give the answer in one piece."""

    def error(self, turn: Turn) -> JsonObject:
        """Give the body of an error."""


def event(value: JsonObject, name: str = "") -> str:
    """Give one server-sent event."""
    return (f"event: {name}\n" if name else "") + f"data: {json.dumps(value)}\n\n"
