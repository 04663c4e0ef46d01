"""Hypothesis without a time limit for each example: a busy machine is no defect. Bounded time has tests of its own."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("ablehand", deadline=None)
settings.load_profile("ablehand")
