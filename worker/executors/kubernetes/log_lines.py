"""Cuts a container's log, as the API streams it with timestamps, into lines with positions. Pure; hostile bytes in.

A position is the line's time in nanoseconds, or one more than the line before's where time does not grow. So it comes
out the same each time that the log is read from the start of a second, and that is where the API can begin.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from worker.executors.line_cut import cut_place
from worker.executors.protocol import LogLine

LINE_LIMIT_BYTES: Final = 65_536
SECOND: Final = 1_000_000_000
_STAMP: Final = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?")
_STAMP_LIMIT_BYTES: Final = 40


def since(position: int) -> str:
    """Give the start of the second that *position* lies in, as the API takes it."""
    return datetime.fromtimestamp(position // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class LogLines:
    """Reads one answer from its beginning; gives the lines behind position *after*."""

    def __init__(self, after: int) -> None:
        self._after = after
        self._last = 0
        self._rest = b""

    def feed(self, chunk: bytes) -> list[LogLine]:
        """Give the lines that *chunk* completes."""
        *whole, rest = (self._rest + chunk).split(b"\n")
        # One byte more than a line may have says that it is to be cut; what follows up to its end is not kept.
        self._rest = rest[: LINE_LIMIT_BYTES + _STAMP_LIMIT_BYTES + 1]
        return [line for text in whole if (line := self._line(text)) is not None]

    def finish(self) -> list[LogLine]:
        """Give the last line of an answer that is whole: a program may end without a newline."""
        rest, self._rest = self._rest, b""
        line = self._line(rest) if rest else None
        return [line] if line is not None else []

    def _line(self, raw: bytes) -> LogLine | None:
        stamp = _STAMP.match(raw)
        second = _second(stamp[1], stamp[3]) if stamp else None
        if stamp is None or second is None:
            # The kubelet's own words ("unable to retrieve container logs"): no line of the container's.
            return None
        moment = second * SECOND + int((stamp[2] or b"0").ljust(9, b"0"))
        self._last = max(moment, self._last + 1)
        if self._last <= self._after:
            return None
        is_cut = len(raw) > stamp.end() + LINE_LIMIT_BYTES
        end = cut_place(raw, stamp.end(), stamp.end() + LINE_LIMIT_BYTES) if is_cut else len(raw)
        text = raw[stamp.end() : end].decode(errors="replace")
        return LogLine(position=self._last, text=text, at=moment / SECOND, is_cut=is_cut)


@lru_cache(maxsize=256)
def _second(clock: bytes, zone: bytes) -> int | None:
    """Give the Unix second of a time such as ``2026-11-03T12:00:00``; None where there is no such time."""
    try:
        return int(datetime.fromisoformat((clock + zone).decode()).timestamp())
    except ValueError:
        return None
