"""How long to wait before the next try: longer each time, never quite the same, so that many do not come at once."""

from __future__ import annotations

import random


class Backoff:
    """Pauses from *first* to *longest* seconds, each about twice the one before."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def pause(self, at_least: float = 0.0) -> float:
        """Give the seconds to wait now, and double the next; *at_least* is what the other side asked for."""
        seconds = self._next
        self._next = min(self._longest, seconds * 2)
        return max(min(at_least, self._longest * 2), seconds * random.uniform(0.5, 1.0))  # noqa: S311 - no secret

    def reset(self) -> None:
        """Begin with the first pause again."""
        self._next = self._first
