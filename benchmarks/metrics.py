"""A scrape, and the outcomes' sums, with 100,000 tasks stored, 1,000 runs at once and 10,000 waiting."""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
from redis.asyncio import Redis

from benchmarks.task_table import PROJECTS, fill
from bot import metrics
from core.connections import open_store_redis
from core.counts import BUCKETS, spelt
from core.outcomes import Outcomes
from core.settings import Settings
from operate.embedded_redis import EmbeddedRedis

RUNS, WAITING, DAYS, ROUNDS = 1_000, 10_000, 90, 100
WORDS = ("completed", "failed", "failed:timeout", "opened", "merged", "after:70", "after:75", "usd")


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        EmbeddedRedis(Path(folder) / "redis", persistent=False) as server,
    ):
        asyncio.run(_measure(server.url))


async def _measure(url: str) -> None:
    await fill(url, 1)
    redis = open_store_redis(Settings(redis_url=url))
    await _work(redis)
    transport = httpx2.ASGITransport(app=metrics.application(redis))
    async with httpx2.AsyncClient(transport=transport, base_url="http://bot") as client:
        answer = await client.get("/metrics")
        print(f"{len(answer.content) / 1024:.1f} KiB, {answer.text.count(chr(10))} lines")
        await _time("scrape", 100, lambda: client.get("/metrics"))
    outcomes = Outcomes(redis)
    for days in (7, 30, DAYS):
        await _time(f"sums of {days} days, {PROJECTS} projects", 0, partial(outcomes.report, days, None))
    await redis.aclose()


async def _work(redis: Redis) -> None:
    """Have runs, a queue, counts, and sums of ninety days, on each of which every project was worked on."""
    chance, now = random.Random(1), time.time()  # noqa: S311 - no secret
    pipeline = redis.pipeline(transaction=False)
    for number in range(1, RUNS + 1):
        pipeline.sadd("{ablehand}:slots", number)
        pipeline.hset(f"{{ablehand}}:task:{number}", "phase", "working")
    pipeline.zadd("{ablehand}:queue", {str(number): now - number for number in range(RUNS + 1, RUNS + WAITING + 1)})
    for name, bounds in BUCKETS.items():
        pipeline.hset("{ablehand}:counts", mapping={f"{name} {spelt(bound)}": 7 for bound in bounds})
    for day in range(int(now) // 86_400 - DAYS + 1, int(now) // 86_400 + 1):
        figures: dict[Any, Any] = {
            f"{project} {word}": chance.randrange(9) for project in range(1, PROJECTS + 1) for word in WORDS
        }
        pipeline.hset(f"{{ablehand}}:outcomes:{day}", mapping=figures)
    pipeline.hset("{ablehand}:paths", mapping={str(project): f"group/p{project}" for project in range(1, PROJECTS + 1)})
    pipeline.hset("{ablehand}:costs", mapping={str(project): 1.5 for project in range(1, 101)})
    await pipeline.execute()


async def _time(name: str, asked: int, work: Callable[[], Awaitable[object]]) -> None:
    taken, rounds, began = [], ROUNDS if asked else 20, time.process_time()
    for _ in range(rounds):
        begin = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - begin) * 1000)
    busy = (time.process_time() - began) * 1000 / rounds
    p95, wanted = statistics.quantiles(taken, n=20)[-1], f" (asked: {asked} ms)" if asked else ""
    print(f"{name:36} p50 {statistics.median(taken):6.1f} ms  p95 {p95:6.1f} ms  of these busy {busy:5.1f} ms{wanted}")
