"""Who the bot is, kept for a process that can't ask GitLab."""

from __future__ import annotations

import pytest

from bot.identity import FRESH_SECONDS, KnownIdentity
from core.connections import open_store_redis
from core.identity import Identity, recall_identity, remember_identity
from core.settings import Settings
from core.store import TaskStore

pytestmark = pytest.mark.anyio


async def test_every_id_that_the_bot_had_stays_its_own(store: TaskStore) -> None:
    """A new token's user takes the name over, and the old id is not forgotten."""
    assert await recall_identity(store) is None
    await remember_identity(store, user_id=40, username="project_5_bot")
    now = await remember_identity(store, user_id=41, username="ablehand")

    assert now == Identity(username="ablehand", ids=frozenset({40, 41}))
    assert await recall_identity(store) == now


async def test_it_is_read_again_after_a_minute(store: TaskStore) -> None:
    """Until somebody has said who the bot is, each delivery asks; from then on, one a minute."""
    moment = 100.0
    known = KnownIdentity(store, clock=lambda: moment)
    assert await known.get() is None
    first = await remember_identity(store, user_id=40, username="first")
    assert await known.get() == first

    second = await remember_identity(store, user_id=40, username="second")
    moment += FRESH_SECONDS - 1
    assert await known.get() == first
    moment += 1
    assert await known.get() == second


async def test_without_redis_it_is_what_it_was() -> None:
    """The delivery itself finds out that Redis is away."""
    redis = open_store_redis(Settings(redis_url="redis://127.0.0.1:1/0"))
    assert await KnownIdentity(TaskStore(redis)).get() is None
    await redis.aclose()
