"""Report goods and refunds: too much to ship, returned but not refunded, refunded but not returned, refunded twice."""

from __future__ import annotations

from typing import cast

import numpy as np
import pandas as pd

from magodoo.domain.states import MagentoOrderState
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.money import plain
from magodoo.reconcile import quantities
from magodoo.reconcile.dataset import Mask, Units
from magodoo.reconcile.finding import Finding, about
from magodoo.reconcile.findings.amounts import listed
from magodoo.reconcile.rows import Document
from magodoo.reconcile.situation import Situation


def will_ship_too_much(situation: Situation) -> list[Finding]:
    """Return findings about orders of which Odoo has more open to deliver than the customer is still to receive.

    Allowed per item = ordered - cancelled - refunded unshipped - delivered in Odoo.
    """
    view = situation.view
    lines = view.frames.lines
    counted = situation.odoo_orders & ~view.foreign_units
    waiting = (lines["qty_open"].to_numpy() > 0) & counted[lines["document"].to_numpy()]
    kits = situation.counted.bundles.kit_lines
    waiting[kits] |= (lines["qty_open"].to_numpy()[kits] > 0) & ~view.foreign_units[lines["document"].to_numpy()[kits]]
    orders = view.column("order_key")[np.unique(lines["document"].to_numpy()[waiting])]
    table = situation.items_of(orders)
    unshipped = (table["ordered"] - table["canceled"] - table["shipped"]).clip(lower=0)
    kept = table["shipped"] + unshipped - _refunded_unshipped(table, unshipped)
    table = table.assign(allowed=(kept - table["odoo_shipment"]).clip(lower=0))
    excess = table[(table["odoo_open"] > table["allowed"]) & (table["has_magento"] > 0)]
    orders_of = situation.orders_by_id(excess["order"].unique())
    begun = view.column("order_key")[situation.is_document & ~view.is_magento & view.active]
    result = []
    for order_id, rows in _split(excess, "order").items():
        order = orders_of[order_id]
        if order.state == MagentoOrderState.CANCELED and _ends_with_it(situation, order, begun):
            continue
        odoo = view.frames.rows([situation.matching.partner[order.at]])[0]
        items, names = sorted(rows.index), _names(situation, order.at)
        made = about(FindingType.WILL_SHIP_TOO_MUCH, order, odoo, order=order)
        made.magento_value = "still to ship " + listed(items, _per_item(rows["allowed"]), names)
        made.odoo_value = "open to deliver " + listed(items, _per_item(rows["odoo_open"]), names)
        result.append(made)
    return result


def _ends_with_it(situation: Situation, order: Document, begun: Units) -> bool:
    """Return whether a cancelled order will be cancelled in Odoo too, and its open delivery with it.

    Not if `begun` (order ids) contains it.
    """
    view = situation.view
    return view.instance.orders.cancel and not view.before_cut_over[order.at] and order.source_id not in begun


def sent_beside(situation: Situation) -> list[Finding]:
    """Return findings about goods that left in one transfer with an order's own and are not of the order. For information only."""
    view = situation.view
    lines = view.frames.lines
    position = lines["document"].to_numpy()
    standing = view.active & (view.order_of >= 0) & (situation.counted.signatures != 0)
    swapped = quantities.exchanged(view)
    lines = lines.assign(
        beside=lines["quantity"].to_numpy() + swapped * (lines["qty_ordered"] - 2 * lines["quantity"]).to_numpy()
    )
    rows = lines[(quantities.beside(view) | swapped) & standing[position] & (lines["beside"].to_numpy() > 0)]
    orders = situation.order_rows(rows["document"].unique())
    result = []
    for at, named in _split(rows, "document").items():
        made = about(FindingType.REPLACEMENT, odoo=view.frames.rows([at])[0], order=orders.get(at), part="goods")
        goods = named.groupby(named["sku"].astype(str), observed=True)["beside"].sum()
        made.odoo_value = ", ".join(f"{sku or 'without SKU'} x {plain(units, 0)}" for sku, units in goods.items())
        made.detail = "It left in one transfer with what was ordered"
        result.append(made)
    return result


