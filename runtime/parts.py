"""An agent's transcript on its way out of the sandbox: compressed, and as log lines, for a pod has no other way out.

The agent step prints the lines, one straight after the other; the worker puts them together again and shows none.
Hostile like all of the log: what is put together here is bounded, and read only by a later agent.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "@ablehand-transcript "
"""Starts such a line. A log line that begins like this is printed with a space before it."""
PACKED_LIMIT_BYTES: Final = 512 * 1024
"""Of a compressed transcript: with base64 on top, it has to fit into a Kubernetes Secret beside the order."""
PLAIN_LIMIT_BYTES: Final = 8 * 1024 * 1024
PART_LETTERS: Final = 12_000
PARTS_LIMIT: Final = 64
_LINE_LIMIT: Final = 16_384
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A session of an agent's, as a file that it can go on with."""

    session: str
    name: str
    """The file's, without a folder."""
    packed: str
    """Its content, by `pack`."""


def pack(content: bytes) -> str:
    """Compress *content* into letters.

    Raises:
        ValueError: It is too long, before or after.
    """
    if len(content) > PLAIN_LIMIT_BYTES:
        raise ValueError(f"it has {len(content)} bytes, {PLAIN_LIMIT_BYTES} are allowed")
    packed = zlib.compress(content, 9)
    if len(packed) > PACKED_LIMIT_BYTES:
        raise ValueError(f"it has {len(packed)} bytes compressed, {PACKED_LIMIT_BYTES} are allowed")
    return base64.b64encode(packed).decode()


def unpack(packed: str) -> bytes:
    """Give what `pack` was given; never more than `PLAIN_LIMIT_BYTES`.

    Raises:
        ValueError: It is damaged, or too long.
    """
    try:
        inflater = zlib.decompressobj()
        content = inflater.decompress(base64.b64decode(packed, validate=True), PLAIN_LIMIT_BYTES)
    except (binascii.Error, zlib.error) as error:
        raise ValueError("it is damaged") from error
    if not inflater.eof:
        raise ValueError("it is damaged or too long")
    return content


def is_name(name: str) -> bool:
    """Whether a transcript's file may be named so."""
    return bool(_NAME.fullmatch(name))


def encode_parts(transcript: Transcript) -> Iterator[str]:
    """Give the lines for stdout, in their order."""
    letters = transcript.packed
    pieces = [letters[start : start + PART_LETTERS] for start in range(0, len(letters), PART_LETTERS)]
    for number, piece in enumerate(pieces):
        place = {"name": transcript.name, "session": transcript.session, "part": number, "of": len(pieces)}
        yield PREFIX + json.dumps(place | {"data": piece})


class Collector:
    """Puts lines together again. A part out of its turn throws away what was there before it."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def take(self, line: str) -> Transcript | None:
        """Take one line that begins with `PREFIX`; give the transcript that it completes."""
        part = _decoded(line)
        if part is None or part.number != len(self._pieces):
            self._pieces = []
        if part is None or part.number != len(self._pieces):
            return None
        self._pieces.append(part.data)
        if len(self._pieces) < part.count:
            return None
        packed, self._pieces = "".join(self._pieces), []
        return Transcript(session=part.session, name=part.name, packed=packed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    name: str
    session: str
    number: int
    count: int
    data: str


def _decoded(line: str) -> _Part | None:
    try:
        value = json.loads(line[len(PREFIX) : _LINE_LIMIT])
    except (ValueError, RecursionError):
        return None
    match value:
        case {"name": str(name), "session": str(session), "part": int(number), "of": int(count), "data": str(data)}:
            known = is_name(name) and (is_name(session) or not session)
            if known and data.isascii() and 0 <= number < count <= PARTS_LIMIT:
                return _Part(name=name, session=session, number=number, count=count, data=data)
    return None
