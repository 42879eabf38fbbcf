"""The orders of the live pair: what only the shop holds, what only the books hold, and what both hold and do not agree on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from live_shop import CONFIGURABLE, COUPON, DYNAMIC, FIXED
from pair_live import People, cents

from magodoo.magento import Track
from magodoo.vocabulary import Kind

TWO_LINES = [("LIVE-A", 3), ("LIVE-B", 2)]
NOTE = "made by a person"
ZERO, ONE, TWO = Decimal(0), Decimal(1), Decimal(2)


def shop_alone(people: People) -> None:
    """Documents that only the shop has."""
    for name, cart, options in (
        ("whole", TWO_LINES, {}),
        ("transfer", TWO_LINES, {"payment": "banktransfer"}),
        ("kinds", [(CONFIGURABLE, 2), (DYNAMIC, 1), (FIXED, 1), ("LIVE-V", 1)], {}),
        ("coupon", TWO_LINES, {"coupon": COUPON}),
        ("euro", TWO_LINES, {"store": "eu", "country": "DE"}),
        ("virtual", [("LIVE-V", 2)], {}),
    ):
        order, _ = people.buy(name, cart, **options)  # type: ignore[arg-type]
        people.everything(order, ship=name != "virtual")
    order, items = people.buy("parts", TWO_LINES)
    people.client.create_invoice(order, [(items["LIVE-A"], TWO)], NOTE)
    people.client.create_invoice(order, [(items["LIVE-A"], ONE), (items["LIVE-B"], TWO)], NOTE)
    people.client.create_shipment(order, [(items["LIVE-A"], TWO)], [Track("1ZP1"), Track("1ZP2")], NOTE)
    order, items = people.buy("refunded", TWO_LINES)
    people.everything(order)
    people.client.create_credit_memo(order, [(items["LIVE-A"], ONE)], TWO, ONE, ZERO, NOTE)
    order, items = people.buy("euro refunded", TWO_LINES, store="eu", country="DE", coupon=COUPON)
    people.everything(order)
    people.client.create_credit_memo(order, [(items["LIVE-B"], ONE)], ONE, ZERO, ZERO, NOTE)
    people.buy("pending", TWO_LINES)
    order, _ = people.buy("cancelled", TWO_LINES)
    people.client.cancel_order(order)


def books_alone(people: People) -> None:
    """Documents that only the books have; a clerk entered the orders, some were linked by an earlier import."""
    for name, linked, cart in (
        ("billed", True, TWO_LINES),
        ("billed by hand", False, TWO_LINES),
        ("billed kinds", True, [(CONFIGURABLE, 2), (DYNAMIC, 1)]),
        ("delivered in part", True, TWO_LINES),
    ):
        people.buy(name, cart, payment="cashondelivery")
        history = people.history(name, "cashondelivery")
        people.books.order(history, linked=linked)
        items = people.desk.money_items(history.order)
        if name != "delivered in part":
            bill(people, name)
        quantity = ONE if name == "delivered in part" else None
        quantities = {item["item_id"]: quantity or Decimal(str(item["qty_ordered"])) for item in items}
        people.books.deliver(history, quantities, tracking=[f"DHL{history.order}"])


def bill(people: People, name: str) -> int:
    """Odoo's own invoice of the whole order, paid."""
    history = people.history(name, "cashondelivery")
    move = people.books.invoice_of_order(history)
    people.books.moves[f"inv_{-move}"] = move
    (row,) = people.books.call("account.move", "read", [move], fields=["amount_residual"])
    people.books.pay(history, f"inv_{-move}", cents(row["amount_residual"]), "USD")
    return move


def both(people: People) -> None:
    """Documents that both have, with something that only one of them knows, or that a person got wrong."""
    order, _ = people.buy(
        "late track", TWO_LINES
    )  # the books know the number of a delivery that the shop shipped without
    people.everything(order, tracked=False)
    history = people.history("late track")
    people.books.order(history)
    shop = people.in_shop(order)
    people.books.invoice(history, shop[Kind.INVOICE][0]["entity_id"])
    people.books.delivery_of(history, shop[Kind.SHIPMENT][0]["entity_id"], linked=False, tracking=[f"LATE{order}"])
    order, _ = people.buy("wrong price", TWO_LINES)
    people.everything(order, ship=False)
    history = people.history("wrong price")
    people.books.order(history)
    people.books.invoice(history, people.in_shop(order)[Kind.INVOICE][0]["entity_id"], change=dearer)


def dearer(entries: list[Any]) -> list[Any]:
    """One line of an invoice a dollar dearer, as a person may type it."""
    entries[0].price += ONE
    entries[0].net += ONE * entries[0].quantity
    entries[0].base_net += ONE * entries[0].quantity
    return entries


def invoice_to_race_for(people: People) -> int:
    """The books billed an order and were paid; the shop has no invoice yet."""
    order, _ = people.buy("raced invoice", TWO_LINES, payment="cashondelivery")
    people.books.order(people.history("raced invoice", "cashondelivery"))
    bill(people, "raced invoice")
    return order


def memo_to_race_for(people: People) -> int:
    """Both hold a paid invoice; the books took it all back and paid it out."""
    order, _ = people.buy("raced memo", TWO_LINES, payment="cashondelivery")
    people.everything(order, ship=False)
    history = people.history("raced memo", "cashondelivery")
    people.books.order(history)
    (invoice,) = people.in_shop(order)[Kind.INVOICE]
    people.books.invoice(history, invoice["entity_id"])
    total = cents(invoice["grand_total"])
    people.books.pay(history, f"inv_{invoice['entity_id']}", total, "USD")
    people.books.moves["cm_0"] = people.books.reverse(history, invoice["entity_id"])
    people.books.pay(history, "cm_0", total, "USD", outbound=True)
    return order
