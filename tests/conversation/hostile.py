"""What people try on GitLab, and the check that none of it would work."""

from __future__ import annotations

import re

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from worker.conversation import sanitize

J = sanitize.JOINER
MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})
QUICK_ACTION = re.compile(r"^\s*/[a-z_]", re.IGNORECASE)
MENTION = re.compile(r"@[A-Za-z0-9_.]")
REFERENCE = re.compile(r"(?:[#!&^%$]|GL-)\d|~[A-Za-z0-9]|[%~][\"']|\*iteration:|\[[a-z_]+:")
CLOSING = re.compile(
    r"(?:clos|fix|resolv|implement)\w*:?\s+(?:[\w/.-]*#\d|https?://\w|[A-Z][A-Z0-9_]+-\d)", re.IGNORECASE
)
FORBIDDEN = {"html_block", "html_inline", "image", "link_open", "hr"}
ATTACKS = [
    *[
        "/merge",
        "/label ~bug",
        "@all",
        "@group/sub",
        "#1",
        "!2",
        "&3",
        "%4",
        "~l",
        "$5",
        "^6",
        '*iteration:"x"',
        "[issue:1]",
    ],
    *[
        "Closes #1",
        "fixes grp/proj#2",
        "Implements GL-3",
        "resolves https://x.y/a/-/issues/1",
        "Closes ABC-12",
        "www.x.y",
    ],
    *[
        "![a](http://x/y.png)",
        "[a](http://x)",
        "[a]: http://x\n",
        "<b>",
        "<!--",
        "-->",
        "<script>",
        "<details>\n",
        "&#64;all",
    ],
    *["```", "````", "~~~", "``", "`", "```mermaid\n", "\n", "\r\n", "\r", "\x0b", "\x0c", "\u2028", "\u2029", "\x85"],
    *[
        "- ",
        "1. ",
        "7. ",
        "> ",
        ">>>\n",
        "    ",
        "  ",
        " ",
        "# ",
        "---\n",
        "===\n",
        "***",
        "**",
        "_",
        "\\",
        "|",
        "&#10;",
        "&#x202e;",
        "\u202e",
    ],
    *[
        "\u200b",
        "\x1b[31m",
        "\x00",
        "a",
        "B2",
        "{",
        ":::\n",
        "$$\n",
        "\ud800",
        "https://x",
        "a@b.c",
        "[[_TOC_]]",
        "::include{file=x}",
    ],
]
HOSTILE = st.lists(st.one_of(st.sampled_from(ATTACKS), st.text(max_size=6)), max_size=25).map("".join)


def _all(tokens: list[Token]) -> list[Token]:
    return [each for token in tokens for each in (token, *_all(token.children or []))]


def _outside_code(markdown: str) -> str:
    """Give what a reader sees outside of code, a line for each text."""
    return "\n".join(token.content for token in _all(MARKDOWN.parse(markdown)) if token.type == "text")


def _lines_outside_fences(markdown: str) -> list[str]:
    lines = markdown.split("\n")
    for token in MARKDOWN.parse(markdown):
        if token.type == "fence" and token.map:
            lines[slice(*token.map)] = [""] * (token.map[1] - token.map[0])
    return lines


def assert_harmless(markdown: str) -> None:
    """Fail where GitLab would do or show anything but text, lists, quotes, code and headings."""
    tokens = _all(MARKDOWN.parse(markdown))
    seen = _outside_code(markdown)
    assert FORBIDDEN.isdisjoint(token.type for token in tokens)
    assert [line for line in _lines_outside_fences(markdown) if QUICK_ACTION.search(line)] == []
    assert re.search(r"(?m)^/", markdown) is None
    assert MENTION.search(seen) is None
    assert REFERENCE.search(seen) is None
    assert CLOSING.search(seen) is None
    assert sanitize.clean(markdown.replace(J, "")) == markdown.replace(J, "")
    MARKDOWN.render(markdown).encode()
