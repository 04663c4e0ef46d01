"""The step's stdout: log lines and events, one after the other, with hostile text made harmless and secrets taken out.

What is written here becomes the run's log and is read back by the worker line by line, so nothing printed may look
like an event that is not one, and nothing may split a line that the reader takes for one.
"""

from __future__ import annotations

import base64
import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import BinaryIO, Final

from runtime.contract import (
    CHECKLIST_LIMIT,
    CHUNK_CHARACTERS,
    DOCUMENT_LIMIT_BYTES,
    EVENT_LIMIT_BYTES,
    EVENT_PREFIX,
    GIT_TOKEN_VARIABLE,
    MCP_VARIABLES_VARIABLE,
    Event,
    encode_event,
)

LINE_LIMIT_BYTES: Final = 16_384
EVENT_TEXT_LIMIT: Final = 300
SHORTEST_SECRET: Final = 8
"""A shorter value would be found in ordinary words."""
MASK: Final = "[secret]"
TOKEN_LIMIT: Final = 4096
"""What is longer without a break is no token."""

_RESERVED: Final = EVENT_PREFIX.rstrip()
"""Begins what the worker reads otherwise than as text: events, and the lines of a transcript."""
_COLOUR = r"(\x1b\[[0-9;:]*m)"
_OTHER_SEQUENCE = r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"
# The line separators too: a reader that uses str.splitlines would take what follows one for a line of its own.
_CONTROL = "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]"
_CLEANED: Final = re.compile(f"{_COLOUR}|{_OTHER_SEQUENCE}|{_CONTROL}")
_COLOURS: Final = re.compile(_COLOUR)
_ADDRESS: Final = re.compile(r"https?://[^@?]*")
_OF_TOKENS: Final = string.ascii_letters + string.digits + "_+/=.%~-"
_SECRET_NAME: Final = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL|HEADERS", re.IGNORECASE)


class Console:
    """Writes the log. *secrets* are replaced wherever they turn up."""

    def __init__(self, stream: BinaryIO, secrets: Iterable[str] = ()) -> None:
        self._stream = stream
        self._secrets = sorted((secret for secret in secrets if len(secret) >= SHORTEST_SECRET), key=len, reverse=True)

    def plain(self, text: str) -> str:
        """Give *text*, of several lines perhaps, for a result: no secrets, no controls, no colours."""
        return "\n".join(self.redact(_COLOURS.sub("", clean_line(line))) for line in self.redact(text).split("\n"))

    def write(self, text: str) -> None:
        """Print *text* as log lines: at most 16 KiB each, no controls but tabs and colours, never an event."""
        for line in text.split("\n"):
            # Before it is cleaned too, which cuts: half a secret is not recognised.
            shown = self.redact(clean_line(self.redact(line)))
            if _COLOURS.sub("", shown).startswith(_RESERVED):
                shown = " " + shown
            self._print(_cut(shown))

    def emit(self, event: Event) -> None:
        """Print *event*, with its texts on one line each and cut to what the worker reads."""
        items = tuple((self._one_line(title), status) for title, status in event.items[:CHECKLIST_LIMIT])
        event = replace(event, text=self._one_line(event.text), items=items)
        while event.items and len(encode_event(event)) > EVENT_LIMIT_BYTES:
            event = replace(event, items=event.items[:-1])
        self._print(encode_event(event))

    def print_parts(self, lines: Iterable[str]) -> None:
        """Print the lines of a transcript as they are: they hold letters of ours only."""
        for line in lines:
            self._print(line)

    def document(self, text: str) -> int:
        """Print *text* as events that the worker puts together again; answer how many there were."""
        # Made harmless before it is cut into chunks: half a secret is not recognised.
        rest = self.plain(text).encode(errors="replace")[:DOCUMENT_LIMIT_BYTES].decode(errors="ignore")
        index = 0
        while rest:
            event = Event(kind="document", text=rest[:CHUNK_CHARACTERS], index=index)
            while len(encode_event(event)) > EVENT_LIMIT_BYTES:
                event = replace(event, text=event.text[: len(event.text) // 2])
            self._print(encode_event(event))
            rest = rest[len(event.text) :]
            index += 1
        return index

    def redact(self, text: str) -> str:
        """Give *text* without the secrets that we know."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def _one_line(self, text: str) -> str:
        words = " ".join(_COLOURS.sub("", clean_line(self.redact(" ".join(text.split())))).split())
        return self.redact(words)[:EVENT_TEXT_LIMIT]

    def _print(self, line: str) -> None:
        self._stream.write(line.encode(errors="replace") + b"\n")
        self._stream.flush()


def clean_line(text: str) -> str:
    """Give one line as a terminal would leave it, without what was overwritten or moves the cursor."""
    if len(text) > 4 * LINE_LIMIT_BYTES:
        text = _without_half_token(text[: 4 * LINE_LIMIT_BYTES])
    text = text.rstrip("\r").rpartition("\r")[2]
    text = text.encode(errors="replace").decode()
    return _CLEANED.sub(lambda found: found.group(1) or "", text)


def known_secrets(environ: Mapping[str, str]) -> set[str]:
    """Give what no log may show: the values in *environ* that are named like secrets, plain and as git encodes them."""
    servers = set(environ.get(MCP_VARIABLES_VARIABLE, "").split(","))
    values = {value for name, value in environ.items() if _SECRET_NAME.search(name) or name in servers}
    # An address is none, whatever its variable is called: logs are full of them.
    values = {value for value in values if not _ADDRESS.fullmatch(value)}
    token = environ.get(GIT_TOKEN_VARIABLE, "")
    forms = {_base64(value) for value in (*values, f"oauth2:{token}")} if token else set()
    return values | forms


def _base64(text: str) -> str:
    return base64.b64encode(text.encode(errors="surrogateescape")).decode()


def _cut(line: str) -> str:
    encoded = line.encode(errors="replace")
    if len(encoded) <= LINE_LIMIT_BYTES:
        return line
    return _without_half_token(encoded[: LINE_LIMIT_BYTES - 4].decode(errors="ignore")) + "…"


def _without_half_token(text: str) -> str:
    """Take from the end of what was cut off a word that may be half a token: the reconciler would not know it."""
    unbroken = text[-TOKEN_LIMIT:].rstrip(_OF_TOKENS)
    return text[: max(0, len(text) - TOKEN_LIMIT) + len(unbroken)] if unbroken else text
