"""Makes the table in docs/project-file.md of `worker.project_file.Keys`; `make docs` writes it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from worker.project_file import Keys

PAGE: Final = Path(__file__).parents[1] / "docs" / "project-file.md"
BEGINS: Final = "| key | what it has to be | what it says |\n|---|---|---|\n"


def table() -> str:
    """Give the table of every key."""
    rows = (f"| `{name}` | {key.title} | {key.description} |\n" for name, key in Keys.model_fields.items())
    return BEGINS + "".join(rows)


def with_table(page: str) -> str:
    """Give *page* with the table as it is now."""
    before, _, behind = page.partition(BEGINS)
    rows = behind.splitlines(keepends=True)
    kept = next((at for at, row in enumerate(rows) if not row.startswith("|")), len(rows))
    return before + table() + "".join(rows[kept:])


if __name__ == "__main__":
    sys.stdout.write(with_table(PAGE.read_text("utf-8")))
