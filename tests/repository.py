"""The files that belong to the project, for the tests that look at all of them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]


def tracked() -> list[Path]:
    """List every file that git tracks and that is there."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    files = [ROOT / name for name in listing.split("\0") if name]
    return [file for file in files if file.is_file()]


def pages() -> list[Path]:
    """List what people read: the pages at the top and in docs/, and the examples."""
    top = [*ROOT.glob("*.md"), *ROOT.glob("*.example")]
    return sorted([*top, *(ROOT / "docs").rglob("*.md")])
