"""The outermost layer: reads each request, records it, lets faults have it, and sends what `rest` answers."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from simulators.kubernetes.access import Access, read_address
from simulators.kubernetes.bodies import Asked, Reply
from simulators.kubernetes.faults import Answer, Cut, Delay, Effect, Faults
from simulators.kubernetes.paths import RequestInfo, read_path
from simulators.kubernetes.refusals import Refusal
from simulators.kubernetes.rest import Rest, Stream

FIRST_CHUNK_SECONDS = 0.005


class RecordedCall(NamedTuple):
    """One request. `seconds` until its answer began; `status` 0 is no answer; `resource` is "" beside resources."""

    method: str
    path: str
    resource: str
    subresource: str
    verb: str
    user: str
    status: int
    seconds: float


class CuttableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which also lets `Edge` close the connection of a request."""

    def on_message_begin(self) -> None:
        """Begin a request, and remember the connection that it came over."""
        super().on_message_begin()
        self.scope["simulator.connection"] = self.transport  # type: ignore[typeddict-unknown-key]


class Edge:
    """The application that the server serves. *calls* fills with every request."""

    def __init__(self, rest: Rest, access: Access, faults: Faults, calls: list[RecordedCall]) -> None:
        self._rest = rest
        self._access = access
        self._faults = faults
        self._calls = calls
        self.failures: list[Exception] = []
        """What went wrong in the simulator itself; each was answered by a 500."""
        self._streams: dict[int, tuple[str, asyncio.Transport]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, or fail it."""
        started = time.perf_counter()
        query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        token, path = read_address(scope["path"])
        info = read_path(scope["method"], path, query)
        effect: Effect | None = Cut.BEFORE if self._faults.down else self._faults.take(info)
        user = ""
        answer: Reply | Stream | None = None
        if isinstance(effect, Answer):
            answer = _made_up(effect)
        elif effect is not Cut.BEFORE:
            headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
            asked = Asked(token, query, headers, await _body(receive))
            user, answer = await self._handled(info, asked, effect)
        if isinstance(effect, Delay):
            await asyncio.sleep(effect.seconds)
        if effect is Cut.AFTER:
            answer = None
        status = 0 if answer is None else answer.status if isinstance(answer, Reply) else 200
        seconds = time.perf_counter() - started
        self._calls.append(
            RecordedCall(scope["method"], path, info.plural, info.subresource, info.verb, user, status, seconds)
        )
        if answer is None:
            await _cut(scope, receive)
        elif isinstance(answer, Reply):
            await _send_reply(answer, send)
        else:
            await self._send_stream(answer, scope, receive, send)

    def cut_streams(self, resource: str) -> None:
        """Break the connections of open watches (`pods`) and followed logs (`pods/log`); `*` is all."""
        for name, transport in list(self._streams.values()):
            if resource in ("*", name):
                transport.abort()

    def open_streams(self, resource: str) -> int:
        """Count the open watches or followed logs; see `cut_streams`."""
        return sum(resource in ("*", name) for name, _ in self._streams.values())

    async def _handled(self, info: RequestInfo, asked: Asked, effect: Effect | None) -> tuple[str, Reply | Stream]:
        user = ""
        try:
            user = self._access.user(asked.headers, asked.token)
            self._access.check(user, info)
            answer = self._rest.answer(info, asked.by(user), effect)
            if isinstance(answer, Stream):
                answer = await _begun(answer)
        except Refusal as refusal:
            answer = _refused(refusal)
        except Exception as failure:  # noqa: BLE001 - kept for whoever stops the server
            self.failures.append(failure)
            answer = _refused(Refusal(500, "InternalError", f"Internal error occurred: {failure!r}"))
        return user, answer

    async def _send_stream(self, stream: Stream, scope: Scope, receive: Receive, send: Send) -> None:
        self._streams[id(scope)] = stream.resource, scope["simulator.connection"]
        pump = asyncio.create_task(_pump(stream, send))
        gone = asyncio.create_task(_disconnect(receive))
        try:
            await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._streams[id(scope)]
            pump.cancel()
            gone.cancel()
            results = await asyncio.gather(pump, gone, return_exceptions=True)
        if isinstance(results[0], Exception):
            raise results[0]


async def _begun(stream: Stream) -> Stream:
    """Take a first look at a stream, so that a refusal in it is answered as one."""
    chunks = stream.chunks
    first = asyncio.ensure_future(anext(chunks, None))
    await asyncio.wait({first}, timeout=FIRST_CHUNK_SECONDS)

    async def whole() -> AsyncIterator[bytes]:
        try:
            chunk = await first
            while chunk is not None:
                yield chunk
                chunk = await anext(chunks, None)
        finally:
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()

    if first.done():
        first.result()
    return Stream(stream.resource, stream.content_type, whole())


async def _pump(stream: Stream, send: Send) -> None:
    headers = [(b"content-type", stream.content_type.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    # An empty piece sends the head at once, so that a client is not kept waiting for the first change.
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    chunks = stream.chunks
    try:
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _refused(refusal: Refusal) -> Reply:
    return Reply.of(refusal.status, refusal.code)


def _made_up(answer: Answer) -> Reply:
    refusal = Refusal(answer.status, answer.reason, answer.message)
    headers = {"content-type": "application/json"}
    if answer.retry_after is not None:
        refusal.details["retryAfterSeconds"] = answer.retry_after
        headers["retry-after"] = str(answer.retry_after)
    return Reply(answer.status, _refused(refusal).body, headers)


async def _send_reply(reply: Reply, send: Send) -> None:
    headers = dict(reply.headers) | {"content-length": str(len(reply.body))}
    pairs = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": pairs})
    await send({"type": "http.response.body", "body": reply.body})


async def _cut(scope: Scope, receive: Receive) -> None:
    scope["simulator.connection"].abort()
    await _disconnect(receive)
