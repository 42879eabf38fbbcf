"""What prevents a write is reported for each document, in words that a person can act on; it harms no other."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from interruptions import later, tamper
from lab_orders import delivered, odoo_invoice, paid_orders
from load_lab import Lab
from sqlalchemy import text

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind

EUR = 126


def put(made: Lab, model: str, id: int, **values: Any) -> None:
    """A record of Odoo as it is after somebody has edited it."""
    env = made.db.env("admin")
    env[model].put(env, id, **values)


def by_order(made: Lab, model: str, origin: str) -> dict[int, int]:
    """Odoo's records by the number of their order."""
    return {int(row[origin]): row["id"] for row in made.records(model, origin)}


def told(made: Lab, kind: ChangeKind) -> dict[int, tuple[str, str]]:
    """State and reason of the changes of a kind, by order."""
    with made.engine.connect() as connection:
        rows = connection.execute(
            text("select order_key, state, reason from change where kind = :kind"), {"kind": kind.value}
        ).all()
    return {int(row.order_key): (row.state, row.reason or "") for row in rows}


def assert_reported(made: Lab, kind: ChangeKind, expected: dict[int, tuple[str, str]]) -> None:
    """The changes of that kind are in these states, each for a reason that has these words."""
    found = told(made, kind)
    assert {order: state for order, (state, _) in found.items()} == {
        order: state for order, (state, _) in expected.items()
    }
    assert {order: found[order] for order, (_, words) in expected.items() if words not in found[order][1]} == {}


def orders_without_documents(made: Lab, count: int) -> list[int]:
    orders = [made.order(email=f"c{number}@example.com") for number in range(count)]
    made.read()
    return orders


def imported(made: Lab, orders: Iterable[int]) -> dict[int, int]:
    """The orders' sale orders in Odoo."""
    made.plan(*[plan for order in orders for plan in made.whole_order(order)])
    made.load()
    return by_order(made, "sale.order", "client_order_ref")


# Payments


def test_a_payment_says_what_is_wrong_with_its_document(made: Lab) -> None:
    paid_orders(made, 6)
    made.load(kinds=[ChangeKind.ORDER_IMPORT, ChangeKind.ODOO_INVOICE])
    moves = by_order(made, "account.move", "invoice_origin")
    put(made, "account.move", moves[1], state="cancel")
    put(made, "account.move", moves[2], state="draft")
    put(made, "account.move", moves[3], amount_residual=Decimal(0))
    put(made, "account.move", moves[4], currency_id=EUR)
    put(made, "account.move", moves[5], amount_residual=Decimal("1.50"))
    made.load()
    assert_reported(
        made, ChangeKind.ODOO_PAYMENT,
        {
            1: ("refused", "its document is cancelled in Odoo"),
            2: ("planned", "its document is not posted in Odoo yet"),
            3: ("superseded", "its document is settled in Odoo already"),
            4: ("refused", "its document has another currency in Odoo"),
            5: ("refused", "only 1.50 of its document is open in Odoo"),
            6: ("done", ""),
        },
    )  # fmt: skip


def test_a_payment_that_a_person_cancelled_is_not_made_again(made: Lab) -> None:
    paid_orders(made, 1)
    made.load()
    (payment,) = made.records("account.payment", "id")
    put(made, "account.payment", payment["id"], state="canceled")
    (invoice,) = made.shop.tables.invoices
    (change,) = made.plan(made.planned(ChangeKind.ODOO_PAYMENT, invoice, Kind.INVOICE, 1, method="card"))
    made.load()
    assert made.state(change) == ("refused", "the payment was cancelled in Odoo: a person decides")
    assert len(made.records("account.payment", "id")) == 1


def test_a_payment_of_a_day_that_was_closed_meanwhile_is_planned_anew(made: Lab) -> None:
    paid_orders(made, 1)
    made.load(kinds=[ChangeKind.ORDER_IMPORT, ChangeKind.ODOO_INVOICE])
    put(made, "res.company", 1, sale_lock_date="2199-01-01")
    made.load()
    assert_reported(
        made, ChangeKind.ODOO_PAYMENT, {1: ("superseded", "lies in a period that is closed up to 2199-01-01")}
    )
    assert made.records("account.payment", "id") == []


