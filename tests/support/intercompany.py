"""Orders that another company's warehouse sends."""

from __future__ import annotations

from typing import Any

from shop_and_books import ShopAndBooks
from transfers import QUIET

WAREHOUSE = 2  # the second company of both Odoos
MAPPED = {"warehouse_companies": [WAREHOUSE]}


def there(pair: ShopAndBooks, model: str, method: str, ids: Any = None, **arguments: Any) -> Any:
    """A call of a clerk of the warehouse's company."""
    context = {**arguments.pop("context", {}), "allowed_company_ids": [WAREHOUSE]}
    return pair.call(model, method, ids, context=context, **arguments)


def rows_there(pair: ShopAndBooks, model: str, domain: list[Any], fields: str) -> list[dict[str, Any]]:
    return list(there(pair, model, "search_read", domain=domain, fields=fields.split(), order="id"))


def mirror(pair: ShopAndBooks, named: str, goods: dict[str, float]) -> int:
    """The order's mirror in the company of the warehouse, confirmed: our company is the customer, whoever ordered gets the goods."""
    (company,) = pair.rows("res.company", [["id", "=", 1]], "partner_id")
    (receiver,) = pair.call("res.partner", "create", vals_list=[{"name": "Whoever ordered it"}])
    products = pair.books.names.products
    lines = [
        [0, 0, {"product_id": products[sku], "product_uom_qty": quantity, "price_unit": 3, "tax_ids": [[5, 0, 0]]}]
        for sku, quantity in goods.items()
    ]
    values = {
        "partner_id": company["partner_id"][0],
        "partner_shipping_id": receiver,
        "company_id": WAREHOUSE,
        "client_order_ref": named,
        "order_line": lines,
    }
    (made,) = there(pair, "sale.order", "create", vals_list=[values])
    there(pair, "sale.order", "action_confirm", [made])
    return int(made)


def send(pair: ShopAndBooks, sale: int, quantities: dict[str, float] | None = None, tracking: str = "") -> int:
    """The warehouse sends everything that is open of a mirror, or these quantities and a backorder. Returns the transfer."""
    (picking,) = rows_there(
        pair, "stock.picking", [["sale_id", "=", sale], ["state", "not in", ["done", "cancel"]]], "move_ids"
    )
    for move in rows_there(pair, "stock.move", [["id", "in", picking["move_ids"]]], "product_id product_uom_qty"):
        sku = pair.sku(move["product_id"][0])
        quantity = move["product_uom_qty"] if quantities is None else quantities.get(sku, 0)
        there(pair, "stock.move", "write", [move["id"]], vals={"quantity": quantity, "picked": bool(quantity)})
    if tracking:
        there(pair, "stock.picking", "write", [picking["id"]], vals={"carrier_tracking_ref": tracking})
    assert there(pair, "stock.picking", "button_validate", [picking["id"]], context=QUIET) is True
    return int(picking["id"])


def own_order(pair: ShopAndBooks, order: int) -> dict[str, Any]:
    (sale,) = pair.sales(order)
    return sale
