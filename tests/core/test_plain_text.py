"""Text that others wrote, made harmless for terminals and pages."""

from __future__ import annotations

import pytest

from core.plain_text import plain_line, visible_text


@pytest.mark.parametrize(
    ("text", "line", "shown"),
    [
        pytest.param("\x1b[1;31mred\x1b[0m", "red", "red", id="colours"),
        pytest.param("\x1b]8;;https://evil.example\x07a\x1b]52;c;eA==\x1b\\b", "ab", "ab", id="commands"),
        pytest.param("\x1bPx\x9c\x9b2Ja\x1b(Bb\x1b", "ab", "ab", id="others"),
        pytest.param("a\n\tb\r\x00\x7f\x85\u2028", "a\tb", "a\n\tb", id="lines-stay-on-pages"),
        pytest.param("\u202eab\u2066", "ab", "[U+202E]ab[U+2066]", id="turned"),
        pytest.param("a\u200b\U000e0041", "a\u200b\U000e0041", "a[U+200B][U+E0041]", id="hidden"),
        pytest.param("👩\u200d💻 שלום <b>", "👩\u200d💻 שלום <b>", "👩\u200d💻 שלום <b>", id="innocent"),
    ],
)
def test_text_can_only_be_read(text: str, line: str, shown: str) -> None:
    """A terminal gets it without what it obeys; a page shows what turns or hides text."""
    assert (plain_line(text), visible_text(text)) == (line, shown)


def test_a_mebibyte_of_commands_takes_no_time() -> None:
    """None of which ends."""
    for text in ("\x1b]8;;" * 200_000, "\x1b[" * 500_000, "\x1bP" * 500_000):
        assert not visible_text(text).strip("8;")
