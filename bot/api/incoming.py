"""Reads what comes in with a call, as its operation says; what is not as described is a problem that says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from bot.api.operations import JSON, Header, Operation
from bot.api.shapes import Query
from bot.problems import Problem
from bot.wishes import BODY_LIMIT_BYTES

M = TypeVar("M", bound=BaseModel)


def read_query(request: Request, operation: Operation) -> Query:
    """Give the query; a name that comes twice or is unknown is refused."""
    pairs = request.query_params.multi_items()
    if len(dict(pairs)) != len(pairs):
        raise Problem(400, "A parameter of the address stands there twice.")
    return _checked(lambda: operation.query.model_validate(dict(pairs)))


def read_header(request: Request, header: Header) -> str:
    """Give a header; empty where it is not sent."""
    values = request.headers.getlist(header.name)
    value = ", ".join(values)
    if values and header.pattern and not re.fullmatch(header.pattern.removeprefix("^").removesuffix("$"), value):
        raise Problem(400, f"{header.name} does not match {header.pattern}.", field=header.name)
    return value


async def read_body(request: Request, model: type[M]) -> M:
    """Give the body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise Problem(415, f"Send {JSON}.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT_BYTES:
            raise Problem(413, f"A body may have {BODY_LIMIT_BYTES} bytes.")
    return _checked(lambda: model.model_validate_json(bytes(body)))


def _checked(read: Callable[[], M]) -> M:
    try:
        return read()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        sentence = str(first["msg"]).removeprefix("Value error, ")
        raise Problem(400, f"{field}: {sentence}." if field else f"{sentence}.", field=field) from None
