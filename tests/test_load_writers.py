"""Each writer against both sandboxes over HTTP: what is written equals its source to the cent, once, whatever is tried again."""

from __future__ import annotations

from decimal import Decimal

import pytest
from lab_orders import odoo_invoice
from load_lab import Lab

from magodoo.connectors.odoo.rpc import Rpc
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind
from magodoo_sandbox.magento import Coupon


def test_an_order_its_invoice_and_its_payment_arrive_equal_to_the_cent(made: Lab) -> None:
    order = made.order(payment="card")
    invoice = made.shop.invoice(order)
    made.read()
    made.plan(*made.whole_order(order, invoice, paid=True))
    counts = made.load()
    assert (counts["applied"], set(made.states())) == (3, {"done"})
    (entry,) = made.moves()
    source = made.shop.tables.invoices[invoice]
    assert Decimal(str(entry["amount_total"])) == Decimal(source["grand_total"])
    assert (entry["state"], entry["payment_state"], entry["ref"]) == ("posted", "paid", source["increment_id"])
    (sale,) = made.records("sale.order", "state amount_total client_order_ref date_order")
    assert (sale["state"], sale["client_order_ref"]) == ("sale", made.shop.order(order)["increment_id"])
    assert sale["date_order"] == made.shop.order(order)["created_at"]


def test_two_partial_invoices_of_one_order_arrive_once_each(made: Lab) -> None:
    order = made.order({"A": 2, "B": 3})
    ids = made.items(order)
    invoices = [made.shop.invoice(order, {ids["A"]: 1, ids["B"]: 1}), made.shop.invoice(order)]
    made.read()
    made.plan(*made.whole_order(order, *invoices))
    assert made.load()["applied"] == 3
    wanted = [Decimal(made.shop.tables.invoices[number]["grand_total"]) for number in invoices]
    assert [Decimal(str(move["amount_total"])) for move in made.moves()] == wanted
    (sale,) = made.records("sale.order", "invoice_status")
    assert sale["invoice_status"] == "invoiced"


def test_a_finished_change_planned_again_is_found_and_not_written_again(made: Lab) -> None:
    order = made.order()
    invoice = made.shop.invoice(order)
    made.read()
    plans = made.whole_order(order, invoice)
    made.plan(*plans)
    made.load()
    made.plan(*plans)
    assert made.load()["applied"] == 2
    assert len(made.moves()) == len(made.records("sale.order", "name")) == 1


def test_shipments_of_one_order_are_delivered_in_order_with_their_tracks(made: Lab) -> None:
    order = made.order({"A": 2, "B": 3})
    ids = made.items(order)
    first = made.shop.ship(order, {ids["A"]: 1}, tracks=[{"track_number": "T1", "title": "UPS", "carrier_code": "ups"}])
    second = made.shop.ship(order)
    made.read()
    deliveries = [
        made.planned(ChangeKind.ODOO_DELIVERY, first, Kind.SHIPMENT, order, items=[[str(ids["A"]), 10_000]], tracks=["T1"]),
        made.planned(
            ChangeKind.ODOO_DELIVERY, second, Kind.SHIPMENT, order,
            items=[[str(ids["A"]), 10_000], [str(ids["B"]), 30_000]], tracks=[],
        ),
    ]  # fmt: skip
    made.plan(*made.whole_order(order), *deliveries)
    assert made.load()["applied"] == 3
    pickings = made.records("stock.picking", "state x_magento_key carrier_tracking_ref", [["state", "=", "done"]])
    assert [(row["x_magento_key"], row["carrier_tracking_ref"]) for row in pickings] == [
        (f"ship_us_{first}", "T1"),
        (f"ship_us_{second}", False),
    ]
    lines = made.records("sale.order.line", "qty_delivered", [["is_delivery", "=", False]])
    assert [line["qty_delivered"] for line in lines] == [2, 3]


