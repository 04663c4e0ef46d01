"""Hostile text does nothing on GitLab, and still says what it says."""

from __future__ import annotations

import re
import sys
import time
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversation.hostile import ATTACKS, CLOSING, HOSTILE, MARKDOWN, MENTION, REFERENCE, J, assert_harmless
from worker.conversation import sanitize
from worker.conversation.prose import prose

PROSE = {
    "paragraphs": ("One.\n\nTwo\nlines.", "One.\n\nTwo\nlines."),
    "list": ("- a\n- b\n  - c\n\n2. d\n3. e", "- a\n- b\n  - c\n\n2. d\n3. e"),
    "loose list": ("* a\n\n* b\n\n  more", "- a\n\n- b\n\n  more"),
    "quote": ("x\n> a\n>\n> b", "x\n\n> a\n>\n> b"),
    "code": ("Use `x` and\n```py\ny\n```\nz", "Use `x` and\n\n```\ny\n```\n\nz"),
    "known language": ("```python\ny\n```", "```python\ny\n```"),
    "drawn language": ("```mermaid\ny\n```", "```\ny\n```"),
    "open fence": ("```\ny", "```\ny\n```"),
    "fence in a fence": ("````\n```\n/merge\n```\n````", "````\n```\n /merge\n```\n````"),
    "indented code": ("a\n\n    /b", "a\n\n```\n /b\n```"),
    "emphasis": ("**a** and *b*", "**a** and _b_"),
    "headings": ("# A\n## B\n\nC\n---", "#### A\n\n##### B\n\n##### C"),
    "link": ("see [docs](https://x.y/z)", "see docs (`https://x.y/z`)"),
    "link elsewhere": ("see [docs](ftp://x.y) and [here](README.md)", "see docs and here"),
    "bare address": ("see https://x.y/z now", "see `https://x.y/z` now"),
    "image": ("a ![chart](https://x/y.png) b", "a chart b"),
    "html": ("a <b>c</b>\n\n<div>\n/merge\n</div>", "a &lt;b&gt;c&lt;/b&gt;\n\n&lt;div&gt;\n\\/merge\n&lt;/div&gt;"),
    "html comment": ("a <!-- b --> c\n\n<!--\n\nd\n-->", "a  c"),
    "quick actions": ("/merge\n  /close\r\n/a\u2028/b\x0b/c", "\\/merge\n\\/close\n\\/a\n\\/b\n\\/c"),
    "quick action in a list": ("- a\n  /merge", "- a\n  \\/merge"),
    "mentions": ("@all and @g/sub, \\@all &#64;all", f"@{J}all and @{J}g/sub, @{J}all @{J}all"),
    "references": ("#1 !2 &3 %4 ^6", f"\\#{J}1 !{J}2 \\&{J}3 %{J}4 ^{J}6"),
    "closing": ("Closes #1, fixes a/b#2, X-1", f"Closes #{J}1, fixes a/b#{J}2, X-1"),
    "closing a tracker's": ("Closes ABC-1", f"Closes ABC-{J}1"),
    "code keeps its signs": ("`@all #1`", "`@all #1`"),
    "code beside an address": ("`a`https://x.y", "`a` `https://x.y`"),
    "hidden in entities": ("a&#10;/merge &#x202e;b", "a /merge b"),
    "split by a link": ("!\\[a](https://x)1 [#](x)1", f"!{J}\\[{J}a\\](`https://x)1` #{J}1"),
    "nothing": ("<!-- -->\n\n---\n", ""),
}


@given(HOSTILE)
def test_prose_is_harmless(text: str) -> None:
    """No action, mention, reference, closing pattern, HTML, image or link survives in an agent's summary."""
    assert_harmless(prose(text, 4000))


@given(HOSTILE, st.integers(1, 200))
def test_what_follows_prose_is_at_top_level(text: str, limit: int) -> None:
    """However the summary ends or is cut, our own paragraph behind it is a paragraph."""
    tokens = MARKDOWN.parse(f"{prose(text, limit)}\n\nours")

    assert [token.type for token in tokens[-3:]] == ["paragraph_open", "inline", "paragraph_close"]
    assert (tokens[-3].level, tokens[-2].content) == (0, "ours")


@given(HOSTILE)
def test_inline_is_one_harmless_line(text: str) -> None:
    """A title stays one line, in a list item or as a paragraph."""
    line = sanitize.inline(text, 200)

    assert "\n" not in line
    assert_harmless(line)
    assert_harmless(f"- [ ] {line} · `x`")


@given(HOSTILE)
def test_code_can_not_be_left(text: str) -> None:
    """All of the text is in one code span."""
    (paragraph,) = [token for token in MARKDOWN.parse(f"a {sanitize.code(text, 300)} z") if token.type == "inline"]

    assert [token.type for token in paragraph.children or ()] == ["text", "code_inline", "text"]


@given(HOSTILE, st.integers(1, 100))
def test_block_is_one_fence(text: str, limit: int) -> None:
    """All of a script's output is in one fence, no line of it in the first column is an action."""
    shown = sanitize.block(text, limit)

    assert [token.type for token in MARKDOWN.parse(shown)] == (["fence"] if shown else [])
    assert re.search(r"(?m)^/", shown) is None


@given(HOSTILE)
def test_plain_is_dead_without_markdown(text: str) -> None:
    """In a title or a commit message nothing has an effect either."""
    line = sanitize.plain(text, 200)

    assert "\n" not in line
    assert [pattern.pattern for pattern in (MENTION, REFERENCE, CLOSING) if pattern.search(line)] == []


