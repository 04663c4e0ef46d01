"""What is wrong with one field, in the words that the API server has for it. Each gives one cause of an `invalid`."""

import json
from typing import Any

from simulators.kubernetes.refusals import Cause, field_error

IMMUTABLE = "field is immutable"


def required(field: str, why: str = "") -> Cause:
    """Say that the field lacks."""
    return field_error(field, "FieldValueRequired", "Required value" + (f": {why}" if why else ""))


def wrong(field: str, value: Any, why: str) -> Cause:
    """Say that the value is not allowed there."""
    shown = json.dumps(value) if isinstance(value, (str, int, float, bool)) else "{…}"
    return field_error(field, "FieldValueInvalid", f"Invalid value: {shown}: {why}")


def unsupported(field: str, value: str, supported: tuple[str, ...]) -> Cause:
    """Say that the value is none of those that there are."""
    choices = ", ".join(f'"{one}"' for one in supported)
    return field_error(field, "FieldValueNotSupported", f'Unsupported value: "{value}": supported values: {choices}')


def duplicate(field: str, value: str) -> Cause:
    """Say that another one has that value already."""
    return field_error(field, "FieldValueDuplicate", f'Duplicate value: "{value}"')


def missing(field: str, value: str) -> Cause:
    """Say that what the field names is not there."""
    return field_error(field, "FieldValueNotFound", f'Not found: "{value}"')


def barred(field: str, why: str) -> Cause:
    """Say that the field may not be set, or not be changed."""
    return field_error(field, "FieldValueForbidden", f"Forbidden: {why}")


def too_long(field: str, most: int) -> Cause:
    """Say that the value is longer than *most* bytes."""
    return field_error(field, "FieldValueTooLong", f"Too long: may not be more than {most} bytes")
