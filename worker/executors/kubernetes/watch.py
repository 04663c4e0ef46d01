"""Follows all objects of one kind: a list, then a watch from there on, for as long as the process lives.

Fills `worker.executors.kubernetes.run_cache`. Our own loop, because the official informers neither back off nor find a
half-open connection nor ask for bookmarks. Whatever the server does, the loop goes on; what it can't read, it skips.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from core.errors import ExecutorError, ExecutorUnavailable
from core.reasons import Reason
from worker.executors.kubernetes.backoff import Backoff
from worker.executors.kubernetes.stream import ApiStream, Ask, Body, Refused

log = logging.getLogger(__name__)

T = TypeVar("T")
_GONE: Final = 410
EVENT_LIMIT_BYTES: Final = 8_000_000
"""An object has at most some 1.5 MB; who sends more is no Kubernetes API."""


class Kind(StrEnum):
    """What a `Change` tells of its items."""

    ALL = "all"
    """These are all that there are; what is missing is gone."""
    PUT = "put"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """Objects that are there, or there no more, as they were seen last."""

    kind: Kind
    items: tuple[T, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPace:
    """How often and how long; seconds."""

    page_size: int = 500
    list_read: float = 30.0
    watch_least: int = 120
    watch_most: int = 180
    watch_margin: float = 15.0
    """So much longer than the server promised to end a watch we wait for its end: then the connection is half open."""
    relist: float = 600.0
    """Nobody promises that a watch tells everything."""
    quick: float = 1.0
    """A watch that ends sooner than this counts as a failed one."""
    first_pause: float = 0.5
    longest_pause: float = 30.0


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects: a *path* of the API with a place for the ``{namespace}``, and a label *selector*."""

    path: str
    selector: str


class _ListExpiredError(Exception):
    """What we have is too old for the server to go on from."""


class ObjectWatch(Generic[T]):
    """All objects of one *selection*.

    *read* prunes an object or gives None where it is not ours; *tell* takes each change at once.
    """

    def __init__(
        self,
        stream: ApiStream,
        selection: Selection,
        *,
        read: Callable[[object], T | None],
        tell: Callable[[Change[T]], None],
        pace: WatchPace,
    ) -> None:
        self._stream = stream
        path = selection.path
        self._plural = path.rpartition("/")[2]
        self._ask = Ask(what=f"list {self._plural}", path=path, read_seconds=pace.list_read)
        self._selector = selection.selector
        self._read = read
        self._tell = tell
        self._pace = pace
        self._backoff = Backoff(pace.first_pause, pace.longest_pause)
        self._version = ""
        self._listed_at = 0.0
        self.in_sync = False
        """Whether the server answered the last call, so that what is missing in the cache is missing there."""
        self.last_turn = time.monotonic()
        """When the loop did something last, be it in vain: for a heartbeat."""

    async def run(self) -> None:
        """List and watch, for ever."""
        while True:
            pause = await self._turn()
            self.last_turn = time.monotonic()
            await asyncio.sleep(pause)

    async def _turn(self) -> float:
        """Go through one list, where one is due, and one watch; give the seconds to pause."""
        began = time.monotonic()
        try:
            if not self._version or began - self._listed_at > self._pace.relist:
                await self._list()
            began = time.monotonic()
            await self._watch()
        except _ListExpiredError:
            self._version, self.in_sync = "", False
        except ExecutorError as error:
            self.in_sync = False
            asked_for = error.seconds if isinstance(error, Refused) else 0.0
            pause = self._backoff.pause(asked_for)
            log.warning("watch failed; it goes on soon", extra={"why": str(error), "seconds": round(pause, 1)})
            return pause
        if time.monotonic() - began < self._pace.quick:
            return self._backoff.pause()
        self._backoff.reset()
        return 0.0

    async def _list(self) -> None:
        items: list[T] = []
        token, version = "", ""
        while not version or token:
            page = await self._page(token)
            metadata = page.get("metadata")
            metadata = metadata if isinstance(metadata, dict) else {}
            token, version = str(metadata.get("continue") or ""), str(metadata.get("resourceVersion") or "0")
            raws = page.get("items")
            items += self._read_all(raws if isinstance(raws, list) else [])
            self.last_turn = time.monotonic()
        self._tell(Change(Kind.ALL, tuple(items)))
        self._version, self._listed_at, self.in_sync = version, time.monotonic(), True

    async def _page(self, token: str) -> dict[str, Any]:
        # Without a resourceVersion: what it does not hold is not there, and no lagging cache answers.
        query = {"labelSelector": self._selector, "limit": str(self._pace.page_size)} | (
            {"continue": token} if token else {}
        )
        try:
            return _decoded(await self._stream.read(replace(self._ask, query=query)), self._ask.what)
        except Refused as error:
            raise (_ListExpiredError if error.status == _GONE else error) from error

    def _read_all(self, raws: list[Any]) -> list[T]:
        return [item for item in map(self._read, raws) if item is not None]

    async def _watch(self) -> None:
        seconds = random.randint(self._pace.watch_least, self._pace.watch_most)  # noqa: S311 - spreads the load
        what = f"watch {self._plural}"
        query = {
            "labelSelector": self._selector,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(seconds),
        }
        ask = replace(self._ask, what=what, query=query, read_seconds=seconds + self._pace.watch_margin)
        try:
            async with self._stream.open(ask) as body:
                self.in_sync = True
                async for line in _lines(body, what):
                    self._take(line, what)
        except Refused as error:
            raise (_ListExpiredError if error.status == _GONE else error) from error

    def _take(self, line: bytes, what: str) -> None:
        try:
            event = _decoded(line, what)
        except ExecutorUnavailable as error:
            # A watch from the same version would bring the same line again.
            raise _ListExpiredError from error
        kind, raw = event.get("type"), event.get("object")
        if kind == "ERROR":
            raise self._told_error(raw, what)
        metadata = raw.get("metadata") if isinstance(raw, dict) else None
        version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
        self._version = version if isinstance(version, str) and version else self._version
        self.last_turn = time.monotonic()
        item = None if kind == "BOOKMARK" else self._read(raw)
        if item is not None:
            self._tell(Change(Kind.GONE if kind == "DELETED" else Kind.PUT, (item,)))

    def _told_error(self, status: object, what: str) -> Exception:
        told = status if isinstance(status, dict) else {}
        if told.get("code") == _GONE:
            return _ListExpiredError()
        return ExecutorUnavailable(f"{what}: {str(told.get('message'))[:500]}", Reason.CLUSTER)


async def _lines(body: Body, what: str) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in body.chunks():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line:
                yield line
        if len(rest) > EVENT_LIMIT_BYTES:
            raise ExecutorUnavailable(f"{what}: an event without an end", Reason.CLUSTER)


def _decoded(text: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ExecutorUnavailable(f"{what}: the answer is no JSON", Reason.CLUSTER) from error
    if not isinstance(value, dict):
        raise ExecutorUnavailable(f"{what}: the answer is no JSON object", Reason.CLUSTER)
    return value
