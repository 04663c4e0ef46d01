"""Numbers as people read them: durations, money, plurals, places in a queue. Plain text, not Markdown."""

from __future__ import annotations

from typing import Final

_MINUTE: Final = 60
_HOUR: Final = 3600
_CENT: Final = 0.01
_TEENS: Final = range(11, 14)
_ENDINGS: Final = {1: "st", 2: "nd", 3: "rd"}


def duration(seconds: float) -> str:
    """Give "21 s", "3 min 5 s" or "2 h 4 min"; what is zero at the end falls away."""
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole // _MINUTE, "min", whole % _MINUTE, "s")
    return _two(whole // _HOUR, "h", whole % _HOUR // _MINUTE, "min")


def money(dollars: float) -> str:
    """Give "$0.31"; less than a cent is said in words, so that nothing looks free."""
    return f"${dollars:,.2f}" if dollars >= _CENT else "under $0.01"


def plural(count: int, noun: str) -> str:
    """Give "1 step" or "14 steps"; for nouns that take an s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def ordinal(number: int) -> str:
    """Give "1st", "2nd", "3rd", "11th"."""
    ending = "th" if number % 100 in _TEENS else _ENDINGS.get(number % 10, "th")
    return f"{number:,}{ending}"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"
