"""Bounds how often something is done in a minute, over all bots."""

from __future__ import annotations

from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.problems import Problem
from core.errors import StoreError
from core.scripts import PREFIX

MINUTE: Final = 60
READS_FOR_A_WRITE: Final = 10
UNKNOWN_TOKENS: Final = 300
"""Of all that we know nothing of yet: GitLab is asked about each."""


class RateLimit:
    """Counts in Redis, in windows that begin with the first."""

    def __init__(self, redis: Redis, *, calls: int) -> None:
        self._redis = redis
        self._calls = calls

    async def take_call(self, who: str, *, writes: bool) -> None:
        """Count a call of the API.

        Raises:
            Problem: It is one too many.
        """
        if writes:
            await self.take("write", who, self._calls // READS_FOR_A_WRITE)
        else:
            await self.take("read", who, self._calls)

    async def take(self, what: str, who: str, limit: int) -> None:
        """Count one.

        Raises:
            Problem: There were *limit* already.
        """
        key = f"{PREFIX}:rate:{what}:{who}"
        try:
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.set(key, 0, ex=MINUTE, nx=True)
            pipeline.incr(key)
            pipeline.ttl(key)
            _, count, seconds = await pipeline.execute()
        except (RedisError, OSError) as error:
            raise StoreError(f"rate limit: {type(error).__name__}: {error}") from error
        if int(count) > limit:
            wait = max(1, int(seconds))
            raise Problem(
                429, f"That was often: {limit} in a minute. Go on in {wait} s.", headers={"Retry-After": str(wait)}
            )
