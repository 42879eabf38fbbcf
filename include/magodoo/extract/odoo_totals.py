"""Compute the parts of an Odoo order or invoice from its lines: Odoo's header has untaxed, tax and total only."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from magodoo.extract import fields
from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.extract.fields import Row
from magodoo.extract.odoo_fields import link
from magodoo.money import shown

CENT = 100


def write_parts(document: CanonicalDocument, row: Row) -> None:
    """Write header amounts from the row, parts from the lines; the difference between them is discount.

    Sound: untaxed + tax = total, and the lines give both up to the cent per line that rounding globally leaves
    (docs/facts/odoo-19.0.md#3).
    """
    document.untaxed = fields.units(row, "amount_untaxed")
    document.tax = fields.units(row, "amount_tax")
    document.grand_total = fields.units(row, "amount_total")
    lines = [line for line in document.lines if line.is_money]
    document.subtotal = sum(line.gross for line in lines if line.role in ("item", "other", "extra"))
    document.shipping = sum(line.untaxed for line in lines if line.role == "shipping")
    document.adjustment = sum(line.untaxed for line in lines if line.role == "adjustment")
    beside_net, beside_tax = _beside(document, lines, row)
    document.adjustment += beside_net
    document.discount = document.untaxed - document.subtotal - document.shipping - document.adjustment
    leeway = CENT * (len(lines) + 1)
    checks = (
        ("untaxed amount and tax", document.untaxed + document.tax, "its total", document.grand_total, 0),
        ("its lines", _sum(lines, "untaxed") + beside_net, "its untaxed amount", document.untaxed, leeway),
        ("the tax of its lines", _sum(lines, "tax") + beside_tax, "its tax", document.tax, leeway),
    )
    failing = [
        f"{parts} give {shown(given, document.currency)}, {name} is {shown(wanted, document.currency)}:"
        f" {shown(abs(wanted - given), document.currency)} {'more' if wanted > given else 'less'}"
        for parts, given, name, wanted, allowed in checks
        if abs(wanted - given) > allowed
    ]
    document.sound = not failing
    if failing:
        document.details["flaw"] = ". ".join(f"{each[0].upper()}{each[1:]}" for each in failing)


def _beside(document: CanonicalDocument, lines: Sequence[CanonicalLine], row: Row) -> tuple[int, int]:
    """Return net and tax that Odoo posts on lines which are no invoice lines: cash rounding, and a discount that lowers the tax at once.

    `details` name which: cash_rounding in units, discounted_tax the name of the payment term.
    """
    net, tax = document.untaxed - _sum(lines, "untaxed"), document.tax - _sum(lines, "tax")
    step = fields.units(link(row, "invoice_cash_rounding_id"), "rounding")
    if 0 < abs(net + tax) <= step:
        document.details["cash_rounding"] = net + tax
        return net, tax
    term = link(row, "invoice_payment_term_id")
    if term.get("early_discount") and term.get("early_pay_discount_computation") == "mixed" and tax:
        document.details["discounted_tax"] = fields.prose(term, "name") or "payment term"
        return 0, tax
    return 0, 0


def write_amounts(line: CanonicalLine, row: Row) -> None:
    """Write a line's amounts: what it cost before its discount, after it, and its tax."""
    line.price = fields.units(row, "price_unit")
    line.discount_percent = fields.percent(row, "discount") or Decimal(0)
    line.untaxed = fields.units(row, "price_subtotal")
    line.tax = fields.units(row, "price_total") - line.untaxed
    line.gross = gross_of(line)
    line.discount = line.untaxed - line.gross


def gross_of(line: CanonicalLine) -> int:
    """Return price * quantity where the discount leads from there to the net amount; else (taxes included) the amount from the net."""
    left = 1 - line.discount_percent / 100
    if not line.discount_percent or left <= 0:
        return line.untaxed if left > 0 else _whole(Decimal(line.price) * line.quantity / 10_000)
    gross = Decimal(line.price) * line.quantity / 10_000
    if abs(gross * left - line.untaxed) <= 2 * CENT + abs(gross) / 10_000:
        return _whole(gross)
    return _whole(line.untaxed / left)


def _whole(number: Decimal) -> int:
    return int(number.quantize(Decimal(1), ROUND_HALF_UP))


def _sum(lines: Sequence[CanonicalLine], name: str) -> int:
    return sum(getattr(line, name) for line in lines)
