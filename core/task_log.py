"""A task's log: a capped Redis stream that the reconciler fills and the bot's page reads.

An entry's id says where in the run the line stands: ``<attempt * 10 + step>-<position>``. Redis refuses an id that is
not greater than the last, so that shipping a line twice is harmless, and the last id says where to go on.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from core.crash import point
from core.errors import StoreError

STEP_NAMES: Final = ("prepare", "agent", "publish")
START: Final = "0-0"
_POSITION: Final = re.compile(r"\d{1,20}-\d{1,20}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line as it is kept: redacted. *id* is what a reader goes on behind."""

    id: str
    step: str
    text: str
    at: float


def entry_id(attempt: int, step: str, position: int) -> str:
    """Give the id of the line of *step* that ends at *position* (the executor's own measure)."""
    return f"{attempt * 10 + STEP_NAMES.index(step)}-{position}"


def is_position(text: str) -> bool:
    """Tell whether *text* may name a line, or a place in any stream: only such may be passed to Redis."""
    return bool(_POSITION.fullmatch(text)) and all(int(number) < 2**63 for number in text.split("-"))


class TaskLog:
    """Logs of all tasks. *lines* is how many of a task's lines are kept, the youngest."""

    def __init__(self, redis: Redis, *, lines: int = 20_000) -> None:
        self._redis = redis
        self._lines = lines

    async def append(self, lines: Sequence[tuple[int, Entry]]) -> set[int]:
        """Add lines, each with its task's id, in their order; those that are there already are left alone.

        Answers the tasks whose log took none: what lies under its key is no log.

        Raises:
            StoreError: None of the lines was taken.
        """
        try:
            # A Redis that is full then refuses all of them, never one in the middle.
            pipeline = self._redis.pipeline(transaction=True)
            for task_id, entry in lines:
                fields: dict[Any, Any] = {"s": entry.step, "t": entry.text, "at": f"{entry.at:.3f}"}
                pipeline.xadd(_key(task_id), fields, id=entry.id, maxlen=self._lines, approximate=True)
            with point("log.append"):
                answers = await pipeline.execute(raise_on_error=False)
        except (RedisError, OSError) as error:
            raise StoreError(f"append to logs: {type(error).__name__}: {error}") from error
        return {
            task_id
            for (task_id, _), answer in zip(lines, answers, strict=True)
            if isinstance(answer, Exception) and not _is_known(answer)
        }

    async def position(self, task_id: int, attempt: int, step: str) -> int:
        """Tell behind which position of *step* shipping goes on; 0 where none of it is there."""
        series = entry_id(attempt, step, 0).partition("-")[0]
        key = _key(task_id)
        found = await _asked(task_id, self._redis.xrevrange(key, f"{series}-{2**63}", f"{series}-0", count=1))
        return int(found[0][0].partition("-")[2]) if found else 0

    async def read(self, task_id: int, after: str = START, *, count: int = 1000) -> list[Entry]:
        """Read up to *count* lines behind *after*."""
        found = await _asked(task_id, self._redis.xrange(_key(task_id), f"({after}", "+", count=count))
        return [_entry(item) for item in found]

    async def follow(self, task_id: int, after: str = START, *, block_seconds: float = 5) -> AsyncIterator[list[Entry]]:
        """Yield the lines behind *after* as they come, in batches; an empty one when *block_seconds* brought none."""
        while True:
            wait = int(block_seconds * 1000)
            found = await _asked(task_id, self._redis.xread({_key(task_id): after}, count=500, block=wait))
            entries = [_entry(item) for _stream, items in found for item in items] if found else []
            if entries:
                after = entries[-1].id
            yield entries


async def _asked(task_id: int, question: Awaitable[Any]) -> Any:
    try:
        return await question
    except (RedisError, OSError) as error:
        raise StoreError(f"read log {task_id}: {type(error).__name__}: {error}") from error


def _entry(item: tuple[str, dict[str, str]]) -> Entry:
    entry, fields = item
    return Entry(id=entry, step=fields["s"], text=fields["t"], at=float(fields["at"]))


def _is_known(error: Exception) -> bool:
    return isinstance(error, ResponseError) and "equal or smaller" in str(error)


def _key(task_id: int) -> str:
    return f"{{ablehand}}:log:{task_id}"
