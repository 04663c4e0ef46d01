"""Text with code between backticks, as HTML: the one mark that sentences of ours and agents' words have. Pure."""

from __future__ import annotations

from markupsafe import Markup, escape


def coded(text: str) -> Markup:
    """Escape *text*; what stands between two backticks becomes code. A backtick without another stays one."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        pieces[-2:] = [f"{pieces[-2]}`{pieces[-1]}"]
    parts = [Markup("<code>{}</code>").format(piece) if at % 2 else escape(piece) for at, piece in enumerate(pieces)]
    return Markup("").join(parts)
