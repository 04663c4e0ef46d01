"""Bodies in protobuf, which kubectl's own commands send (`auth can-i`, `create job`); answers are always JSON.

Only the messages of `protobuf_messages` are known. What else is sent gets a 415, so that nothing is lost unseen.
"""

import base64
from collections.abc import Iterator
from typing import Any

from simulators.kubernetes.protobuf_messages import IGNORED, MESSAGES
from simulators.kubernetes.refusals import Refusal, bad_request

Object = dict[str, Any]

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def decode_protobuf(body: bytes) -> Object:
    """Return the object in a body of `CONTENT_TYPE`, as its JSON would be. Empty fields are left out."""
    if not body.startswith(_MAGIC):
        raise bad_request("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        envelope = dict(_fields(body[len(_MAGIC) :]))
        kind_of = dict(_fields(envelope[1]))
        api_version, kind = kind_of[1].decode(), kind_of[2].decode()
        return {"apiVersion": api_version, "kind": kind} | _message(kind, envelope[2])
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        message = f"the body of the request was in an unknown format - this protobuf message is not known: {error!r}"
        raise Refusal(415, "UnsupportedMediaType", message) from None


def _message(name: str, raw: bytes) -> Object:
    known, found = MESSAGES[name], Object()
    for number, value in _fields(raw):
        field, kind = known[number]
        if kind == IGNORED:
            continue
        if kind.startswith("[]"):
            found.setdefault(field, []).append(_value(kind[2:], value))
        elif kind.startswith("{}"):
            entry = dict(_fields(value))
            found.setdefault(field, {})[entry[1].decode()] = _value(kind[2:], entry.get(2, b""))
        elif (read := _value(kind, value)) not in ("", {}) or kind[0] == "*":
            found[field] = read
    return found


def _value(kind: str, value: Any) -> Any:
    if kind == "string":
        return value.decode()
    if kind == "bytes":
        return base64.b64encode(value).decode()
    if kind in ("int", "*int"):
        # Negative numbers are sent as their 64-bit complement.
        return value - (1 << 64) if value >> 63 else value
    if kind == "bool":
        return bool(value)
    return _message(kind.removeprefix("*"), value)


def _fields(raw: bytes) -> Iterator[tuple[int, Any]]:
    place = 0
    while place < len(raw):
        tag, place = _varint(raw, place)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, place = _varint(raw, place)
            yield number, value
            continue
        if wire == _BYTES:
            size, place = _varint(raw, place)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}[wire]
        yield number, raw[place : place + size]
        place += size


def _varint(raw: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
