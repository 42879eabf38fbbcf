"""Goods that go to the customer a second time: the return of a return, and exchanges. They are no shipment of Magento's."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd

from magodoo.reconcile import quantities
from magodoo.reconcile.frames import Mask, Units
from magodoo.reconcile.situation import Situation
from magodoo.vocabulary import Kind, Side


def sent_again(situation: Situation, todo: Mask) -> Mask:
    """Deliveries of Odoo among `todo` that bring nothing but goods which had gone out before and came back."""
    view = situation.view
    deliveries = todo & view.select(Side.ODOO, Kind.SHIPMENT) & view.active & ~view.ours
    linked = np.zeros(len(view.exists), dtype=bool)
    linked[view.frames.lines["document"].to_numpy()[quantities.beside(view)]] = True
    found = deliveries & linked & (situation.counted.signatures == 0)
    found[_exchanges(situation, deliveries & (view.column("parent_id") == 0))] = True
    return found


def _exchanges(situation: Situation, deliveries: Mask) -> list[int]:
    """Positions of deliveries after a return, of no more than what came back and is sent beyond what was ordered.

    Odoo links an exchange to nothing. `deliveries` are without those that continue an earlier one (backorders): they bring what is
    still owed.
    """
    view = situation.view
    moved = situation.counted.by_item(deliveries)
    moved = moved[moved["item"] > 0]
    if moved.empty:
        return []
    orders = view.column("order_key")[moved["document"].to_numpy()]
    again = situation.items_of(orders)["odoo_again"]
    again = again[again > 0]
    left: dict[int, int] = dict(zip(again.index.tolist(), again.tolist(), strict=True))
    if not left:
        return []
    since, made = _first_return(situation, orders), view.frames.documents["created_at"]
    wanted: dict[int, dict[int, int]] = defaultdict(dict)
    for at, item, units in moved[["document", "item", "quantity"]].to_numpy(np.int64).tolist():
        wanted[at][item] = units
    found = []
    for at, goods in wanted.items():
        if all(left.get(item, 0) >= units and since[item] <= made.iloc[at] for item, units in goods.items()):
            left |= {item: left[item] - units for item, units in goods.items()}
            found.append(at)
    return found


def _first_return(situation: Situation, orders: Units) -> dict[int, pd.Timestamp]:
    """When the first of each item came back: the time at which its return was made."""
    view = situation.view
    returns = view.select(Side.ODOO, Kind.RETURN) & view.active & np.isin(view.column("order_key"), orders)
    back = situation.counted.by_item(returns)
    made = view.frames.documents["created_at"]
    first: dict[int, pd.Timestamp] = {}
    for document, item in back[["document", "item"]].to_numpy(np.int64).tolist():
        first[item] = min(first.get(item, made.iloc[document]), made.iloc[document])
    return first
