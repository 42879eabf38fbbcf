"""Bundles in both systems, counted in pieces."""

from __future__ import annotations

from collections import Counter

from shop_and_books import ShopAndBooks


def delivered(pair: ShopAndBooks, order: int, kind: str = "outgoing") -> Counter[str]:
    """Pieces by SKU that left Odoo's warehouse."""
    pieces: Counter[str] = Counter()
    for picking in pair.pickings(order, kind):
        if picking["state"] == "done":
            pieces.update({sku: int(each) for sku, each in pair.moved(picking).items() if each})
    return pieces


def shipped(pair: ShopAndBooks, order: int) -> list[dict[str, int]]:
    """Pieces by SKU of each Magento shipment, without a bundle's own line where it is only a label."""
    separate = {item["item_id"] for item in pair.shop.order(order)["items"] if item.get("_ships_separately")}
    return [
        {row["sku"]: int(row["qty"]) for row in shipment["items"] if row["order_item_id"] not in separate}
        for shipment in pair.shipments(order)
    ]


def part(pair: ShopAndBooks, order: int, sku: str) -> int:
    """The order item of a bundle's part."""
    items = pair.shop.order(order)["items"]
    return next(item["item_id"] for item in items if item.get("parent_item_id") and item["sku"] == sku)
