"""Backticks become code, and all else is text."""

from __future__ import annotations

import pytest

from bot.coded import coded


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("plain <b>", "plain &lt;b&gt;"),
        ("run `make <x>` now", "run <code>make &lt;x&gt;</code> now"),
        ("`a` and `b`", "<code>a</code> and <code>b</code>"),
        ("it`s", "it`s"),
        ("`a` it`s", "<code>a</code> it`s"),
        ("``", "<code></code>"),
    ],
)
def test_code_stands_between_backticks(text: str, html: str) -> None:
    """A backtick alone stays one."""
    assert coded(text) == html
