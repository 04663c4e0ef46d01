"""Takes secrets out of text before it is stored, logged or shown.

What it knows: the exact values that this process holds (also as base64 and URL-encoded), and the shapes of well-known
tokens. A stream is redacted line by line; no known secret holds a newline.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, MutableMapping
from typing import Any
from urllib.parse import quote

MARK = "[redacted]"
SHORTEST = 6
"""Shorter values are not looked for: they would turn ordinary words into marks."""

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
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        """Give *text* without secrets."""
        if self._known is not None:
            text = self._known.sub(MARK, text)
        return _SHAPES.sub(MARK, text)

    def processor(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Redact every value of a log record: a structlog processor."""
        for key, value in event.items():
            if not isinstance(value, bool | int | float | None):
                event[key] = self(value if isinstance(value, str) else str(value))
        return event


def _spellings(secret: str) -> set[str]:
    spellings = {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode().rstrip("=")}
    # A token inside `user:token` shifts base64 by one or two characters; git sends it as `oauth2:<token>`.
    spellings.add(base64.b64encode(f"oauth2:{secret}".encode()).decode().rstrip("="))
    return spellings
