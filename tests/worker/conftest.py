"""A desk as the steps find it: a simulated GitLab, a real Valkey, an executor moved by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from core.doorbell import Doorbell
from core.settings import Settings
from core.store import TaskStore
from core.task_log import TaskLog
from tests.worker.hand_executor import HandExecutor
from tests.worker.town import Town, settled
from worker.wiring import Desk


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """Give a fresh simulated GitLab."""
    with settled(tmp_path / "gitlab") as town:
        yield town


@pytest.fixture
def settings(town: Town, redis_url: str) -> Settings:
    """Give the settings that lead to this test's GitLab and Redis."""
    return town.settings(redis_url)


@pytest.fixture
def executor() -> HandExecutor:
    """Give the executor that the desk has."""
    return HandExecutor()


@pytest.fixture
def desk(
    town: Town, settings: Settings, redis: AsyncRedis, store: TaskStore, executor: HandExecutor, redis_url: str
) -> Iterator[Desk]:
    """Give a furnished desk."""
    with Redis.from_url(redis_url) as queue:
        yield Desk(
            settings=settings,
            redis=redis,
            store=store,
            task_log=TaskLog(redis),
            doorbell=Doorbell(queue),
            gitlab=town.client(),
            executor=executor,
        )
