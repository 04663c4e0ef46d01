"""The check of an object against Kubernetes' own schema.

It is strict: an unknown field is refused, as with `fieldValidation=Strict`, which kubectl asks for and which finds
typing errors. A real API server only warns a client that does not ask.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from kubernetes_validate.utils import schema_contents
from referencing import Registry, Resource

from simulators.kubernetes.refusals import Cause, Refusal, bad_request, field_error, invalid
from simulators.kubernetes.resources import RESOURCES

SCHEMA_VERSION = "1.36.0"
_FOLDER = f"kubernetes-json-schema/v{SCHEMA_VERSION}-local-strict"
_VALID_SHAPES: set[int] = set()
"""What was found valid. The schema looks at names and types only, and a check takes milliseconds."""
_WITHOUT_SPEC = (
    "secrets",
    "configmaps",
    "serviceaccounts",
    "events",
    "roles",
    "rolebindings",
    "priorityclasses",
    "runtimeclasses",
    "endpointslices",
)
_TEMPLATED = ("jobs", "deployments", "statefulsets")
_GO_KINDS = {str: "string", int: "number", float: "number", bool: "bool", list: "array", dict: "object"}


def conform(resource: str, obj: dict[str, Any]) -> None:
    """Take out what is null, as decoding does, then check what is left.

    Refuse with 400 an object of another kind or with unknown or mistyped fields, with 422 one that lacks any.
    """
    row = RESOURCES[resource]
    if (obj.get("kind"), obj.get("apiVersion")) != (row.kind, row.api_version):
        raise bad_request(
            f"the API version in the data ({obj.get('apiVersion')}) or the kind ({obj.get('kind')}) "
            f"does not match the expected {row.api_version}, {row.kind}"
        )
    _drop_nulls(obj)
    _add_specs(resource, obj)
    shape = hash((resource, _shape(obj)))
    if shape in _VALID_SHAPES:
        return
    errors = list(_validator(resource).iter_errors(obj))
    if not errors:
        _VALID_SHAPES.add(shape)
        return
    misread = [*_unknown(errors), *_mistyped(errors)]
    if misread:
        kind = row.kind
        raise bad_request(f'{kind} in version "{row.version}" cannot be handled as a {kind}: {misread[0]}')
    raise _lacking(resource, obj, errors)


def _drop_nulls(value: Any) -> None:
    if isinstance(value, dict):
        for key in [key for key, one in value.items() if one is None]:
            del value[key]
    if isinstance(value, list):
        # A null item is an empty struct to Go.
        value[:] = [{} if one is None else one for one in value]
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _drop_nulls(one)


def _add_specs(resource: str, obj: dict[str, Any]) -> None:
    # The schema demands what is in a spec, but not the spec itself, as a Go struct is never missing.
    if resource not in _WITHOUT_SPEC:
        spec = obj.setdefault("spec", {})
        template = spec.get("template") if isinstance(spec, dict) else None
        if isinstance(template, dict) and resource in _TEMPLATED:
            template.setdefault("spec", {})


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset((key, _shape(one)) for key, one in value.items())
    if isinstance(value, list):
        return frozenset(map(_shape, value)), list
    return type(value)


def _unknown(errors: list[ValidationError]) -> list[str]:
    fields = []
    for error in errors:
        if error.validator == "additionalProperties" and isinstance(error.instance, dict):
            known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
            fields += [_path([*error.absolute_path, key]) for key in error.instance if key not in known]
    told = ", ".join(f'unknown field "{field}"' for field in fields)
    return [f"strict decoding error: {told}"] if fields else []


def _mistyped(errors: list[ValidationError]) -> list[str]:
    return [
        f"json: cannot unmarshal {_GO_KINDS.get(type(error.instance), 'null')} into Go struct field "
        f"{_path(error.absolute_path)} of type {_type_of(error)}"
        for error in errors
        if error.validator == "type"
    ]


def _type_of(error: ValidationError) -> str:
    types = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    return {"integer": "int32", "boolean": "bool"}.get(str(types[0]), str(types[0]))


def _lacking(resource: str, obj: dict[str, Any], errors: list[ValidationError]) -> Refusal:
    causes: list[Cause] = []
    for error in errors:
        if error.validator == "required" and isinstance(error.instance, dict):
            missing = [name for name in error.validator_value if name not in error.instance]
            path = [*error.absolute_path]
            causes += [field_error(_path([*path, name]), "FieldValueRequired", "Required value") for name in missing]
        else:
            causes.append(field_error(_path(error.absolute_path), "FieldValueInvalid", error.message))
    meta = obj.get("metadata") or {}
    # Each rule of a field that lacks is told once.
    return invalid(resource, meta.get("name", ""), list({tuple(one.items()): one for one in causes}.values()))


@cache
def _validator(resource: str) -> Draft202012Validator:
    row = RESOURCES[resource]
    group = f"{row.group.partition('.')[0]}-" if row.group else ""
    schema = schema_contents(f"{_FOLDER}/{row.singular}-{group}{row.version}.json", SCHEMA_VERSION)
    registry: Registry[Any] = Resource.from_contents(schema) @ Registry()
    return Draft202012Validator(schema, registry=_definitions() @ registry)


@cache
def _definitions() -> Resource[Any]:
    return Resource.from_contents(schema_contents(f"{_FOLDER}/_definitions.json", SCHEMA_VERSION))


def _path(parts: Iterable[str | int]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return path.removeprefix(".")
