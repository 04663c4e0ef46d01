"""What every test may use: a real Valkey for each test process, emptied between tests, and a ledger on it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from core.connections import open_store_redis
from core.settings import Settings
from core.store import TaskStore
from operate.embedded_redis import EmbeddedRedis


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave tests/cluster alone unless it is asked for: it needs a cluster (`make test-cluster`)."""
    cluster = Path(__file__).parent / "cluster"
    asked = any(Path(argument.partition("::")[0]).resolve().is_relative_to(cluster) for argument in config.args)
    return True if collection_path == cluster and not asked else None


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def valkey() -> Iterator[EmbeddedRedis]:
    """Give a Valkey server of this test process's own."""
    # A unix socket's path is limited to about 100 characters; pytest's own folders may be longer.
    with (
        tempfile.TemporaryDirectory(prefix="valkey-") as folder,
        EmbeddedRedis(Path(folder), persistent=False) as server,
    ):
        yield server


@pytest.fixture
def redis_url(valkey: EmbeddedRedis) -> str:
    """Give the address of an empty Redis."""
    with Redis.from_url(valkey.url) as client:
        client.flushall()
    return valkey.url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[AsyncRedis]:
    """Give a connection as the rooms open it."""
    connection = open_store_redis(Settings(redis_url=redis_url))
    yield connection
    await connection.aclose()


@pytest.fixture
def store(redis: AsyncRedis) -> TaskStore:
    """Give an empty ledger."""
    return TaskStore(redis, host="gitlab.example")
