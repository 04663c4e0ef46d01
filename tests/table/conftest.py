"""The running product, shared by the whole table in a test process."""

from __future__ import annotations

from tests.product.conftest import stack
from tests.worker.conftest import desk, executor, settings, town

__all__ = ["desk", "executor", "settings", "stack", "town"]
