"""What of the logs in Redis is to go to the archive: Redis's side of it, used by the leading reconciler.

Who cuts a part at the same time as another cuts the same part. Only one of them gets it noted; what the others wrote is
the same object, or one that nobody reads and that goes with its log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis

from core.crash import point
from core.scripts import PREFIX, SCRIPTS
from core.task_log import START, Entry, Part, TaskLog, asked, log_key, order

PART_BYTES: Final = 262_144
PART_LINES: Final = 10_000
_WAITING: Final = f"{PREFIX}:logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A part that is to be archived, with its lines; *behind* is where the archive ended before it."""

    part: Part
    behind: str
    entries: tuple[Entry, ...]


class LogBacklog:
    """Of all tasks. *keep_seconds* as for `TaskLog`."""

    def __init__(self, redis: Redis, task_log: TaskLog, *, keep_seconds: int) -> None:
        self._redis = redis
        self._log = task_log
        self._keep = keep_seconds
        self._note = redis.register_script(SCRIPTS["log_archived"])

    async def waiting(self) -> list[tuple[int, float]]:
        """List the tasks that have lines in Redis, each with the Unix time that the last one came."""
        found = await asked(0, self._redis.zrange(_WAITING, 0, -1, withscores=True))
        return [(int(task_id), float(at)) for task_id, at in found]

    async def cut(self, task_id: int, *, ended: bool) -> Cut | None:
        """Give the next part of a log; None where it is not full yet, unless the log has *ended*.

        The end of a log that goes on stays in Redis: what outgrows the bounds is left out of it.
        """
        state = (await self._log.look(task_id, START, lines=1, size_bytes=1))[0]
        behind = state.archived
        _, entries, is_full = await self._log.look(task_id, behind or START, lines=PART_LINES, size_bytes=PART_BYTES)
        is_full = is_full or len(entries) == PART_LINES
        head = [entry for entry in entries if not state.head or order(entry.id) <= order(state.head)]
        # What is left out lies behind the beginning, never in the middle of a part.
        is_full = (is_full and len(head) == len(entries)) or (bool(head) and head[-1].id == state.head)
        entries = head or (entries if ended else [])
        if not entries or not (is_full or ended):
            return None
        part = Part(entries[0].id, entries[-1].id, len(entries))
        return Cut(part=part, behind=behind, entries=tuple(entries))

    async def archived(self, task_id: int, cut: Cut, folder: str) -> bool:
        """Note that *cut* is in the archive, and take it out of Redis; False where another noted something first."""
        series, number = order(cut.part.last)
        arguments: list[str | float] = [
            task_id, cut.behind, cut.part.first, cut.part.last, f"{series}-{number + 1}", cut.part.lines, folder,
            self._keep,
        ]  # fmt: skip
        with point("log.archived"):
            return bool(await asked(task_id, self._note(keys=[PREFIX], args=arguments)))

    async def done(self, task_id: int) -> None:
        """Wait for nothing more of a log, unless something came just now."""
        await asked(task_id, self._redis.zrem(_WAITING, str(task_id)))
        if await asked(task_id, self._redis.xlen(log_key(task_id))):
            await asked(task_id, self._redis.zadd(_WAITING, {str(task_id): 0}, nx=True))
