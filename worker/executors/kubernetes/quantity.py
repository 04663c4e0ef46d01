"""Kubernetes' amounts: ``500m``, ``2Gi``, ``1e3``, as numbers that can be compared and added."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from kubernetes.utils.quantity import parse_quantity as _parse

_LONGEST: Final = 40


def amount(quantity: object) -> Decimal:
    """Give *quantity* as a number.

    Raises:
        ValueError: It is none.
    """
    if len(str(quantity)) > _LONGEST:
        raise ValueError("too long for an amount")
    parse: Any = _parse
    number = Decimal(parse(quantity))
    if not number.is_finite():
        raise ValueError(f"{quantity} is no amount")
    return number
