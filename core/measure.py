"""Reads at one moment what the metrics show: what there is, what has been counted, what RQ has. One round trip.

It takes as long as there are runs, not tasks: see `core/lua/measure.lua`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError
from rq import Queue
from rq.registry import FailedJobRegistry
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from core import disabled_hooks
from core.counts import COUNTS
from core.doorbell import QUEUE
from core.errors import StoreError
from core.scripts import PREFIX, SCRIPTS

TURNS: Final = f"{PREFIX}:turns"
"""When each of the leader's turns got through last, by its name; Unix seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was there. *now* has what `core/lua/measure.lua` tells."""

    now: Mapping[str, Any]
    counts: Mapping[str, str]
    costs: Mapping[str, str]
    """US dollars by the project's id, or "other"."""
    paths: Mapping[str, str]
    turns: Mapping[str, str]
    disabled_hooks: int
    jobs_waiting: int
    jobs_failed: int
    workers: int


class Measure:
    """Reads one ledger."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._script = redis.register_script(SCRIPTS["measure"])

    async def take(self) -> Measured:
        """Give what is there now.

        Raises:
            StoreError: Redis did not answer.
        """
        try:
            return _read(await self._ask())
        except (RedisError, OSError) as error:
            raise StoreError(f"measure: {type(error).__name__}: {error}") from error

    async def _ask(self) -> list[Any]:
        while True:
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.evalsha(self._script.sha, 1, PREFIX)
            for key in (COUNTS, f"{PREFIX}:costs", f"{PREFIX}:paths", TURNS):
                pipeline.hgetall(key)
            pipeline.get(f"{PREFIX}:memory:{disabled_hooks.MEMORY}")
            pipeline.llen(f"{Queue.redis_queue_namespace_prefix}{QUEUE}")
            pipeline.zcard(FailedJobRegistry.key_template.format(QUEUE))
            pipeline.scard(WORKERS_BY_QUEUE_KEY % QUEUE)
            try:
                return await pipeline.execute()
            except NoScriptError:
                await self._redis.script_load(self._script.script)


def _read(answers: list[Any]) -> Measured:
    now, counts, costs, paths, turns, hooks, waiting, failed, workers = answers
    return Measured(
        now=json.loads(now),
        counts=counts,
        costs=costs,
        paths=paths,
        turns=turns,
        disabled_hooks=len(json.loads(hooks or "[]")),
        jobs_waiting=waiting,
        jobs_failed=failed,
        workers=workers,
    )
