"""The scenarios that the chain is for, seven to twelve, each through both HTTP servers and PostgreSQL."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from shop_and_books import ShopAndBooks, amount
from stories import Story, run_chain, story

TRACK = {"track_number": "1Z999", "title": "United Parcel Service", "carrier_code": "ups"}
EVERYTHING_OFF: dict[str, Any] = {
    "shipments": {"tracking": "off"}, "credit_memos": {"to_odoo": "off", "to_magento": "off"}, "orders": {"cancel": False},
}  # fmt: skip
OTHER_CHOICES: dict[str, Any] = {
    "credit_memos": {"to_odoo": "draft", "to_magento": "when_paid"},
    "shipments": {"returns": "shipped_items"},
}


def tracks(shipment: dict[str, Any]) -> list[str]:
    return [track["track_number"] for track in shipment["tracks"]]


def in_full(
    pair: ShopAndBooks, payment: str = "banktransfer", lines: dict[str, int] | None = None, *, ship: bool = True
) -> int:
    """An order that Magento invoiced, and shipped, in full."""
    order = pair.order(lines or {"SKU-001": 4, "SKU-002": 2}, payment)
    pair.shop.invoice(order)
    if ship:
        pair.shop.ship(order)
    return order


# 7: tracking added later on either side


@story()
def test_scenario_07_track_added_later_in_magento_arrives_in_odoo(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    yield run_chain()
    (shipment,) = pair.shipments(order)
    for number in ("T-1", "T-2"):
        pair.shop.add_track(shipment["entity_id"], number, "UPS", "ups")
    pair.touch(order)
    yield run_chain()
    assert pair.pickings(order)[0]["carrier_tracking_ref"] == "T-1,T-2"
    assert tracks(pair.shipments(order)[0]) == ["T-1", "T-2"]


@story()
def test_scenario_07_track_added_later_in_odoo_arrives_in_magento(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    yield run_chain()
    (done,) = pair.pickings(order)
    pair.call("stock.picking", "write", [done["id"]], vals={"carrier_tracking_ref": "O-1"})
    yield run_chain()
    assert tracks(pair.shipments(order)[0]) == ["O-1"]


def test_scenario_07_the_refresh_finds_a_track_that_moved_no_time_stamp(pair: ShopAndBooks) -> None:
    from magodoo.pipeline import refresh

    order = in_full(pair)
    pair.chain()
    pair.touch(order, minutes_ago=5)
    pair.chain()
    pair.shop.add_track(pair.shipments(order)[0]["entity_id"], "LATE", "UPS", "ups")
    pair.chain()
    assert not pair.pickings(order)[0]["carrier_tracking_ref"], "Magento does not tell of it"
    refresh.run(pair.context())
    pair.run()
    assert pair.pickings(order)[0]["carrier_tracking_ref"] == "LATE"


@story()
def test_scenario_07_other_tracks_on_both_sides_are_left_to_a_person(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    yield run_chain()
    (done,), (shipment,) = pair.pickings(order), pair.shipments(order)
    pair.call("stock.picking", "write", [done["id"]], vals={"carrier_tracking_ref": "O-9"})
    pair.shop.add_track(shipment["entity_id"], "M-9", "UPS", "ups")
    pair.touch(order)
    yield run_chain()
    assert (tracks(pair.shipments(order)[0]), pair.pickings(order)[0]["carrier_tracking_ref"]) == (["M-9"], "O-9")
    assert pair.findings(order) == {("tracking_mismatch", "shipment", "")}


@story(**EVERYTHING_OFF)
def test_scenario_07_with_the_setting_off_no_track_is_written(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    yield run_chain()
    pair.shop.add_track(pair.shipments(order)[0]["entity_id"], "T-1", "UPS", "ups")
    pair.touch(order)
    yield run_chain()
    assert not pair.pickings(order)[0]["carrier_tracking_ref"]
    assert pair.findings(order) == {("tracking_mismatch", "shipment", "")}


# 8: credit memo created in Magento


@story()
@pytest.mark.parametrize(
    ("items", "arguments"),
    [
        pytest.param(None, {}, id="full"),
        pytest.param({"SKU-001": 1}, {"shipping": 0}, id="partial"),
        pytest.param({}, {"shipping": 5}, id="shipping"),
        pytest.param({}, {"shipping": 0, "adjustment_positive": 3}, id="adjustment"),
        pytest.param(
            {"SKU-002": 1},
            {"shipping": 2, "adjustment_positive": 1, "adjustment_negative": Decimal("0.5")},
            id="everything",
        ),
    ],
)
def test_scenario_08_credit_memo_becomes_a_posted_credit_note_of_the_same_amount(
    pair: ShopAndBooks, items: dict[str, int] | None, arguments: dict[str, Any]
) -> Story:
    order = in_full(pair)
    ids = pair.items(order)
    wanted = None if items is None else {ids[sku]: items.get(sku, 0) for sku in ids}
    pair.shop.refund(order, wanted, **arguments)
    yield run_chain()
    (memo,), (note,) = pair.memos(order), pair.notes(order)
    assert amount(note["amount_total"]) == amount(memo["grand_total"])
    assert amount(note["amount_tax"]) == amount(memo["tax_amount"])
    assert (note["state"], note["ref"]) == ("posted", memo["increment_id"])
    assert note["invoice_origin"] == pair.shop.order(order)["increment_id"]
    assert pair.to_invoice(order) == 0
    assert pair.pickings(order, "incoming") == [], "Magento never tells whether goods came back"


@story()
def test_scenario_08_a_provider_s_refund_is_paid_out_in_its_journal(pair: ShopAndBooks) -> Story:
    order = in_full(pair, "card")
    yield run_chain()
    pair.shop.refund_invoice(pair.invoices(order)[0]["entity_id"], online=True)
    yield run_chain()
    (memo,), (note,) = pair.memos(order), pair.notes(order)
    assert (note["payment_state"], note["reversed_entry_id"][0]) == ("paid", pair.moves(order)[0]["id"])
    (payment,) = pair.payments(note)
    assert (payment["payment_type"], payment["journal_id"][1]) == ("outbound", "Card payments")
    assert (amount(payment["amount"]), payment["memo"]) == (amount(memo["grand_total"]), memo["transaction_id"])


@story(**OTHER_CHOICES)
def test_scenario_08_as_a_draft_by_policy(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    pair.shop.refund(order)
    yield run_chain()
    assert [note["state"] for note in pair.notes(order)] == ["draft"]
    assert amount(pair.notes(order)[0]["amount_total"]) == amount(pair.memos(order)[0]["grand_total"])


@story(**EVERYTHING_OFF)
def test_scenario_08_with_the_setting_off_no_credit_note_is_made(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    pair.shop.refund(order)
    yield run_chain()
    assert (len(pair.moves(order)), pair.notes(order)) == (1, [])
    assert ("missing_in_odoo", "credit_memo", "") in pair.findings(order)


@story(**OTHER_CHOICES)
def test_scenario_08_refunded_goods_return_to_stock_by_policy(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    yield run_chain()
    pair.shop.refund(order, {pair.items(order)["SKU-001"]: 3, pair.items(order)["SKU-002"]: 0}, shipping=0)
    yield run_chain()
    (back,) = pair.pickings(order, "incoming")
    assert (back["state"], pair.moved(back)) == ("done", {"SKU-001": 3})
    assert pair.to_invoice(order) == 0


@story(**OTHER_CHOICES)
def test_scenario_08_credit_note_paid_in_odoo_becomes_an_offline_credit_memo(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    yield run_chain()
    (entry,) = pair.moves(order)
    if entry["state"] == "draft":
        pair.call("account.move", "action_post", [entry["id"]])
    pair.pay(order, entry["id"])
    note = pair.reverse(entry["id"])
    pair.pay(order, note, outbound=True)
    yield run_chain()
    (memo,) = pair.memos(order)
    assert amount(memo["grand_total"]) == amount(entry["amount_total"])


# 9: order cancelled in Magento


@story()
def test_scenario_09_order_cancelled_in_magento_is_cancelled_in_odoo(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="cashondelivery")
    yield run_chain()
    pair.shop.cancel(order)
    yield run_chain()
    assert [sale["state"] for sale in pair.sales(order)] == ["cancel"]
    assert {picking["state"] for picking in pair.pickings(order)} == {"cancel"}
    assert pair.findings(order) == set()


@story()
@pytest.mark.parametrize("begun", ["invoiced", "delivered"])
def test_scenario_09_an_invoiced_or_delivered_order_is_a_finding(pair: ShopAndBooks, begun: str) -> Story:
    order = pair.order({"SKU-001": 4}, "cashondelivery")
    yield run_chain()
    if begun == "invoiced":
        pair.bill(order)
    else:
        pair.deliver(order)
    pair.shop.cancel(order)
    yield run_chain()
    assert [sale["state"] for sale in pair.sales(order)] == ["sale"]
    assert ("status_mismatch", "order", "order") in pair.findings(order)
    assert (pair.invoices(order), pair.shipments(order)) == ([], []), "nothing is written on a cancelled order"


@story(**EVERYTHING_OFF)
def test_scenario_09_with_the_setting_off_nothing_is_cancelled(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="cashondelivery")
    yield run_chain()
    pair.shop.cancel(order)
    yield run_chain()
    assert [sale["state"] for sale in pair.sales(order)] == ["sale"]
    assert pair.findings(order) == {("status_mismatch", "order", "order"), ("will_ship_too_much", "order", "")}


# 10: totals differ


@story()
@pytest.mark.parametrize(("sku", "part"), [("SHIPPING", "shipping"), ("SKU-001", "subtotal")])
def test_scenario_10_a_differing_total_is_a_mailed_finding_and_nothing_is_written(
    pair: ShopAndBooks, sku: str, part: str
) -> Story:
    order = pair.order(payment="card")
    pair.shop.invoice(order)
    pair.enter_order(order)

    def dearer(entries: list[Any]) -> None:
        entry = next(entry for entry in entries if entry.sku == sku)
        entry.price += 1
        entry.net += entry.quantity
        entry.base_net += entry.quantity

    pair.books.invoice(pair.histories[order], pair.invoices(order)[0]["entity_id"], change=dearer)
    yield run_chain()
    (finding,) = pair.reported(order, type="total_mismatch")
    assert (finding["part"], finding["severity"]) == (part, "critical")
    (entry,) = pair.moves(order)
    assert (entry["payment_state"], pair.payments(entry)) == ("not_paid", []), "no payment on a differing invoice"
    assert len(pair.invoices(order)) == 1
    (mail,) = pair.mails(finding["odoo_number"])
    assert part in mail


# 11: status differs


@story()
def test_scenario_11_paid_in_magento_is_brought_into_line_by_the_missing_payment(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="card")
    pair.shop.invoice(order)
    pair.enter_order(order)
    pair.books.invoice(pair.histories[order], pair.invoices(order)[0]["entity_id"])
    yield run_chain()
    (entry,) = pair.moves(order)
    assert (entry["payment_state"], len(pair.payments(entry))) == ("paid", 1)


@story()
def test_scenario_11_delivered_in_odoo_is_brought_into_line_by_the_missing_shipment(pair: ShopAndBooks) -> Story:
    order = in_full(pair, ship=False)
    yield run_chain()
    pair.deliver(order)
    yield run_chain()
    assert pair.shop.order(order)["state"] == "complete", "by the shipment, never set as such"
    assert len(pair.shipments(order)) == 1


@story()
def test_scenario_11_partly_paid_in_odoo_is_a_finding(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="card")
    pair.shop.invoice(order)
    pair.enter_order(order)
    move = pair.books.invoice(pair.histories[order], pair.invoices(order)[0]["entity_id"])
    pair.pay(order, move, Decimal("1.00"))
    yield run_chain()
    assert pair.findings(order) == {("status_mismatch", "invoice", "payment")}
    assert [amount(payment["amount"]) for payment in pair.payments(pair.moves(order)[0])] == [Decimal("1.00")]


@story()
def test_scenario_11_cancelled_in_odoo_is_a_finding_and_no_status_is_set(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="cashondelivery")
    yield run_chain()
    pair.call("sale.order", "action_cancel", [pair.sales(order)[0]["id"]])
    yield run_chain()
    assert pair.findings(order) == {("cancelled_in_odoo", "order", "")}
    assert pair.shop.order(order)["state"] == "new"
    assert [sale["state"] for sale in pair.sales(order)] == ["cancel"]


# 12: documents before the cut-over, documents made by hand


@story()
def test_scenario_12_documents_before_the_cut_over_are_reported_and_never_written(pair: ShopAndBooks) -> Story:
    order = pair.order(days_ago=40)
    pair.at(39)
    pair.shop.invoice(order)
    pair.shop.ship(order)
    pair.at(0)
    pair.touch(order)
    yield run_chain()
    assert (pair.sales(order), pair.moves(order)) == ([], [])
    assert {finding[:2] for finding in pair.findings(order)} == {
        ("missing_in_odoo", kind) for kind in ("order", "invoice", "shipment")
    }
    assert {row["no_change_reason"] is not None for row in pair.reported(order)} == {True}


@story()
def test_scenario_12_manual_documents_are_matched_and_not_duplicated(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    history = pair.histories[order]
    pair.enter_order(order, linked=False)
    pair.books.invoice(history, pair.invoices(order)[0]["entity_id"], linked=False)
    pair.books.delivery_of(history, pair.shipments(order)[0]["entity_id"], linked=False)
    yield run_chain()
    assert (len(pair.sales(order)), len(pair.moves(order))) == (1, 1)
    assert [picking["state"] for picking in pair.pickings(order)] == ["done"]
    assert (len(pair.invoices(order)), len(pair.shipments(order))) == (1, 1)
    assert pair.findings(order) == set()


@story()
def test_scenario_12_an_unlinked_invoice_of_the_same_customer_and_total_is_reported(pair: ShopAndBooks) -> Story:
    order = in_full(pair, ship=False)
    pair.enter_order(order, linked=False)
    pair.books.invoice(
        pair.histories[order], pair.invoices(order)[0]["entity_id"], linked=False, with_order=False, ref="PAPER-1"
    )
    yield run_chain()
    assert pair.findings(order) == {("possible_duplicate", "invoice", "")}
    number = pair.invoices(order)[0]["increment_id"]
    assert pair.rows("account.move", [["ref", "=", number]], "name") == []


@story()
def test_scenario_12_a_clerk_s_draft_is_neither_posted_nor_doubled(pair: ShopAndBooks) -> Story:
    order = in_full(pair, ship=False)
    pair.enter_order(order, linked=False)
    pair.books.invoice(pair.histories[order], pair.invoices(order)[0]["entity_id"], linked=False, post=False)
    yield run_chain()
    assert [move["state"] for move in pair.moves(order)] == ["draft"]
    assert pair.findings(order) == {("draft_waiting", "invoice", "")}
