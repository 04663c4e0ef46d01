"""A task's log: one reader for what is in Redis still and what is in the archive already; the reconciler writes it.

An entry's id says where in the run the line stands: ``<attempt * 10 + step>-<position>``. Redis refuses an id that is
not greater than the last, so that shipping a line twice is harmless. A log that outgrows its bounds keeps its beginning
and its end; readers find a line that says how much is left out between them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.crash import point
from core.errors import StoreError
from core.scripts import PREFIX, SCRIPTS

if TYPE_CHECKING:
    from core.log_archive import LogArchive

STEP_NAMES: Final = ("prepare", "agent", "publish")
START: Final = "0-0"
PAGE_BYTES: Final = 131_072
_POSITION: Final = re.compile(r"\d{1,20}-\d{1,20}", re.ASCII)
_PART: Final = "part:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line as it is kept: redacted. *id* is what a reader goes on behind."""

    id: str
    step: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Part:
    """Some lines in a row that are in the archive: the first's and the last's id, and how many."""

    first: str
    last: str
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """What Redis knows of a log beside its lines."""

    head: str = ""
    """Id of the last line of the beginning, once that is full."""
    gap: str = ""
    """Id of the last line that was left out."""
    left_out: int = 0
    archived: str = ""
    """Id of the last line that is in the archive."""
    folder: str = ""
    parts: tuple[Part, ...] = ()
    """In their order."""

    def part_behind(self, after: str) -> Part | None:
        """Give the part with the next line behind *after*; None where that is not in the archive."""
        return next((part for part in self.parts if order(part.last) > order(after)), None)

    def marked(self, entries: list[Entry], after: str) -> list[Entry]:
        """Put the mark between *entries*, which are those behind *after*, where lines are left out."""
        if not self.left_out or order(after) >= order(self.gap):
            return entries
        place = next((i for i, entry in enumerate(entries) if order(entry.id) > order(self.gap)), None)
        if place is None:
            return entries
        mark = said(self.gap, f"… {self.left_out} lines are left out here", entries[place].at)
        return [*entries[:place], mark, *entries[place:]]


def order(position: str) -> tuple[int, int]:
    """Give what ids are sorted by."""
    series, _, number = position.partition("-")
    return int(series), int(number)


def entry_id(attempt: int, step: str, position: int) -> str:
    """Give the id of the line of *step* that ends at *position* (the executor's own measure)."""
    return f"{attempt * 10 + STEP_NAMES.index(step)}-{position}"


def is_position(text: str) -> bool:
    """Tell whether *text* may name a line, or a place in any stream: only such may be passed to Redis."""
    return bool(_POSITION.fullmatch(text)) and all(int(number) < 2**63 for number in text.split("-"))


def said(position: str, text: str, at: float = 0.0) -> Entry:
    """Give a line of ours in the place of those up to *position*."""
    return Entry(id=position, step=STEP_NAMES[min(order(position)[0] % 10, len(STEP_NAMES) - 1)], text=text, at=at)


