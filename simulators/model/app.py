"""The application of the simulated model API: records each request, takes a turn of the script, answers in dialect."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from simulators.model.anthropic import Anthropic
from simulators.model.dialect import Answer, Dialect
from simulators.model.gemini import Gemini
from simulators.model.openai import OpenAi
from simulators.model.script import Script, Turn
from simulators.model.tools import in_words_of, working_directory

ASIDE = Turn(text="A task")
"""The answer to a question that is none of the agent's turns, such as for a title."""
COUNTED = 1000
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request: *turn* says whether it was answered from the script. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    turn: bool


class CuttableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which also lets an answer close the connection of its request."""

    def on_message_begin(self) -> None:
        """Begin a request, and remember the connection that it came over."""
        super().on_message_begin()
        self.scope["simulator.connection"] = self.transport  # type: ignore[typeddict-unknown-key]


class Application:
    """Answers every path: a request that is none of a dialect's is recorded too, and gets a 404."""

    def __init__(self, script: Script, requests: list[RecordedRequest]) -> None:
        self._script = script
        self._requests = requests
        self._numbers = itertools.count(1)
        self.stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        body = _object(await request.body())
        path = request.url.path
        dialect = _dialect(request.method, path)
        tools = dialect.offered(body) if dialect else []
        headers = dict(request.headers)
        self._requests.append(RecordedRequest(request.method, path, headers, body, turn=bool(tools)))
        if dialect is None:
            counted = path.endswith(("count_tokens", ":countTokens"))
            answer = JSONResponse({"input_tokens": COUNTED, "totalTokens": COUNTED}, 200 if counted else 404)
            await answer(scope, receive, send)
            return
        turn = self._script.take() if tools else ASIDE
        if not await self._wait(turn.delay_seconds):
            return
        response = self._respond(dialect, request, body, turn) if turn.status == 200 else _refuse(dialect, turn)
        await response(scope, receive, send)

    async def _wait(self, seconds: float) -> bool:
        """Be silent; False where the server is to stop meanwhile: an answer that is due in an hour must not hold it."""
        deadline = time.monotonic() + seconds
        # The server is told to stop from another thread, which can't set an event of this loop's.
        while (left := deadline - time.monotonic()) > 0 and not self.stopping:  # noqa: ASYNC110
            await asyncio.sleep(min(left, LOOK_SECONDS))
        return not self.stopping

    def _respond(self, dialect: Dialect, request: Request, body: dict[str, Any], turn: Turn) -> Response:
        directory = working_directory(json.dumps(body))
        offered = dialect.offered(body)
        answer = Answer(
            identity=f"{next(self._numbers):04d}",
            model=str(body.get("model") or request.url.path.rpartition("/")[2].partition(":")[0]),
            text=turn.text,
            calls=[in_words_of(offered, call, directory) for call in turn.calls],
            usage=turn.usage,
        )
        if not dialect.streams(request.url.path, body):
            return JSONResponse(dialect.whole(answer))
        stream = self._stream(list(dialect.events(answer)), turn, request.scope)
        return StreamingResponse(stream, media_type="text/event-stream")

    async def _stream(self, events: list[str], turn: Turn, scope: Scope) -> AsyncIterator[str]:
        middle = len(events) // 2
        for place, event in enumerate(events):
            if place == middle and (not await self._wait(turn.stall_seconds) or turn.cut):
                scope["simulator.connection"].abort()
                return
            yield event


def _refuse(dialect: Dialect, turn: Turn) -> Response:
    return JSONResponse(dialect.error(turn), turn.status, turn.headers)


def _dialect(method: str, path: str) -> Dialect | None:
    if method != "POST":
        return None
    if path.endswith("/messages"):
        return Anthropic()
    if path.endswith("/responses"):
        return OpenAi()
    return Gemini() if path.endswith((":generateContent", ":streamGenerateContent")) else None


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