# Invoices


def test_an_invoice_says_what_is_wrong_with_its_order(made: Lab) -> None:
    paid_orders(made, 6)
    made.load(kinds=[ChangeKind.ORDER_IMPORT])
    sales = by_order(made, "sale.order", "client_order_ref")
    lines = {order: made.records("sale.order.line", "id", [["order_id", "=", id]]) for order, id in sales.items()}
    env = made.db.env("admin")
    put(made, "sale.order", sales[1], state="cancel")
    put(made, "sale.order", sales[2], state="draft")
    env.db.store.delete("sale.order.line", lines[3][0]["id"])
    put(made, "sale.order.line", lines[4][0]["id"], product_uom_qty=Decimal(1))
    draft = odoo_invoice(made, 5)
    put(made, "account.move", draft, state="draft")
    made.load(kinds=[ChangeKind.ODOO_INVOICE])
    assert_reported(
        made, ChangeKind.ODOO_INVOICE,
        {
            1: ("refused", "the order is cancelled in Odoo"),
            2: ("planned", "the order is not confirmed in Odoo yet"),
            3: ("refused", "the order in Odoo has lost a line that the invoice needs"),
            4: ("refused", "left to invoice, not 2"),
            5: ("refused", "on the order is equal, was made by hand and is not posted alone"),
            6: ("done", ""),
        },
    )  # fmt: skip


def test_an_invoice_that_a_person_cancelled_is_not_written_again(made: Lab) -> None:
    paid_orders(made, 1)
    made.load(kinds=[ChangeKind.ORDER_IMPORT, ChangeKind.ODOO_INVOICE])
    (move,) = made.records("account.move", "id")
    put(made, "account.move", move["id"], state="cancel")
    (invoice,) = made.shop.tables.invoices
    (change,) = made.plan(made.planned(ChangeKind.ODOO_INVOICE, invoice, Kind.INVOICE, 1, post=True))
    made.load(kinds=[ChangeKind.ODOO_INVOICE])
    assert made.state(change) == ("refused", "it was cancelled in Odoo: a person decides")


# Orders


def test_an_order_that_somebody_else_made_in_odoo_is_adopted_only_when_it_is_equal(made: Lab) -> None:
    orders = orders_without_documents(made, 4)
    (partner,) = made.db.call("res.partner", "create", vals_list=[{"name": "Guest", "email": "c3@example.com"}])
    ids = made.db.call("sale.order", "create", vals_list=[{"partner_id": partner} for _ in orders])
    totals = [Decimal(made.shop.order(order)["grand_total"]) for order in orders]
    for id, order, total, values in zip(
        ids,
        orders,
        totals,
        ({}, {"amount_total": Decimal(1)}, {"state": "cancel"}, {"client_order_ref": False}),
        strict=True,
    ):
        number = made.shop.order(order)["increment_id"]
        put(made, "sale.order", id, **{"client_order_ref": number, "amount_total": total, "currency_id": 1, **values})
    made.plan(*[plan for order in orders for plan in made.whole_order(order)])
    made.load()
    assert_reported(
        made, ChangeKind.ORDER_IMPORT,
        {
            1: ("done", ""),
            2: ("refused", "carries this order's number and is not of ours"),
            3: ("refused", "carries this order's number and is not of ours"),
            4: ("refused", "in Odoo has the same customer and total and names no other order"),
        },
    )  # fmt: skip
    assert len(made.records("sale.order", "id")) == 4, "nothing was written beside them"


def test_an_order_of_ours_that_was_changed_or_cancelled_in_odoo_is_reported_with_both_figures(made: Lab) -> None:
    sales = imported(made, orders_without_documents(made, 2))
    put(made, "sale.order", sales[1], state="cancel")
    put(made, "sale.order", sales[2], state="draft", amount_total=Decimal("12.34"))
    made.plan(*[plan for order in (1, 2) for plan in made.whole_order(order)])
    made.load()
    with made.engine.connect() as connection:
        reasons = list(connection.scalars(text("select reason from change where state = 'refused' order by order_key")))
    total = made.shop.order(2)["grand_total"]
    assert reasons == [
        "the order was cancelled in Odoo",
        f"its total is 12.34 in Odoo and {Decimal(total):.2f} in Magento",
    ]


