"""The orders of the live pair: what only Magento holds, what only Odoo holds, and what both hold and do not agree on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from live_shop import CONFIGURABLE, COUPON, DYNAMIC, DYNAMIC_APART, FIXED, FIXED_APART
from pair_live import People, cents

from magodoo.connectors.magento import Track
from magodoo.domain.vocabulary import Kind

TWO_LINES = [("LIVE-A", 3), ("LIVE-B", 2)]
NOTE = "made by a person"
APART = [(DYNAMIC_APART, 2), (FIXED_APART, 1)]
TYPED = "jd 01,02 x"  # a tracking number with a comma, blanks and lower case
ZERO, ONE, TWO = Decimal(0), Decimal(1), Decimal(2)


def only_in_magento(people: People) -> None:
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
    order, _ = people.buy("typed number", TWO_LINES)
    people.http.write("POST", f"/order/{order}/invoice", {})
    people.http.write("POST", f"/order/{order}/ship", {"tracks": [Track(TYPED).body()]})
    bundles_apart(people)
    people.buy("pending", TWO_LINES)
    order, _ = people.buy("cancelled", TWO_LINES)
    people.client.cancel_order(order)


def bundles_apart(people: People) -> None:
    """Bundles that ship separately: part by part, and with one part taken back after everything has left."""
    order, _ = people.buy("apart", APART)
    people.http.write("POST", f"/order/{order}/invoice", {})
    parts = people.parts_of(order, DYNAMIC_APART)
    people.client.create_shipment(order, [(parts["LIVE-B"], Decimal(3))], [Track("1ZB")], NOTE)
    people.http.write("POST", f"/order/{order}/ship", {"tracks": [Track("1ZREST").body()]})
    order, _ = people.buy("apart refunded", [(DYNAMIC_APART, 2)])
    people.everything(order)
    people.client.create_credit_memo(
        order, [(people.parts_of(order, DYNAMIC_APART)["LIVE-B"], ONE)], ZERO, ZERO, ZERO, NOTE
    )


def only_authorised(people: People) -> None:
    """An order that is shown as paid, whose money an authorising method has reserved and nobody has captured."""
    order, _ = people.buy("only authorised", TWO_LINES, payment="purchaseorder")
    people.run_sql(f"""
        update sales_order set state = 'processing', status = 'processing' where entity_id = {order};
        update sales_order_payment set amount_authorized = amount_ordered, base_amount_authorized = base_amount_ordered
            where parent_id = {order};
        insert into sales_payment_transaction (order_id, payment_id, txn_id, txn_type, is_closed)
            select {order}, entity_id, 'live-{order}', 'authorization', 0 from sales_order_payment where parent_id = {order};
    """)


def only_in_odoo(people: People) -> None:
    """Documents that only Odoo has; a clerk entered the orders, some were linked by an earlier import."""
    for name, linked, cart in (
        ("billed", True, TWO_LINES),
        ("billed by hand", False, TWO_LINES),
        ("billed kinds", True, [(CONFIGURABLE, 2), (DYNAMIC, 1)]),
        ("billed apart", True, APART),
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
        people.books.deliver(history, quantities, tracking=[f"dhl {history.order} x"])


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
    order, _ = people.buy("late track", TWO_LINES)  # Odoo has the number of a delivery that the shop shipped without
    people.everything(order, tracked=False)
    history = people.history("late track")
    people.books.order(history)
    shop = people.in_magento(order)
    people.books.invoice(history, shop[Kind.INVOICE][0]["entity_id"])
    people.books.delivery_of(history, shop[Kind.SHIPMENT][0]["entity_id"], linked=False, tracking=[f"LATE{order}"])
    order, _ = people.buy("wrong price", TWO_LINES)
    people.everything(order, ship=False)
    history = people.history("wrong price")
    people.books.order(history)
    people.books.invoice(history, people.in_magento(order)[Kind.INVOICE][0]["entity_id"], change=dearer)


def dearer(entries: list[Any]) -> list[Any]:
    """One line of an invoice a dollar dearer, as a person may type it."""
    entries[0].price += ONE
    entries[0].net += ONE * entries[0].quantity
    entries[0].base_net += ONE * entries[0].quantity
    return entries


def invoice_to_race_for(people: People) -> int:
    """Odoo invoiced an order and was paid; Magento has no invoice yet."""
    order, _ = people.buy("raced invoice", TWO_LINES, payment="cashondelivery")
    people.books.order(people.history("raced invoice", "cashondelivery"))
    bill(people, "raced invoice")
    return order


def memo_to_race_for(people: People) -> int:
    """Both hold a paid invoice; Odoo reversed it all and paid it out."""
    order, _ = people.buy("raced memo", TWO_LINES, payment="cashondelivery")
    people.everything(order, ship=False)
    history = people.history("raced memo", "cashondelivery")
    people.books.order(history)
    (invoice,) = people.in_magento(order)[Kind.INVOICE]
    people.books.invoice(history, invoice["entity_id"])
    total = cents(invoice["grand_total"])
    people.books.pay(history, f"inv_{invoice['entity_id']}", total, "USD")
    people.books.moves[f"cm_{order}"] = people.books.reverse(history, invoice["entity_id"])
    people.books.pay(history, f"cm_{order}", total, "USD", outbound=True)
    return order
