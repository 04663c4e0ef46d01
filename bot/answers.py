"""Keeps what GitLab has answered for a while in Redis, so that all bots ask it once."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.errors import StoreError
from core.scripts import PREFIX

KEPT_SECONDS: Final = 300
"""How late a role that was taken away is noticed."""


class Answers:
    """Values that JSON can hold, each under the credential that they were answered to."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def get(self, key: str, question: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Give the answer to *question*; *ask* is called where there is none yet. What it raises is kept of nothing."""
        kept = (await self.known(key, [question]))[question]
        if kept is None:
            kept = await ask()
            await self.keep(key, {question: kept})
        return kept

    async def known(self, key: str, questions: Sequence[str]) -> dict[str, Any]:
        """Give the answers that are there; None for the others."""
        found = await _tried(self._redis.mget([_name(key, question) for question in questions]))
        texts = zip(questions, found, strict=True)
        return {question: None if text is None else json.loads(text) for question, text in texts}

    async def keep(self, key: str, answers: Mapping[str, Any], *, seconds: int = KEPT_SECONDS) -> None:
        """Keep answers for so long."""
        pipeline = self._redis.pipeline(transaction=False)
        for question, answer in answers.items():
            pipeline.set(_name(key, question), json.dumps(answer), ex=seconds)
        await _tried(pipeline.execute())


def _name(key: str, question: str) -> str:
    return f"{PREFIX}:answer:{key}:{question}"


async def _tried(command: Awaitable[Any]) -> Any:
    try:
        return await command
    except (RedisError, OSError) as error:
        raise StoreError(f"GitLab's answers: {type(error).__name__}: {error}") from error
