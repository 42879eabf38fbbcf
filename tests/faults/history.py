"""Random shop histories: orders that Magento leads (invoices, shipments, credit memos there) and orders that Odoo leads."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from load_lab import SKUS, Lab

from magodoo.sandbox.magento import Address, Coupon, Line


@dataclass
class History:
    """One order and what stands on it at its source."""

    order: int
    payment: str
    leads: str
    invoices: list[int] = field(default_factory=list)
    shipments: list[int] = field(default_factory=list)
    memos: list[int] = field(default_factory=list)


def led_by_magento(lab: Lab, dice: random.Random) -> History:
    """An order with up to two partial invoices and shipments and a credit memo, all made in Magento."""
    payment = dice.choice(("card", "checkmo"))
    history = History(_place(lab, dice, payment), payment, "magento")
    if payment == "card":
        lab.shop.authorize(history.order)
    items = _items(lab, history.order)
    for part in _parts(items, dice):
        history.invoices.append(lab.shop.invoice(history.order, part))
    for part in _parts(items, dice) if dice.random() < 0.7 else ():
        tracks = [{"track_number": f"T{dice.randrange(10**6)}", "title": "UPS", "carrier_code": "ups"}]
        history.shipments.append(lab.shop.ship(history.order, part, tracks=tracks if dice.random() < 0.5 else []))
    if payment == "checkmo" and dice.random() < 0.4:
        item = dice.choice(sorted(items))
        shipping = Decimal(dice.choice((0, 1)))
        history.memos.append(lab.shop.refund(history.order, {item: 1}, shipping=shipping))
    return history


def led_by_odoo(lab: Lab, dice: random.Random) -> History:
    """An order that is imported before anything goes wrong; what happens to it happens in Odoo (see `go_on_in_odoo`)."""
    return History(_place(lab, dice, "checkmo", coupon=False), "checkmo", "odoo")


def go_on_in_odoo(lab: Lab, history: History, dice: random.Random) -> None:
    """A person invoices the order, and delivers it, wholly or in two parts."""
    (sale,) = sales_of(lab, history)
    values = {
        "sale_order_ids": [[6, 0, [sale["id"]]]],
        "advance_payment_method": "delivered",
        "consolidated_billing": False,
    }
    (wizard,) = lab.db.call("sale.advance.payment.inv", "create", vals_list=[values])
    move = int(lab.db.call("sale.advance.payment.inv", "create_invoices", ids=[wizard])["res_id"])
    lab.db.call("account.move", "action_post", ids=[move])
    history.invoices.append(move)
    for _ in range(dice.choice((1, 2))):
        history.shipments += _deliver(lab, sale["id"], dice)


def meddle(lab: Lab, history: History, dice: random.Random) -> str:
    """Somebody acts between plan and write: an invoice is cancelled in Magento, or a delivery is shipped there by hand too.

    Returns what was done, "" for nothing.
    """
    if history.leads == "magento" and history.invoices and not history.memos:
        cancelled = history.invoices.pop()
        lab.shop.tables.invoices[cancelled]["state"] = 3
        return "cancelled between plan and write"
    if history.leads == "odoo" and len(history.shipments) == 1:  # of two equal ones nobody could tell which it was
        (lines,) = [
            row["move_ids"] for row in lab.records("stock.picking", "move_ids", [["id", "=", history.shipments[0]]])
        ]
        moves = lab.records("stock.move", "product_id quantity", [["id", "in", lines], ["state", "=", "done"]])
        skus = {row["id"]: row["default_code"] for row in lab.records("product.product", "default_code")}
        keys = {item["sku"]: item["item_id"] for item in lab.shop.order(history.order)["items"]}
        lab.shop.ship(history.order, {keys[skus[move["product_id"][0]]]: move["quantity"] for move in moves})
        return "shipped by hand meanwhile"
    return ""


def sales_of(lab: Lab, history: History) -> list[dict[str, Any]]:
    number = lab.shop.order(history.order)["increment_id"]
    domain = [["client_order_ref", "=", number], ["state", "!=", "cancel"]]
    return lab.records("sale.order", "id state amount_total picking_ids invoice_ids", domain)


def _deliver(lab: Lab, sale: int, dice: random.Random) -> list[int]:
    domain = [["sale_id", "=", sale], ["state", "not in", ["done", "cancel"]]]
    for picking in lab.records("stock.picking", "id move_ids", domain)[:1]:
        for move in lab.records("stock.move", "id product_uom_qty", [["id", "in", picking["move_ids"]]]):
            quantity = dice.randint(1, max(1, int(move["product_uom_qty"]) // 2))
            lab.db.call("stock.move", "write", ids=[move["id"]], vals={"quantity": quantity, "picked": True})
        context = {"skip_sms": True, "skip_backorder": True}
        lab.db.call("stock.picking", "button_validate", ids=[picking["id"]], context=context)
        return [int(picking["id"])]
    return []


def _place(lab: Lab, dice: random.Random, payment: str, coupon: bool = True) -> int:
    skus = dice.sample(sorted(SKUS), dice.randint(1, 3))
    rule = Coupon("TEN", percent=Decimal(10)) if coupon and dice.random() < 0.3 else None
    email = f"buyer{dice.randrange(10**9)}@example.com"
    return lab.shop.place_order(
        [Line(sku, dice.randint(1, 6)) for sku in skus], payment=payment, shipping_amount=Decimal(5),
        billing=Address(email=email), coupon=rule,
    )  # fmt: skip


def _items(lab: Lab, order: int) -> dict[int, int]:
    return {item["item_id"]: int(Decimal(item["qty_ordered"])) for item in lab.shop.order(order)["items"]}


def _parts(items: dict[int, int], dice: random.Random) -> list[dict[int, int]]:
    """Everything, or two parts of it, or only the first of them."""
    if dice.random() < 0.4:
        return [dict(items)]
    first = {item: dice.randint(1, quantity) for item, quantity in items.items()}
    rest = {item: quantity - first[item] for item, quantity in items.items() if quantity > first[item]}
    return [first] if not rest or dice.random() < 0.4 else [first, rest]
