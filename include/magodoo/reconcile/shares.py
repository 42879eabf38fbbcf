"""Match Odoo invoices of several orders: each order's share is compared with the Magento invoices of that order.

A line belongs to the order of its item, or of the order line that it invoices (shipping, discount). A share covers an
order if its total and its quantities per item equal those of all Magento invoices of the order without a counterpart of
their own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from magodoo.domain.vocabulary import Kind, Side
from magodoo.reconcile.dataset import ROLES, Mask, Positions
from magodoo.reconcile.quantities import Quantities, signature_terms
from magodoo.reconcile.view import View


def consolidated(view: View) -> Mask:
    """Return the active Odoo invoices of several orders. They have no single counterpart."""
    return view.select(Side.ODOO, Kind.INVOICE) & view.active & view.column("consolidated")


def covered(view: View, counted: Quantities, unpaired: Mask) -> Mask:
    """Return the Magento invoices that a share covers, and the consolidated invoices all of whose shares cover an order."""
    result = np.zeros(len(view.exists), dtype=bool)
    several = consolidated(view)
    if not several.any():
        return result
    shares = _shares(view, several)
    invoices = np.flatnonzero(unpaired & view.select(Side.MAGENTO, Kind.INVOICE) & view.active)
    sums = _sums(view, counted, invoices).join(shares.groupby("order")[["share", "items"]].sum(), how="inner")
    tolerance = view.tolerances[invoices].max(initial=0)
    equal = sums[((sums["total"] - sums["share"]).abs() <= tolerance) & (sums["signature"] == sums["items"])]
    result[invoices] = np.isin(view.column("order_key")[invoices], equal.index)
    whole = shares.assign(fits=shares["order"].isin(equal.index)).groupby("document")["fits"].all()
    result[whole.index[whole]] = True
    return result


def _shares(view: View, several: Mask) -> pd.DataFrame:
    """Return one row per consolidated invoice and order: document, order (0 where unknown), share (units), items (signature)."""
    lines = view.frames.lines
    rows = lines[several[lines["document"].to_numpy()]]
    sold = lines[
        view.select(Side.ODOO, Kind.ORDER)[lines["document"].to_numpy()] & (lines["own_item_id"] > 0).to_numpy()
    ]
    sold = sold.assign(order=view.column("order_key")[sold["document"]]).drop_duplicates("own_item_id")
    of_line = (
        sold.set_index("own_item_id").reindex(rows["own_item_id"])[["item_key", "order"]].fillna(0).astype(np.int64)
    )
    item = np.where(rows["item_key"] > 0, rows["item_key"], of_line["item_key"])
    goods = np.isin(rows["role"].cat.codes.to_numpy(), [ROLES.index("item"), ROLES.index("other")]) & (item > 0)
    order = np.where(of_line["order"] != 0, of_line["order"], _order_of_items(view, item))
    terms = signature_terms(item, np.where(goods, rows["quantity"], 0))
    frame = pd.DataFrame(
        {
            "document": rows["document"].to_numpy(),
            "order": order,
            "share": (rows["untaxed"] + rows["tax"]).to_numpy(),
            "items": terms,
        }
    )
    return frame.groupby(["document", "order"]).sum().reset_index()


def _order_of_items(view: View, items: Positions) -> Positions:
    lines = view.frames.lines
    ordered = lines[view.select(Side.MAGENTO, Kind.ORDER)[lines["document"].to_numpy()]]
    orders = pd.Series(view.column("order_key")[ordered["document"]], index=ordered["item_key"].to_numpy())
    return orders[~orders.index.duplicated()].reindex(items).fillna(0).to_numpy(np.int64)


def _sums(view: View, counted: Quantities, invoices: Positions) -> pd.DataFrame:
    """Return total (units) and signature of the given invoices together, by order."""
    frame = pd.DataFrame(
        {
            "order": view.column("order_key")[invoices],
            "total": view.amounts("grand_total", invoices),
            "signature": counted.signatures[invoices],
        }
    )
    return frame.groupby("order").sum()
