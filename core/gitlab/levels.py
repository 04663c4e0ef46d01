"""Access levels of GitLab's. They are compared, never listed: there are levels between the well-known ones."""

from __future__ import annotations

from typing import Final

REPORTER: Final = 20
"""Reads a private project's code, and its confidential issues."""
DEVELOPER: Final = 30
"""Pushes."""
