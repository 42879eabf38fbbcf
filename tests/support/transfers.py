"""What a warehouse does with transfers in Odoo, and what is open afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shop_and_books import ShopAndBooks
from sqlalchemy import text

QUIET = {"skip_backorder": True, "skip_sms": True}


def merge(pair: ShopAndBooks, one: int, two: int) -> dict[str, Any]:
    """The warehouse puts two orders' goods into one transfer, which Odoo then names after the first alone."""
    (first,), (second,) = pair.pickings(one), pair.pickings(two)
    lines = pair.rows("stock.move.line", [["move_id", "in", second["move_ids"]]], "picking_id")
    pair.call("stock.move", "write", second["move_ids"], vals={"picking_id": first["id"]})
    pair.call("stock.move.line", "write", [line["id"] for line in lines], vals={"picking_id": first["id"]})
    pair.call("stock.picking", "unlink", [second["id"]])
    return {**first, "move_ids": [*first["move_ids"], *second["move_ids"]]}


def two_orders(pair: ShopAndBooks) -> tuple[int, int]:
    """Two of SKU-001 and three of SKU-002, for two orders."""
    return pair.order({"SKU-001": 2}, "cashondelivery"), pair.order({"SKU-002": 3}, "cashondelivery")


def validate(pair: ShopAndBooks, picking: int, quantities: Mapping[str, int] | None = None, tracking: str = "") -> None:
    """The warehouse sends everything of a transfer, or these quantities by SKU and a backorder."""
    moves = pair.rows(
        "stock.move", [["picking_id", "=", picking], ["state", "!=", "cancel"]], "product_id product_uom_qty"
    )
    for move in moves:
        sku = pair.sku(move["product_id"][0])
        quantity = move["product_uom_qty"] if quantities is None else quantities.get(sku, 0)
        pair.call("stock.move", "write", [move["id"]], vals={"quantity": quantity, "picked": bool(quantity)})
    if tracking:
        pair.call("stock.picking", "write", [picking], vals={"carrier_tracking_ref": tracking})
    assert pair.call("stock.picking", "button_validate", [picking], context=QUIET) is True


def give_back(pair: ShopAndBooks, picking: int, quantities: Mapping[str, int]) -> int:
    """A return of these quantities by SKU, validated; of a return it sends the goods again. Returns its id."""
    (wizard,) = pair.call("stock.return.picking", "create", vals_list=[{"picking_id": picking}])
    for line in pair.rows("stock.return.picking.line", [["wizard_id", "=", wizard]], "product_id"):
        quantity = quantities.get(pair.sku(line["product_id"][0]), 0)
        pair.call("stock.return.picking.line", "write", [line["id"]], vals={"quantity": quantity})
    made = int(pair.call("stock.return.picking", "action_create_returns", [wizard])["res_id"])
    validate(pair, made)
    return made


def shipped(pair: ShopAndBooks, order: int) -> list[Decimal]:
    return [Decimal(str(row["total_qty"])) for row in pair.shipments(order)]


def open_in_odoo(pair: ShopAndBooks, order: int) -> list[dict[str, Any]]:
    return [row for row in pair.pickings(order) if row["state"] not in ("done", "cancel")]


def still_open(pair: ShopAndBooks, order: int) -> float:
    """What the order's own moves are still to deliver in Odoo, whichever transfer they are in."""
    lines = [line for sale in pair.sales(order) for line in sale["order_line"]]
    moves = pair.rows(
        "stock.move", [["sale_line_id", "in", lines], ["state", "not in", ["done", "cancel"]]], "product_uom_qty"
    )
    return sum(move["product_uom_qty"] for move in moves)


def intercompany(pair: ShopAndBooks, sale: int) -> list[str]:
    """The kinds of findings about a sales order that are open."""
    with pair.engine.connect() as connection:
        statement = "select type from finding where odoo_id = :id and kind = 'order' and resolved_at is null"
        return list(connection.execute(text(statement), {"id": str(sale)}).scalars())
