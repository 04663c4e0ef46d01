"""Texts of a mebibyte that are hard to read, and all that reads or shows such texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from worker.conversation import prose, sanitize
from worker.conversation.commands import parse
from worker.conversation.failures import OWN_WORDS_LIMIT

MIB: Final = 1 << 20
PIECES: Final = (
    "> ", ">", "[", "![", "- ", "<", "`", "*a ", "a\n", "- a\n", "a\n\n", "\\", "&", "<!--", ">>>\n", "/agent ", "\t",
    "@duke ", "\n", "--draft ", "--draft\n", "<a ", "1. ", "#\n", "~~~\n", "é", " ", "<!--\n", "`\n", "a@duke", "<?",
    "<![CDATA[", "\x1b[", "\x1b]", "http://", "A1-", "\u200b", "](", "**", "_ ", "| ", "&#x0", "```\n",
)  # fmt: skip
_PLACES: Final = ("{}", "{}\n/agent x", "/agent {}", "/agent\n{}", "@duke {}", "`\n/agent x\n{}", "x\n{}\n@duke")


def _filled(place: str, piece: str) -> str:
    return place.format(piece * (MIB // len(piece.encode())))


CORPUS: Final = {f"{place!r} {piece!r}": _filled(place, piece) for place in _PLACES for piece in PIECES}
READERS: Final[dict[str, Callable[[str], object]]] = {
    "parse": lambda text: parse(text, bot="duke"),
    "prose": lambda text: prose.prose(text, OWN_WORDS_LIMIT),
    "inline": lambda text: sanitize.inline(text, 300),
    "code": lambda text: sanitize.code(text, 300),
    "plain": lambda text: sanitize.plain(text, 300),
    "block": lambda text: sanitize.block(text, 1_500),
    "visible": sanitize.visible,
}
