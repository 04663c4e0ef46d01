"""One watch: the bytes of its stream, from the first state or version to its end, and how a fault reaches it."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from simulators.kubernetes.changes import Change, Entry, Subscription
from simulators.kubernetes.faults import WatchFault
from simulators.kubernetes.objects import Objects
from simulators.kubernetes.refusals import Refusal, expired
from simulators.kubernetes.resources import RESOURCES
from simulators.kubernetes.selectors import Selector, select

Object = dict[str, Any]
Encoder = Callable[[Entry], bytes]
LONGEST_BATCH = 200


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """What a client wants to see. `since` None begins with the present state; `encode` makes an object's bytes."""

    resource: str
    namespace: str | None
    labels: str
    fields: str
    since: int | None
    timeout_seconds: float
    bookmarks: bool
    initial_events_end: bool
    encode: Encoder


class Watches:
    """All open watches of one server, so that faults find them. *bookmark_seconds* is the time between bookmarks."""

    def __init__(self, objects: Objects, bookmark_seconds: float = 5.0) -> None:
        self.bookmark_seconds = bookmark_seconds
        self._objects = objects
        self._open: set[Watch] = set()

    def fail(self, resource: str, fault: WatchFault) -> None:
        """Turn all open watches of *resource*, or of `*`, to this fault."""
        for watch in list(self._open):
            if resource in ("*", watch.request.resource):
                watch.fail(fault)

    async def stream(self, request: WatchRequest, fault: WatchFault | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the watch's bytes until its timeout."""
        watch = Watch(self._objects, request)
        self._open.add(watch)
        try:
            if fault is not None:
                watch.fail(fault)
            async with contextlib.aclosing(watch.lines(self.bookmark_seconds)) as lines:
                async for line in lines:
                    yield line
        finally:
            self._open.discard(watch)


class Watch:
    """One open watch."""

    def __init__(self, objects: Objects, request: WatchRequest) -> None:
        self.request = request
        self._objects = objects
        self._chosen: Selector | None = select(request.resource, request.labels, request.fields)
        self._fault: WatchFault | None = None
        self._failing = asyncio.Event()

    def fail(self, fault: WatchFault) -> None:
        """Behave so from now on."""
        self._fault = fault
        self._failing.set()

    async def lines(self, bookmark_seconds: float) -> AsyncGenerator[bytes, None]:
        """Yield whole lines, several at once where there are several."""
        deadline = asyncio.get_running_loop().time() + self.request.timeout_seconds
        try:
            with self._objects.subscribe(self.request.resource, self.request.since) as changes:
                if self.request.since is None:
                    yield b"".join(self._initial())
                async for line in self._live(changes, deadline, bookmark_seconds):
                    yield line
        except Refusal as refusal:
            yield _error(refusal)

    def _initial(self) -> Iterable[bytes]:
        for entry in self._objects.entries(self.request.resource, self.request.namespace):
            if self._chosen is None or self._chosen(entry.obj):
                yield _event("ADDED", self.request.encode(entry))
        if self.request.initial_events_end:
            yield self._bookmark({"k8s.io/initial-events-end": "true"})

    async def _live(
        self, changes: Subscription, deadline: float, bookmark_seconds: float
    ) -> AsyncGenerator[bytes, None]:
        clock = asyncio.get_running_loop().time
        # Spread, so that many watches do not all wake up at once.
        bookmark_at = clock() + bookmark_seconds * random.uniform(0.5, 1)  # noqa: S311 - no secret
        while (now := clock()) < deadline:
            if self._fault is not None:
                yield await self._failed()
                return
            batch = await self._next(changes, min(deadline, bookmark_at) - now)
            if lines := b"".join(filter(None, map(self._line, batch))):
                yield lines
            if clock() >= bookmark_at:
                bookmark_at = clock() + bookmark_seconds
                # A bookmark past a change that is still to be sent would make a client lose that change.
                if self.request.bookmarks and self._fault is None and not changes.pending:
                    yield self._bookmark({})

    async def _next(self, changes: Subscription, seconds: float) -> list[Change]:
        failing = asyncio.ensure_future(self._failing.wait())
        coming = asyncio.ensure_future(changes.batch(LONGEST_BATCH))
        try:
            await asyncio.wait((failing, coming), timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
        finally:
            failing.cancel()
            if not coming.done():
                coming.cancel()
        return coming.result() if coming.done() and not coming.cancelled() and self._fault is None else []

    async def _failed(self) -> bytes:
        if self._fault is WatchFault.SILENT:
            # A half-open connection knows no timeout of the server either.
            await asyncio.Event().wait()
        if self._fault is WatchFault.GONE:
            version = self._objects.version
            since = self.request.since if self.request.since is not None else version
            return _error(expired(f"too old resource version: {since} ({version})"))
        return b""

    def _line(self, change: Change) -> bytes:
        namespace = self.request.namespace
        if namespace is not None and change.obj["metadata"].get("namespace", "") != namespace:
            return b""
        if self._chosen is None:
            return _event(change.type, self.request.encode(change.entry))
        was = change.previous is not None and self._chosen(change.previous.obj)
        fits = change.type != "DELETED" and self._chosen(change.obj)
        if fits:
            return _event("MODIFIED" if was else "ADDED", self.request.encode(change.entry))
        if was and change.previous is not None:
            return _event("DELETED", self.request.encode(_last_seen(change, change.previous)))
        return b""

    def _bookmark(self, annotations: dict[str, str]) -> bytes:
        row = RESOURCES[self.request.resource]
        meta: Object = {"resourceVersion": str(self._objects.version), "creationTimestamp": None}
        if annotations:
            meta["annotations"] = annotations
        body = {"kind": row.kind, "apiVersion": row.api_version, "metadata": meta}
        return _event("BOOKMARK", json.dumps(body, separators=(",", ":")).encode())


def _last_seen(change: Change, previous: Entry) -> Entry:
    # What no longer fits is told as it last did, but at the version of the change.
    if change.type == "DELETED":
        return change.entry
    obj = previous.copy()
    obj["metadata"]["resourceVersion"] = str(change.resource_version)
    return Entry(obj, change.resource_version)


def _event(kind: str, obj: bytes) -> bytes:
    return b'{"type":"' + kind.encode() + b'","object":' + obj + b"}\n"


def _error(refusal: Refusal) -> bytes:
    return _event("ERROR", json.dumps(refusal.status).encode())
