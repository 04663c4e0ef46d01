"""What the model will say, turn after turn: texts, tool calls, usage, and the ways in which it fails."""

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call: those of `simulators.model.tools` are put in the agent's own words, any other goes as it is."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens that an answer says it has cost; *cached* are among *read*."""

    read: int = 1000
    written: int = 50
    cached: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One answer to one request."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    usage: Usage = Usage()
    status: int = 200
    """Anything else is an error, told in the dialect's own words."""
    message: str = "so says the script"
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of an error, such as `retry-after-ms` and `x-should-retry`."""
    delay_seconds: float = 0.0
    """Silence before the answer's first byte."""
    stall_seconds: float = 0.0
    """Silence in the middle of the answer."""
    cut: bool = False
    """The connection breaks in the middle of the answer."""
    times: int = 1
    """How many requests are answered so."""

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read one turn of a script file.

        Raises:
            TypeError: It has a key that there is not.
        """
        calls = tuple(Call(call["tool"], call.get("arguments", {})) for call in values.get("calls", ()))
        usage = Usage(**values.get("usage", {}))
        return cls(**{**values, "calls": calls, "usage": usage})


class Script:
    """The turns that are left. Thread-safe. A request beyond the last one is an error, and loud."""

    END = Turn(status=400, message="the script has no turn left")

    def __init__(self, turns: Iterable[Turn] = ()) -> None:
        self._turns = list(turns)
        self._lock = threading.Lock()

    def set(self, *turns: Turn) -> None:
        """Put *turns* in the place of what is left."""
        with self._lock:
            self._turns = list(turns)

    def take(self) -> Turn:
        """Give the next turn."""
        with self._lock:
            if not self._turns:
                return self.END
            turn = self._turns.pop(0)
            if turn.times > 1:
                self._turns.insert(0, replace(turn, times=turn.times - 1))
            return turn

    @property
    def left(self) -> int:
        """How many turns nobody has asked for."""
        with self._lock:
            return sum(turn.times for turn in self._turns)


def read_turns(text: str) -> list[Turn]:
    """Read a script file: a JSON list of turns, keys as `Turn` has them."""
    return [Turn.from_json(values) for values in json.loads(text)]
