"""Finds the line of a note that is a command, as Markdown sees it: not in quotes, code, lists, HTML or comments.

Called by commands alone. A pattern looks first, so that ordinary notes cost nothing. Only the text's first part is read
as Markdown, with the few rules that matter here, and only paragraphs that may hold a command are looked into: what
remains is linear in time, whatever somebody pastes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

REACH_CHARACTERS: Final = 16_384
REACH_LINES: Final = 500
"""A command has to begin within so much of the note. More would take markdown-it longer than a tenth of a second."""

_QUOTE_FENCE: Final = re.compile(r">{3,}[ \t]*")
_RETURN: Final = re.compile(r"\r\n?")
_IN_WORD: Final = "command"


@dataclass(frozen=True, slots=True)
class Found:
    """A command: *rest* is all that stands behind ``/agent``, to the note's end.

    *is_mention*: it was a mention, *rest* is what stands behind it, or the whole note without it where it began no
    line. *is_out_of_reach*: something that may be a command begins too far down to look.
    """

    rest: str
    is_mention: bool = False
    is_out_of_reach: bool = False


@dataclass(frozen=True, slots=True)
class _Patterns:
    """What a command looks like: *word* where it begins a line, *mention* anywhere."""

    line: re.Pattern[str]
    word: re.Pattern[str]
    mention: re.Pattern[str]


def find_command(text: str, bot: str = "") -> Found | None:
    """Give the first command of a note; None where there is none. *bot*: the username that a mention has."""
    text = _RETURN.sub("\n", text)
    patterns, lower = _patterns(bot), text.lower()
    if "/agent" not in lower and not (bot and f"@{bot.lower()}" in lower):
        return None
    if not patterns.line.search(text) and not patterns.mention.search(text):
        return None
    reach = min(_start_of_line(text, REACH_LINES), REACH_CHARACTERS)
    places = _places(text[:reach], patterns)
    begun = next((at for at, begins_line in places if begins_line), None)
    # Looked for once more in the whole text: the cut may have made a command of a longer word.
    if begun is not None and (command := patterns.word.match(text, begun)):
        return Found(text[command.end() :], is_mention=text[begun] == "@")
    within = next((at for at, begins_line in places if not begins_line), None)
    if within is not None and (mention := patterns.mention.match(text, within)):
        return Found(_without(text, mention), is_mention=True)
    return Found("", is_out_of_reach=True) if _is_below(text, reach, patterns) else None


@lru_cache(maxsize=4)
def _patterns(bot: str) -> _Patterns:
    # GitLab's own idea of where a username begins and ends.
    name = rf"@{re.escape(bot)}(?![\w-]|\.\w)" if bot else "(?!)"
    word = rf"(?:/agent(?=\s|\Z)|{name}[,:]?)"
    return _Patterns(
        line=re.compile(rf"^ {{0,3}}{word}", re.MULTILINE | re.IGNORECASE),
        word=re.compile(word, re.IGNORECASE),
        mention=re.compile(rf"(?<![\w/@.-]){name}", re.IGNORECASE),
    )


def _start_of_line(text: str, line: int) -> int:
    at = 0
    for _ in range(line):
        at = text.find("\n", at) + 1
        if not at:
            return len(text)
    return at


def _places(text: str, patterns: _Patterns) -> list[tuple[int, bool]]:
    """List where in *text* the first of what may be commands stands, each with whether it begins its line."""
    found: list[tuple[int, bool]] = []
    env = {"patterns": patterns, "seen": set()}
    for token in _MARKDOWN.parse(text):
        if token.type == "inline" and token.level == 1 and token.map and _may_hold_one(token.content, patterns):
            for child in _MARKDOWN.inline.parse(token.content, _MARKDOWN, env, []):
                if child.type == _IN_WORD:
                    at = _start_of_line(text, token.map[0] + child.meta["line"])
                    # A paragraph's content begins behind the blanks of its first line.
                    blanks = 0 if child.meta["line"] else _blanks(text, at)
                    found.append((at + blanks + child.meta["column"], child.meta["begins_line"]))
    return found


def _may_hold_one(content: str, patterns: _Patterns) -> bool:
    return bool(patterns.line.search(content) or patterns.mention.search(content))


def _blanks(text: str, at: int) -> int:
    line = text[at:].partition("\n")[0]
    return len(line) - len(line.lstrip())


def _without(text: str, mention: re.Match[str]) -> str:
    before, behind = text[: mention.start()].rstrip(" \t"), text[mention.end() :]
    return before.removesuffix(",") + behind if before else behind.lstrip(" \t,:")


def _is_below(text: str, reach: int, patterns: _Patterns) -> bool:
    return bool(patterns.line.search(text, reach) or patterns.mention.search(text, reach))


def _mark_command(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    """Inline rule: a command at the start of a paragraph's line, or a mention, becomes a token that knows its place."""
    at, patterns = state.pos, state.env.get("patterns")
    if patterns is None or state.src[at] not in "/@":
        return False
    begins = state.src.rfind("\n", 0, at) + 1
    begins_line = not state.src[begins:at].strip() and at - begins <= _MOST_SPACES
    found = (patterns.word if begins_line else patterns.mention).match(state.src, at)
    # Of each kind only the first counts: the others stay text.
    if not found or begins_line in state.env["seen"]:
        return False
    if not silent:
        state.env["seen"].add(begins_line)
        token: Token = state.push(_IN_WORD, "", 0)
        token.meta = {"line": state.src.count("\n", 0, at), "column": at - begins, "begins_line": begins_line}
    state.pos = found.end()
    return True


def _skip_quote_fence(state: StateBlock, line: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - see above
    """Block rule: GitLab's quotes between lines of ``>>>``; one that is never closed quotes the rest."""
    opens = _line(state, line)
    if state.level or not _QUOTE_FENCE.fullmatch(opens):
        return False
    if not silent:
        closes = (at for at in range(line + 1, end) if _line(state, at).rstrip() == opens.rstrip())
        state.line = next(closes, end - 1) + 1
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] : state.eMarks[line]]


def _parser() -> MarkdownIt:
    blocks = ["code", "fence", "blockquote", "hr", "list", "html_block", "heading", "paragraph"]
    parser = MarkdownIt("zero", {"html": True}).enable([*blocks, "newline", "escape", "backticks", "html_inline"])
    parser.block.ruler.before("blockquote", "quote_fence", _skip_quote_fence, {"alt": ["paragraph", "list"]})
    parser.inline.ruler.before("text", "command", _mark_command)
    # Paragraphs are looked into one by one.
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


_MOST_SPACES: Final = 3
_MARKDOWN: Final = _parser()
