"""Deliveries of components in place of what was sold, move by move."""

from __future__ import annotations

from shop_and_books import ShopAndBooks


def made_of(pair: ShopAndBooks, order: int, components: dict[str, int]) -> dict[str, int]:
    """The order's open delivery brings components instead of the product that was sold; returns their moves by SKU."""
    (picking,) = pair.pickings(order)
    products = pair.books.names.products
    links = "picking_id sale_line_id location_id location_dest_id company_id"
    (sold,) = pair.rows("stock.move", [["id", "in", picking["move_ids"]]], links)
    moves = {}
    for sku, quantity in components.items():
        if moves:
            values = {name: sold[name][0] for name in links.split()}
            (made,) = pair.call(
                "stock.move", "create", vals_list=[{**values, "product_id": products[sku], "product_uom_qty": quantity}]
            )
        else:
            made = sold["id"]
            pair.call("stock.move", "write", [made], vals={"product_id": products[sku], "product_uom_qty": quantity})
        moves[sku] = made
    return moves


def validate(pair: ShopAndBooks, picking: int, quantities: dict[int, int]) -> None:
    for move, quantity in quantities.items():
        pair.call("stock.move", "write", [move], vals={"quantity": quantity, "picked": bool(quantity)})
    done = pair.call("stock.picking", "button_validate", [picking], context={"skip_backorder": True, "skip_sms": True})
    assert done is True
