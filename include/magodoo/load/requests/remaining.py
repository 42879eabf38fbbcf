"""What is left of a Magento order: pieces that were cancelled before its import are not imported, or Odoo would deliver them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.load.requests.prepared import RequestProblem
from magodoo.money import share
from magodoo.vocabulary import FindingType

_AMOUNTS = ("gross", "discount", "untaxed", "tax", "base_untaxed", "base_tax")


def remaining(order: CanonicalDocument, decimals: int) -> CanonicalDocument:
    """The order without what was cancelled of its items: quantities, amounts in proportion, and its totals less the difference.

    `reconcile.compare` expects exactly these amounts of an order that Odoo holds without the cancelled pieces.
    """
    lines = [_left(line, decimals) for line in order.lines]
    if lines == order.lines:
        return order
    gone = {
        name: sum(getattr(line, name) for line in order.lines) - sum(getattr(line, name) for line in lines)
        for name in _AMOUNTS
    }
    return replace(
        order,
        lines=lines,
        quantity=sum(line.qty_ordered for line in lines if line.role == "item" and line.is_money),
        grand_total=order.grand_total - gone["untaxed"] - gone["tax"],
        base_grand_total=order.base_grand_total - gone["base_untaxed"] - gone["base_tax"],
        tax=order.tax - gone["tax"],
    )


def nothing_left(order: CanonicalDocument) -> list[RequestProblem]:
    """The problem of an order of which nothing but cancelled items is left."""
    if any(line.role == "item" and line.is_money and line.qty_ordered for line in order.lines):
        return []
    words = "every item of the order was cancelled in Magento: there is nothing left to import"
    step = "Nothing to do; close the order in Magento"
    return [RequestProblem("cancelled", words, FindingType.NOT_REPRESENTABLE, step)]


def _left(line: CanonicalLine, decimals: int) -> CanonicalLine:
    if line.role != "item" or not line.is_money or line.qty_canceled <= 0 or line.qty_ordered <= 0:
        return line
    left = max(line.qty_ordered - line.qty_canceled, 0)
    amounts: dict[str, Any] = {name: share(getattr(line, name), left, line.qty_ordered, decimals) for name in _AMOUNTS}
    return replace(line, quantity=left, qty_ordered=left, **amounts)
