"""What axe-core, from npm, finds on a page that keeps somebody from using it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.browser.chromium import require

FILE = Path(sys.prefix) / "node_modules" / "axe-core" / "axe.min.js"
"""Where `make .venv/node_modules/axe-core/axe.min.js` puts it."""


def shortcomings(page: Page) -> list[str]:
    """List what is wrong with the page as it is now: the rule and the elements."""
    require(FILE.exists(), "axe-core")
    # By way of the debugger: the page's own policy lets in no script of others.
    page.evaluate(f"() => {{ {FILE.read_text('utf-8')} }}")
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['impact']}: {violation['id']}: {[node['html'][:200] for node in violation['nodes']]}"
        for violation in found["violations"]
    ]
