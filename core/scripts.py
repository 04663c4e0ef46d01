"""The Lua scripts of the ledger, each with what it shares with the others put before it.

Redis runs a script as a whole: what two of them have in common has to be text in both. `lists.lua` and `counts.lua` are
that text; the tables that they need are made from `core.task` and `core.counts`, so that there is one place for them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core.counts import BUCKETS, MOST_PAYERS, spelt
from core.reasons import UNLISTED_REASONS
from core.task import Phase

PREFIX: Final = "{ablehand}"
"""In braces, so that all keys share one slot of a Redis Cluster."""

_FOLDER: Final = Path(__file__).parent / "lua"
_SHARED: Final = ("lists", "counts")


def _read() -> dict[str, str]:
    texts = {path.stem: path.read_text("ascii") for path in _FOLDER.glob("*.lua")}
    shared = "\n".join([*_tables(), *(texts.pop(name) for name in _SHARED)])
    return {name: f"{shared}\n{text}" for name, text in texts.items()}


def _tables() -> list[str]:
    statuses = ", ".join(f"{phase.value} = '{phase.status.value}'" for phase in Phase)
    unlisted = ", ".join(f"['{reason.value}'] = true" for reason in sorted(UNLISTED_REASONS))
    bounds = ", ".join(f"{name} = {{{', '.join(map(spelt, own))}}}" for name, own in BUCKETS.items())
    return [
        f"local STATUS = {{{statuses}}}",
        f"local UNLISTED = {{{unlisted}}}",
        f"local BUCKETS = {{{bounds}}}",
        f"local MOST_PAYERS = {MOST_PAYERS}",
    ]


SCRIPTS: Final = _read()
"""By their files' names."""
