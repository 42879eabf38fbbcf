"""The header amounts of a Magento document, and the lines that stand beside its items: shipping and what discounted it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from magodoo.extract import fields
from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.extract.fields import Row

ONE = 10_000
PAYMENT_PARTS = {
    "gift_cards_amount": "gift card",
    "customer_balance_amount": "store credit",
    "reward_currency_amount": "reward points",
}  # of Adobe Commerce: extension attributes that the grand total is lowered by, though they are payment, not discount


@dataclass(frozen=True)
class Totals:
    """Units, in order currency or, read with the prefix `base_`, in base currency. `discount` includes the compensations.

    grand_total is what was sold: what was paid by gift card, store credit or points is in it.
    """

    subtotal: int
    shipping: int
    shipping_tax: int
    discount: int
    adjustment: int
    tax: int
    grand_total: int

    @classmethod
    def of(cls, row: Row, prefix: str = "", *, adjusted: bool = True) -> Totals:
        """`adjusted` is false for orders: the adjustments that they show are those of their credit memos."""
        # The base name is truncated on orders and invoices (facts magento-2.4.7-more 1.1).
        compensations = (
            f"{prefix}discount_tax_compensation_amount",
            "base_shipping_discount_tax_compensation_amnt" if prefix else "shipping_discount_tax_compensation_amount",
        )
        given = fields.inner(row, "extension_attributes")
        return cls(
            subtotal=fields.units(row, f"{prefix}subtotal"),
            shipping=fields.units(row, f"{prefix}shipping_amount"),
            shipping_tax=fields.units(row, f"{prefix}shipping_tax_amount"),
            discount=fields.units(row, f"{prefix}discount_amount")
            + sum(fields.units(row, name) for name in compensations),
            adjustment=_adjustment(row, prefix) if adjusted else 0,
            tax=fields.units(row, f"{prefix}tax_amount"),
            grand_total=fields.units(row, f"{prefix}grand_total")
            + sum(fields.units(given, f"{prefix}{name}") for name in PAYMENT_PARTS),
        )

    @property
    def parts(self) -> int:
        return self.subtotal + self.shipping + self.discount + self.adjustment + self.tax

    @property
    def hold(self) -> bool:
        """The identity that holds exactly on every sound document (facts magento-2.4.7-more 1.1)."""
        return self.parts == self.grand_total

    def write(self, document: CanonicalDocument, base: Totals) -> None:
        document.subtotal, document.shipping, document.discount = self.subtotal, self.shipping, self.discount
        document.adjustment, document.tax, document.grand_total = self.adjustment, self.tax, self.grand_total
        document.untaxed = self.grand_total - self.tax
        document.base_grand_total, document.base_tax = base.grand_total, base.tax


def _adjustment(row: Row, prefix: str) -> int:
    return fields.units(row, f"{prefix}adjustment_positive") - fields.units(row, f"{prefix}adjustment_negative")


def shipping_line(
    totals: Totals, base: Totals, *, name: str = "", tax_percent: Decimal | None = None
) -> list[CanonicalLine]:
    """One line when there is shipping; its tax is part of the header's tax already."""
    if not totals.shipping and not totals.shipping_tax:
        return []
    line = CanonicalLine(
        line_id="shipping", role="shipping", name=name, quantity=ONE, price=totals.shipping, gross=totals.shipping,
        untaxed=totals.shipping, tax=totals.shipping_tax, base_untaxed=base.shipping, base_tax=base.shipping_tax,
        tax_percent=tax_percent if totals.shipping_tax else Decimal(0), qty_ordered=ONE,
    )  # fmt: skip
    return [line]


def remainder_line(lines: Sequence[CanonicalLine], totals: Totals, base: Totals) -> list[CanonicalLine]:
    """What of the header's discount no item has: the discount on shipping. It has no field of its own (facts 6).

    Also of either sign where Magento spreads a share of it over credit memos without shipping (facts more 1.3).
    """
    amount = totals.discount - sum(line.discount for line in lines)
    if not amount:
        return []
    goods = sum(line.base_untaxed for line in lines)
    base_amount = base.subtotal + base.shipping + base.discount + base.adjustment - goods
    line = CanonicalLine(
        line_id="shipping_discount", role="discount", quantity=ONE, price=amount, gross=amount, untaxed=amount,
        base_untaxed=base_amount, tax_percent=Decimal(0), qty_ordered=ONE,
    )  # fmt: skip
    return [line]