@pytest.mark.parametrize(("text", "expected"), PROSE.values(), ids=PROSE)
def test_prose_stays_readable(text: str, expected: str) -> None:
    """What is harmless looks as the agent wrote it."""
    assert prose(text, 4000) == expected


def test_prose_is_cut_at_a_line() -> None:
    """A long summary ends at a line, and an open fence is closed behind the mark."""
    assert prose("one\n\ntwo\n\nthree", 10) == "one\n\ntwo\n\n…"
    assert prose("```\naaa\nbbb\nccc\n```", 10) == "```\naaa\n…\n```"


@pytest.mark.parametrize(
    ("function", "text", "expected"),
    [
        pytest.param(sanitize.inline, "a\n b\t c", "a b c", id="inline joins lines"),
        pytest.param(sanitize.inline, "- a_b `c`", "\\- a\\_b \\`c\\`", id="inline escapes"),
        pytest.param(sanitize.inline, "aaaa bbbb cccc dddd", "aaaa bbbb…", id="inline cuts at a word"),
        pytest.param(sanitize.code, "a`b", "``a`b``", id="code with a backtick"),
        pytest.param(sanitize.code, "`a`", "`` `a` ``", id="code in backticks"),
        pytest.param(sanitize.code, "\n", "`  `", id="code of nothing"),
        pytest.param(sanitize.plain, "[ci-skip]#1", f"[{J}ci-skip]#…", id="plain"),
        pytest.param(sanitize.block, "a\r\n\x1b[1mb\x1b[0m", "```\na\nb\n```", id="block without ANSI"),
        pytest.param(sanitize.block, "first\nlast line\n", "```\n…\nlast line\n```", id="block keeps the end"),
    ],
)
def test_one_line_forms(function: Callable[[str, int], str], text: str, expected: str) -> None:
    """Each form shows the text in its own way, at most so much of it."""
    assert function(text, 12) == expected


def test_everything_invisible_is_dropped() -> None:
    """Every control, format, surrogate and private tag character that Unicode knows is gone."""
    hidden = [chr(code) for code in range(sys.maxunicode) if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs"}]

    assert set(sanitize.clean("".join(hidden))) == {"\n", "\t"}
    assert sanitize.clean("a\u200bb\u202ec\U000e0041d\ufe01e é 漢 👍🏽") == "abcde é 漢 👍🏽"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        pytest.param("a<!-- b -->c", "ac", id="comment"),
        pytest.param("a\n<!-- b\n\nc", "a\n", id="open comment at a line's start hides the rest"),
        pytest.param("use `<!--` here", "use `<!--` here", id="open comment in a line hides nothing"),
        pytest.param("![do evil](x.png)", "![](x.png)", id="alternative text"),
        pytest.param("![do [evil]\nnow](x.png)", "![](x.png)", id="alternative text with brackets over lines"),
        pytest.param("a\u200b\u2066b", "ab", id="hidden characters"),
    ],
)
def test_visible_is_what_a_reader_sees(text: str, seen: str) -> None:
    """What GitLab doesn't show doesn't reach the agent."""
    assert sanitize.visible(text) == seen


BOMBS = ["![", "[", "<!--", "<!-- -->", "`", "```\n", "> ", "- ", "\x1b[", "\x1b]"]
BOMBS += ["@", "a:", "://", "A-", "A1_", "\n", "\u200b"]


FORMS: dict[str, Callable[[str], str]] = {
    "inline": lambda text: sanitize.inline(text, 4000),
    "code": lambda text: sanitize.code(text, 4000),
    "plain": lambda text: sanitize.plain(text, 4000),
    "block": lambda text: sanitize.block(text, 4000),
    "prose": lambda text: prose(text, 4000),
    "visible": sanitize.visible,
}
MEBIBYTE = 2**20
MOST_SECONDS = 0.4
"""A tenth of a second, on a processor that others use too."""


def assert_quick(text: str) -> None:
    """Fail where one of the forms takes too long, of the best of a few tries: others' work is not counted."""
    for name, form in FORMS.items():
        seconds: list[float] = []
        while len(seconds) < 3 and not (seconds and min(seconds) < MOST_SECONDS):
            began = time.process_time()
            form(text)
            seconds.append(time.process_time() - began)
        assert min(seconds) < MOST_SECONDS, name


@pytest.mark.parametrize("bomb", [*BOMBS, *dict.fromkeys(ATTACKS)], ids=repr)
def test_is_quick_on_a_mebibyte(bomb: str) -> None:
    """Of one thing again and again."""
    assert_quick(bomb * (MEBIBYTE // len(bomb.encode(errors="replace"))))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.sampled_from([*BOMBS, *ATTACKS]), st.text(max_size=6)), min_size=1, max_size=6))
def test_is_quick_on_a_mebibyte_of_anything(pieces: list[str]) -> None:
    """Of some things in turn."""
    unit = "".join(pieces) or " "

    assert_quick(unit * (MEBIBYTE // len(unit.encode(errors="replace"))))


def test_odd_addresses_are_no_links() -> None:
    """Only a plain http(s) address becomes a link."""
    assert sanitize.link("log", "https://a.b/tasks/42?key=x_-y") == "[log](https://a.b/tasks/42?key=x_-y)"
    assert sanitize.link("log", "javascript:x") == "log `javascript:x`"
    assert sanitize.link("log", "https://a.b/) @all") == "log `https://a.b/) @all`"
