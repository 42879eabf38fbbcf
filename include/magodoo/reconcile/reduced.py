"""Find Odoo orders without pieces that Magento cancelled or refunded before shipping, as our import writes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from magodoo.domain.given_up import given_up
from magodoo.domain.vocabulary import Kind
from magodoo.money import CURRENCY_DECIMALS, share
from magodoo.reconcile.dataset import Mask, Units
from magodoo.reconcile.quantities import Quantities
from magodoo.reconcile.view import View

_COLUMNS = [
    *("role", "item_key", "parent_item_key", "product_type", "is_money", "untaxed", "tax"),
    *("qty_ordered", "qty_canceled", "qty_shipped", "qty_refunded"),
]


def reduced(view: View, pairs: pd.DataFrame, counted: Quantities) -> tuple[Mask, Units, Units]:
    """Return the pairs whose Odoo order is short only of quantities given up in Magento, with their net and tax (units).

    The three arrays have one element per pair. How much was given up when the order was imported is what is missing in
    the Odoo order: more may have been given up since.
    """
    magento, odoo = pairs["magento"].to_numpy(), pairs["odoo"].to_numpy()
    found = np.zeros(len(pairs), dtype=bool)
    net, tax = np.zeros(len(pairs), dtype=np.int64), np.zeros(len(pairs), dtype=np.int64)
    other = view.of_kind(Kind.ORDER)[magento] & (counted.signatures[magento] != counted.signatures[odoo])
    other &= _with_some_given_up(view)[magento]
    places = np.flatnonzero(other)
    there = _quantities(counted, odoo[places])
    for place in places.tolist():
        amounts = _amounts(view, int(magento[place]), there.get(int(odoo[place]), {}))
        if amounts is not None:
            found[place], net[place], tax[place] = True, *amounts
    whole = view.amounts("grand_total", magento) == view.amounts("grand_total", odoo)
    net[whole], tax[whole] = 0, 0
    return found, net, tax


def _with_some_given_up(view: View) -> Mask:
    """Return the documents with an item of which something was cancelled or refunded."""
    lines, result = view.frames.lines, np.zeros(len(view.exists), dtype=bool)
    some = (lines["qty_canceled"] > 0) | (lines["qty_refunded"] > 0)
    result[lines["document"].to_numpy()[some.to_numpy()]] = True
    return result


def _quantities(counted: Quantities, orders: Units) -> dict[int, dict[int, int]]:
    """Return the units by item of some Odoo orders, by their position."""
    chosen = np.zeros(len(counted.view.exists), dtype=bool)
    chosen[orders] = True
    rows = counted.by_item(chosen)
    found: dict[int, dict[int, int]] = {}
    for document, item, quantity in rows[["document", "item", "quantity"]].to_numpy(np.int64).tolist():
        found.setdefault(document, {})[item] = quantity
    return found


def _amounts(view: View, order: int, there: dict[int, int]) -> tuple[int, int] | None:
    """Return net and tax (units) of what is missing in the Odoo order.

    Returns None if more is missing than was given up, or if it has an item that Magento's order does not have.
    """
    rows: list[Any] = list(view.frames.line_rows(order)[_COLUMNS].itertuples(index=False))
    gone = given_up(rows)
    decimals = CURRENCY_DECIMALS.get(str(view.frames.documents["currency"].iloc[order]), 2)
    sold = {row.item_key: row for row in rows if row.role == "item" and row.is_money and row.qty_ordered > 0}
    if set(there) - set(sold):
        return None
    net = tax = 0
    for item, row in sold.items():
        left, ordered = there.get(item, 0), int(row.qty_ordered)
        least = ordered - (gone[item].pieces if item in gone else 0)
        if not least <= left <= ordered:
            return None
        net += int(row.untaxed) - share(int(row.untaxed), left, ordered, decimals)
        tax += int(row.tax) - share(int(row.tax), left, ordered, decimals)
    return net, tax