def test_where_customers_are_not_created_an_order_of_an_unknown_one_is_refused(made: Lab) -> None:
    made.with_policy(customers_missing="finding")
    order, *_ = orders_without_documents(made, 1)
    (change,) = made.plan(*made.whole_order(order))
    made.load()
    assert made.state(change) == ("refused", "the customer is not in Odoo and `customers_missing` is `finding`")
    assert made.records("sale.order", "id") == []


def test_an_edited_order_waits_until_the_one_that_it_replaces_is_cancelled(made: Lab) -> None:
    old, new = orders_without_documents(made, 2)
    sales = imported(made, [old])
    plan = made.planned(ChangeKind.ORDER_IMPORT, new, Kind.ORDER, new, replaces=str(old), confirm=True)
    (change,) = made.plan(plan)
    made.load()
    assert made.state(change) == ("planned", "the order that it replaces is not cancelled in Odoo yet")
    put(made, "sale.order", sales[old], state="cancel")
    later(made)
    made.load()
    assert made.state(change)[0] == "done"


def test_an_order_that_has_a_draft_invoice_in_odoo_is_not_cancelled_there(made: Lab) -> None:
    known, unknown = orders_without_documents(made, 2)
    imported(made, [known])
    move = odoo_invoice(made, known)
    for line in made.records("account.move.line", "id", [["move_id", "=", move]]):
        put(made, "account.move.line", line["id"], quantity=Decimal(0))
    made.plan(*[made.planned(ChangeKind.ORDER_CANCEL, order, Kind.ORDER, order) for order in (known, unknown)])
    made.load()
    assert_reported(
        made, ChangeKind.ORDER_CANCEL,
        {
            known: ("refused", "in Odoo the order has an invoice already: a person decides"),
            unknown: ("planned", "the order is not in Odoo yet"),
        },
    )  # fmt: skip


# Goods


def picking_of(made: Lab, sale: int) -> dict[str, Any]:
    (picking,) = made.records("stock.picking", "id move_ids", [["sale_id", "=", sale]])
    return picking


def test_a_delivery_says_whom_it_waits_for_or_why_a_person_has_to_make_it(made: Lab) -> None:
    orders = [made.order({sku: 1}, email=f"{number}@example.com") for number, sku in enumerate("AABAAAA")]
    for order in orders:
        made.shop.ship(order)
    made.read()
    shipments = {row["order_id"]: id for id, row in made.shop.tables.shipments.items()}
    pickings = {order: picking_of(made, sale) for order, sale in imported(made, orders[:6]).items()}
    put(made, "stock.move", pickings[1]["move_ids"][0], picked=True)
    put(made, "stock.picking", pickings[2]["id"], x_magento_key="ship_us_999")
    lots, part = (made.records("product.product", "id", [["default_code", "=", sku]])[0]["id"] for sku in "BC")
    put(made, "product.product", lots, tracking="lot")
    put(made, "stock.move", pickings[4]["move_ids"][0], product_id=part)
    put(made, "stock.picking", pickings[5]["id"], state="cancel")
    items = {order: [[str(made.shop.order(order)["items"][0]["item_id"]), 10_000]] for order in orders}
    made.plan(
        *[
            made.planned(
                ChangeKind.ODOO_DELIVERY, shipments[order], Kind.SHIPMENT, order, items=items[order], tracks=[]
            )
            for order in orders
        ]
    )
    made.load()
    assert_reported(
        made, ChangeKind.ODOO_DELIVERY,
        {
            1: ("planned", "somebody is picking it"),
            2: ("planned", "it is being delivered for ship_us_999"),
            3: ("planned", "its goods need lots or serial numbers: a person delivers them"),
            4: ("planned", "its goods are components of a kit: a person delivers them"),
            5: ("planned", "nothing of it is open for delivery in Odoo"),
            6: ("done", ""),
            7: ("planned", "the order's lines are not in Odoo yet"),
        },
    )  # fmt: skip
    put(made, "stock.picking", pickings[6]["id"], state="cancel")
    late = made.planned(
        ChangeKind.ODOO_TRACKING, shipments[6], Kind.SHIPMENT, 6, odoo_id=pickings[6]["id"], tracks=["T"]
    )
    (change,) = made.plan(late)
    made.load()
    gone = "the delivery is gone or cancelled in Odoo, or another company's, where nothing is written"
    assert made.state(change) == ("refused", gone)


