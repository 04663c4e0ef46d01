"""What a run costs by the operator's table."""

from __future__ import annotations

import pytest

from runtime.adapters.spending import Spending, Usage, price

PRICES = {"m": {"input": 2.0, "cached": 0.5, "output": 10.0}, "plain": {"input": 2.0, "output": 10.0}}


@pytest.mark.parametrize(
    ("model", "usage", "usd"),
    [
        pytest.param("m", Usage(read=1_000_000), 2.0, id="read"),
        pytest.param("m", Usage(read=1_000_000, cached=400_000), 1.4, id="cached"),
        pytest.param("m", Usage(written=500_000), 5.0, id="written"),
        pytest.param("plain", Usage(read=1_000_000, cached=400_000), 2.0, id="no-price-for-cached"),
        pytest.param("m", Usage(read=1, cached=1_000_000), 0.5, id="more-cached-than-read"),
        pytest.param("other", Usage(read=1_000_000, written=1_000_000), 0.0, id="not-in-the-table"),
    ],
)
def test_the_table_prices_tokens(model: str, usage: Usage, usd: float) -> None:
    """USD for a million tokens, by model."""
    assert price(PRICES, model, usage) == pytest.approx(usd)


def test_a_star_is_any_other_model() -> None:
    """A model's own entry goes first."""
    prices = PRICES | {"*": {"input": 1.0}}

    assert price(prices, "other", Usage(read=1_000_000)) == 1.0
    assert price(prices, "m", Usage(read=1_000_000)) == 2.0


def test_sums_go_over_all_calls() -> None:
    """Tokens and costs add up; without a table there are tokens alone."""
    spent, unpriced = Spending(prices=PRICES), Spending()
    for spending in (spent, unpriced):
        spending.add("m", Usage(read=1_000_000))
        spending.add("m", Usage(written=100_000))

    assert (spent.tokens, spent.cost_usd) == (1_100_000, 3.0)
    assert (unpriced.tokens, unpriced.cost_usd) == (1_100_000, 0.0)