class TaskLog:
    """Logs of all tasks. *lines* and *size_bytes* bound each one, *keep_seconds* is counted from its last line."""

    def __init__(
        self,
        redis: Redis,
        *,
        lines: int = 20_000,
        size_bytes: int = 10_000_000,
        keep_seconds: int = 30 * 86_400,
        archive: LogArchive | None = None,
    ) -> None:
        self._redis = redis
        self._bounds = (lines, size_bytes, keep_seconds, 0 if archive is None else 1)
        self._archive = archive
        self._append = redis.register_script(SCRIPTS["log_append"])
        self._read = redis.register_script(SCRIPTS["log_read"])

    async def append(self, lines: Sequence[tuple[int, Entry]]) -> set[int]:
        """Add lines, each with its task's id, in their order; those that are there already are left alone.

        Answers the tasks whose log took none: what lies under its key is no log.

        Raises:
            StoreError: Not all of the lines were taken; they may be told again.
        """
        logs = groupby(sorted(lines, key=itemgetter(0)), key=itemgetter(0))
        pipeline, task_ids = self._redis.pipeline(transaction=False), []
        for task_id, its in logs:
            told = [value for _, line in its for value in (line.id, line.step, line.text, f"{line.at:.3f}")]
            await self._append(keys=[PREFIX], args=[task_id, *self._bounds, *told], client=pipeline)
            task_ids.append(task_id)
        try:
            with point("log.append"):
                answers = await pipeline.execute()
        except (RedisError, OSError) as error:
            raise StoreError(f"append to logs: {type(error).__name__}: {error}") from error
        return {task_id for task_id, answer in zip(task_ids, answers, strict=True) if not answer}

    async def position(self, task_id: int, attempt: int, step: str) -> int:
        """Tell behind which position of *step* shipping goes on; 0 where none of it is there."""
        series = entry_id(attempt, step, 0).partition("-")[0]
        return int(await asked(task_id, self._redis.hget(f"{log_key(task_id)}:state", f"at:{series}")) or 0)

    async def read(self, task_id: int, after: str = START, *, count: int = 1000) -> list[Entry]:
        """Read the next lines behind *after*: *count* at most, and fewer where they are long; [] where there is none.

        Raises:
            StoreError: Redis, or the archive, did not answer.
        """
        state, entries, _ = await self.look(task_id, after, lines=count, size_bytes=PAGE_BYTES)
        part = state.part_behind(after)
        if part is not None:
            entries = await self._from_archive(state.folder, part, after, count)
        return state.marked(entries, after)

    async def look(
        self, task_id: int, after: str, *, lines: int, size_bytes: int
    ) -> tuple[LogState, list[Entry], bool]:
        """Read what Redis has behind *after*, until there are so many lines or bytes; True where it is the bytes."""
        call = self._read(keys=[PREFIX], args=[task_id, after, lines, size_bytes])
        state, found, is_full = await asked(task_id, call)
        return _state(dict(zip(state[::2], state[1::2], strict=True))), [_entry(item) for item in found], bool(is_full)

    async def last(self, task_id: int) -> str:
        """Give the id of the last line that was ever added."""
        known = await asked(task_id, self._redis.hget(f"{log_key(task_id)}:state", "last"))
        found = [] if known else await asked(task_id, self._redis.xrevrange(log_key(task_id), count=1))
        return str(known or (found[0][0] if found else START))

    async def news(self, places: Mapping[int, str], *, wait_seconds: float) -> set[int]:
        """Give the tasks whose logs have lines behind their *places*; waits until one has, but not longer."""
        streams: dict[Any, Any] = {log_key(task_id): after for task_id, after in places.items()}
        milliseconds = max(1, int(wait_seconds * 1000))  # 0 would be for ever
        found = await asked(next(iter(places)), self._redis.xread(streams, count=1, block=milliseconds))
        names = {name for name, _ in found or ()}
        return {task_id for task_id in places if log_key(task_id) in names}

    async def tail(self, task_id: int, count: int) -> list[Entry]:
        """Read the last lines: *count*, or fewer where those of the archive's last part do for a glance."""
        state, _, _ = await self.look(task_id, START, lines=1, size_bytes=1)
        found = await asked(task_id, self._redis.xrevrange(log_key(task_id), count=count))
        entries = [_line(entry, fields) for entry, fields in reversed(found)]
        if len(entries) < count and state.parts:
            entries = [*await self._of_part(state.folder, state.parts[-1]), *entries]
        return state.marked(entries, entries[0].id)[-count:] if entries else []

    async def _of_part(self, folder: str, part: Part) -> Sequence[Entry]:
        """Read a part of the archive, or a line that says that it is gone."""
        found = await self._archive.read(folder, part) if self._archive is not None else None
        return [said(part.last, f"… {part.lines} lines can't be read any more")] if found is None else found

    async def _from_archive(self, folder: str, part: Part, after: str, count: int) -> list[Entry]:
        page, size = [], 0
        for entry in await self._of_part(folder, part):
            if order(entry.id) > order(after):
                page.append(entry)
                size += len(entry.text)
            if len(page) == count or size >= PAGE_BYTES:
                break
        return page


async def asked(task_id: int, question: Awaitable[Any]) -> Any:
    """Await an answer of Redis's about a task's log.

    Raises:
        StoreError: There is none.
    """
    try:
        return await question
    except (RedisError, OSError) as error:
        raise StoreError(f"read log {task_id}: {type(error).__name__}: {error}") from error


def log_key(task_id: int) -> str:
    """Give the name of the stream with a task's lines; with ``:state`` behind it, that of its state."""
    return f"{PREFIX}:log:{task_id}"


def _entry(item: tuple[str, list[str]]) -> Entry:
    entry, values = item
    return _line(entry, dict(zip(values[::2], values[1::2], strict=True)))


def _line(entry: str, fields: Mapping[str, str]) -> Entry:
    return Entry(id=entry, step=fields["s"], text=fields["t"], at=float(fields["at"]))


def _state(fields: dict[str, str]) -> LogState:
    named = [(name.removeprefix(_PART).partition("_"), lines) for name, lines in fields.items() if _PART in name]
    parts = [Part(first, last, int(lines)) for (first, _, last), lines in named]
    return LogState(
        head=fields.get("head", ""),
        gap=fields.get("gap", ""),
        left_out=int(fields.get("left_out", 0)),
        archived=fields.get("archived", ""),
        folder=fields.get("folder", ""),
        parts=tuple(sorted(parts, key=lambda part: order(part.last))),
    )
