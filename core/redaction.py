"""Takes secrets out of text before it is stored, logged or shown.

What it knows: the exact values that this process holds (also as base64 and URL-encoded), and the shapes of well-known
tokens. A log is redacted line by line, each by itself: a secret that stands across lines, because it was wrapped or its
line was cut, is known by its pieces at their ends.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, MutableMapping
from typing import Any, Final
from urllib.parse import quote

MARK = "[redacted]"
SHORTEST = 6
"""Shorter values are not looked for: they would turn ordinary words into marks."""
SHORTEST_PIECE: Final = 6
"""Of a value that stands across lines, at most half of it: what stays of it then is shorter, and on one side alone."""

SHAPES = (
    r"gl(?:pat|ptt|dt|rt|cbt|ft|oas|soat|imt|agent)-[\w.-]{16,}",
    r"whsec_[A-Za-z0-9+/=]{20,}",
    r"sk-(?:ant-|proj-)?[\w-]{16,}",
    r"gh[pousr]_[A-Za-z0-9]{20,}",
    r"github_pat_\w{20,}",
    r"xox[abeprs]-[\w-]{10,}",
    r"(?:AKIA|ASIA)[A-Z0-9]{16}",
    r"AIza[\w-]{35}",
    r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}",
    r"(?<=://)[^\s:/@]{0,256}:[^\s:/@]{1,256}(?=@)",
    r"(?i:(?<=authorization: basic )|(?<=authorization: bearer ))[\w+/=.-]{8,}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.{0,8192}?-----END [A-Z ]*PRIVATE KEY-----)?",
)
_SHAPES = re.compile("|".join(f"(?:{shape})" for shape in SHAPES), re.DOTALL)


class Redactor:
    """Replaces secrets by a mark. Cheap enough for every log line; safe to share between threads."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spellings = {spelling for secret in secrets if len(secret) >= SHORTEST for spelling in _spellings(secret)}
        longest_first = sorted(spellings, key=len, reverse=True)
        self._pieces = [(spelling, min(SHORTEST_PIECE, (len(spelling) + 1) // 2)) for spelling in longest_first]
        self._longest = max(map(len, longest_first), default=0)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        """Give *text* without secrets."""
        if self._known is not None:
            text = self._known.sub(MARK, text)
        return _SHAPES.sub(MARK, text)

    def line(self, text: str) -> str:
        """Give a log's line without secrets, nor a piece of one that has its rest in the line before or behind."""
        text = self(text)
        if len(text) < self._longest and any(len(text) >= least and text in known for known, least in self._pieces):
            return MARK
        begin = max((_begin_of(known, text, least) for known, least in self._pieces), default=0)
        end = max((_end_of(known, text, least) for known, least in self._pieces), default=0)
        return f"{MARK if begin else ''}{text[begin : len(text) - end]}{MARK if end else ''}"

    def processor(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Redact every value of a log record: a structlog processor."""
        for key, value in event.items():
            if not isinstance(value, bool | int | float | None):
                event[key] = self(value if isinstance(value, str) else str(value))
        return event


def _begin_of(known: str, text: str, least: int) -> int:
    """Count the characters that *text* begins with and *known* ends with; 0 where they are fewer than *least*."""
    seed, window = known[-least:], text[: len(known)]
    place = window.rfind(seed)
    while place >= 0:
        if known.endswith(window[: place + least]):
            return place + least
        place = window.rfind(seed, 0, place + least - 1)
    return 0


def _end_of(known: str, text: str, least: int) -> int:
    """Count the characters that *text* ends with and *known* begins with; 0 where they are fewer than *least*."""
    seed, window = known[:least], text[-len(known) :]
    place = window.find(seed)
    while place >= 0:
        if known.startswith(window[place:]):
            return len(window) - place
        place = window.find(seed, place + 1)
    return 0


def _spellings(secret: str) -> set[str]:
    spellings = {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode().rstrip("=")}
    # A token inside `user:token` shifts base64 by one or two characters; git sends it as `oauth2:<token>`.
    spellings.add(base64.b64encode(f"oauth2:{secret}".encode()).decode().rstrip("="))
    return spellings
