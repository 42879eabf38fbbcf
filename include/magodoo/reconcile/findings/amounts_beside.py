"""Report what an order's total contains beside its parts, such as a fee, if no invoice of the order contains it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.money import shown
from magodoo.reconcile.dataset import ROLES, Mask, Units
from magodoo.reconcile.finding import Finding, about
from magodoo.reconcile.situation import Situation
from magodoo.reconcile.view import View


def not_invoiced(situation: Situation) -> list[Finding]:
    """Return the findings not_invoiced.

    They concern matched orders of which Magento has invoiced every item, but not all of what their total contains
    beside its parts, tax included.
    """
    view = situation.view
    orders = view.select(Side.MAGENTO, Kind.ORDER) & view.exists & situation.matching.paired & ~view.before_cut_over
    orders &= view.column("beside_in") != ""
    positions = np.flatnonzero(orders & _invoiced(view, orders))
    if not len(positions):
        return []
    keys = view.column("order_key")
    invoices = view.select(Side.MAGENTO, Kind.INVOICE) & view.active & np.isin(keys, keys[positions])
    held = pd.Series(_beside(view)[invoices]).groupby(keys[invoices]).sum()
    left = _beside(view)[positions] - held.reindex(keys[positions]).fillna(0).to_numpy(np.int64)
    result = []
    for order, units in zip(view.frames.rows(positions), left.tolist(), strict=True):
        if abs(units) <= view.tolerances[order.at]:
            continue
        made = about(FindingType.NOT_INVOICED, order, order=order, magento_amount=int(units))
        made.detail = f"{shown(units, order.currency)} {order.currency} of the total stand on no invoice; held by {order.beside_in}"
        result.append(made)
    return result


def _beside(view: View) -> Units:
    """Return for each document the units that its total contains beside its parts, tax included."""
    lines = view.frames.lines
    extra = lines[(lines["role"].cat.codes == ROLES.index("extra")).to_numpy()]
    result = np.zeros(len(view.exists), dtype=np.int64)
    np.add.at(result, extra["document"].to_numpy(), (extra["untaxed"] + extra["tax"]).to_numpy())
    return result


def _invoiced(view: View, orders: Mask) -> Mask:
    """Return the orders of which something is invoiced and nothing is left to invoice."""
    lines = view.frames.lines
    money = lines["is_money"].to_numpy() & (lines["role"].cat.codes == ROLES.index("item")).to_numpy()
    rows = lines[money & orders[lines["document"].to_numpy()]]
    left = rows["qty_ordered"] - rows["qty_canceled"] - rows["qty_invoiced"]
    some, open_ = np.zeros(len(view.exists), dtype=bool), np.zeros(len(view.exists), dtype=bool)
    some[rows["document"].to_numpy()[(rows["qty_invoiced"] > 0).to_numpy()]] = True
    open_[rows["document"].to_numpy()[(left > 0).to_numpy()]] = True
    return some & ~open_
