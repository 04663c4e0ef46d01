"""What has changed in the store, for those who watch: entries, the window of history, and subscriptions."""

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from simulators.kubernetes.refusals import expired

Object = dict[str, Any]


class Entry:
    """One version of one object. It is never changed again, so its bytes are made once for all who watch."""

    def __init__(self, obj: Object, version: int) -> None:
        first = {"kind": obj.get("kind", ""), "apiVersion": obj.get("apiVersion", "")}
        self.obj: Object = first | obj
        self.version = version

    @cached_property
    def raw(self) -> bytes:
        """Return the object as JSON."""
        return json.dumps(self.obj, separators=(",", ":"), ensure_ascii=False).encode()

    @cached_property
    def item(self) -> bytes:
        """Return the object as it stands in a list: without kind and apiVersion, which the list has."""
        head = json.dumps({key: self.obj[key] for key in ("kind", "apiVersion")}, separators=(",", ":"))
        return b"{" + self.raw[len(head.encode()) :]

    def copy(self) -> Object:
        """Return an object that the caller may change."""
        copied: Object = json.loads(self.raw)
        return copied


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `type` is ADDED, MODIFIED or DELETED; `previous` is None where it is ADDED."""

    type: str
    entry: Entry
    previous: Entry | None

    @property
    def obj(self) -> Object:
        """Return the object after the change (of a DELETED one its last state). Read-only."""
        return self.entry.obj

    @property
    def resource_version(self) -> int:
        """Return the version that the change made."""
        return self.entry.version


class Subscription:
    """The changes to one resource, in order, from the moment that it was made: an endless async iterator.

    Nothing is lost between the making of it and the first `async for`. `close` it, or use it in a `with` block.
    """

    def __init__(self, history: "History", missed: list[Change]) -> None:
        self._history = history
        self._changes: asyncio.Queue[Change | None] = asyncio.Queue()
        for change in missed:
            self.put(change)

    def put(self, change: Change | None) -> None:
        """Hand over one more change; None ends the iteration."""
        self._changes.put_nowait(change)

    @property
    def pending(self) -> bool:
        """Whether changes wait to be taken."""
        return not self._changes.empty()

    async def batch(self, most: int) -> list[Change]:
        """Wait for a change and return it with all that are there too, at most *most*. Nothing is lost by a cancel."""
        changes = [await self._changes.get()]
        while len(changes) < most and not self._changes.empty():
            changes.append(self._changes.get_nowait())
        return [change for change in changes if change is not None]

    def close(self) -> None:
        """Take no more changes, and end the iteration where one is under way."""
        self._history.leave(self)
        self.put(None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        change = await self._changes.get()
        if change is None:
            raise StopAsyncIteration
        return change

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class History:
    """The last changes to one resource, and who follows them."""

    def __init__(self, window: int) -> None:
        self.window = window
        """How many changes are kept; what is older gets a 410. May be changed at any time."""
        self._changes: deque[Change] = deque()
        self._forgotten = 0
        self._subscriptions: set[Subscription] = set()

    def add(self, change: Change) -> None:
        """Keep a change, and hand it to all who follow."""
        self._changes.append(change)
        while len(self._changes) > self.window:
            self._forgotten = self._changes.popleft().resource_version
        for subscription in self._subscriptions:
            subscription.put(change)

    def since(self, version: int, now: int) -> list[Change]:
        """Return the changes after *version*, oldest first; refuse with 410 where some are forgotten."""
        if version < self._forgotten:
            raise expired(f"too old resource version: {version} ({now})")
        return [change for change in self._changes if change.resource_version > version]

    def join(self, missed: list[Change]) -> Subscription:
        """Return a subscription that begins with *missed*."""
        subscription = Subscription(self, missed)
        self._subscriptions.add(subscription)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Hand nothing more to this one."""
        self._subscriptions.discard(subscription)

    def forget(self, now: int) -> None:
        """Forget all changes up to *now*, as a compaction does: an older version gets a 410."""
        self._changes.clear()
        self._forgotten = now
