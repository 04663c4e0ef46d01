"""Times and spans as a Table shows them: `45s`, `3m20s`, `2d4h`. Pure but for the clock."""

from datetime import UTC, datetime
from typing import Any

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_ROUNDINGS = (
    (2 * _MINUTE, 1, "s", 0, ""),
    (10 * _MINUTE, _MINUTE, "m", 1, "s"),
    (3 * _HOUR, _MINUTE, "m", 0, ""),
    (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
    (2 * _DAY, _HOUR, "h", 0, ""),
    (8 * _DAY, _DAY, "d", _HOUR, "h"),
)
"""Below so many seconds: the larger unit and its letter, and the smaller one where it is shown too."""


def age(obj: dict[str, Any]) -> str:
    """Return how long ago *obj* was created."""
    return since(obj["metadata"].get("creationTimestamp"))


def since(stamp: str | None) -> str:
    """Return how long ago *stamp* (RFC 3339) was."""
    if not stamp:
        return "<unknown>"
    return span((datetime.now(UTC) - datetime.fromisoformat(stamp)).total_seconds())


def between(start: str, end: str) -> str:
    """Return the span from one stamp to the other."""
    return span((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())


def span(seconds: float) -> str:
    """Return *seconds* in two figures at most, as the real API server rounds them."""
    whole = max(0, int(seconds))
    for below, large, large_letter, small, small_letter in _ROUNDINGS:
        if whole < below:
            rest = whole % large // small if small else 0
            return f"{whole // large}{large_letter}" + (f"{rest}{small_letter}" if rest else "")
    return f"{whole // _DAY}d"
