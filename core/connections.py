"""Opens Redis, the same way for every process: bounded waits, few retries, decoded for the store, raw for RQ.

A Redis behind Sentinel is asked for anew at every new connection, so that a failover costs the connections that broke.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from redis import Redis
from redis.asyncio import BlockingConnectionPool as AsyncBlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry
from redis.sentinel import Sentinel

from core.errors import SettingsError
from core.settings import Settings

CONNECT_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 3.0
"""Below GitLab's ten seconds for a hook, with one retry."""
WAIT_SECONDS: Final = 20.0
UNBOUNDED: Final = 10_000
SENTINEL_PORT: Final = 26379
_RETRIED: Final = [RedisConnectionError, RedisTimeoutError]
_SENTINEL: Final = "+sentinel"


@dataclass(frozen=True, slots=True)
class Watch:
    """What a Sentinel address says: who watches, the name that they know the master by, how to connect to either."""

    sentinels: list[tuple[str, int]]
    master: str
    options: dict[str, Any]
    sentinel_options: dict[str, Any]


def open_store_redis(settings: Settings, *, connections: int = 0) -> AsyncRedis:
    """Open the store's pool: asyncio, strings decoded.

    *connections* is how many it opens at most, where whoever needs one more shall wait for it: thousands of followers
    may have something to say in the same moment. 0: as many as the library allows, then an error.
    """
    address = settings.redis_url.get_secret_value()
    options: dict[str, Any] = {
        "decode_responses": True,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        "retry": AsyncRetry(ExponentialWithJitterBackoff(cap=0.5, base=0.05), 1),
        "retry_on_error": _RETRIED,
        "health_check_interval": 30,
    }
    if not _is_watched(address):
        if not connections:
            return AsyncRedis.from_url(address, **options)
        pool = AsyncBlockingConnectionPool.from_url(
            address, max_connections=connections, timeout=WAIT_SECONDS, **options
        )
        return AsyncRedis.from_pool(pool)
    if connections:
        options["max_connections"] = UNBOUNDED  # this pool can't wait
    watch = read_watch(address)
    sentinel = AsyncSentinel(watch.sentinels, sentinel_kwargs=watch.sentinel_options)  # type: ignore[no-untyped-call]
    master: AsyncRedis = sentinel.master_for(watch.master, **watch.options, **options)
    return master


def open_queue_redis(settings: Settings) -> Redis:
    """Open RQ's connection: blocking, bytes. RQ sets the time limit of its own long waits."""
    address = settings.redis_url.get_secret_value()
    options: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_SECONDS,
        "retry": Retry(ExponentialWithJitterBackoff(cap=0.5, base=0.05), 1),
        "retry_on_error": _RETRIED,
        "health_check_interval": 30,
    }
    if not _is_watched(address):
        return Redis.from_url(address, **options)
    watch = read_watch(address)
    sentinel = Sentinel(watch.sentinels, sentinel_kwargs=watch.sentinel_options)  # type: ignore[no-untyped-call]
    master: Redis = sentinel.master_for(watch.master, **watch.options, **options)  # type: ignore[no-untyped-call]
    return master


def read_watch(address: str) -> Watch:
    """Read ``redis+sentinel://user:password@host:port,host:port/master-name/database``; ``rediss`` means TLS to all.

    Options that concern TLS (``?ssl_ca_certs=/path``) go to Sentinels and master alike. The password is the master's;
    the Sentinels' own is ``?sentinel_password=``.

    Raises:
        SettingsError: Something is missing; the message never shows the address.
    """
    parts = urlsplit(address)
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    master, _, database = parts.path.strip("/").partition("/")
    if not hosts or not master or not (database or "0").isdigit():
        raise SettingsError("ABLEHAND_REDIS_URL: with Sentinel it is redis+sentinel://host:26379,host:26379/master/0.")
    told = dict(parse_qsl(parts.query))
    sentinel_options: dict[str, Any] = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": CONNECT_SECONDS}
    if own := told.pop("sentinel_password", ""):
        sentinel_options["password"] = own
    transport: dict[str, Any] = told | ({"ssl": True} if parts.scheme.startswith("rediss") else {})
    options = {"username": unquote(user) or None, "password": unquote(password) or None, "db": int(database or 0)}
    sentinels = [_host_and_port(host) for host in hosts.split(",")]
    return Watch(sentinels, master, options | transport, sentinel_options | transport)


def _is_watched(address: str) -> bool:
    return urlsplit(address).scheme.endswith(_SENTINEL)


def _host_and_port(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    return (host, int(port)) if colon and port.isdigit() else (text, SENTINEL_PORT)
