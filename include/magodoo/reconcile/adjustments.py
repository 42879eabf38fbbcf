"""Find the tax that the setting `adjustment_tax` takes out of a credit memo's adjustment.

In Magento the adjustment carries no tax; in Odoo its lines do. What Odoo shows is as expected if its adjustment with its tax is
Magento's amount and the tax is that of the order's rates up to the rounding of each line (`magodoo.domain.adjustments`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from magodoo.domain.adjustments import AT_THE_ORDERS_RATES, Sold, divided
from magodoo.domain.vocabulary import Kind
from magodoo.money import CURRENCY_DECIMALS
from magodoo.reconcile.dataset import Units
from magodoo.reconcile.view import View


def taxes_within(view: View, pairs: pd.DataFrame) -> Units:
    """Return for each pair the tax in units that belongs to the books and not to Magento's document; 0 without such an adjustment.

    Where Odoo's lines do not fit, it is the tax that they should have: what differs from it is then a difference.
    """
    magento, odoo = pairs["magento"].to_numpy(), pairs["odoo"].to_numpy()
    found = np.zeros(len(pairs), dtype=np.int64)
    if view.instance.adjustment_tax != AT_THE_ORDERS_RATES:
        return found
    adjusted = view.of_kind(Kind.CREDIT_MEMO)[magento] & (view.column("adjustment")[magento] != 0)
    for pair in np.flatnonzero(adjusted & (view.order_of[magento] >= 0)).tolist():
        found[pair] = _within(view, int(magento[pair]), int(odoo[pair]))
    return found


def _within(view: View, memo: int, entry: int) -> int:
    amount = int(view.amounts("adjustment", np.array([memo]))[0])
    sold, lines = _sold(view, int(view.order_of[memo]))
    currency, step = str(view.frames.documents["currency"].iloc[memo]), int(view.steps[memo])
    expected = divided(amount, [sold], CURRENCY_DECIMALS.get(currency, 2))[0].tax
    net, tax, count = _in_odoo(view, entry)
    fits = net + tax == amount and abs(tax - expected) <= step * (count + lines)
    return tax if fits else expected


def _sold(view: View, order: int) -> tuple[Sold, int]:
    """Return the goods that an order sold, all rates together, and the number of their lines."""
    rows = view.frames.line_rows(order)
    rows = rows[(rows["role"] == "item") & rows["is_money"]]
    return Sold(int(rows["untaxed"].sum()), int(rows["tax"].sum()), None), len(rows)


def _in_odoo(view: View, entry: int) -> tuple[int, int, int]:
    """Return net and tax in units of the adjustment lines of a credit note, and their number."""
    rows = view.frames.line_rows(entry)
    rows = rows[rows["role"] == "adjustment"]
    return int(rows["untaxed"].sum()), int(rows["tax"].sum()), len(rows)
