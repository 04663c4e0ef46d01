"""Text that can't do anything but be read: for terminals, which obey more than they show, and for pages. Pure."""

from __future__ import annotations

import re
from typing import Final

_SEQUENCE: Final = re.compile(
    r"\x1b\][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # a command to the terminal: its title, a link, the clipboard
    r"|\x1b[PX^_][^\x1b\x9c]*(?:\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # colours, and where the cursor goes
    r"|\x1b[ -/]*[0-~]?"
)
_INVISIBLE: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_TURNING: Final = re.compile("[\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
_SILENT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def plain_line(text: str) -> str:
    """Give *text* as one line without control sequences, control characters and what turns the reading direction."""
    return _INVISIBLE.sub("", _SEQUENCE.sub("", text))


def visible_text(text: str) -> str:
    """Give *text* without control sequences, its lines kept; what turns or hides text is shown by its number."""
    return _TURNING.sub(lambda found: f"[U+{ord(found[0]):04X}]", _SILENT.sub("", _SEQUENCE.sub("", text)))
