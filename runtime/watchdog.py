"""When a program is ended from outside, and why. Pure: `runtime.processes` tells what it saw, and does the ending.

Six things make it bite: no first output, silence, too much output, the wall clock, what its own words tell of other
limits, and staying alive after the result.
Whatever the limit, a program that has given its result has only failed to leave: its result counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LINGER_ROUNDS: Final = 10
"""Who goes on printing after the result is ended after so many times the wait for one that is silent."""


class Cause(StrEnum):
    """Why a program is not running any more."""

    EXITED = "exited"
    UNBEGUN = "unbegun"
    STALLED = "stalled"
    OUTPUT = "output"
    TIMEOUT = "timeout"
    LINGERED = "lingered"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When the program is ended from outside."""

    wall_seconds: float
    output_bytes: int
    first_seconds: float = math.inf
    """Until the first byte on its standard output; what it complains of on the other does not count."""
    idle_seconds: float = math.inf
    """Without a byte of output."""
    linger_seconds: float = 30.0
    """Without a byte of output, once it has given its result."""


@dataclass(slots=True, kw_only=True)
class Seen:
    """What a program has done so far. Times are of one monotonic clock, in seconds."""

    began_at: float
    last_at: float
    """Its last byte."""
    has_spoken: bool = False
    total_bytes: int = 0
    finished_at: float | None = None
    """When it gave its result; None again where it took up work after that."""
    exhausted: bool = False
    """What it said shows that it has to be ended: it passed a limit that it does not keep to itself."""


def passed_limit(limits: Limits, seen: Seen, now: float) -> Cause | None:
    """Say which limit the program has passed at *now*; None while it may go on."""
    cause = _passed(limits, seen, now)
    if seen.finished_at is None:
        return cause
    silent = now - max(seen.last_at, seen.finished_at) > limits.linger_seconds
    overdue = now - seen.finished_at > LINGER_ROUNDS * limits.linger_seconds
    return Cause.LINGERED if cause or silent or overdue else None


def _passed(limits: Limits, seen: Seen, now: float) -> Cause | None:
    if seen.exhausted:
        return Cause.EXHAUSTED
    if seen.total_bytes > limits.output_bytes:
        return Cause.OUTPUT
    if now - seen.began_at > limits.wall_seconds:
        return Cause.TIMEOUT
    if not seen.has_spoken and now - seen.began_at > limits.first_seconds:
        return Cause.UNBEGUN
    return Cause.STALLED if now - seen.last_at > limits.idle_seconds else None
