"""Which tasks have changed: one reader for all followers, which ends when it is told to."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot import changes
from bot.changes import STREAM, Changes

pytestmark = pytest.mark.anyio
PATIENCE = 30.0


class Deaf(Redis):
    """A client whose reading takes its first cancellation for a timeout of its own."""

    hears = False

    async def xread(self, *args: Any, **kwargs: Any) -> Any:
        """Read."""
        try:
            return await super().xread(*args, **kwargs)
        except asyncio.CancelledError:
            if self.hears:
                raise
            self.hears = True
            raise RedisTimeoutError from None


async def test_followers_who_come_at_once_share_a_reader(redis: Redis) -> None:
    """Each hears of what changes, and Redis is asked once."""
    followed = Changes(redis)
    begin = await followed.now()
    both = [asyncio.create_task(followed.after(begin, wait_seconds=PATIENCE)) for _ in range(2)]

    readers = await some_reading(redis)
    async with asyncio.timeout(PATIENCE):
        await redis.xadd(STREAM, {"id": 7})
        heard = await asyncio.gather(*both)
    readers = max(readers, await reading(redis))
    await followed.close()

    assert [tasks for tasks, _ in heard] == [[7], [7]]
    assert readers == 1


async def test_a_reader_ends_though_its_cancellation_is_swallowed(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bot that is told to stop would wait for it for ever."""
    monkeypatch.setattr(changes, "PAUSE_SECONDS", 0)
    async with Deaf.from_url(redis_url, decode_responses=True) as redis:
        followed = Changes(redis)
        assert await followed.after(await followed.now(), wait_seconds=0) == ([], (0, 0))
        await some_reading(redis)
        async with asyncio.timeout(PATIENCE):
            await followed.close()


async def reading(redis: Redis) -> int:
    """Count who waits for news of the ledger."""
    return sum(client["cmd"] == "xread" for client in await redis.client_list())


async def some_reading(redis: Redis) -> int:
    """Wait until somebody does; count them."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if readers := await reading(redis):
                return readers
