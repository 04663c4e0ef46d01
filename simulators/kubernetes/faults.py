"""The switches by which a test makes this API server fail, at run time, the way a real one does.

A rule names a verb (`get`, `list`, `watch`, `create` …, `*` for any), a resource (`pods`, `pods/log`, `*`), and
optionally an object's name as a regex; the first that matches a request is used up by it.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from simulators.kubernetes.paths import RequestInfo

_REASONS = {
    403: ("Forbidden", "forbidden by a fault"),
    429: ("TooManyRequests", "Too many requests, please try again later."),
    500: ("InternalError", "Internal error occurred: etcdserver: request timed out"),
    503: ("ServiceUnavailable", "apiserver is shutting down"),
    504: ("Timeout", "Timeout: request did not complete within the allotted timeout"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Instead of the real answer, this Status is sent; nothing is handled. `retry_after` is in seconds."""

    status: int
    retry_after: int | None

    @property
    def reason(self) -> str:
        """Return the Status' reason."""
        return _REASONS.get(self.status, ("", ""))[0]

    @property
    def message(self) -> str:
        """Return the Status' message."""
        return _REASONS.get(self.status, ("", f"an error with code {self.status}"))[1]


@dataclass(frozen=True, slots=True)
class Delay:
    """The request is handled at once and answered this much later."""

    seconds: float


class Cut(StrEnum):
    """The connection closes without an answer: before anything is handled, or after it was."""

    BEFORE = "refuse"
    AFTER = "lose the answer"


class WatchFault(StrEnum):
    """What a watch does instead of going on."""

    GONE = "one ERROR event with code 410, then the end"
    SILENT = "nothing is sent any more, no bookmarks either; the connection stays"
    CLOSED = "the stream ends cleanly"


Effect = Answer | Delay | Cut | WatchFault


@dataclass(slots=True)
class _Rule:
    verb: str
    resource: str
    name: re.Pattern[str]
    left: int
    effect: Effect


@dataclass(slots=True)
class Faults:
    """Every switch of one simulated API server. Thread-safe."""

    down: bool = False
    """Whether every request's connection is closed unanswered. `set_reachable` of the server also breaks open ones."""
    stale_lists: dict[str, int] = field(default_factory=dict)
    """By resource: the resourceVersion at which lists with resourceVersion=0 are answered, as from a lagging cache."""
    on_open_watches: Callable[[str, WatchFault], None] = field(default=lambda _resource, _fault: None)
    """How the open watches are reached; the server sets it."""
    on_open_streams: Callable[[str], None] = field(default=lambda _resource: None)
    """How the connections of open watches and followed logs are reached; the server sets it."""
    _rules: list[_Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(  # noqa: PLR0913 - only what a test cares for is given, and by its name
        self, verb: str, resource: str, status: int, *, name: str = "", times: int = 1, retry_after: int | None = None
    ) -> None:
        """Answer the next *times* matching requests with an error; a 429 names *retry_after*, or one second."""
        self._add(
            verb, resource, name, times, Answer(status, 1 if status == 429 and retry_after is None else retry_after)
        )

    def delay(self, verb: str, resource: str, *, seconds: float, name: str = "", times: int = 1) -> None:
        """Handle the next matching requests at once, and answer them late."""
        self._add(verb, resource, name, times, Delay(seconds))

    def refuse(self, verb: str, resource: str, *, name: str = "", times: int = 1) -> None:
        """Close the connection of the next matching requests before anything is handled."""
        self._add(verb, resource, name, times, Cut.BEFORE)

    def lose_answer(self, verb: str, resource: str, *, name: str = "", times: int = 1) -> None:
        """Handle the next matching requests and then close the connection: the write happened, its answer is lost."""
        self._add(verb, resource, name, times, Cut.AFTER)

    def fail_next_watch(self, resource: str, fault: WatchFault, *, times: int = 1) -> None:
        """Open the next *times* watches of *resource* with this fault."""
        self._add("watch", resource, "", times, fault)

    def fail_open_watches(self, resource: str, fault: WatchFault) -> None:
        """Turn the open watches of *resource* (`*` for all) to this fault now; watches opened later are well."""
        self.on_open_watches(resource, fault)

    def cut_open_streams(self, resource: str) -> None:
        """Break the connections of open watches (`pods`) or followed logs (`pods/log`), of all with `*`."""
        self.on_open_streams(resource)

    def take(self, info: RequestInfo) -> Effect | None:
        """Return what should happen to this request, and count it off its rule."""
        resource = f"{info.plural}/{info.subresource}" if info.subresource else info.plural
        with self._lock:
            for rule in self._rules:
                matches = rule.verb in ("*", info.verb) and rule.resource in ("*", resource)
                if matches and rule.name.search(info.name):
                    rule.left -= 1
                    if rule.left <= 0:
                        self._rules.remove(rule)
                    return rule.effect
        return None

    def clear(self) -> None:
        """Turn every switch off."""
        with self._lock:
            self._rules.clear()
        self.stale_lists.clear()
        self.down = False

    def _add(self, verb: str, resource: str, name: str, times: int, effect: Effect) -> None:
        with self._lock:
            self._rules.append(_Rule(verb, resource, re.compile(name), times, effect))
