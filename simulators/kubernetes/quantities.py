"""Kubernetes' quantities: "200m", "1Gi", "4e3" as numbers. Pure."""

import re
from decimal import Decimal
from typing import Final

_FORM: Final = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?")
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final[dict[str, int]] = {
    name: 1024**power for power, name in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)
}


class NoQuantity(ValueError):
    """The text is not a quantity."""


def parse_quantity(text: str) -> Decimal:
    """Return the number that *text* stands for: cores, bytes or pieces; raise NoQuantity where it is none."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise NoQuantity("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
    number: Decimal = Decimal(found[1])
    suffix: str = found[2] or ""
    exponent: str | None = found[3]
    if exponent is not None:
        return number.scaleb(int(exponent))
    if suffix in _BINARY:
        return number * _BINARY[suffix]
    power: int = _DECIMAL[suffix] if suffix else 0
    return number.scaleb(power)
