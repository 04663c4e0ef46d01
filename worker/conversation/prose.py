"""An agent's Markdown, read and written anew, so that only what we know how to write comes out.

Called for the agent's summary. The text is parsed and every token is either written by us or shown as text: nothing
of the agent's own markup passes. What stays: paragraphs, lists, quotes, code, emphasis, headings (smaller). What goes:
link targets (shown as code), images (their alternative text stays), HTML (shown as text), HTML comments, rules, tables
(shown as lines).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from worker.conversation import sanitize

_LANGUAGES: Final = re.compile(
    r"bash|c|cpp|csharp|css|diff|go|html|ini|java|javascript|json|kotlin|makefile|php|python|ruby|rust|scss|shell|sh|sql"
    r"|swift|text|toml|ts|tsx|typescript|xml|yaml"
)
"""Fences keep these names only: GitLab draws or applies others (math, mermaid, suggestion)."""
_EMPHASIS: Final = {"em_open": "_", "em_close": "_", "strong_open": "**", "strong_close": "**"}
_MARKDOWN = MarkdownIt("commonmark")


def prose(text: str, limit: int) -> str:
    """Give at most *limit* characters of *text*, cut at a line's end, as Markdown that stands by itself.

    What is written behind it after an empty line is at top level again. "" where nothing is left.
    """
    page = _Page()
    for token in _MARKDOWN.parse(_head(sanitize.clean(text[: 8 * limit + 1000]), limit)):
        page.write(token)
    return "\n".join(page.lines).strip("\n")


def _head(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    lines, _, _ = text[:limit].rpartition("\n")
    # The cut may fall into a fence of the agent's: a line of our own would end up in it. The parser closes it for us.
    return f"{lines or text[:limit]}\n{sanitize.ELLIPSIS}"


class _Page:
    """The lines written so far, and what each further one begins with."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._prefixes: list[str] = []
        self._marker = ""
        self._heading = ""
        self._is_tight = False
        self._begins_list = False
        self._begins_quote = False
        self._block_writers: dict[str, Callable[[Token], None]] = {
            "inline": self._write_inline,
            "fence": self._write_code,
            "code_block": self._write_code,
            "html_block": self._write_html,
            "heading_open": self._open_heading,
            "paragraph_open": self._open_paragraph,
            "blockquote_open": self._open_quote,
            "blockquote_close": self._close,
            "bullet_list_open": self._open_list,
            "ordered_list_open": self._open_list,
            "list_item_open": self._open_item,
            "list_item_close": self._close,
        }

    def write(self, token: Token) -> None:
        """Write one block token; those that have no writer draw nothing."""
        if writer := self._block_writers.get(token.type):
            writer(token)

    def _put(self, block: str) -> None:
        if self.lines and not self._is_tight and not self._begins_quote:
            self.lines.append("".join(self._prefixes[:-1] if self._marker else self._prefixes).rstrip())
        for line in block.split("\n"):
            before = "".join(self._prefixes[:-1]) + self._marker if self._marker else "".join(self._prefixes)
            self.lines.append((before + line).rstrip())
            self._marker = ""
        self._is_tight = self._begins_quote = False

    def _write_inline(self, token: Token) -> None:
        paragraph = _inline(token.children or ())
        if self._heading:
            paragraph = self._heading + paragraph.replace("\\\n", " ").replace("\n", " ")
        self._heading = ""
        if paragraph.strip("# \n"):
            self._put(paragraph)

    def _write_code(self, token: Token) -> None:
        language = token.info.strip().lower()
        self._put(sanitize.fence(token.content.rstrip("\n"), language if _LANGUAGES.fullmatch(language) else ""))

    def _write_html(self, token: Token) -> None:
        if words := sanitize.without_comments(token.content).strip():
            self._put(sanitize.open_no_block(sanitize.escape(words)))

    def _open_heading(self, token: Token) -> None:
        self._heading = "#" * min(6, int(token.tag[1]) + 3) + " "

    def _open_paragraph(self, token: Token) -> None:
        self._is_tight = token.hidden and not self._begins_list
        self._begins_list = False

    def _open_quote(self, _token: Token) -> None:
        self._settle_marker()
        if self.lines:
            self.lines.append("".join(self._prefixes).rstrip())
        self._begins_quote = True
        self._prefixes.append("> ")

    def _open_list(self, token: Token) -> None:
        # A list that is numbered from elsewhere than 1 can't follow a paragraph's line.
        self._begins_list = not self._prefixes or "start" in token.attrs

    def _open_item(self, token: Token) -> None:
        self._settle_marker()
        self._marker = f"{token.info}. " if token.info else "- "
        self._prefixes.append(" " * len(self._marker))

    def _close(self, _token: Token) -> None:
        self._marker = ""
        self._prefixes.pop()

    def _settle_marker(self) -> None:
        """Write an item that begins with another block as a line of its own."""
        if self._marker:
            self._is_tight = True
            self._put(sanitize.ELLIPSIS)


def _inline(tokens: Iterable[Token]) -> str:
    """Write a paragraph. Neighbouring texts are joined first: a dropped link must not hide half of a reference."""
    written, words, target = "", "", ""
    for token in tokens:
        target = str(token.attrs.get("href", "")) if token.type == "link_open" else target
        markup = _close_link(words, target) if token.type == "link_close" else _markup(token)
        if markup:
            written = _beside(_beside(written, _escape(words)), markup)
            words = ""
        elif markup is None:
            words += sanitize.without_comments(token.content) if token.type == "html_inline" else token.content
    written = _beside(written, _escape(words))
    return sanitize.open_no_block(written.removesuffix(sanitize.JOINER))


def _escape(words: str) -> str:
    # Cleaned again: entities such as &#10; and &#x202e; have only now become characters.
    return sanitize.escape(sanitize.clean(words).replace("\n", " "))


def _beside(written: str, more: str) -> str:
    """Keep two code spans apart: their backticks would run together."""
    gap = " " if written.endswith("`") and more.startswith("`") else ""
    return written + gap + more


def _markup(token: Token) -> str | None:
    """Give what is written for a token that isn't text; None where it is."""
    if token.type == "code_inline":
        return sanitize.code_span(token.content)
    if token.type == "softbreak":
        return "\n"
    if token.type == "hardbreak":
        return "\\\n"
    return _EMPHASIS.get(token.type)


def _close_link(words: str, target: str) -> str:
    """Show where a link led, as code, where its text doesn't say it; other schemes and places are dropped."""
    is_shown = target.startswith(("https://", "http://")) and target not in words
    return f" ({sanitize.code_span(target)})" if is_shown else ""