def test_tracks_are_added_to_a_delivery_beside_those_that_it_has(made: Lab) -> None:
    order = made.order({"A": 1})
    shipment = made.shop.ship(order)
    made.read()
    item = [[str(made.items(order)["A"]), 10_000]]
    made.plan(
        *made.whole_order(order),
        made.planned(ChangeKind.ODOO_DELIVERY, shipment, Kind.SHIPMENT, order, items=item, tracks=["T1"]),
    )
    made.load()
    (picking,) = made.records("stock.picking", "id")
    made.plan(
        made.planned(ChangeKind.ODOO_TRACKING, shipment, Kind.SHIPMENT, order, odoo_id=picking["id"], tracks=["T2"])
    )
    assert made.load()["applied"] == 1
    assert made.records("stock.picking", "carrier_tracking_ref")[0]["carrier_tracking_ref"] == "T1,T2"


def test_goods_that_are_not_in_stock_are_not_delivered(made: Lab) -> None:
    order = made.order({"B": 1})
    shipment = made.shop.ship(order)
    other = made.order({"B": 100_000}, email="other@example.com")
    made.read()
    made.plan(*made.whole_order(other))
    made.load()
    item = [[str(made.items(order)["B"]), 10_000]]
    change = made.plan(
        *made.whole_order(order),
        made.planned(ChangeKind.ODOO_DELIVERY, shipment, Kind.SHIPMENT, order, items=item, tracks=[]),
    )[-1]
    made.load()
    state, reason = made.state(change)
    assert state == "planned", "stock may come: it waits"
    assert "reserved" in reason
    assert made.records("stock.picking", "id", [["state", "=", "done"]]) == []


def refunded_order(made: Lab, payment: str = "card") -> tuple[int, int, int]:
    order = made.order({"A": 2, "B": 3}, payment=payment)
    invoice = made.shop.invoice(order)
    ids = made.items(order)
    memo = made.shop.refund(order, {ids["A"]: 1, ids["B"]: 0}, shipping=Decimal(2), adjustment_positive=Decimal("1.10"))
    made.read()
    return order, invoice, memo


def test_a_credit_memo_becomes_a_posted_credit_note_and_leaves_nothing_to_invoice(made: Lab) -> None:
    order, invoice, memo = refunded_order(made)
    words = {"post": True, "unshipped": [[str(made.items(order)["A"]), 10_000]]}  # it never left, as planning says
    note = made.planned(ChangeKind.ODOO_CREDIT_NOTE, memo, Kind.CREDIT_MEMO, order, invoice=str(invoice), **words)
    refund = made.planned(
        ChangeKind.ODOO_REFUND_PAYMENT, memo, Kind.CREDIT_MEMO, order, method="card", transaction_id="re_1"
    )
    made.plan(*made.whole_order(order, invoice, paid=True), note, refund)
    assert made.load()["applied"] == 5
    (entry,) = made.moves("out_refund")
    assert Decimal(str(entry["amount_total"])) == Decimal(made.shop.tables.creditmemos[memo]["grand_total"])
    assert (entry["state"], entry["payment_state"]) == ("posted", "paid")
    (sale,) = made.records("sale.order", "invoice_status")
    assert sale["invoice_status"] == "invoiced"
    payments = made.records("account.payment", "payment_type memo")
    assert [(row["payment_type"], row["memo"]) for row in payments][1] == ("outbound", "re_1")


