"""Explain why a document is `not_representable`: which of its lines, at which price, and what the order has instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from magodoo.domain.vocabulary import Side
from magodoo.money import shown
from magodoo.reconcile import shares
from magodoo.reconcile.rows import Document
from magodoo.reconcile.situation import Situation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_NAMED = 5


def words(situation: Situation, row: Document, tolerance: int) -> str:
    """Return as text which lines have no equivalent on the other side.

    `tolerance` is how many units the net amount of a line may differ by rounding.
    """
    if Side(row.side) is Side.MAGENTO:
        return "The document has no line that carries an amount"
    if shares.consolidated(situation.view)[row.at]:
        return "It invoices several orders, and a Magento invoice belongs to one"
    named = list(dict.fromkeys(_lines(situation, row, tolerance)))
    more = f"; {len(named) - MOST_NAMED} more lines" if len(named) > MOST_NAMED else ""
    return "; ".join(named[:MOST_NAMED]) + more


def _lines(situation: Situation, row: Document, tolerance: int) -> Iterator[str]:
    view = situation.view
    order = int(view.order_of[row.at])
    sold = view.frames.line_rows(order).set_index("item_key") if order >= 0 else None
    columns = ["role", "sku", "item_key", "quantity", "untaxed"]
    for values in view.frames.line_rows(row.at)[columns].astype(object).to_numpy().tolist():
        line = dict(zip(columns, values, strict=True))
        sku, net = line["sku"] or "a line without an article number", shown(int(line["untaxed"]), row.currency)
        what = f"{sku} ({net} {row.currency} net)"
        if line["role"] == "other" or (line["role"] == "item" and not line["item_key"]):
            yield f"{what} is no item and no shipping of the order"
        elif line["role"] == "item" and sold is not None:
            yield from _price(line, sold, what, row.currency, tolerance)


def _price(line: Mapping[str, Any], sold: pd.DataFrame, what: str, currency: str, tolerance: int) -> Iterator[str]:
    """Yield a text if the line's price differs from its item's, or the order no longer has the item."""
    key, quantity, untaxed = (int(line[name]) for name in ("item_key", "quantity", "untaxed"))
    if key not in sold.index:
        yield f"{what} is an item that the order has no more"
        return
    item = sold.loc[[key]].iloc[0]
    ordered, net = max(int(item["qty_ordered"]), 1), int(item["untaxed"])
    if abs(untaxed * ordered - net * quantity) > tolerance * ordered and quantity:
        here, there = untaxed * 10_000 // quantity, net * 10_000 // ordered
        yield f"{what} is {shown(here, currency)} each, and {shown(there, currency)} on Magento's order"