def over_refunded(situation: Situation) -> list[Finding]:
    """Return findings about negative credit memos, and orders whose refunds exceed their invoices, also if the order is missing in Odoo."""
    view = situation.view
    memos = view.select(Side.MAGENTO, Kind.CREDIT_MEMO) & view.active & (view.order_of >= 0)
    bad = np.flatnonzero(memos)
    bad = bad[view.amounts("grand_total", bad) < 0]
    orders = situation.order_rows(bad)
    result = [
        about(FindingType.OVER_REFUNDED, row, order=orders.get(row.at), magento_amount=int(row.grand_total))
        for row in view.frames.rows(bad)
    ]
    above = _refunds_above_invoices(situation, memos)
    for order in situation.orders_by_id(above.index.to_numpy(np.int64)).values():
        refunded = above[order.source_id]
        made = about(FindingType.OVER_REFUNDED, order, order=order, magento_amount=int(refunded))
        made.detail = "The credit memos of the order exceed its invoices"
        result.append(made)
    return result


def _refunds_above_invoices(situation: Situation, memos: Mask) -> pd.Series:
    """Return the refunded sum (units) by order id, if it exceeds the invoiced sum by more than the tolerance."""
    view = situation.view
    refunded = (
        pd.Series(view.amounts("grand_total", np.flatnonzero(memos))).groupby(view.column("order_key")[memos]).sum()
    )
    money = view.select(Side.MAGENTO, Kind.INVOICE) & view.active & np.isin(view.column("order_key"), refunded.index)
    invoiced = (
        pd.Series(view.amounts("grand_total", np.flatnonzero(money))).groupby(view.column("order_key")[money]).sum()
    )
    positions = view.frames.locate(Side.MAGENTO, Kind.ORDER, refunded.index.to_numpy(np.int64))
    return refunded[refunded > invoiced.reindex(refunded.index).fillna(0) + view.tolerances[positions]]


def returned_not_refunded(situation: Situation) -> list[Finding]:
    """Return findings about done returns older than the limit whose items Magento has not refunded.

    Refunds are used up by earlier returns first.
    """
    view = situation.view
    returns = view.select(Side.ODOO, Kind.RETURN) & view.active & (view.order_of >= 0)
    moved = situation.counted.by_item(returns & view.older_than(view.instance.refund_return_days))
    moved = moved[moved["item"] > 0]
    if moved.empty:
        return []
    table = situation.items_of(view.column("order_key")[moved["document"].to_numpy()])
    moved = _in_time(situation, moved)
    open_ = moved.groupby("item")["quantity"].cumsum().to_numpy() > table["refunded"].reindex(moved["item"]).to_numpy()
    return [
        _about_items(situation, FindingType.RETURNED_NOT_REFUNDED, position, rows)
        for position, rows in _split(moved[open_], "document").items()
    ]


def refunded_not_returned(situation: Situation) -> list[Finding]:
    """Return findings about credit memos older than the limit that refund shipped items which were not returned."""
    view = situation.view
    old = view.older_than(view.instance.refund_return_days)
    return [
        _about_items(situation, FindingType.REFUNDED_NOT_RETURNED, position, rows)
        for position, rows in _split(awaiting_return(situation, delivered_memos(situation) & old), "document").items()
    ]


def delivered_memos(situation: Situation) -> Mask:
    """Return the active credit memos of orders on or after the cut-over that have a done delivery in Odoo."""
    view = situation.view
    delivered = np.unique(view.column("order_key")[view.select(Side.ODOO, Kind.SHIPMENT) & view.active])
    memos = view.select(Side.MAGENTO, Kind.CREDIT_MEMO) & view.active & ~view.before_cut_over & (view.order_of >= 0)
    return memos & np.isin(view.column("order_key"), delivered)


