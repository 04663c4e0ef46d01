"""What `ablehand doctor` says of one thing that it checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.errors import AblehandError


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked; *mend* is empty where it is right."""

    what: str
    mend: str = ""


def checked(what: str, check: Callable[[], object], mend: str = "") -> Finding:
    """Find *what* right if *check* raises no error of ours; otherwise its words and *mend* say what to do."""
    try:
        check()
    except AblehandError as error:
        return Finding(what, f"{error} {mend}".strip())
    return Finding(what)
