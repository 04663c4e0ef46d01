"""A desk as the steps find it."""

from __future__ import annotations

from tests.worker.conftest import desk, executor, settings, town

__all__ = ["desk", "executor", "settings", "town"]
