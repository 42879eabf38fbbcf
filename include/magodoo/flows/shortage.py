"""Explain why the other side's order has nothing open for a document: the item, the quantities, and the documents that used them up.

Each cause has a sentence of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from magodoo.domain import labels
from magodoo.domain.vocabulary import Kind, Side
from magodoo.money import plain, shown
from magodoo.reconcile import quantities
from magodoo.reconcile.rows import Document
from magodoo.reconcile.situation import Situation

if TYPE_CHECKING:
    from magodoo.flows.order_plan import OrderPlan


def no_room(order: OrderPlan, row: Document, side: Side) -> str | None:
    """Return why the document exceeds what `side`, where it is missing, can still take; None if it does not."""
    situation = order.facts.situation
    if situation.crowded[row.at]:
        return _of_items(order, row, side) or _of_money(situation, row, side) or _unknown(row, side)
    if situation.late[row.at]:
        return _earlier(order, row, side)
    return None


DONE = {Kind.INVOICE: "invoiced", Kind.SHIPMENT: "shipped", Kind.CREDIT_MEMO: "refunded"}
OWN = {Kind.INVOICE: "invoice", Kind.SHIPMENT: "shipment", Kind.CREDIT_MEMO: "credit_memo"}


def _of_items(order: OrderPlan, row: Document, side: Side) -> str | None:
    """Return the cause for the first item of the document for which there is no room."""
    table, kind = order.facts.situation.items_of_unpaired, Kind(row.kind)
    room = quantities.room_in_odoo if side is Side.ODOO else quantities.room_in_magento
    for key, wanted in order.facts.items.get(row.at, ()):
        item = int(key)
        if not item:
            return f"A line of it is no item of the order in Magento ({_sku(order, row, item)})"
        known = table.reindex([item]).fillna(0)
        left = max(int(room(known, kind).iloc[0]), 0)
        if wanted > left:
            return _cause(order, row, side, item, int(wanted), left, known.iloc[0])
    return None


def _cause(order: OrderPlan, row: Document, side: Side, item: int, wanted: int, left: int, known: pd.Series) -> str:
    kind, sku = Kind(row.kind), _sku(order, row, item)
    if not known["has_magento"]:
        return f"{sku} on it is no item of the order any more in Magento: it was taken off after it was {DONE[kind]}"
    if side is Side.ODOO and not known["has_odoo"]:
        return f"Odoo's order has no line for {sku}"
    needs = f"{labels.SIDES[side]} has {_count(left)} of {sku} left to be {DONE[kind]}, it needs {_count(wanted)}"
    ordered = known["odoo_ordered"] if side is Side.ODOO else known["ordered"]
    if kind is not Kind.CREDIT_MEMO and wanted > ordered:
        return f"{needs}: only {_count(int(ordered))} are ordered there"
    causes = list(_took(order, row, side, item, known))
    return f"{needs}: {', '.join(causes)}" if causes else needs


def _took(order: OrderPlan, row: Document, side: Side, item: int, known: pd.Series) -> Iterable[str]:
    """Yield what used the quantity up."""
    kind = Kind(row.kind)
    if kind is Kind.CREDIT_MEMO:
        yield f"{_count(int(known[f'{side}_invoice']))} are invoiced"
    if side is Side.MAGENTO and known["canceled"] and kind is not Kind.CREDIT_MEMO:
        yield f"{_count(int(known['canceled']))} are cancelled"
    if side is Side.MAGENTO and known["refunded"] and kind is Kind.SHIPMENT:
        yield f"{_count(int(known['refunded']))} are refunded"
    named, counted = _documents(order, side, kind, item), int(known[f"{side}_{OWN[kind]}"])
    if named:
        yield f"{_count(counted)} are {DONE[kind]} by {', '.join(named)}"
    unseen = _on_lines(side, kind, known) - counted
    if unseen > 0:
        yield f"its order lines count {_count(unseen)} more as {DONE[kind]}, by a draft or a document that is not read"


def _on_lines(side: Side, kind: Kind, known: pd.Series) -> int:
    """Return the units of an item that the order's own lines count as done; 0 where they have no count of this kind."""
    names = {
        (Side.ODOO, Kind.INVOICE): "odoo_line_invoiced",
        (Side.ODOO, Kind.SHIPMENT): "odoo_line_shipped",
        (Side.MAGENTO, Kind.SHIPMENT): "shipped",
        (Side.MAGENTO, Kind.CREDIT_MEMO): "refunded",
    }
    name = names.get((side, kind))
    return int(known[name]) if name else 0


def _documents(order: OrderPlan, side: Side, kind: Kind, item: int) -> list[str]:
    """Return the numbers of a side's active documents that hold an item, each with its match."""
    frames = order.facts.situation.view.frames
    named = []
    for row in order.active(side, kind):
        if any(line.item_key == item and line.quantity for line in frames.lines_of(row.at)):
            other = order.partner(row)
            matched = (
                f"{labels.SIDES[side.other]}'s {other.number}"
                if other
                else f"matched with nothing in {labels.SIDES[side.other]}"
            )
            named.append(f"{row.number} ({matched})")
    return named


def _of_money(situation: Situation, row: Document, side: Side) -> str | None:
    """Return the sentence for a refund that exceeds what is invoiced there and not refunded yet; None for other documents."""
    if Kind(row.kind) is not Kind.CREDIT_MEMO:
        return None
    left = situation.refundable(situation.view.column("order_key")[[row.at]])
    open_ = int(left.get((row.order_key, side.value), 0))
    return (
        f"{labels.SIDES[side]} has {shown(max(open_, 0), row.currency)} {row.currency} of the order invoiced and not refunded, it needs"
        f" {shown(int(row.grand_total), row.currency)}"
    )


def _earlier(order: OrderPlan, row: Document, side: Side) -> str:
    """Return the sentence for a document that would fit alone: the documents before it use up the remainder."""
    situation = order.facts.situation
    before = [
        other.number
        for other in order.active(side.other, Kind(row.kind))
        if other.source_id < row.source_id and situation.unpaired[other.at]
    ]
    named = f" ({', '.join(before)})" if before else ""
    return f"{labels.SIDES[side]}'s order has nothing open for it after the earlier documents of the order{named}"


def _unknown(row: Document, side: Side) -> str:
    return f"{labels.SIDES[side]}'s order has nothing left to be {DONE[Kind(row.kind)]}"


def _sku(order: OrderPlan, row: Document, item: int) -> str:
    """Return the SKU of an item, as the document has it, else the order."""
    for at in (row.at, order.order.at):
        for line in order.facts.situation.view.frames.lines_of(at):
            if line.item_key == item and line.sku:
                return line.sku
    return f"item {item}" if item else "without an article number"


def _count(units: int) -> str:
    return plain(units, 0)
