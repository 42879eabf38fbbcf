"""Fields that a company requires: the setting's values are on what magodoo writes."""

from __future__ import annotations

from shop_and_books import ShopAndBooks

WEB = {"x_sales_channel": "Web"}


def add_field(pair: ShopAndBooks, model: str) -> None:
    (of,) = pair.rows("ir.model", [["model", "=", model]], "model")
    field = {
        "name": "x_sales_channel",
        "field_description": "Channel",
        "model_id": of["id"],
        "ttype": "char",
        "state": "manual",
    }
    pair.call("ir.model.fields", "create", vals_list=[field])


def test_values_of_the_setting_are_written_on_orders_invoices_and_credit_notes(pair: ShopAndBooks) -> None:
    for model in ("sale.order", "account.move"):
        add_field(pair, model)
    with pair.policy(odoo={"order_values": WEB, "invoice_values": WEB}):
        order = pair.order({"SKU-001": 1}, "cashondelivery")
        pair.chain()
        pair.shop.invoice(order)
        pair.touch(order)
        pair.chain()
    (sale,) = pair.sales(order)
    (move,) = pair.moves(order)
    for model, row in (("sale.order", sale), ("account.move", move)):
        assert pair.rows(model, [["id", "=", row["id"]]], "x_sales_channel")[0]["x_sales_channel"] == "Web"
    other = pair.order({"SKU-001": 1}, "cashondelivery")
    pair.chain()
    (plain,) = pair.sales(other)
    assert not pair.rows("sale.order", [["id", "=", plain["id"]]], "x_sales_channel")[0]["x_sales_channel"], (
        "without it nothing is"
    )
