"""Compute what of a Magento order is imported: its items without what was cancelled or refunded before it was shipped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from magodoo.domain.given_up import GivenUp, given_up
from magodoo.domain.vocabulary import FindingType, Kind
from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.flows.sources import Sources
from magodoo.ledger.planned import RequestProblem
from magodoo.money import share

_AMOUNTS = ("gross", "discount", "untaxed", "tax", "base_untaxed", "base_tax")


def remaining(order: CanonicalDocument, decimals: int) -> CanonicalDocument:
    """Return the order without what was cancelled of its items and what was refunded of them before it was shipped.

    Quantities are reduced, amounts in proportion, and the totals by the difference. An item that is refunded whole is
    kept with quantity 0: it was invoiced. `reconcile.comparison` expects exactly these amounts of an order that Odoo
    holds without these pieces.
    """
    gone = given_up(order.lines)
    if not gone:
        return order
    lines = [_left(line, gone, decimals) for line in order.lines]
    less = {
        name: sum(getattr(line, name) for line in order.lines) - sum(getattr(line, name) for line in lines)
        for name in _AMOUNTS
    }
    return replace(
        order,
        lines=lines,
        quantity=sum(line.qty_ordered for line in lines if line.role == "item" and line.is_money),
        grand_total=order.grand_total - less["untaxed"] - less["tax"],
        base_grand_total=order.base_grand_total - less["base_untaxed"] - less["base_tax"],
        tax=order.tax - less["tax"],
    )


def is_refunded_whole(line: CanonicalLine) -> bool:
    """Return whether nothing is left of an item that was invoiced: Odoo's order needs its line, with quantity 0."""
    return line.role == "item" and line.is_money and line.qty_ordered == 0 and line.qty_refunded > 0


def nothing_left(order: CanonicalDocument) -> list[RequestProblem]:
    """Return the problem of an order of which only cancelled items are left."""
    if any(
        line.role == "item" and line.is_money and (line.qty_ordered or is_refunded_whole(line)) for line in order.lines
    ):
        return []
    words = "every item of the order was cancelled in Magento: there is nothing left to import"
    step = "Nothing to do; close the order in Magento"
    return [RequestProblem("cancelled", words, FindingType.NOT_REPRESENTABLE, step)]


def left_out(sources: Sources, order: CanonicalDocument) -> dict[str, int]:
    """Return the units by item that were refunded before they shipped and are not in Odoo's order, or will not be once it is imported."""
    refunded = {str(item): each.refunded for item, each in given_up(order.lines).items() if each.refunded}
    theirs = sources.counterpart(Kind.ORDER, order.source_id) if refunded else None
    if theirs is None:
        return refunded
    there: dict[str, int] = {}
    for line in theirs.lines:
        if line.role == "item" and line.item_key:
            there[line.item_key] = there.get(line.item_key, 0) + line.qty_ordered
    missing = {
        str(line.item_key): line.qty_ordered - line.qty_canceled - there.get(str(line.item_key), line.qty_ordered)
        for line in order.lines
        if line.is_money
    }
    return {item: least for item, units in refunded.items() if (least := min(units, missing.get(item, 0))) > 0}


def _left(line: CanonicalLine, gone: dict[Any, GivenUp], decimals: int) -> CanonicalLine:
    if line.role != "item" or line.item_key not in gone or not line.is_money:
        return line
    left = max(line.qty_ordered - gone[line.item_key].pieces, 0)
    amounts: dict[str, Any] = {name: share(getattr(line, name), left, line.qty_ordered, decimals) for name in _AMOUNTS}
    return replace(line, quantity=left, qty_ordered=left, **amounts)
