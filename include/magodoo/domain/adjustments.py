"""Divide an adjustment of a credit memo over what its order was sold at, with the tax that is in it.

Magento's adjustments carry no tax (docs/facts/magento-2.4.7-more.md#1.2). A goodwill refund on a taxed sale is a part of what the customer
paid for the goods, tax included, so under `adjustment_tax: as the order's rates` the books lower the tax by the part that is in it. What
is refunded of the shipping stands in a field of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from magodoo.money import rounded

AT_THE_ORDERS_RATES = "as the order's rates"
"""The value of the setting `adjustment_tax` under which an adjustment is divided."""


class Sold(NamedTuple):
    """What an order sold at one tax: untaxed amount and tax in units; percent is None where the tax is as Magento charged it."""

    net: int
    tax: int
    percent: Decimal | None


class Share(NamedTuple):
    """A part of an adjustment, in units; net and tax together are what the customer gets or pays."""

    net: int
    tax: int


def divided(amount: int, sold: Sequence[Sold], decimals: int) -> list[Share]:
    """Return the part of an adjustment for each of `sold`, in proportion to what the customer paid for it.

    `amount` is in units, with tax, below 0 for a fee. The parts sum to it, rounded to the currency's decimals; the difference of rounding
    goes to the largest. All are 0 where the order sold nothing above 0.
    """
    weights = [max(each.net + each.tax, 0) for each in sold]
    whole, total = rounded(amount, decimals), sum(weights)
    if not total:
        return [Share(0, 0) for _ in sold]
    parts = [_cents(Decimal(whole) * weight / total, decimals) for weight in weights]
    parts[weights.index(max(weights))] += whole - sum(parts)
    taxes = [_cents(part * _within(each), decimals) for part, each in zip(parts, sold, strict=True)]
    return [Share(part - tax, tax) for part, tax in zip(parts, taxes, strict=True)]


def _within(sold: Sold) -> Decimal:
    """Return which share of an amount with tax is the tax."""
    if sold.percent is not None:
        return sold.percent / (100 + sold.percent)
    gross = sold.net + sold.tax
    return Decimal(sold.tax) / gross if gross > 0 else Decimal(0)


def _cents(units: Decimal, decimals: int) -> int:
    step = 10 ** (4 - decimals)
    return int((units / step).to_integral_value(ROUND_HALF_UP)) * step
