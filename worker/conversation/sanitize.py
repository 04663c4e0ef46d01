"""Text of agents, repositories and GitLab users, made harmless for what the bot posts on GitLab.

Called by every module here that writes a sentence. Pure; knows nothing of tasks. `prose` has a file of its own.

A word joiner (U+2060) behind the sigil kills mentions and references. A backslash would not: GitLab looks for them in
the rendered text, where the backslash is gone, and in titles and commit messages, which aren't Markdown. A code span
would change how the text looks. The joiner is invisible, breaks no line, and is no part of any name.
"""

from __future__ import annotations

import re
from typing import Final

JOINER: Final = "\u2060"
ELLIPSIS: Final = "…"

_ANSI = re.compile(r"\x1b(?:\[[0-?]*+[ -/]*+[@-~]|\][^\x07\x1b]*+(?:\x07|\x1b\\)?|[@-Z\\^_])")
_LINE_ENDS = ("\r\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
_ALT_TEXT = re.compile(r"!\[(?:[^\[\]]|\[[^\[\]]*\])*+\]")
_SIGIL = re.compile(r"([@#!&%~$^*\[])(?=\S|\Z)")
_TRACKER_KEY = re.compile(r"((?<![A-Za-z0-9])[A-Z][A-Z0-9_]{1,30}-)(?=\d|\Z)")
_ADDRESS = re.compile(r"((?:[a-z][a-z0-9+.-]{0,30}://|www\.|mailto:|xmpp:)[^\s`]*)", re.IGNORECASE)
_SCHEME = re.compile(r"(://|www\.|mailto:|xmpp:)(?=\S)", re.IGNORECASE)
_MARKDOWN = re.compile(r"([\\`*_~\[\]|{}$&])")
_OPENS_BLOCK = re.compile(r"(?m)^([-+=:;/#]|\d{1,9}(?=[.)]))")
_COLUMN_ZERO_ACTION = re.compile(r"(?m)^/")
_BACKTICKS = re.compile(r"`+")
_PLAIN_LINK = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(?:/[\w.~%/+@:=&?#,;!-]*)?", re.ASCII)


def inline(text: str, limit: int) -> str:
    """Give *text*, at most *limit* characters of it, as one line of Markdown that does nothing."""
    return open_no_block(escape(_one_line(text, limit)).removesuffix(JOINER))


def code(text: str, limit: int) -> str:
    """Give *text* as one code span that can't be left from inside; a blank one where nothing is to be shown."""
    return code_span(_one_line(text, limit))


def plain(text: str, limit: int) -> str:
    """Give *text* as one line of at most *limit* characters for what isn't Markdown: titles and commit messages.

    No mention, reference, closing pattern or ``[skip ci]`` in it has an effect. May be empty.
    """
    dead = _TRACKER_KEY.sub(rf"\1{JOINER}", _SCHEME.sub(rf"\1{JOINER}", _one_line(text, limit)))
    return cut(_SIGIL.sub(rf"\1{JOINER}", dead).removesuffix(JOINER), limit)


def block(text: str, limit: int) -> str:
    """Give the last *limit* characters of *text*, from a line's start, as a fenced block; "" where nothing is left."""
    end = text[-(8 * limit + 1000) :]
    shown = clean(end).strip("\n")
    if len(shown) > limit or len(end) < len(text):
        tail = shown[-limit:]
        shown = f"{ELLIPSIS}\n{tail.split(chr(10), 1)[-1]}"
    return fence(shown) if shown.strip() else ""


def link(label: str, url: str) -> str:
    """Give a Markdown link to an address of ours or GitLab's; one that holds anything odd is shown as code instead."""
    return f"[{label}]({url})" if _PLAIN_LINK.fullmatch(url) else f"{label} {code(url, 300)}"


def clean(text: str) -> str:
    r"""Drop what can't be seen (ANSI sequences, control, bidi and zero-width characters); every line ends in ``\n``."""
    # What is left of the escapes goes in one go: a mebibyte of them would cost the pattern a tenth of a second.
    text = _ANSI.sub("", text).replace("\x1b", "")
    for end in _LINE_ENDS:
        text = text.replace(end, "\n")
    return _HIDDEN.sub("", text)


def visible(text: str) -> str:
    """Give what a reader of *text* on GitLab sees: no hidden characters, HTML comments or alternative texts."""
    return _ALT_TEXT.sub("![]", without_comments(clean(text)))


def without_comments(text: str) -> str:
    """Drop ``<!-- … -->``; one that never ends hides the rest only where it begins a line, as it does on GitLab."""
    kept: list[str] = []
    at = 0
    while (start := text.find("<!--", at)) >= 0:
        end = text.find("-->", start + 4)
        if end < 0:
            hides_rest = not text[text.rfind("\n", 0, start) + 1 : start].strip()
            return "".join([*kept, text[at : start if hides_rest else len(text)]])
        kept.append(text[at:start])
        at = end + 3
    return "".join([*kept, text[at:]])


def cut(text: str, limit: int) -> str:
    """Shorten one line to *limit* characters, at a word where one ends near."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    at_word = head.rsplit(" ", 1)[0]
    return (at_word if len(at_word) > limit // 2 else head).rstrip() + ELLIPSIS


def escape(text: str) -> str:
    """Escape cleaned *text* for use within a paragraph; addresses become code spans, so that they're no links."""
    pieces = _ADDRESS.split(text)
    return "".join(code_span(piece) if index % 2 else _escape_words(piece) for index, piece in enumerate(pieces))


def open_no_block(paragraph: str) -> str:
    """Keep every line of escaped Markdown from beginning a list, a heading, a rule, front matter or a quick action."""
    lines = "\n".join(line.lstrip() for line in paragraph.split("\n"))
    return _OPENS_BLOCK.sub(lambda match: f"{match[0]}\\" if match[0][0].isdigit() else f"\\{match[0]}", lines)


def code_span(text: str) -> str:
    """Put one line into a code span with more backticks than any run inside."""
    ticks = "`" * (_longest_run(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") or not text else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def fence(text: str, language: str = "") -> str:
    """Put cleaned lines into a fence longer than any inside.

    A slash in the first column moves by one: GitLab finds fences by a pattern of its own, which longer ones escape.
    """
    ticks = "`" * max(3, _longest_run(text) + 1)
    return f"{ticks}{language}\n{_COLUMN_ZERO_ACTION.sub(' /', text)}\n{ticks}"


def _one_line(text: str, limit: int) -> str:
    return cut(" ".join(clean(text[: 8 * limit + 1000]).split()), limit)


def _escape_words(text: str) -> str:
    dead = _TRACKER_KEY.sub(rf"\1{JOINER}", _SIGIL.sub(rf"\1{JOINER}", text))
    return _MARKDOWN.sub(r"\\\1", dead).replace("<", "&lt;").replace(">", "&gt;")


def _longest_run(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)