@pytest.mark.parametrize("policy", ["order", "delivery"])
def test_refunded_goods_come_back_once_and_do_not_open_the_order_for_invoicing(made: Lab, policy: str) -> None:
    products = [row["id"] for row in made.records("product.product", "id", [["default_code", "in", ["A", "B", "C"]]])]
    made.db.call("product.product", "write", ids=products, vals={"invoice_policy": policy})
    order = made.order({"A": 2})
    item = str(made.items(order)["A"])
    invoice, shipment = made.shop.invoice(order), made.shop.ship(order)
    memo = made.shop.refund(order, {int(item): 1})
    made.read()
    plans = [
        *made.whole_order(order, invoice),
        made.planned(ChangeKind.ODOO_DELIVERY, shipment, Kind.SHIPMENT, order, items=[[item, 20_000]], tracks=[]),
        made.planned(ChangeKind.ODOO_CREDIT_NOTE, memo, Kind.CREDIT_MEMO, order, post=True),
        made.planned(ChangeKind.ODOO_STOCK_RETURN, memo, Kind.CREDIT_MEMO, order, items=[[item, 10_000]]),
    ]
    made.plan(*plans)
    assert made.load()["applied"] == 5
    made.plan(plans[-1])
    made.load()
    returns = made.records("stock.picking", "state x_magento_key", [["picking_type_code", "=", "incoming"]])
    assert [(row["state"], row["x_magento_key"]) for row in returns] == [("done", f"ret_us_{memo}")]
    (sale,) = made.records("sale.order", "invoice_status")
    assert sale["invoice_status"] == "invoiced"


def test_an_order_is_cancelled_only_while_nothing_is_invoiced(made: Lab) -> None:
    first, second = made.order(), made.order(email="b@example.com")
    invoice = made.shop.invoice(second)
    made.read()
    made.plan(*made.whole_order(first), *made.whole_order(second, invoice))
    made.load()
    cancel = [made.planned(ChangeKind.ORDER_CANCEL, number, Kind.ORDER, number) for number in (first, second)]
    changes = made.plan(*cancel)
    made.load()
    assert [made.state(change)[0] for change in changes] == ["done", "refused"]
    assert [row["state"] for row in made.records("sale.order", "state")] == ["cancel", "sale"]


# Into Magento


def test_an_invoice_of_odoo_becomes_a_magento_invoice_that_captures_and_mails_nothing(made: Lab) -> None:
    order = made.order()
    made.read()
    made.plan(*made.whole_order(order))
    made.load()
    move = odoo_invoice(made, order)
    made.read()
    ids = made.items(order)
    plan = made.planned(
        ChangeKind.MAGENTO_INVOICE, move, Kind.INVOICE, order,
        items=[[str(ids["A"]), 20_000], [str(ids["B"]), 30_000]], shipping=50_000,
    )  # fmt: skip
    made.plan(plan)
    assert made.load()["applied"] == 1
    (invoice,) = made.shop.tables.invoices.of_order(order)
    assert Decimal(invoice["grand_total"]) == Decimal(str(made.moves()[0]["amount_total"]))
    assert f":account.move:{move}" in invoice["comments"][0]["comment"]
    posts = [entry for entry in made.magento.app.log if entry["method"] == "POST"]
    assert len(posts) == 1
    assert "capture" not in posts[0]["path"]
    made.plan(plan)
    made.load()
    assert len(list(made.shop.tables.invoices.of_order(order))) == 1


def test_an_authorised_payment_is_never_invoiced_over_rest(made: Lab) -> None:
    order = made.order(payment="card")
    made.read()
    made.plan(*made.whole_order(order))
    made.load()
    move = odoo_invoice(made, order)
    made.read()
    ids = made.items(order)
    (change,) = made.plan(
        made.planned(
            ChangeKind.MAGENTO_INVOICE,
            move,
            Kind.INVOICE,
            order,
            items=[[str(ids["A"]), 20_000], [str(ids["B"]), 30_000]],
        )
    )
    made.load()
    assert made.state(change)[0] == "refused"
    assert "authorised" in made.state(change)[1]
    assert not list(made.shop.tables.invoices.of_order(order))


def test_an_invoice_that_magento_would_make_of_another_amount_is_refused_with_both_figures(made: Lab) -> None:
    order = made.order()
    made.read()
    made.plan(*made.whole_order(order))
    made.load()
    move = odoo_invoice(made, order)
    made.read()
    ids = made.items(order)
    (change,) = made.plan(
        made.planned(ChangeKind.MAGENTO_INVOICE, move, Kind.INVOICE, order, items=[[str(ids["A"]), 20_000]])
    )
    made.load()
    state, reason = made.state(change)
    assert (state, str(made.moves()[0]["amount_total"]) in reason) == ("refused", True)
    assert not list(made.shop.tables.invoices.of_order(order))


