"""The way of every REST call: token, scope, route, parameters, its function, JSON.

One function runs at a time, under the world's lock, in a thread: git may be asked without holding the event loop up.
"""

import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulators.gitlab.access import READ_SCOPES, WRITE_SCOPES
from simulators.gitlab.hooks import current_chain
from simulators.gitlab.records import Token
from simulators.gitlab.refusals import Refusal, bad_parameter
from simulators.gitlab.rest import (
    awards,
    discussions,
    files,
    hooks,
    issues,
    merge_requests,
    notes,
    people,
    pipelines,
    projects,
    todos,
    tokens,
)
from simulators.gitlab.rest.call import Call, UploadedFile
from simulators.gitlab.rest.routing import Action, Routes, Table
from simulators.gitlab.state.world import World

PREFIX = "/api/v4"

_MODULES = (
    people,
    projects,
    issues,
    merge_requests,
    notes,
    discussions,
    awards,
    files,
    hooks,
    tokens,
    pipelines,
    todos,
)
_NOUNS: list[Routes] = [module.routes for module in _MODULES]


class RestApi:
    """Answers everything below `/api/v4`; an unknown route is a 501 that names it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._table = Table(_NOUNS)

    async def answer(self, request: Request) -> Response:
        """Answer one call, a refusal included."""
        try:
            return await self._answer(request)
        except Refusal as refusal:
            return JSONResponse(refusal.body, refusal.status)

    async def _answer(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode().removeprefix(PREFIX)
        found = self._table.find(request.method, path)
        if found is None:
            return JSONResponse({"error": f"501 the simulator has no route {request.method} {path}"}, 501)
        action, parameters = found
        token = find_token(self._world, request)
        request.state.user = token.user.username if token else ""
        _check_scope(request.method, path, token)
        call = Call(self._world, token, parameters, await _values(request), _url(request))
        current_chain.set(request.headers.get("x-gitlab-event-uuid", ""))
        return await run_in_threadpool(_run, action, call, request.method)


def _url(request: Request) -> str:
    """Return the address that the client used, with `%2F` as it wrote it."""
    host = request.headers.get("host", "")
    return f"http://{host}{request.scope['raw_path'].decode()}?{request.url.query}"


def find_token(world: World, request: Request) -> Token | None:
    """Return the token that a request carries, None for none; refuse one that is unknown, revoked or blocked."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    given = request.headers.get("private-token") or request.query_params.get("private_token")
    if scheme.lower() == "bearer":
        given = bearer.strip()
    if not given:
        return None
    token = world.tokens.get(given)
    if token is None:
        raise Refusal(401, {"message": "401 Unauthorized"})
    if token.revoked:
        sentence = "Token was revoked. You have to re-authorize from the user."
        raise Refusal(401, {"error": "invalid_token", "error_description": sentence})
    if token.user.state != "active":
        raise Refusal(403, {"message": "403 Forbidden - Your account has been blocked."})
    return token


def _check_scope(method: str, path: str, token: Token | None) -> None:
    if token is None or path.startswith("/personal_access_tokens/self"):
        return
    wanted = READ_SCOPES if method == "GET" else WRITE_SCOPES
    if path == "/user":
        wanted |= {"read_user"}
    if not token.scopes & wanted:
        sentence = "The request requires higher privileges than provided by the access token."
        body = {"error": "insufficient_scope", "error_description": sentence, "scope": " ".join(sorted(wanted))}
        raise Refusal(403, body)


async def _values(request: Request) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, value in request.query_params.multi_items():
        _keep(values, name, value)
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        values |= _json_object(await request.body())
    elif kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        async with request.form() as form:
            await _keep_form(values, form)
    return values


async def _keep_form(values: dict[str, object], form: FormData) -> None:
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            values[name] = UploadedFile(value.filename or "file", await value.read())
        else:
            _keep(values, name, value)


def _keep(values: dict[str, object], name: str, value: str) -> None:
    if not name.endswith("[]"):
        values[name] = value
        return
    known = values.setdefault(name.removesuffix("[]"), [])
    if isinstance(known, list):
        known.append(value)


def _json_object(body: bytes) -> dict[str, object]:
    try:
        parsed: Any = json.loads(body or b"{}")
    except ValueError as error:
        raise bad_parameter("The body is not valid JSON") from error
    if not isinstance(parsed, dict):
        raise bad_parameter("The body is not a JSON object")
    return parsed


def _run(action: Action, call: Call, method: str) -> Response:
    with call.world.lock:
        result = action(call)
    if isinstance(result, Response):
        return result
    if method == "DELETE":
        return Response(status_code=204)
    return JSONResponse(result, 201 if method == "POST" else 200)
