"""What every answer of ours tells the browser not to do."""

from __future__ import annotations

from typing import Final

_STRICT: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
PAGE: Final = _STRICT | {
    # Not no-referrer: with that, browsers send our own forms with the Origin null, which we refuse.
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
}
"""Of a page: nothing from elsewhere, nothing inline, and it stands in nobody's frame."""
HARMLESS: Final = _STRICT | {
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
}
"""Of text and data: should a browser show it as a page, it is one that can do nothing."""
