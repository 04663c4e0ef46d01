"""What agents remember: the last session's transcript of each task, and which task last worked on a merge request.

The reconciler keeps what a run printed, redacted; finish says which merge request it was for; launch gives it to the
next task on it. Both expire like the task. A transcript is hostile text that only a later agent reads.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.errors import StoreError

_PREFIX: Final = "{ablehand}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of a task's last session; *packed* is empty where its transcript was not kept, or has expired."""

    task_id: int
    agent: str = ""
    session: str = ""
    name: str = ""
    """Of the transcript's file."""
    packed: str = ""
    """The file, by `runtime.parts.pack`."""


class TranscriptStore:
    """Transcripts in Redis. Everything may be done twice. All errors of Redis come out as `StoreError`."""

    def __init__(self, redis: Redis, *, retention_seconds: int) -> None:
        self._redis = redis
        self._retention = retention_seconds

    async def keep(self, kept: Kept) -> None:
        """Keep a task's transcript in place of an earlier one of its."""
        fields: dict[Any, Any] = {name: getattr(kept, name) for name in ("agent", "session", "name", "packed")}
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(_transcript(kept.task_id), mapping=fields)
            pipeline.expire(_transcript(kept.task_id), self._retention)
            await _asked(pipeline.execute())

    async def assign(self, project_id: int, merge_request_iid: int, task_id: int) -> None:
        """Remember that the task was the last to work on the merge request; its transcript may still be on its way."""
        key = _merge_request(project_id, merge_request_iid)
        await _asked(self._redis.set(key, task_id, ex=self._retention))

    async def get(self, project_id: int, merge_request_iid: int) -> Kept | None:
        """Give what is kept of the merge request's last task; None where no task has worked on it, or long ago."""
        task_id = await _asked(self._redis.get(_merge_request(project_id, merge_request_iid)))
        if task_id is None:
            return None
        fields = await _asked(self._redis.hgetall(_transcript(int(task_id))))
        return Kept(task_id=int(task_id), **fields)


def _transcript(task_id: int) -> str:
    return f"{_PREFIX}:transcript:{task_id}"


def _merge_request(project_id: int, merge_request_iid: int) -> str:
    return f"{_PREFIX}:session-of:{project_id}:{merge_request_iid}"


async def _asked(question: Awaitable[Any]) -> Any:
    try:
        return await question
    except (RedisError, OSError) as error:
        raise StoreError(f"transcripts: {type(error).__name__}: {error}") from error
