"""Split Odoo's transfers (`stock.picking`) by direction and by order.

A transfer is a delivery or a return by the locations of its moves, regardless of its operation type: the return of a drop
shipment has the type `dropship` too. One transfer may carry the goods of several orders (merged transfers); each
order's own moves are a share of it, and every share becomes a document of its own.
"""

from __future__ import annotations

from typing import Any

from magodoo.domain.states import OdooTransferState
from magodoo.domain.vocabulary import Kind
from magodoo.errors import Unreadable
from magodoo.extract import fields
from magodoo.extract import odoo_fields as odoo
from magodoo.extract.fields import Row

MOST_PICKINGS = 10**10
MOST_ORDERS = 50_000_000  # a share's id has to fit into an int64 beside the code of its kind (`reconcile/frames.py`)
CUSTOMER, TRANSIT = "customer", "transit"


def direction(move: Row) -> Kind | None:
    """Return SHIPMENT for what goes to the customer, RETURN for what comes from there, None for what stays inside.

    Transit without a company is between companies: what goes there is delivered to another company, unless it goes
    back to it.

    Raises:
        Unreadable: A location is missing.
    """
    source, target = (place(move, name) for name in ("location_id", "location_dest_id"))
    if CUSTOMER in (source, target):
        if source == target:
            return None
        return Kind.SHIPMENT if target == CUSTOMER else Kind.RETURN
    came_back = bool(odoo.link(move, "origin_returned_move_id"))
    if target == TRANSIT != source and not came_back:
        return Kind.SHIPMENT
    return Kind.RETURN if source == TRANSIT != target and came_back else None


def place(move: Row, name: str) -> str:
    """Return the usage of a location; an own company's transit is `internal`.

    Raises:
        Unreadable: The usage is missing.
    """
    location = odoo.link(move, name)
    usage = fields.words(location, "usage")
    if not usage:
        raise Unreadable(f"{name}: the location's usage is missing, so nothing tells whether goods go or come back")
    return "internal" if usage == TRANSIT and odoo.link(location, "company_id") else usage


def is_sent_again(move: Row) -> bool:
    """Return whether returned goods go to the customer once more: the return of a return."""
    return direction(move) is Kind.SHIPMENT and bool(odoo.link(move, "origin_returned_move_id"))


def own_key(row: Row, field: str) -> str | None:
    """Return our key on a transfer; None where Odoo copied it from the transfer that this one continues or takes back.

    Odoo copies a field that an administrator makes by hand unless *Copied* is switched off: backorders and returns
    have it then.
    """
    key = fields.key(row, field)
    came_from = [odoo.link(row, name) for name in ("backorder_id", "return_id")]
    return None if key in [fields.key(each, field) for each in came_from] else key


def moves_of(row: Row) -> list[Row]:
    """Return the moves of a transfer that are not cancelled."""
    return [move for move in fields.rows(row, "move_ids") if move.get("state") != OdooTransferState.CANCEL]


def order_of(move: Row) -> str | None:
    """Return the id of the sales order whose line a move delivers; None for goods that are on no order."""
    return odoo.link_id(odoo.link(move, "sale_line_id"), "order_id")


def shares(row: Row) -> list[dict[str, Any]]:
    """Return a raw transfer as one raw row per order, with that order's moves; a transfer of one order is itself.

    The share of the order that Odoo names (`sale_id`), or else of the first, keeps the transfer's id and the goods
    that are on no order; the others get ids of their own. A key of ours names one Magento shipment, so it is left out
    where there are several orders: each share is matched by its content.

    Raises:
        Unreadable: A field is damaged, or an id is too large.
    """
    moves = moves_of(row) or fields.rows(
        row, "move_ids"
    )  # of a cancelled transfer all moves are cancelled: it still belongs to its orders
    orders = sorted({int(found) for move in moves if (found := order_of(move))})
    named = odoo.link_id(row, "sale_id")
    if not orders:
        return [dict(row)]
    first = int(named) if named and int(named) in orders else orders[0]
    head = odoo.link(row, "sale_id") if named == str(first) else {"id": first}
    if len(orders) == 1:
        return [{**row, "sale_id": head}]
    whole = {**row, "share_of": fields.required_identity(row, "id"), "sale_orders": orders}
    made = [{**whole, "sale_id": head, "move_ids": _moves(row, {str(first), None})}]
    for order in orders:
        if order != first:
            own = {"id": share_id(int(whole["share_of"]), order), "sale_id": {"id": order}}
            made.append({**whole, **own, "move_ids": _moves(row, {str(order)})})
    return made


def _moves(row: Row, orders: set[str | None]) -> list[Row]:
    return [move for move in fields.rows(row, "move_ids") if order_of(move) in orders]


def share_id(picking: int, order: int) -> int:
    """Return the id of an order's share of a transfer that has another order's share too.

    Raises:
        Unreadable: An id is too large to be combined.
    """
    if picking >= MOST_PICKINGS or order >= MOST_ORDERS:
        raise Unreadable(f"transfer {picking} of several orders: the id of order {order} is too large")
    return order * MOST_PICKINGS + picking


def picking_of(source_id: int) -> int:
    """Return the id of the transfer in Odoo, from the id of a share or its own."""
    return source_id % MOST_PICKINGS


def share_for(row: Row, order: int) -> int:
    """Return the id of the document that holds an order's moves of a raw transfer."""
    return next(
        (int(share["id"]) for share in shares(row) if odoo.link_id(share, "sale_id") == str(order)), int(row["id"])
    )
