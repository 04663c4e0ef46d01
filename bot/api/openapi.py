"""The OpenAPI description of the API, made of its table of operations. Pure."""

from __future__ import annotations

import re
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bot.api.operations import ALWAYS, GUARDED, JSON, OPERATIONS, Header, Media, Operation
from bot.api.shapes import ProblemView
from bot.problems import MEDIA_TYPE

Json = dict[str, Any]
REFERENCE: Final = "#/components/schemas/{model}"
_INTRODUCTION: Final = (
    "Send a GitLab access token (personal, project or group) as `PRIVATE-TOKEN` or as Bearer; to change anything, it "
    "has to have the scope `api`. What you may see and do is what GitLab says of you; what is not for you is not found."
)
_IN_PATH: Final = re.compile(r"\{(\w+)\}")


def document(public_url: str) -> Json:
    """Give the whole description; *public_url* is where the API is reached."""
    references, definitions = models_json_schema(
        [(model, "serialization" if model in _outgoing() else "validation") for model in _models()],
        ref_template=REFERENCE,
    )
    del references
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ablehand", "version": version("ablehand"), "description": _INTRODUCTION},
        "servers": [{"url": f"{public_url}/api/v1"}],
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "token": {"type": "apiKey", "in": "header", "name": "PRIVATE-TOKEN"},
            },
        },
    }


def _models() -> list[type[BaseModel]]:
    asked = {operation.body for operation in OPERATIONS if operation.body}
    return sorted(asked | _outgoing(), key=lambda model: model.__name__)


def _outgoing() -> set[type[BaseModel]]:
    media = [shape for operation in OPERATIONS for answer in operation.answers.values() for shape in answer.values()]
    return {ProblemView, *(shape for shape in media if shape)}


def _operation(operation: Operation) -> Json:
    statuses = (*ALWAYS, *(() if operation.is_public else GUARDED), *operation.refusals)
    answers = {str(status): _answer(status, media) for status, media in operation.answers.items()}
    answers |= {str(status): _answer(status, {MEDIA_TYPE: ProblemView}) for status in sorted(statuses)}
    described: Json = {
        "operationId": operation.name,
        "summary": operation.says,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *map(_header, operation.headers)],
        "responses": answers,
        "security": [] if operation.is_public else [{"bearer": []}, {"token": []}],
    }
    if operation.body:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": _reference(operation.body)}}}
    return described


def _answer(status: int, media: Media) -> Json:
    content = {name: {"schema": _reference(shape) if shape else {}} for name, shape in media.items()}
    return {"description": HTTPStatus(status).phrase, "content": content}


def _reference(model: type[BaseModel]) -> Json:
    return {"$ref": REFERENCE.format(model=model.__name__)}


def _path_parameters(operation: Operation) -> list[Json]:
    number = {"type": "integer", "minimum": 1, "maximum": 10**15 - 1}
    names = _IN_PATH.findall(operation.path)
    return [{"name": name, "in": "path", "required": True, "schema": number} for name in names]


def _query_parameters(operation: Operation) -> list[Json]:
    found = operation.query.model_json_schema().get("properties", {})
    return [
        {"name": name, "in": "query", "description": schema.pop("description", ""), "schema": schema}
        for name, schema in found.items()
    ]


def _header(header: Header) -> Json:
    schema = {"type": "string"} | ({"pattern": header.pattern} if header.pattern else {})
    return {"name": header.name, "in": "header", "description": header.says, "schema": schema}
