"""The lease on a task: one holder, and no write after it ran out."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from core import lease
from core.errors import LeaseLost

pytestmark = pytest.mark.anyio


async def test_one_holds_while_others_wait(redis: Redis) -> None:
    """Two steps on one task take turns."""
    order: list[str] = []

    async def work(name: str) -> None:
        """Hold the lease for a moment."""
        async with lease.hold(redis, 1, call_seconds=10):
            order.append(name)
            await asyncio.sleep(0.01)
            order.append(name)

    await asyncio.gather(work("a"), work("b"))

    assert order in (["a", "a", "b", "b"], ["b", "b", "a", "a"])


async def test_tasks_do_not_wait_for_each_other(redis: Redis) -> None:
    """Leases on two tasks are held at once."""
    async with lease.hold(redis, 1, call_seconds=10), lease.hold(redis, 2, call_seconds=10):
        assert True


async def test_a_lease_that_ran_out_can_not_be_renewed(redis: Redis) -> None:
    """Who was away for too long finds out before writing."""
    async with lease.hold(redis, 1, call_seconds=10) as held:
        await redis.delete("{ablehand}:working:1")

        with pytest.raises(LeaseLost):
            await held.renew()


async def test_a_lease_is_renewed(redis: Redis) -> None:
    """Renewing starts the time anew."""
    async with lease.hold(redis, 1, call_seconds=10) as held:
        await redis.pexpire("{ablehand}:working:1", 1000)
        await held.renew()

        assert await redis.pttl("{ablehand}:working:1") > 10_000
