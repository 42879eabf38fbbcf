"""Compute what an Odoo before 19 makes of an order's lines: there no tax can be forced on an order (docs/facts/odoo-versions.md#2).

Unit prices are cut to the digits of *Product Price*, and the tax is Odoo's own. What of that is Magento's to the cent, and what is off by
rounding only, is decided here for the request, for what reconciling finds later, and for preflight.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from magodoo.money import from_units, to_units

PRICES = "Product Price"
"""The decimal accuracy of unit prices (Settings, Technical, Decimal Accuracy)."""
_PERCENT = Decimal("0.01")  # Odoo keeps a discount with two decimals
_HUNDRED = Decimal(100)


@dataclass(frozen=True)
class Rounding:
    """How a company's Odoo rounds.

    Attributes:
        digits: The digits of *Product Price*, with which unit prices are kept.
        globally: Whether taxes are rounded once for the document (*Round Globally*), not for each line.
    """

    digits: int
    globally: bool


@dataclass(frozen=True)
class SoldLine:
    """Hold a line with Magento's figures.

    Attributes:
        price: The price of a piece before discount.
        discount: Percent.
        net: Units, rounded to the currency, as is `tax`.
        tax_key: Which tax it has in Odoo, or "".
        percent: That tax's rate.
    """

    quantity: Decimal
    price: Decimal
    discount: Decimal
    net: int
    tax: int
    tax_key: str = ""
    percent: Decimal = Decimal(0)


class Outcome(StrEnum):
    """What Odoo makes of an order: Magento's totals, those but for rounded tax, or another untaxed amount or another tax."""

    EXACT = "exact"
    ROUNDED = "rounded"
    UNTAXED = "untaxed"
    TAX = "tax"

    @property
    def arrives(self) -> bool:
        """Return whether such an order is imported."""
        return self in (Outcome.EXACT, Outcome.ROUNDED)


@dataclass(frozen=True)
class Computed:
    """Hold what Odoo makes of some lines, in units. `taxes` are by the key of the tax."""

    outcome: Outcome
    untaxed: int
    tax: int
    taxes: dict[str, int]


def sent(line: SoldLine, rounding: Rounding, decimals: int) -> tuple[Decimal, Decimal]:
    """Return the unit price, with the digits that are kept, and the discount percent from which Odoo computes the net amount, or comes nearest.

    Magento's own price and discount come first, then its price with the percentage that fits it, then the net price.
    """
    step = Decimal(1).scaleb(-rounding.digits)
    price = line.price.quantize(step, ROUND_HALF_UP)
    if not line.quantity:
        return price, line.discount
    net, gross = from_units(line.net), price * line.quantity
    tried = [(price, line.discount)]
    if line.discount and gross:
        fitting = ((1 - net / gross) * _HUNDRED).quantize(_PERCENT, ROUND_HALF_UP)
        tried += [(price, fitting)] if 0 < fitting <= _HUNDRED else []
    tried.append(((net / line.quantity).quantize(step, ROUND_HALF_UP), Decimal(0)))
    misses = [abs(_raw(line.quantity, *each) - net) for each in tried]
    if rounding.globally:  # what is beyond the cents is added up over the lines
        return tried[misses.index(min(misses))]
    exact = (each for each in tried if _rounded(_raw(line.quantity, *each), decimals) == net)
    return next(exact, tried[-1])


def computed(lines: Sequence[SoldLine], rounding: Rounding, decimals: int) -> Computed:
    """Return the totals that Odoo computes from what is `sent` of the lines, and whether they are Magento's.

    Odoo rounds a line's net amount before it computes its tax; with *Round Globally* only the sums are rounded.
    """
    untaxed, taxes = Decimal(0), defaultdict[str, Decimal](Decimal)
    for line in lines:
        base = _raw(line.quantity, *sent(line, rounding, decimals))
        base = base if rounding.globally else _rounded(base, decimals)
        tax = base * line.percent / _HUNDRED
        untaxed += base
        taxes[line.tax_key] += tax if rounding.globally else _rounded(tax, decimals)
    by_key = {key: to_units(_rounded(tax, decimals)) for key, tax in taxes.items()}
    found, tax_found = to_units(_rounded(untaxed, decimals)), sum(by_key.values())
    outcome = _outcome(lines, found, tax_found, by_key, decimals)
    return Computed(outcome, found, tax_found, by_key)


def _outcome(lines: Sequence[SoldLine], untaxed: int, tax: int, taxes: dict[str, int], decimals: int) -> Outcome:
    if untaxed != sum(line.net for line in lines):
        return Outcome.UNTAXED
    asked = sum(line.tax for line in lines)
    if not is_forceable(lines, taxes) or abs(tax - asked) > allowed((line.tax for line in lines), decimals):
        return Outcome.TAX
    return Outcome.EXACT if tax == asked else Outcome.ROUNDED


def allowed(taxes: Iterable[int], decimals: int) -> int:
    """Return the units by which the tax of an order may differ by rounding: half of the smallest amount for each line with tax."""
    return 10 ** (4 - decimals) * sum(1 for tax in taxes if tax) // 2


def is_forceable(lines: Iterable[SoldLine], taxes: dict[str, int]) -> bool:
    """Return whether Odoo's invoice of the lines has a tax item for every tax that Magento's has, so that it can be made exact."""
    asked = defaultdict[str, int](int)
    for line in lines:
        asked[line.tax_key] += line.tax
    return all(taxes.get(key) or not tax for key, tax in asked.items())


def _raw(quantity: Decimal, price: Decimal, discount: Decimal) -> Decimal:
    return price * quantity * (_HUNDRED - discount) / _HUNDRED


def _rounded(amount: Decimal, decimals: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
