"""A short lease on one task, so that two steps never write to GitLab for it at the same time.

GitLab's comments have no idempotency key: we look before we write, and only the lease's holder may. It is short, so
that a killed step delays the next by seconds; `Lease.renew` before each write proves that it is still ours.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from redis.asyncio import Redis
from redis.asyncio.lock import Lock
from redis.exceptions import LockError, RedisError

from core.errors import LeaseLost, StoreError

CALLS = 2.5
"""How many calls to GitLab, each as long as it may be, fit into a lease: one write, and a read before it."""


class Lease:
    """A lease that is held."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock

    async def renew(self) -> None:
        """Start the lease's time anew; to be called before every write.

        Raises:
            LeaseLost: It ran out and may be another's.
        """
        try:
            await self._lock.reacquire()
        except LockError as error:
            raise LeaseLost("the lease on the task ran out") from error
        except (RedisError, OSError) as error:
            raise StoreError(f"renew a lease: {type(error).__name__}") from error


@asynccontextmanager
async def hold(redis: Redis, task_id: int, *, call_seconds: float) -> AsyncIterator[Lease]:
    """Hold the lease of a task; waits as long as one may last for a holder before us.

    *call_seconds* is how long one call to GitLab may take.

    Raises:
        LeaseLost: Somebody else held it all the time.
    """
    seconds = CALLS * call_seconds
    lock = redis.lock(f"{{ablehand}}:working:{task_id}", timeout=seconds, sleep=0.03, blocking_timeout=seconds)
    try:
        taken = await lock.acquire()
    except (RedisError, OSError) as error:
        raise StoreError(f"take a lease: {type(error).__name__}") from error
    if not taken:
        raise LeaseLost(f"task {task_id} is being worked on")
    try:
        yield Lease(lock)
    finally:
        with suppress(LockError, RedisError, OSError):
            await lock.release()
