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


async def test_a_log_in_the_middle_is_left_out(redis: Redis) -> None:
    """Its beginning and its end stay, and a line between them says how many lines are gone."""
    log = TaskLog(redis, lines=10)
    for number in range(1, 101):
        await log.append([line("agent", number, str(number))])

    found = await log.read(1)

    assert [entry.text for entry in found] == [
        "1", "2", "3", "4", "5", "… 90 lines are left out here", "96", "97", "98", "99", "100",
    ]  # fmt: skip
    assert await redis.xlen("{ablehand}:log:1") == 10


async def test_the_last_lines_are_read_in_their_order(redis: Redis) -> None:
    """As many as are wanted, or all."""
    log = TaskLog(redis)
    await log.append([line("agent", number) for number in range(1, 6)])

    assert [entry.id for entry in await log.tail(1, 2)] == ["11-4", "11-5"]
    assert len(await log.tail(1, 10)) == 5
    assert await log.tail(2, 10) == []


async def test_long_lines_count_by_their_bytes(redis: Redis) -> None:
    """A few of them fill the bounds, and the last line is there however long it is."""
    log = TaskLog(redis, size_bytes=100_000)
    await log.append([line("agent", number, f"{number}" + "x" * 30_000) for number in range(1, 10)])
    await log.append([line("agent", 10, "y" * 90_000)])

    found = await read_all(log)

    assert [entry.text[:10] for entry in found] == ["1xxxxxxxxx", "… 8 lines ", "yyyyyyyyyy"]


async def test_the_mark_is_met_once_by_whoever_comes_across_it(redis: Redis) -> None:
    """Line by line, from any place; who begins behind it does not see it."""
    log = TaskLog(redis, lines=10)
    await log.append([line("agent", number, str(number)) for number in range(1, 101)])
    whole = await log.read(1)

    one_by_one = [entry.text for entry in await read_all(log, count=1)]

    assert one_by_one == [entry.text for entry in whole]
    for number, entry in enumerate(whole):
        assert await log.read(1, entry.id) == whole[number + 1 :]


async def test_what_was_left_out_is_not_shipped_again(redis: Redis) -> None:
    """A follower that starts anew goes on behind the last line, also if that is gone."""
    log = TaskLog(redis, lines=10)
    lines = [line("prepare", 10), *(line("agent", number) for number in range(1, 101))]
    await log.append(lines)
    before = await log.read(1)

    await log.append(lines)

    assert await log.read(1) == before
    assert await log.position(1, 1, "agent") == 100


async def test_a_log_goes_a_set_time_after_its_last_line(redis: Redis) -> None:
    """Nothing of it stays in Redis, also where its task ended before its last line came."""
    log = TaskLog(redis, keep_seconds=1000)
    await log.append([line("agent", 1)])

    keys = [key async for key in redis.scan_iter("*log*")]

    assert sorted(keys) == ["{ablehand}:log:1", "{ablehand}:log:1:state"]
    assert all(900 < seconds <= 1000 for seconds in [await redis.ttl(key) for key in keys])


async def test_a_page_is_bounded_by_bytes(redis: Redis) -> None:
    """Whatever lines an agent prints, a reader holds a few of them."""
    log = TaskLog(redis)
    await log.append([line("agent", number, "x" * 60_000) for number in range(1, 11)])

    assert len(await log.read(1)) == 3
    assert len(await read_all(log)) == 10


async def test_news_are_those_of_the_logs_that_have_some(redis: Redis) -> None:
    """Behind the given places; none after the wait."""
    log = TaskLog(redis)
    await log.append([line("agent", 1), (2, Entry(id="11-7", step="agent", text="x", at=1.5))])

    assert await log.news({1: "11-1", 2: "11-6", 3: START}, wait_seconds=30) == {2}
    assert await log.news({1: "11-1", 2: "11-7"}, wait_seconds=0.01) == set()
    assert [await log.last(task_id) for task_id in (1, 2, 3)] == ["11-1", "11-7", START]


async def read_all(log: TaskLog, count: int = 1000) -> list[Entry]:
    """Read the log of task 1 page by page."""
    found: list[Entry] = []
    while page := await log.read(1, found[-1].id if found else START, count=count):
        found += page
    return found
