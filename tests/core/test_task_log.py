"""The log stream: shipped twice is there once, and a reader goes on where it stopped."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from core.task_log import START, Entry, TaskLog, entry_id

pytestmark = pytest.mark.anyio


def line(step: str, position: int, text: str = "x") -> tuple[int, Entry]:
    """Make a line of task 1."""
    return 1, Entry(id=entry_id(1, step, position), step=step, text=text, at=1.5)


async def test_a_line_that_is_shipped_twice_is_there_once(redis: Redis) -> None:
    """A follower that starts anew may repeat lines; readers see each once."""
    log = TaskLog(redis)
    await log.append([line("prepare", 10), line("prepare", 25)])
    await log.append([line("prepare", 25), line("agent", 5)])

    assert [entry.id for entry in await log.read(1)] == ["10-10", "10-25", "11-5"]


async def test_shipping_goes_on_where_it_stopped(redis: Redis) -> None:
    """Each step of each attempt has its own last position."""
    log = TaskLog(redis)
    await log.append([line("prepare", 10), line("agent", 70)])

    assert await log.position(1, 1, "prepare") == 10
    assert await log.position(1, 1, "agent") == 70
    assert await log.position(1, 1, "publish") == 0
    assert await log.position(1, 2, "agent") == 0


async def test_the_log_is_capped(redis: Redis) -> None:
    """Old lines go when there are too many."""
    log = TaskLog(redis, lines=100)
    await log.append([line("agent", number) for number in range(1, 1001)])

    assert 100 <= await redis.xlen("{ablehand}:log:1") < 300


async def test_a_follower_gets_every_line_once(redis: Redis) -> None:
    """Lines come in batches behind the given position; an empty batch says that nothing came."""
    log = TaskLog(redis)
    await log.append([line("agent", number) for number in range(1, 4)])
    following = log.follow(1, START, block_seconds=0.01)

    first = await anext(following)
    quiet = await anext(following)
    await log.append([line("agent", 4)])
    second = await anext(following)

    assert [entry.id for entry in first + quiet + second] == ["11-1", "11-2", "11-3", "11-4"]
    assert quiet == []