def awaiting_return(situation: Situation, memos: Mask) -> pd.DataFrame:
    """Return document, item, quantity (units) of credit memos whose refunded goods were shipped and are not back.

    `quantity` is what is still out. Of each item the unshipped quantity counts as refunded first, and returns are
    assigned to the earliest credit memos.
    """
    view = situation.view
    every = (
        view.select(Side.MAGENTO, Kind.CREDIT_MEMO)
        & view.active
        & np.isin(view.column("order_key"), view.column("order_key")[memos])
    )
    moved = situation.counted.goods_by_item(every)
    moved = moved[moved["item"] > 0]
    if moved.empty:
        return moved
    table = situation.items_of(view.column("order_key")[moved["document"].to_numpy()])
    moved = _in_time(situation, moved)
    known = table.reindex(moved["item"])
    unshipped = (known["ordered"] - known["canceled"] - known["shipped"]).clip(lower=0).to_numpy()
    out = moved.groupby("item")["quantity"].cumsum().to_numpy() - unshipped - known["odoo_return"].to_numpy()
    moved["quantity"] = np.minimum(moved["quantity"].to_numpy(), out)
    return moved[(moved["quantity"] > 0) & memos[moved["document"].to_numpy()]]


def refunded_unshipped(situation: Situation, memos: Mask) -> pd.DataFrame:
    """Return document, item, quantity (units) of credit memos that refund goods that never leave.

    The earliest credit memos refund the unshipped goods.
    """
    view = situation.view
    moved = situation.counted.by_item(memos)
    moved = moved[moved["item"] > 0]
    if moved.empty:
        return moved
    table = situation.items_of(view.column("order_key")[moved["document"].to_numpy()])
    moved = _in_time(situation, moved)
    shipped = table[["shipped", "odoo_shipment"]].max(axis=1)
    unshipped = (table["ordered"] - table["canceled"] - shipped).clip(lower=0)
    never = _refunded_unshipped(table, unshipped).reindex(moved["item"]).fillna(0).to_numpy()
    before = moved.groupby("item")["quantity"].cumsum().to_numpy() - moved["quantity"].to_numpy()
    moved["quantity"] = np.minimum(moved["quantity"].to_numpy(), never - before).astype(np.int64)
    return moved[moved["quantity"] > 0]


def given_up(table: pd.DataFrame) -> pd.Series:
    """Return the quantity per item (units) that the customer no longer receives: cancelled, or refunded before it left."""
    unshipped = (table["ordered"] - table["canceled"] - table["shipped"]).clip(lower=0)
    return table["canceled"] + _refunded_unshipped(table, unshipped)


def _refunded_unshipped(table: pd.DataFrame, unshipped: pd.Series) -> pd.Series:
    """Return how much of the unshipped quantity of each item is refunded.

    Magento does not record which pieces a refund is for: those returned in Odoo are counted first, then those that
    never left.
    """
    refunded = (table["refunded"] - table["odoo_return"]).clip(lower=0)
    return pd.concat([refunded, unshipped], axis=1).min(axis=1)


def _in_time(situation: Situation, moved: pd.DataFrame) -> pd.DataFrame:
    """Return the rows, oldest documents first."""
    documents = situation.view.frames.documents.iloc[moved["document"]]
    in_order = np.lexsort((documents["source_id"].to_numpy(), documents["created_at"].to_numpy()))
    return moved.iloc[in_order].reset_index(drop=True)


def _about_items(situation: Situation, found: FindingType, position: int, rows: pd.DataFrame) -> Finding:
    document = situation.view.frames.rows([position])[0]
    order = situation.order_rows(np.array([position]))[position]
    names = _names(situation, order.at)
    words = listed(sorted(rows["item"]), dict(zip(rows["item"], rows["quantity"], strict=True)), names)
    if document.side == Side.MAGENTO:
        partner = situation.matching.partner[position]
        odoo = situation.view.frames.rows([partner])[0] if partner >= 0 else None
        amount = int(document.grand_total)
        return about(found, document, odoo, order=order, magento_value=f"refunded {words}", magento_amount=amount)
    return about(found, odoo=document, order=order, odoo_value=f"returned {words}")


def _split(frame: pd.DataFrame, column: str) -> dict[int, pd.DataFrame]:
    return cast(dict[int, pd.DataFrame], dict(iter(frame.groupby(column))))


def _per_item(quantities: pd.Series) -> dict[int, int]:
    return dict(zip(quantities.index.tolist(), quantities.tolist(), strict=True))


def _names(situation: Situation, position: int) -> dict[int, str]:
    return {line.item_key: str(line.sku) for line in situation.view.frames.lines_of(position)}
