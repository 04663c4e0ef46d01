"""The switches by which a test makes this GitLab fail, at run time, the way a real one does."""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent instead of the real answer; nothing is handled."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Delay:
    """The real answer, but this much later."""

    seconds: float


class Cut(StrEnum):
    """The connection closes without an answer: before anything is handled, or after it was."""

    BEFORE = "refuse"
    AFTER = "drop after handling"


class Outage(StrEnum):
    """How the whole GitLab is gone: every request gets a 502, or a closed connection."""

    BAD_GATEWAY = "502"
    CLOSED = "closed"


Effect = Answer | Delay | Cut


@dataclass(slots=True)
class HookFaults:
    """What goes wrong between GitLab and the receiver of its hooks."""

    double: bool = False
    """Each delivery is sent twice with one Idempotency-Key, as a retried Sidekiq job does."""
    twin: bool = False
    """Each event is delivered twice with two Idempotency-Keys, as a project and a group hook do."""
    swap: bool = False
    """Deliveries go out in pairs, the newer first; one without a partner goes after half a second."""
    lose: bool = False
    """Nothing is sent; the deliveries are recorded as failed, to be resent."""
    delay_seconds: float = 0.0
    """Each delivery waits this long first."""


@dataclass(slots=True)
class _Rule:
    method: str
    path: re.Pattern[str]
    left: int
    effect: Effect


@dataclass(slots=True)
class Faults:
    """Every switch of one simulated GitLab. Thread-safe. The first rule that matches a call is used up by it."""

    hooks: HookFaults = field(default_factory=HookFaults)
    down: Outage | None = None
    push_refusal: str = ""
    """Where it is not empty, the pre-receive hook refuses every push with this message."""
    auto_disable_hooks: bool = False
    """Disable a hook for a minute at its 4th failure in a row, for good at its 40th."""
    _rules: list[_Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(  # noqa: PLR0913 - one argument a part of an HTTP answer, and only what a test cares for is given
        self,
        method: str,
        path: str,
        *,
        status: int,
        times: int = 1,
        body: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer the next *times* calls whose raw path the regex *path* finds; `*` is any method."""
        self._add(method, path, times, Answer(status, body.encode(), headers or {}))

    def delay(self, method: str, path: str, *, seconds: float, times: int = 1) -> None:
        """Handle the next calls at once, and answer them late."""
        self._add(method, path, times, Delay(seconds))

    def refuse(self, method: str, path: str, *, times: int = 1) -> None:
        """Close the connection of the next calls before anything is handled."""
        self._add(method, path, times, Cut.BEFORE)

    def drop_answer(self, method: str, path: str, *, times: int = 1) -> None:
        """Handle the next calls and then close the connection: the write happened, its answer is lost."""
        self._add(method, path, times, Cut.AFTER)

    def take(self, method: str, path: str) -> Effect | None:
        """Return what should happen to this call, and count it off its rule."""
        with self._lock:
            for rule in self._rules:
                if rule.method in ("*", method) and rule.path.search(path):
                    rule.left -= 1
                    if rule.left <= 0:
                        self._rules.remove(rule)
                    return rule.effect
        return None

    def clear(self) -> None:
        """Turn every switch off."""
        with self._lock:
            self._rules.clear()
        self.hooks = HookFaults()
        self.down = None
        self.push_refusal = ""
        self.auto_disable_hooks = False

    def _add(self, method: str, path: str, times: int, effect: Effect) -> None:
        with self._lock:
            self._rules.append(_Rule(method, re.compile(path), times, effect))
