"""What the bot counts reaches Redis, sooner or later."""

from __future__ import annotations

import asyncio

from bot.tally import Tally
from core.connections import open_store_redis
from core.counts import COUNTS
from core.settings import Settings


def test_a_count_that_redis_did_not_take_is_told_later(redis_url: str) -> None:
    """The bot counts on, and tells all when there is a Redis again."""

    async def story() -> dict[str, str]:
        away = open_store_redis(Settings(redis_url="redis://127.0.0.1:1"))
        tally = Tally(away)
        tally.count("webhook ignored none")
        await tally.close()
        async with open_store_redis(Settings(redis_url=redis_url)) as back:
            tally._redis = back  # noqa: SLF001 - the same address would answer again
            tally.count("webhook ignored none")
            await tally.close()
            return {str(name): str(number) for name, number in (await back.hgetall(COUNTS)).items()}

    assert asyncio.run(story()) == {"webhook ignored none": "2"}
