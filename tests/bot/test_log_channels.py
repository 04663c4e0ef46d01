"""Following logs: one reader for all viewers, whoever is slow reads from the log, and nobody misses a line."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.log_channels import CHANNEL_BYTES, Channel, LogChannels
from core.connections import open_store_redis
from core.log_archive import LogArchive
from core.log_backlog import LogBacklog
from core.settings import Settings
from core.store import TaskStore
from core.task import Phase, Place, Source, Task, Trigger
from core.task_log import START, Entry, TaskLog, entry_id

pytestmark = pytest.mark.anyio
PATIENCE = 30.0


@pytest.fixture
async def narrow(redis_url: str) -> AsyncIterator[Redis]:
    """Give a Redis with five connections: who holds one while they wait keeps others out."""
    redis = open_store_redis(Settings(redis_url=redis_url), connections=5)
    yield redis
    await redis.aclose()


@pytest.fixture
def log(redis: Redis, tmp_path: Path) -> TaskLog:
    """Give the logs of all tasks."""
    return TaskLog(redis, archive=LogArchive((tmp_path / "archive").as_uri()))


@pytest.fixture
async def channels(log: TaskLog, store: TaskStore) -> AsyncIterator[LogChannels]:
    """Give a bot's channels."""
    channels = LogChannels(log, store)
    yield channels
    await channels.close()


async def asked(store: TaskStore, number: int = 1) -> Task:
    """Give a new task."""
    trigger = Trigger(source=Source.API, place=Place.NOWHERE, project_id=1, iid=0, event_id=number, happened_at="")
    task = await store.get((await store.accept(trigger))[1])
    assert task is not None
    return task


async def printed(log: TaskLog, task: Task, first: int, last: int, text: str = "") -> None:
    """Add lines."""
    ids = [(number, entry_id(1, "agent", number)) for number in range(first, last + 1)]
    await log.append([(task.id, Entry(id=name, step="agent", text=f"{number} {text}", at=1.5)) for number, name in ids])


async def seen(channel: Channel, count: int, place: str = START) -> list[int]:
    """Follow until *count* lines have come; give their numbers."""
    found: list[int] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            lines, place = await channel.after(place, wait_seconds=PATIENCE)
            found += [int(number) for number in re.findall(rb'"text": "([0-9]+) ', lines)]
    return found


async def test_everybody_gets_every_line_over_one_connection(narrow: Redis) -> None:
    """Those that were there, and those that come, however many wait."""
    log, store = TaskLog(narrow), TaskStore(narrow)
    channels = LogChannels(log, store)
    task = await asked(store)
    await printed(log, task, 1, 3)
    async with channels.follow(task) as channel:
        viewers = [asyncio.create_task(seen(channel, 6)) for _ in range(200)]
        await printed(log, task, 4, 6)

        found = await asyncio.gather(*viewers)

    assert found == [[1, 2, 3, 4, 5, 6]] * 200
    await channels.close()


async def test_a_slow_viewer_reads_from_the_log(channels: LogChannels, log: TaskLog, store: TaskStore) -> None:
    """What it has not taken is not kept for it, and not lost."""
    task = await asked(store)
    async with channels.follow(task) as channel:
        quick = asyncio.create_task(seen(channel, 50))
        for number in range(1, 51):
            await printed(log, task, number, number, "x" * 4000)
        await quick

        kept = len(b"".join(encoded for _, encoded in channel._recent))  # noqa: SLF001
        slow = await seen(channel, 50)

    assert kept <= CHANNEL_BYTES
    assert slow == list(range(1, 51))


async def test_a_log_is_followed_into_the_archive(
    channels: LogChannels, log: TaskLog, store: TaskStore, redis: Redis, tmp_path: Path
) -> None:
    """Lines that were archived before the reader came to them are read there."""
    task = await asked(store)
    backlog = LogBacklog(redis, log, keep_seconds=1000)
    async with channels.follow(task) as channel:
        await printed(log, task, 1, 3)
        cut = await backlog.cut(task.id, ended=True)
        assert cut is not None
        await LogArchive((tmp_path / "archive").as_uri()).write("tasks/1-a", cut.part, cut.entries)
        await backlog.archived(task.id, cut, "tasks/1-a")
        await printed(log, task, 4, 5)

        assert await seen(channel, 5) == [1, 2, 3, 4, 5]


async def test_who_waits_is_told_of_a_new_phase(channels: LogChannels, store: TaskStore) -> None:
    """Also when the task is gone."""
    task = await asked(store)
    async with channels.follow(task) as channel, asyncio.timeout(PATIENCE):
        waiting = asyncio.create_task(channel.after(START, wait_seconds=PATIENCE))
        await store.change(task, Phase.QUEUED)
        assert await waiting == (b"", START)
        assert channel.task is not None
        assert channel.task.phase is Phase.QUEUED

        waiting = asyncio.create_task(channel.after(START, wait_seconds=PATIENCE))
        await store.redis.delete(f"{{ablehand}}:task:{task.id}")
        await waiting

    assert channel.task is None


async def test_what_nobody_follows_is_not_read(channels: LogChannels, log: TaskLog, store: TaskStore) -> None:
    """A channel ends with its last viewer, and begins anew where the log is then."""
    task = await asked(store)
    async with channels.follow(task) as first, channels.follow(task) as second:
        assert first is second
    await printed(log, task, 1, 1)

    async with channels.follow(task) as again:
        assert again is not first
        assert again.last == "11-1"


async def test_a_place_whose_lines_are_gone_is_no_trap(channels: LogChannels, store: TaskStore, redis: Redis) -> None:
    """A log may have expired, or been lost with Redis."""
    task = await asked(store)
    await redis.hset("{ablehand}:log:1:state", "last", "11-7")
    async with channels.follow(task) as channel:
        assert await channel.after(START, wait_seconds=PATIENCE) == (b"", "11-7")


async def test_followers_go_on_when_redis_comes_back(
    channels: LogChannels, log: TaskLog, store: TaskStore, redis: Redis
) -> None:
    """A connection that breaks is no end."""
    task = await asked(store)
    async with channels.follow(task) as channel:
        viewer = asyncio.create_task(seen(channel, 2))
        await printed(log, task, 1, 1)
        await redis.client_kill_filter(_type="normal", skipme=True)
        await printed(log, task, 2, 2)

        assert await viewer == [1, 2]
