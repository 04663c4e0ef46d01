"""Reads a session's file of JSON lines while the agent still writes it: there the tokens are told call by call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from runtime.adapters.json_values import decode
from runtime.plain_file import NotPlain, open_plain_file

PIECE_LIMIT_BYTES: Final = 16_000_000


class SessionFile:
    """The file, and how far it was read. *skip*: what it holds already belongs to earlier runs."""

    def __init__(self, path: Path, *, skip: bool = False) -> None:
        self.path = path
        self._place = path.stat().st_size if skip else 0

    def fresh(self) -> Iterator[dict[str, Any]]:
        """Yield the objects whose lines were ended since the last call."""
        try:
            file = open_plain_file(self.path)
        except NotPlain:
            return
        if file is None:
            return
        with file:
            file.seek(self._place)
            piece = file.read(PIECE_LIMIT_BYTES)
        whole, _, _begun = piece.rpartition(b"\n")
        self._place += len(whole) + 1 if whole else 0
        for line in whole.split(b"\n"):
            if (entry := decode(line.decode(errors="replace"))) is not None:
                yield entry
