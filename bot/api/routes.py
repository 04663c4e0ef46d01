"""Serves the table of operations: who calls, how often, what came in; and every refusal as problem+json."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import problems
from bot.api.calls import CALLS, Call
from bot.api.incoming import read_query
from bot.api.operations import OPERATIONS, Operation
from bot.desk import Desk
from bot.headers import HARMLESS
from bot.problems import Problem
from bot.viewer import ANYBODY, How, Viewer
from core.errors import ArchiveError, GitLabError, StoreError

PREFIX = "/api/v1"

log = logging.getLogger(__name__)


def application(desk: Desk) -> Starlette:
    """Give the API, to be mounted at `PREFIX`."""
    return Starlette(
        routes=_routes(desk),
        exception_handlers={
            Problem: _problem,
            GitLabError: _problem,
            StoreError: _problem,
            HTTPException: _problem,
        },
    )


def _routes(desk: Desk) -> list[Route]:
    """Give a route for each path, with all that can be done there: anything else is 405, and says what can be."""
    paths: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = operation
    return [
        Route(path.replace("_id}", "_id:int}"), _endpoint(desk, operations), methods=list(operations))
        for path, operations in paths.items()
    ]


def _endpoint(desk: Desk, operations: dict[str, Operation]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        operation = operations["GET" if request.method == "HEAD" else request.method]
        viewer = ANYBODY if operation.is_public else await _viewer(desk, operation, request)
        query = read_query(request, operation)
        call = Call(desk=desk, operation=operation, request=request, query=query, viewer=viewer)
        response = await CALLS[operation.name](call)
        for name, value in HARMLESS.items():
            response.headers.setdefault(name, value)
        return response

    return answer


async def _viewer(desk: Desk, operation: Operation, request: Request) -> Viewer:
    viewer = await desk.doors.caller(request)
    if operation.writes:
        if viewer.how is How.OPEN:
            raise Problem(403, "Nobody signs in here: send a GitLab access token to have something done.")
        desk.doors.check_origin(request, viewer)
    if viewer.how is not How.OPEN:
        await desk.limit.take_call(str(viewer.user_id), writes=operation.writes)
    return viewer


async def _problem(_request: Request, error: Exception) -> Response:
    return problems.as_json(problem_of(error))


def problem_of(error: Exception) -> Problem:
    """Give what to answer for an error of ours, or Starlette's."""
    match error:
        case Problem():
            return error
        case GitLabError():
            problem = problems.of_gitlab(error)
            if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                log.warning("GitLab did not answer a viewer", extra={"why": str(error)})
            return problem
        case ArchiveError():
            log.warning("the archive of logs does not answer", extra={"why": str(error)})
            detail = "The archive of logs does not answer. Try again in a moment."
            return Problem(503, detail, headers={"Retry-After": "10"})
        case StoreError():
            log.warning("Redis is not there", extra={"why": str(error)})
            return Problem(503, "Our store does not answer. Try again in a moment.", headers={"Retry-After": "10"})
        case HTTPException():
            return Problem(error.status_code, f"{error.detail}.", headers=error.headers or {})
        case _:
            raise error
