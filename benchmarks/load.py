"""A small HTTP load: requests built beforehand, kept-alive connections, latencies measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back: how many of each status, the rate, and latencies in ms."""

    statuses: dict[int, int]
    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Latency in ms that *share* of the answers stayed under."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """Build one POST."""
    head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


def run(port: int, requests: Sequence[bytes], *, connections: int, per_second: float = 0) -> Outcome:
    """Send all *requests* over *connections*; as fast as they go, or spread evenly at *per_second*."""
    return asyncio.run(_run(port, requests, connections, per_second))


async def _run(port: int, requests: Sequence[bytes], connections: int, per_second: float) -> Outcome:
    statuses: dict[int, int] = {}
    latencies: list[float] = []
    position = iter(range(len(requests)))
    begin = time.perf_counter()

    async def worker() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for index in position:
            due = begin + index / per_second if per_second else 0.0
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            # Under a fixed rate, waiting for a free connection counts as latency too.
            sent = due or time.perf_counter()
            writer.write(requests[index])
            status = await _answer(reader)
            latencies.append(time.perf_counter() - sent)
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()

    await asyncio.gather(*(worker() for _ in range(connections)))
    return Outcome(statuses, time.perf_counter() - begin, latencies)


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
    return int(head[9:12])
