"""Finds the line of a note that is a command, as Markdown sees it: not in quotes, code, lists, HTML or comments.

Called by commands alone. A line pattern looks first, so that ordinary notes cost nothing. Only the text's first part is
read as Markdown, with the few rules that matter here: what remains is linear in time, whatever somebody pastes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

REACH_CHARACTERS: Final = 32_768
REACH_LINES: Final = 2_000
"""A command has to begin within so much of the note. More would take markdown-it longer than half a second."""

_CANDIDATE: Final = re.compile(r"(?mi)^ {0,3}/agent(?=\s|\Z)")
_COMMAND: Final = re.compile(r"/agent(?=\s|\Z)", re.IGNORECASE)
_QUOTE_FENCE: Final = re.compile(r">{3,}[ \t]*")
_RETURN: Final = re.compile(r"\r\n?")
_IN_WORD: Final = "command"


@dataclass(frozen=True, slots=True)
class Found:
    """A command: *rest* is all that stands behind ``/agent``, to the note's end.

    *is_out_of_reach*: something that may be one begins too far down to look.
    """

    rest: str
    is_out_of_reach: bool = False


def find_command(text: str) -> Found | None:
    """Give the first command of a note; None where there is none."""
    text = _RETURN.sub("\n", text)
    if not _CANDIDATE.search(text):
        return None
    reach = min(_start_of_line(text, REACH_LINES), REACH_CHARACTERS)
    line = _first_command_line(text[:reach])
    # Looked for once more in the whole text: the cut may have made a command of a longer word.
    if line is not None and (command := _CANDIDATE.match(text, _start_of_line(text, line))):
        return Found(text[command.end() :])
    return Found("", is_out_of_reach=True) if _CANDIDATE.search(text, reach) else None


def _start_of_line(text: str, line: int) -> int:
    at = 0
    for _ in range(line):
        at = text.find("\n", at) + 1
        if not at:
            return len(text)
    return at


def _first_command_line(text: str) -> int | None:
    for token in _MARKDOWN.parse(text):
        if token.type == "inline" and token.level == 1 and token.map:
            for child in token.children or ():
                if child.type == _IN_WORD:
                    return token.map[0] + int(child.meta["line"])
    return None


def _mark_command(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    """Inline rule: ``/agent`` at the start of a paragraph's line becomes a token that knows its line."""
    at = state.pos
    if (at and state.src[at - 1] not in " \n") or not (found := _COMMAND.match(state.src, at)):
        return False
    begins = state.src.rfind("\n", 0, at) + 1
    if state.src[begins:at].strip() or at - begins > _MOST_SPACES:
        return False
    if not silent:
        token: Token = state.push(_IN_WORD, "", 0)
        token.meta = {"line": state.src.count("\n", 0, at)}
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
    return parser


_MOST_SPACES: Final = 3
_MARKDOWN: Final = _parser()