def test_goods_that_were_never_delivered_are_not_returned(made: Lab) -> None:
    orders = [made.order({"A": 1}, payment="card", email=f"{number}@example.com") for number in range(2)]
    plans = []
    for order in orders:
        made.shop.invoice(order)
        item = str(made.items(order)["A"])
        memo = made.shop.refund(order, {int(item): 1})
        plans.append((memo, order, [[item, 10_000]]))
    made.read()
    imported(made, orders[:1])
    made.plan(
        *[
            made.planned(ChangeKind.ODOO_STOCK_RETURN, memo, Kind.CREDIT_MEMO, order, items=items)
            for memo, order, items in plans
        ]
    )
    made.load()
    assert_reported(
        made, ChangeKind.ODOO_STOCK_RETURN,
        {
            1: ("refused", "the deliveries in Odoo do not have these goods to return"),
            2: ("planned", "the order's lines are not in Odoo yet"),
        },
    )  # fmt: skip


# Into Magento


def test_a_shipment_of_a_held_or_deleted_order_is_refused_and_an_existing_one_is_adopted(made: Lab) -> None:
    held, gone, shipped = delivered(made, 3)
    made.shop.tables.orders[held]["state"] = "holded"
    del made.shop.tables.orders[gone]
    by_hand = made.shop.ship(shipped, {made.items(shipped)["A"]: 1})
    made.load()
    assert_reported(
        made, ChangeKind.MAGENTO_SHIPMENT,
        {
            held: ("refused", "the order is holded in Magento"),
            gone: ("refused", "the order does not exist in Magento"),
            shipped: ("done", ""),
        },
    )  # fmt: skip
    assert [row["entity_id"] for row in made.shop.tables.shipments.of_order(shipped)] == [by_hand]
    (picking, *_) = made.records("stock.picking", "id", [["state", "=", "done"], ["origin", "=", "S00003"]])
    late = made.planned(
        ChangeKind.MAGENTO_TRACKING, picking["id"], Kind.SHIPMENT, shipped, magento_id=by_hand, tracks=["T"]
    )
    (change,) = made.plan(late)
    del made.shop.tables.shipments[by_hand]
    made.load()
    assert made.state(change) == ("refused", "the shipment is gone from Magento")


def test_a_credit_memo_is_refused_when_it_would_be_another_or_more_than_was_paid(made: Lab) -> None:
    paid_orders(made, 3)
    made.load(kinds=[ChangeKind.ORDER_IMPORT, ChangeKind.ODOO_INVOICE])
    moves = by_order(made, "account.move", "invoice_origin")
    notes = {order: made.reverse(move) for order, move in moves.items()}
    made.read()
    changes = made.plan(
        *[
            made.planned(
                ChangeKind.MAGENTO_CREDIT_MEMO, notes[order], Kind.CREDIT_MEMO, order,
                items=[[str(key), units] for key, units in zip(made.items(order).values(), (20_000, 30_000), strict=True)],
                shipping=shipping,
            )
            for order, shipping in ((1, 50_000), (2, 40_000), (3, 50_000))
        ]
    )  # fmt: skip
    tamper(made, changes[0], expect={"total": -1, "currency": "USD"})
    made.shop.tables.orders[3]["total_paid"] = Decimal(10)
    made.load(kinds=[ChangeKind.MAGENTO_CREDIT_MEMO])
    total = f"{Decimal(made.shop.order(2)['grand_total']):.2f}"
    assert_reported(
        made, ChangeKind.MAGENTO_CREDIT_MEMO,
        {
            1: ("refused", "a credit memo below zero is never written"),
            2: ("refused", f"Odoo's credit note is {total}"),
            3: ("refused", f"the order would be refunded {total} of 10.00 paid"),
        },
    )  # fmt: skip
    assert not made.shop.tables.creditmemos
