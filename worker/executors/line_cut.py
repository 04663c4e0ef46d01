"""Where a line that is too long is cut: behind a character that no token holds, so that none is cut in two. Pure."""

from __future__ import annotations

import string
from typing import Final

TOKEN_LIMIT_BYTES: Final = 4096
"""What is longer without a break is no token."""
_OF_TOKENS: Final = (string.ascii_letters + string.digits + "_+/=.%~-").encode()
_CONTINUATION: Final = 0x80
_CONTINUATION_MASK: Final = 0xC0
_CHARACTER_BYTES: Final = 4


def cut_place(block: bytes, start: int, limit: int) -> int:
    """Give where the line that begins at *start* and goes on behind *limit* is cut; whole characters on both sides."""
    window = max(start, limit - TOKEN_LIMIT_BYTES)
    unbroken = block[window:limit].rstrip(_OF_TOKENS)
    return _character_start(block, window + len(unbroken) if unbroken else limit)


def _character_start(block: bytes, position: int) -> int:
    """Give the start of the UTF-8 character that a cut at *position* would split, or *position* where it is none."""
    for back in range(_CHARACTER_BYTES):
        if block[position - back] & _CONTINUATION_MASK != _CONTINUATION:
            return position - back
    return position
