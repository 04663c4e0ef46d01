"""The logs of containers: stamped lines in memory, read and followed the way that a kubelet gives them out.

The kubelet writes; the API's log route reads. A follower costs one waiting future, whatever it waits for, so that
thousands of them are cheap. As on a node, a log is rotated when it gets long, and only its current part is readable.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

from simulators.kubernetes.log_request import LogOptions

ROTATION_BYTES: Final = 10 * 1024 * 1024
"""The kubelet's usual containerLogMaxSize."""
CHUNK_LINES: Final = 2000
SECOND_NS: Final = 1_000_000_000
STAMP_BYTES: Final = len("2026-01-02T03:04:05.123456789Z ")


class AtRotation(StrEnum):
    """What a follower meets when its log is rotated: all is well, its stream ends, or it never hears more."""

    GOES_ON = "goes on"
    ENDS = "ends"
    HANGS = "hangs"


class ContainerLog:
    """One container's log. Every call comes from the server's loop."""

    def __init__(self, rotation_bytes: int = ROTATION_BYTES) -> None:
        self.at_rotation = AtRotation.GOES_ON
        self._rotation_bytes = rotation_bytes
        self._lines: list[tuple[int, bytes]] = []
        self._dropped = 0
        self._readable_from = 0
        self._bytes = 0
        self._last_ns = 0
        self._closed = False
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def end(self) -> int:
        """How many lines were ever written."""
        return self._dropped + len(self._lines)

    def write(self, text: bytes, at_ns: int) -> None:
        """Add a line (without its newline), printed at Unix time *at_ns*; no two lines have the same stamp."""
        self._last_ns = at_ns = max(at_ns, self._last_ns + 1)
        self._lines.append((at_ns, _stamp(at_ns) + text + b"\n"))
        self._bytes += STAMP_BYTES + len(text) + 1
        if self._bytes >= self._rotation_bytes:
            self.rotate()
        else:
            self._wake()

    def rotate(self) -> None:
        """Begin a new part: what was written so far is readable only to those who already follow."""
        del self._lines[: self._readable_from - self._dropped]
        self._dropped = self._readable_from
        self._readable_from = self.end
        self._bytes = 0
        self._wake()

    def close(self) -> None:
        """Say that the container has ended: followers end when they have read everything."""
        self._closed = True
        self._wake()

    def tail(self, lines: int) -> bytes:
        """Return the last lines without their stamps."""
        return b"".join([line[STAMP_BYTES:] for _, line in self._lines[-lines:]])

    async def read(self, request: LogOptions) -> AsyncIterator[bytes]:
        """Yield what is asked for in chunks of whole lines; with *follow*, until the container has ended."""
        since, position, part = _since_ns(request), self._start(request), self._readable_from
        left = request.limit_bytes
        while left != 0:
            stops = self.at_rotation is not AtRotation.GOES_ON and self._readable_from != part
            reach = self._readable_from if stops else self.end
            chunk, position = self._next(position, reach, since, timestamps=request.timestamps)
            if left is not None:
                chunk = chunk[:left]
                left -= len(chunk)
            if chunk:
                yield chunk
            if position < reach:
                continue
            if self._is_over(request, stops=stops):
                return
            await self._change()

    def _is_over(self, request: LogOptions, *, stops: bool) -> bool:
        """Whether a reader who has read all that it gets is done, rather than waiting for more, maybe in vain."""
        if stops:
            return self.at_rotation is AtRotation.ENDS
        return self._closed or not request.follow

    def _start(self, request: LogOptions) -> int:
        if request.tail_lines is None:
            return self._readable_from
        return max(self._readable_from, self.end - request.tail_lines)

    def _next(self, position: int, reach: int, since: int, *, timestamps: bool) -> tuple[bytes, int]:
        position = max(position, self._dropped)
        lines = self._lines[position - self._dropped : min(position + CHUNK_LINES, reach) - self._dropped]
        cut = 0 if timestamps else STAMP_BYTES
        return b"".join([line[cut:] for at, line in lines if at >= since]), position + len(lines)

    async def _change(self) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            await waiting
        finally:
            if not waiting.done() or waiting.cancelled():
                self._waiting = [other for other in self._waiting if other is not waiting]

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)


def _since_ns(request: LogOptions) -> int:
    # A real one takes whole seconds: lines of the second that is asked for come again.
    return int(request.since.timestamp()) * SECOND_NS if request.since is not None else 0


def _stamp(at_ns: int) -> bytes:
    seconds, nanoseconds = divmod(at_ns, SECOND_NS)
    return b"%s.%09dZ " % (_second(seconds), nanoseconds)


@lru_cache(maxsize=16)
def _second(seconds: int) -> bytes:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}".encode()
