"""What a run has used, and what that costs by the operator's price table where the agent itself knows no prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from runtime.adapters.json_values import number

ANY_MODEL: Final = "*"
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call or of several: *cached* are among *read*."""

    read: int = 0
    cached: int = 0
    written: int = 0


@dataclass(slots=True, kw_only=True)
class Spending:
    """The run's sums so far. *prices* is the order's."""

    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    turns: int = 0
    tokens: int = 0
    cost_usd: float = 0.0

    def add(self, model: str, usage: Usage) -> None:
        """Add a call's tokens, and what the table says that they cost; nothing for a model that is not in it."""
        self.tokens += usage.read + usage.written
        self.cost_usd += price(self.prices, model, usage)


def price(prices: Mapping[str, Mapping[str, float]], model: str, usage: Usage) -> float:
    """Give the USD for *usage*: a model's entry has USD for a million tokens as ``input``, ``cached`` and ``output``.

    Cached tokens cost as much as others where the entry has no price for them.
    """
    entry = prices.get(model) or prices.get(ANY_MODEL) or {}
    fresh, cached = number(entry.get("input")), number(entry.get("cached", entry.get("input")))
    read = max(usage.read - usage.cached, 0) * fresh + usage.cached * cached
    return (read + usage.written * number(entry.get("output"))) / _MILLION
