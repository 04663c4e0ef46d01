"""Opens Redis, the same way for every process: bounded waits, few retries, decoded for the store, raw for RQ."""

from __future__ import annotations

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from core.settings import Settings

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 3.0
"""Below GitLab's ten seconds for a hook, with one retry."""
_RETRIED = [RedisConnectionError, RedisTimeoutError]


def open_store_redis(settings: Settings) -> AsyncRedis:
    """Open the store's pool: asyncio, strings decoded."""
    return AsyncRedis.from_url(
        settings.redis_url.get_secret_value(),
        decode_responses=True,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        retry=AsyncRetry(ExponentialWithJitterBackoff(cap=0.5, base=0.05), 1),
        retry_on_error=_RETRIED,
        health_check_interval=30,
    )


def open_queue_redis(settings: Settings) -> Redis:
    """Open RQ's connection: blocking, bytes. RQ sets the time limit of its own long waits."""
    return Redis.from_url(
        settings.redis_url.get_secret_value(),
        socket_connect_timeout=CONNECT_SECONDS,
        retry=Retry(ExponentialWithJitterBackoff(cap=0.5, base=0.05), 1),
        retry_on_error=_RETRIED,
        health_check_interval=30,
    )
