"""Decimal arithmetic as Magento does it: cents half up, columns of four decimals, rounding carried forward."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

ZERO = Decimal(0)
_CENT = Decimal("0.01")
_COLUMN = Decimal("0.0001")

Row = dict[str, Any]
"""One row of a table: column name to value. Money and quantities are Decimal, or int after a load."""


def dec(value: Any) -> Decimal:
    """Return a column's value for calculating; an absent one counts as 0."""
    return value if isinstance(value, Decimal) else Decimal(str(value or 0))


def of(row: Row, column: str) -> Decimal:
    return dec(row.get(column))


def cents(value: Decimal) -> Decimal:
    """Round to two decimals, half away from zero (PHP's round)."""
    return value.quantize(_CENT, ROUND_HALF_UP)


def stored(value: Decimal) -> Decimal:
    """As a decimal(20,4) column gives it back."""
    return value.quantize(_COLUMN, ROUND_HALF_UP).normalize() + ZERO


def add(row: Row, column: str, amount: Decimal) -> None:
    row[column] = stored(of(row, column) + amount)


def plain(value: Decimal) -> str:
    """`54.05`, `0`: a number inside a message."""
    return f"{stored(value):f}"


class Carry:
    """Rounds a series of prices and carries what was cut to the next one, one carry per kind.

    Magento's documents use one each: kinds "regular", "base", "including", "including_base". The carry is subtracted
    instead of added for discounts (`negative`). The steps are in binary floats on purpose, because PHP's are: which way
    an exact half falls depends on their noise (three of 9.99 with 2.47 tax: 0.82, 0.82, 0.83). What comes out is cents.
    """

    def __init__(self, first: float = 0.0) -> None:
        self._first = first
        self._carried: dict[Any, float] = {}

    def round(self, value: Decimal, kind: Any = "regular") -> Decimal:
        return self._round(float(value), kind, negative=False)

    def share(
        self, whole: Decimal, done: Decimal, available: Decimal, qty: Decimal, kind: str, *, negative: bool = False
    ) -> Decimal:
        """Return what `qty` of the `available` pieces get of `whole - done`."""
        return self._round((float(whole) - float(done)) / float(available) * float(qty), kind, negative=negative)

    def _round(self, value: float, kind: Any, *, negative: bool) -> Decimal:
        if not value and not self._first:
            return ZERO
        sign = -1 if negative else 1
        exact = value + sign * self._carried.get(kind, self._first)
        rounded = cents(Decimal(f"{exact:.14e}"))
        self._carried[kind] = sign * (exact - float(rounded))
        return rounded
