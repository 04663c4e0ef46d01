"""Turn the Markdown of issues and comments into safe HTML: no tag of the author's gets through but three harmless ones.

The texts are hostile. HTML comments vanish, as on GitLab; every other tag is shown as text.
"""

import re
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

EMOJI = {
    "eyes": "👀",
    "thumbsup": "👍",
    "thumbsdown": "👎",
    "white_check_mark": "✅",
    "x": "❌",
    "rocket": "🚀",
    "warning": "⚠️",
    "tada": "🎉",
    "robot": "🤖",
    "heart": "❤️",
    "hourglass": "⌛",
    "hourglass_flowing_sand": "⏳",
    "no_entry": "⛔",
    "no_entry_sign": "🚫",
    "stop_sign": "🛑",
    "question": "❓",
    "construction": "🚧",
}

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_HARMLESS = re.compile(r"(</?(?:details|summary)>|<br ?/?>)")
_TASK = re.compile(r"^\[([ xX])\] ")
_SHORTCODE = re.compile(r":([a-z_]+):")


def render(text: str) -> Markup:
    """Return the HTML of a text, to be put into a page as it is."""
    return Markup(_MARKDOWN.render(text))  # noqa: S704 - every tag of the text was escaped by the rules below


def emoji(name: str) -> str:
    """Return the character of an emoji's name, or the name in colons."""
    return EMOJI.get(name, f":{name}:")


def _mark_tasks(state: StateCore) -> None:
    """Replace the `[x] ` that begins a list item by a check box."""
    for before, token in zip(state.tokens[1:], state.tokens[2:], strict=False):
        children = token.children
        if token.type != "inline" or before.type != "paragraph_open" or not children:
            continue
        item = state.tokens[state.tokens.index(before) - 1]
        found = _TASK.match(children[0].content) if item.type == "list_item_open" else None
        if found:
            children[0].content = children[0].content[found.end() :]
            children.insert(0, Token("task", "", 0, content=found[1].lower()))
            item.attrSet("class", "task")


def _name_emoji(state: StateCore) -> None:
    for token in state.tokens:
        for child in token.children or ():
            if child.type == "text":
                child.content = _SHORTCODE.sub(lambda found: EMOJI.get(found[1], found[0]), child.content)


def _escaped_html(tokens: Sequence[Token], index: int, *_: Any) -> str:
    parts = _HARMLESS.split(_COMMENT.sub("", tokens[index].content))
    return "".join(part if _HARMLESS.fullmatch(part) else escapeHtml(part) for part in parts)


def _check_box(tokens: Sequence[Token], index: int, *_: Any) -> str:
    return f'<input type="checkbox" disabled{" checked" if tokens[index].content == "x" else ""}> '


def _build() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": True, "breaks": True}).enable(["table", "strikethrough"])
    markdown.core.ruler.push("tasks", _mark_tasks)
    markdown.core.ruler.push("emoji", _name_emoji)
    rules: dict[str, Any] = getattr(markdown.renderer, "rules")  # noqa: B009 - the protocol of renderers hides it
    rules |= {"html_block": _escaped_html, "html_inline": _escaped_html, "task": _check_box}
    return markdown


_MARKDOWN = _build()
