"""Orders of the lab, planned as far as a test of the load needs them."""

from __future__ import annotations

from typing import Any

from load_lab import Lab

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind


def an_order(made: Lab, **more: Any) -> tuple[int, int]:
    order = made.order(payment="card", **more)
    invoice = made.shop.invoice(order)
    made.read()
    made.plan(*made.whole_order(order, invoice, paid=True))
    return order, invoice


def paid_orders(made: Lab, count: int) -> None:
    orders = [made.order(payment="card", email=f"c{number}@example.com") for number in range(count)]
    invoices = [made.shop.invoice(order) for order in orders]
    made.read()
    made.plan(*[plan for pair in zip(orders, invoices, strict=True) for plan in made.whole_order(*pair, paid=True)])


def delivered(made: Lab, count: int) -> list[int]:
    """Orders in both systems, one piece of each delivered in Odoo; the shipments are planned for Magento."""
    orders = [made.order({"A": 2}, email=f"c{number}@example.com") for number in range(count)]
    made.read()
    made.plan(*[plan for order in orders for plan in made.whole_order(order)])
    made.load()
    pickings = made.records("stock.picking", "id move_ids")
    for picking in pickings:
        made.db.call("stock.move", "write", ids=picking["move_ids"], vals={"quantity": 1, "picked": True})
        context = {"skip_sms": True, "skip_backorder": True}
        made.db.call("stock.picking", "button_validate", ids=[picking["id"]], context=context)
    made.read()
    made.plan(
        *[
            made.planned(
                ChangeKind.MAGENTO_SHIPMENT, picking["id"], Kind.SHIPMENT, order,
                items=[[str(made.items(order)["A"]), 10_000]], tracks=[],
            )
            for order, picking in zip(orders, pickings, strict=True)
        ]
    )  # fmt: skip
    return orders


def odoo_invoice(made: Lab, order: int, lines: list[int] | None = None) -> int:
    """The posted invoice that a person makes of the order in Odoo; `lines` leaves only these line positions in it."""
    (sale,) = made.records("sale.order", "id", [["client_order_ref", "=", made.shop.order(order)["increment_id"]]])
    values = {
        "sale_order_ids": [[6, 0, [sale["id"]]]],
        "advance_payment_method": "delivered",
        "consolidated_billing": False,
    }
    (wizard,) = made.db.call("sale.advance.payment.inv", "create", vals_list=[values])
    move = int(made.db.call("sale.advance.payment.inv", "create_invoices", ids=[wizard])["res_id"])
    made.db.call("account.move", "action_post", ids=[move])
    return move
