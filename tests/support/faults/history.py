"""Random shop histories: orders that Magento leads (invoices, shipments, credit memos there) and orders that Odoo leads."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from load_lab import SKUS, Lab

from faults import kinds
from magodoo_sandbox.magento import Address, Coupon, Line


@dataclass
class History:
    """One order and its documents at its source."""

    order: int
    payment: str
    leads: str
    invoices: list[int] = field(default_factory=list)
    shipments: list[int] = field(default_factory=list)
    memos: list[int] = field(default_factory=list)
    returned: list[Decimal] = field(default_factory=list)  # pieces of each return to stock
    cancelled: bool = False
    unseen: bool = (
        False  # something happened that Magento's `updated_at` does not show: only the nightly refresh finds it
    )


def led_by_magento(lab: Lab, dice: random.Random) -> History:
    """An order with up to two partial invoices and shipments and a credit memo, all made in Magento."""
    payment = dice.choice(("card", "checkmo"))
    history = History(_place(lab, dice, payment), payment, "magento")
    if payment == "card":
        lab.shop.authorize(history.order)
    items = _items(lab, history.order)
    for part in _parts(items, dice):
        history.invoices.append(lab.shop.invoice(history.order, part))
    shipped = _parts(items, dice) if dice.random() < 0.7 else []
    for part in shipped:
        history.shipments.append(
            lab.shop.ship(history.order, part, tracks=[_track(dice)] if dice.random() < 0.5 else [])
        )
    if dice.random() < 0.4:
        _refund(lab, history, items, shipped, dice)
    return history


def _refund(
    lab: Lab, history: History, items: dict[int, int], shipped: list[dict[int, int]], dice: random.Random
) -> None:
    """A memo of one piece, which comes back if it was shipped; of shipping alone where it would not be plain from which delivery.

    What a card paid is given back by its provider, so that the memo has a payment in Odoo.
    """
    plain = not shipped or shipped == [items]
    item = dice.choice(sorted(items)) if plain else 0
    wanted, shipping = {each: int(each == item) for each in items}, Decimal(dice.choice((0, 1)) if plain else 1)
    if history.payment == "card":
        memo = lab.shop.refund_invoice(history.invoices[0], wanted, shipping=shipping, online=True)
    else:
        memo = lab.shop.refund(history.order, wanted, shipping=shipping)
    history.memos.append(memo)
    history.returned += [Decimal(1)] if plain and shipped else []


def led_by_odoo(lab: Lab, dice: random.Random) -> History:
    """An order that is imported before anything goes wrong; what happens to it happens in Odoo (see `go_on_in_odoo`)."""
    return History(_place(lab, dice, "checkmo", coupon=False), "checkmo", "odoo")


def go_on_in_odoo(lab: Lab, history: History, dice: random.Random) -> None:
    """A person invoices the order, and delivers it, wholly or in two parts; or it is cancelled in Magento."""
    if dice.random() < 0.15:
        lab.shop.cancel(history.order)
        history.cancelled = True
        return
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


def credit_in_odoo(lab: Lab, history: History) -> None:
    """The customer pays, everything is credited, and the money is paid out: what a Magento credit memo is made of."""
    (move,) = history.invoices
    _pay(lab, move, "inbound")
    note = lab.reverse(move)
    history.memos.append(note)


def _pay(lab: Lab, move: int, direction: str) -> None:
    """A clerk registers the payment of the whole move in the bank journal and matches it."""
    fields = "partner_id amount_residual currency_id invoice_date"
    (row,) = lab.records("account.move", fields, [["id", "=", move]])
    (journal,) = lab.records("account.journal", "code", [["code", "=", "CARD"], ["company_id", "=", 1]])
    lines = lab.records("account.payment.method.line", "journal_id payment_type", [["journal_id", "=", journal["id"]]])
    method = next(line["id"] for line in lines if line["payment_type"] == direction)
    cells = {
        "id": f"clerk.payment_{move}", "payment_type": direction, "partner_type": "customer",
        "partner_id/.id": row["partner_id"][0], "amount": Decimal(str(row["amount_residual"])),
        "currency_id/.id": row["currency_id"][0], "date": row["invoice_date"], "journal_id/.id": journal["id"],
        "payment_method_line_id/.id": method, "memo": "by hand", "invoice_ids/.id": move,
    }  # fmt: skip
    table = {"fields": list(cells), "data": [[str(cell) for cell in cells.values()]]}
    (payment,) = lab.db.call("account.payment", "load", **table)["ids"]
    lab.db.call("account.payment", "action_post", ids=[payment])
    (entry,) = lab.records("account.payment", "move_id", [["id", "=", payment]])
    domain = [
        ["move_id", "in", [entry["move_id"][0], move]],
        ["account_id.account_type", "=", "asset_receivable"],
        ["reconciled", "=", False],
    ]
    lab.db.call(
        "account.move.line", "reconcile", ids=[line["id"] for line in lab.records("account.move.line", "id", domain)]
    )


def go_on(lab: Lab, history: History, dice: random.Random) -> str:
    """Later: a parcel gets a tracking number, on the side that shipped it. Returns what happened, "" for nothing."""
    if not history.shipments:
        return ""
    shipment, number = dice.choice(history.shipments), f"L{dice.randrange(10**6)}"
    if history.leads == "magento":
        if not lab.shop.tables.shipments[shipment]["tracks"]:
            lab.shop.add_track(shipment, number, "UPS", "ups")
            history.unseen = True
    else:
        (row,) = lab.records("stock.picking", "carrier_tracking_ref", [["id", "=", shipment]])
        if not row["carrier_tracking_ref"]:
            lab.db.call("stock.picking", "write", ids=[shipment], vals={"carrier_tracking_ref": number})
    return kinds.TRACKED


def pay_by_hand(lab: Lab, history: History) -> str:
    """A clerk registers the payment of an invoice that is in Odoo, while ours is planned. Returns what was done."""
    number = lab.shop.tables.invoices[history.invoices[0]]["increment_id"]
    of_order = [
        ["invoice_origin", "=", lab.shop.order(history.order)["increment_id"]],
        ["move_type", "=", "out_invoice"],
    ]
    (move,) = lab.records("account.move", "ref", [["ref", "=", number], *of_order])
    _pay(lab, move["id"], "inbound")
    return kinds.PAID


def meddle(lab: Lab, history: History) -> str:
    """Somebody acts between plan and write: an invoice is cancelled in Magento, or a delivery is shipped there by hand too.

    Returns what was done, "" for nothing.
    """
    if history.leads == "magento" and history.invoices and not history.memos:
        cancelled = history.invoices.pop()
        lab.shop.tables.invoices[cancelled] |= {"state": 3, "updated_at": lab.shop.clock.stamp()}
        return kinds.CANCELLED
    if (
        history.leads == "odoo" and len(history.shipments) == 1 and not history.memos
    ):  # of two equal ones nobody could know which it was
        (lines,) = [
            row["move_ids"] for row in lab.records("stock.picking", "move_ids", [["id", "=", history.shipments[0]]])
        ]
        moves = lab.records("stock.move", "product_id quantity", [["id", "in", lines], ["state", "=", "done"]])
        skus = {row["id"]: row["default_code"] for row in lab.records("product.product", "default_code")}
        keys = {item["sku"]: item["item_id"] for item in lab.shop.order(history.order)["items"]}
        lab.shop.ship(history.order, {keys[skus[move["product_id"][0]]]: move["quantity"] for move in moves})
        return kinds.SHIPPED
    return ""


def sales_of(lab: Lab, history: History, cancelled: bool = False) -> list[dict[str, Any]]:
    """The order in Odoo as often as it is there; `cancelled` counts what is cancelled, and only that."""
    number = lab.shop.order(history.order)["increment_id"]
    domain = [["client_order_ref", "=", number], ["state", "=" if cancelled else "!=", "cancel"]]
    return lab.records("sale.order", "id name state amount_total picking_ids invoice_ids", domain)


def _deliver(lab: Lab, sale: int, dice: random.Random) -> list[int]:
    domain = [["sale_id", "=", sale], ["state", "not in", ["done", "cancel"]]]
    for picking in lab.records("stock.picking", "id move_ids", domain)[:1]:
        for move in lab.records("stock.move", "id product_uom_qty", [["id", "in", picking["move_ids"]]]):
            quantity = dice.randint(1, max(1, int(move["product_uom_qty"]) // 2))
            lab.db.call("stock.move", "write", ids=[move["id"]], vals={"quantity": quantity, "picked": True})
        if dice.random() < 0.5:
            lab.db.call(
                "stock.picking", "write", ids=[picking["id"]], vals={"carrier_tracking_ref": f"O{picking['id']}"}
            )
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


def _track(dice: random.Random) -> dict[str, str]:
    return {"track_number": f"T{dice.randrange(10**6)}", "title": "UPS", "carrier_code": "ups"}


def _items(lab: Lab, order: int) -> dict[int, int]:
    return {item["item_id"]: int(Decimal(item["qty_ordered"])) for item in lab.shop.order(order)["items"]}


def _parts(items: dict[int, int], dice: random.Random) -> list[dict[int, int]]:
    """Everything, or two parts of it, or only the first of them."""
    if dice.random() < 0.4:
        return [dict(items)]
    first = {item: dice.randint(1, quantity) for item, quantity in items.items()}
    rest = {item: quantity - first[item] for item, quantity in items.items() if quantity > first[item]}
    return [first] if not rest or dice.random() < 0.4 else [first, rest]
