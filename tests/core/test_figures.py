"""Numbers as people read them."""

from __future__ import annotations

import pytest

from core.figures import duration, money, ordinal, plural


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (duration(0), "0 s"),
        (duration(-1), "0 s"),
        (duration(21.4), "21 s"),
        (duration(59.6), "1 min"),
        (duration(185), "3 min 5 s"),
        (duration(3600), "1 h"),
        (duration(7_499), "2 h 4 min"),
        (money(0.31), "$0.31"),
        (money(1234.5), "$1,234.50"),
        (money(0.001), "under $0.01"),
        (plural(1, "step"), "1 step"),
        (plural(0, "step"), "0 steps"),
        (plural(1400, "step"), "1,400 steps"),
        (ordinal(1), "1st"),
        (ordinal(2), "2nd"),
        (ordinal(3), "3rd"),
        (ordinal(4), "4th"),
        (ordinal(11), "11th"),
        (ordinal(112), "112th"),
        (ordinal(23), "23rd"),
    ],
    ids=str,
)
def test_figures(shown: str, expected: str) -> None:
    """Each figure has one form."""
    assert shown == expected