def delivered(made: Lab, order: int, tracking: str = "") -> int:
    made.read()
    made.plan(*made.whole_order(order))
    made.load()
    (picking,) = made.records("stock.picking", "id")
    if tracking:
        made.db.call("stock.picking", "write", ids=[picking["id"]], vals={"carrier_tracking_ref": tracking})
    made.db.call("stock.picking", "button_validate", ids=[picking["id"]], context={"skip_sms": True})
    made.read()
    return int(picking["id"])


def test_a_delivery_becomes_a_shipment_and_a_late_track_is_added_once(made: Lab) -> None:
    order = made.order({"A": 2})
    picking = delivered(made, order, "T1")
    item = str(made.items(order)["A"])
    made.plan(
        made.planned(
            ChangeKind.MAGENTO_SHIPMENT,
            picking,
            Kind.SHIPMENT,
            order,
            items=[[item, 20_000]],
            tracks=["T1"],
            carrier="UPS",
        )
    )
    assert made.load()["applied"] == 1
    (shipment,) = made.shop.tables.shipments.of_order(order)
    assert [track["track_number"] for track in shipment["tracks"]] == ["T1"]
    late = made.planned(
        ChangeKind.MAGENTO_TRACKING,
        picking,
        Kind.SHIPMENT,
        order,
        magento_id=shipment["entity_id"],
        tracks=["T1", "T2"],
    )
    for _ in range(2):
        made.plan(late)
        made.load()
    assert [track["track_number"] for track in shipment["tracks"]] == ["T1", "T2"]


def test_a_credit_note_becomes_an_offline_credit_memo_with_explicit_shipping(made: Lab) -> None:
    order = made.order({"A": 2})
    made.shop.invoice(order)
    made.read()
    item = str(made.items(order)["A"])
    made.plan(*made.whole_order(order, *[row["entity_id"] for row in made.shop.tables.invoices.of_order(order)]))
    made.load()
    (entry,) = made.moves()
    note = made.reverse(entry["id"])
    made.read()
    plan = made.planned(
        ChangeKind.MAGENTO_CREDIT_MEMO, note, Kind.CREDIT_MEMO, order,
        items=[[item, 20_000]], shipping=50_000, adjustment_positive=0, adjustment_negative=0,
    )  # fmt: skip
    for _ in range(2):
        made.plan(plan)
        made.load()
    (memo,) = made.shop.tables.creditmemos.of_order(order)
    assert Decimal(memo["grand_total"]) == Decimal(str(made.moves("out_refund")[0]["amount_total"]))


def test_an_odoo_without_forced_line_taxes_gets_net_prices_and_a_forced_tax_line(
    made: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Rpc.has_field
    lacking = ("account.move.line", "extra_tax_data"), ("sale.order.line", "extra_tax_data")
    monkeypatch.setattr(Rpc, "has_field", lambda self, *field: field not in lacking and known(self, *field))
    order = made.order({"B": 7}, coupon=Coupon("TEN", percent=Decimal(10)))
    item = made.items(order)["B"]
    invoices = [made.shop.invoice(order, {item: 1}) for _ in range(3)] + [made.shop.invoice(order)]
    made.read()
    made.plan(*made.whole_order(order, *invoices))
    assert made.load()["applied"] == 5
    wanted = [made.shop.tables.invoices[number] for number in invoices]
    found = made.moves()
    assert [Decimal(str(move["amount_total"])) for move in found] == [Decimal(row["grand_total"]) for row in wanted]
    assert [Decimal(str(move["amount_tax"])) for move in found] == [Decimal(row["tax_amount"]) for row in wanted]
    assert {row["extra_tax_data"] for row in made.records("account.move.line", "extra_tax_data")} == {False}
