"""The outermost layer: it records every request, and makes those fail that a switch of `faults` names."""

import asyncio
from typing import NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from simulators.gitlab.faults import Answer, Cut, Delay, Effect, Faults, Outage


class RecordedCall(NamedTuple):
    """One request. `path` is raw, without the query; `user` is empty without a token; `status` 0 is no answer."""

    method: str
    path: str
    user: str
    status: int


class CuttableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which also lets `Edge` close the connection of a request."""

    def on_message_begin(self) -> None:
        """Begin a request, and remember the connection that it came over."""
        super().on_message_begin()
        self.scope["simulator.connection"] = self.transport  # type: ignore[typeddict-unknown-key]


class Edge:
    """Stands before the whole application."""

    def __init__(self, app: ASGIApp, faults: Faults, calls: list[RecordedCall]) -> None:
        self._app = app
        self._faults = faults
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, or fail it."""
        method, path = scope["method"], scope["raw_path"].decode()
        effect = self._effect(method, path)
        if effect is Cut.BEFORE:
            self._calls.append(RecordedCall(method, path, "", 0))
            await _cut(scope, receive)
        elif isinstance(effect, Answer):
            self._calls.append(RecordedCall(method, path, "", effect.status))
            await _answer(effect, send)
        else:
            await self._handle(scope, receive, send, effect)

    def _effect(self, method: str, path: str) -> Effect | None:
        if self._faults.down is Outage.CLOSED:
            return Cut.BEFORE
        if self._faults.down is Outage.BAD_GATEWAY:
            return Answer(502, b"GitLab is not responding", {"content-type": "text/plain"})
        return self._faults.take(method, path)

    async def _handle(self, scope: Scope, receive: Receive, send: Send, effect: Effect | None) -> None:
        scope.setdefault("state", {})

        async def pass_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                user = scope["state"].get("user", "")
                self._calls.append(RecordedCall(scope["method"], scope["raw_path"].decode(), user, message["status"]))
                if isinstance(effect, Delay):
                    await asyncio.sleep(effect.seconds)
            if effect is not Cut.AFTER:
                await send(message)

        await self._app(scope, receive, pass_on)
        if effect is Cut.AFTER:
            await _cut(scope, receive)


async def _answer(answer: Answer, send: Send) -> None:
    headers = {"content-type": "application/json"} | {name.lower(): value for name, value in answer.headers.items()}
    headers["content-length"] = str(len(answer.body))
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    await send({"type": "http.response.body", "body": answer.body})


async def _cut(scope: Scope, receive: Receive) -> None:
    scope["simulator.connection"].abort()
    while (await receive())["type"] != "http.disconnect":
        pass
