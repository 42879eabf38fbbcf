"""docs/business-rules.md#credit-memos."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from shop_and_books import ShopAndBooks, amount
from stories import Story, run_chain, story

RETURNS: dict[str, Any] = {"shipments": {"returns": "shipped_items"}, "credit_memos": {"to_magento": "when_paid"}}
AS_QUOTATION: dict[str, Any] = {
    "payment_methods": {
        "banktransfer": {"import_states": ["new", "processing", "complete", "closed"], "import_as": "quotation"},
        "purchaseorder": {"import_states": ["new", "processing", "complete", "closed"]},
    }
}
BY_ORDER, BY_DELIVERY = {"SKU-001": 3}, {"SKU-012": 3}


def in_full(pair: ShopAndBooks, payment: str = "banktransfer", lines: dict[str, int] | None = None, **more: Any) -> int:
    order = pair.order(lines or {"SKU-001": 4, "SKU-002": 2}, payment, **more)
    pair.shop.invoice(order)
    pair.shop.ship(order)
    return order


def nothing(pair: ShopAndBooks, order: int) -> dict[int, int]:
    return dict.fromkeys(pair.items(order).values(), 0)


# Amounts


@story()
def test_a_memo_below_zero_is_never_written_and_is_critical(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    yield run_chain()
    pair.shop.refund(order, nothing(pair, order), shipping=1, adjustment_positive=2)
    row = pair.memos(order)[0]
    for name in ("adjustment_negative", "base_adjustment_negative"):
        row[name] = Decimal("12.00")
    for name in ("grand_total", "base_grand_total"):
        row[name] = Decimal(str(row[name])) - 12
    yield run_chain()
    assert pair.notes(order) == []
    (finding,) = pair.reported(order, type="over_refunded", kind="credit_memo")
    assert (finding["severity"], finding["magento_amount"]) == ("critical", -90_000)


@story()
def test_refunds_above_the_invoices_are_never_written(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    yield run_chain()
    pair.shop.refund(order)
    again = copy.deepcopy(pair.memos(order)[0])
    again |= {"entity_id": again["entity_id"] + 90_000, "increment_id": "900000001"}
    pair.shop.tables.creditmemos[again["entity_id"]] = again
    yield run_chain()
    assert len(pair.notes(order)) <= 1, "the refunds would be twice what was invoiced"
    assert ("over_refunded", "order", "") in pair.findings(order)


@story()
def test_the_only_invoice_is_named_as_reversed(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    yield run_chain()
    pair.shop.refund(order, nothing(pair, order) | {pair.items(order)["SKU-001"]: 1}, shipping=0)
    yield run_chain()
    assert pair.notes(order)[0]["reversed_entry_id"][0] == pair.moves(order)[0]["id"]


@story()
def test_of_several_unpaid_invoices_none_is_named_as_reversed(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 4, "SKU-002": 2})
    items = pair.items(order)
    pair.shop.invoice(order, {items["SKU-001"]: 2})
    pair.shop.invoice(order)
    yield run_chain()
    pair.shop.refund(order, nothing(pair, order) | {items["SKU-001"]: 1}, shipping=0)
    yield run_chain()
    (note,) = pair.notes(order)
    assert (note["state"], note["reversed_entry_id"]) == ("posted", False)
    assert [move["payment_state"] for move in pair.moves(order)] == ["not_paid", "not_paid"]


@story()
def test_of_several_invoices_the_paid_candidate_is_named(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 4, "SKU-002": 2}, "card")
    items = pair.items(order)
    pair.shop.invoice(order, {items["SKU-001"]: 2})
    pair.shop.invoice(order)
    yield run_chain()
    pair.shop.refund(order, nothing(pair, order) | {items["SKU-001"]: 1}, shipping=0)
    yield run_chain()
    (note,) = pair.notes(order)
    assert note["reversed_entry_id"][0] == pair.moves(order)[0]["id"]


# Refund lines and returns: nothing to invoice afterwards


@story(**RETURNS)
@pytest.mark.parametrize("lines", [pytest.param(BY_ORDER, id="ordered"), pytest.param(BY_DELIVERY, id="delivered")])
@pytest.mark.parametrize("shipped", [True, False])
def test_after_a_credit_memo_nothing_is_to_invoice_under_any_policy(
    pair: ShopAndBooks, lines: dict[str, int], shipped: bool
) -> Story:
    """SKU-012 is invoiced on delivered quantities; what was shipped returns to stock."""
    product = pair.books.names.products["SKU-012"]
    pair.call("product.product", "write", [product], vals={"invoice_policy": "delivery"})
    order = pair.order(lines)
    pair.shop.invoice(order)
    if shipped:
        pair.shop.ship(order)
    yield run_chain()
    pair.shop.refund(order)
    yield run_chain()
    (note,) = pair.notes(order)
    assert amount(note["amount_total"]) == amount(pair.memos(order)[0]["grand_total"])
    assert [row["state"] for row in pair.pickings(order, "incoming")] == (["done"] if shipped else [])
    linked = pair.rows(
        "account.move.line",
        [["move_id", "=", note["id"]], ["display_type", "=", "product"]],
        "sale_line_ids product_id",
    )
    # What is invoiced on delivered quantities and never left would stay below zero, were its refund not linked.
    never_left = lines is BY_DELIVERY and not shipped
    assert [line["product_id"][0] == product for line in linked if line["sale_line_ids"]] == [True] * never_left
    assert pair.to_invoice(order) == 0, "Odoo would offer to invoice it again"
    assert pair.sales(order)[0]["invoice_status"] in ("invoiced", "no")


@story(**RETURNS)
def test_only_unshipped_quantities_of_a_credit_memo_are_linked_to_order_lines(pair: ShopAndBooks) -> Story:
    """SKU-011 is invoiced on delivered quantities: two of three left, all are refunded."""
    pair.call("product.product", "write", [pair.books.names.products["SKU-011"]], vals={"invoice_policy": "delivery"})
    order = pair.order({"SKU-011": 3})
    pair.shop.invoice(order)
    pair.shop.ship(order, {pair.items(order)["SKU-011"]: 2})
    yield run_chain()
    pair.shop.refund(order)
    yield run_chain()
    (note,) = pair.notes(order)
    assert amount(note["amount_total"]) == amount(pair.memos(order)[0]["grand_total"])
    domain = [["move_id", "=", note["id"]], ["sale_line_ids", "!=", False]]
    assert [line["quantity"] for line in pair.rows("account.move.line", domain, "quantity")] == [1]
    assert pair.to_invoice(order) == 0


@story()
def test_a_credit_note_and_a_new_invoice_of_the_same_total_are_a_correction(pair: ShopAndBooks) -> Story:
    order = in_full(pair)
    yield run_chain()
    (entry,) = pair.moves(order)
    pair.reverse(entry["id"])
    history = pair.of(order)
    pair.books.invoice(history, pair.invoices(order)[0]["entity_id"], linked=False, ref="new address")
    yield run_chain()
    assert {row["type"] for row in pair.reported(order)} == {"corrected_in_odoo"}
    assert {row["severity"] for row in pair.reported(order)} == {"info"}
    assert (len(pair.invoices(order)), pair.memos(order)) == (1, [])


# Goods


@story()
def test_goods_refunded_before_shipping_would_ship_too_much(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 4})
    pair.shop.invoice(order)
    yield run_chain()
    pair.shop.refund(order, {pair.items(order)["SKU-001"]: 1}, shipping=0)
    yield run_chain()
    (finding,) = pair.reported(order, type="will_ship_too_much")
    assert finding["severity"] == "critical"
    assert any("warehouse@example.com" in mail for mail in pair.mails(finding["order_number"]))
    (picking,) = pair.pickings(order)
    assert pair.moved(picking) == {"SKU-001": 4}, "never reduced by itself"


@story()
def test_returned_and_not_refunded_is_a_finding_after_14_days_and_writes_nothing(pair: ShopAndBooks) -> Story:
    orders = {}
    for name, days in (("old", 20), ("fresh", 5)):
        order = pair.order({"SKU-001": 2}, days_ago=days + 2)
        pair.at(days + 1)
        pair.shop.invoice(order)
        shipment = pair.shop.ship(order)
        pair.enter_order(order)
        pair.books.invoice(pair.histories[order], pair.invoices(order)[0]["entity_id"])
        picking = pair.books.delivery_of(pair.histories[order], shipment)
        pair.at(days)
        pair.books.give_back(picking)
        pair.at(0)
        pair.touch(order)
        orders[name] = order
    yield run_chain()
    assert ("returned_not_refunded", "return", "") in pair.findings(orders["old"])
    assert pair.findings(orders["fresh"]) == set()
    assert [pair.memos(order) for order in orders.values()] == [[], []], "an Odoo return writes nothing to Magento"


@story()
def test_refunded_and_not_returned_is_a_finding_after_14_days(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, days_ago=22)
    pair.at(20)
    invoice, shipment = pair.shop.invoice(order), pair.shop.ship(order)
    memo = pair.shop.refund(order)
    pair.enter_order(order)
    pair.books.invoice(pair.histories[order], invoice)
    pair.books.delivery_of(pair.histories[order], shipment)
    pair.books.credit_note(pair.histories[order], memo)
    pair.at(0)
    pair.touch(order)
    yield run_chain()
    assert ("refunded_not_returned", "credit_memo", "") in pair.findings(order)
    assert pair.pickings(order, "incoming") == []


@story()
def test_a_replacement_never_becomes_a_magento_document(pair: ShopAndBooks) -> Story:
    """A piece added for nothing, and goods that came back and were sent again."""
    given, again = in_full(pair, lines={"SKU-001": 2}), in_full(pair, lines={"SKU-001": 2})
    yield run_chain()
    (sale,), (delivered,) = pair.sales(given), pair.pickings(again)
    line = {
        "order_id": sale["id"],
        "product_id": pair.books.names.products["SKU-001"],
        "product_uom_qty": 1,
        "price_unit": 0,
    }
    pair.call("sale.order.line", "create", vals_list=[line])
    (more,) = [row for row in pair.pickings(given) if row["state"] != "done"]
    send(pair, more, 1)
    pair.books.give_back(pair.books.give_back(delivered["id"]))
    yield run_chain()
    for order in (given, again):
        assert (len(pair.shipments(order)), len(pair.invoices(order)), len(pair.pickings(order))) == (1, 1, 2)
        assert pair.findings(order) == {("replacement", "shipment", "")}
        assert [row["severity"] for row in pair.reported(order)] == ["info"]


def send(pair: ShopAndBooks, picking: dict[str, Any], quantity: int) -> None:
    """The warehouse sends so many pieces of each line."""
    for move in picking["move_ids"]:
        pair.call("stock.move", "write", [move], vals={"quantity": quantity, "picked": True})
    quiet = {"skip_backorder": True, "skip_sms": True}
    assert pair.call("stock.picking", "button_validate", [picking["id"]], context=quiet) is True


@story()
def test_of_an_excess_delivery_only_the_ordered_quantity_is_shipped_and_the_rest_is_named(
    pair: ShopAndBooks,
) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    send(pair, pair.pickings(order)[0], 3)
    yield run_chain()
    (shipment,) = pair.shipments(order)
    assert [int(item["qty"]) for item in shipment["items"]] == [2]
    (finding,) = pair.reported(order, kind="shipment")
    assert (finding["type"], finding["part"]) == ("replacement", "goods")
    assert "SKU-001 x 1" in finding["message"]


@story()
def test_goods_sent_despite_a_refund_are_no_replacement(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2})
    pair.shop.invoice(order)
    yield run_chain()
    pair.shop.refund(order)
    send(pair, pair.pickings(order)[0], 2)
    yield run_chain()
    assert pair.shipments(order) == []
    (finding,) = pair.reported(order, kind="shipment")
    assert (finding["type"], finding["severity"]) == ("missing_in_magento", "warning")


# Edited, held, pending


@story(restless=True)
def test_an_edited_order_takes_the_place_of_the_old_one(pair: ShopAndBooks) -> Story:
    old = pair.order(payment="cashondelivery")
    yield run_chain()
    new = pair.order({"SKU-003": 1}, "cashondelivery", edit_of=old)
    yield run_chain()
    assert ([sale["state"] for sale in pair.sales(old)], pair.sales(new)) == (["cancel"], []), "first the old one ends"
    yield run_chain()
    assert [sale["state"] for sale in pair.sales(new)] == ["sale"]


@story()
def test_an_edited_order_waits_while_the_old_one_is_delivered_in_odoo(pair: ShopAndBooks) -> Story:
    old = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    pair.deliver(old)
    new = pair.order({"SKU-003": 1}, "cashondelivery", edit_of=old)
    yield run_chain()
    assert [sale["state"] for sale in pair.sales(old)] == ["sale"]
    assert pair.sales(new) == []
    assert any(row["no_change_reason"] for row in pair.reported(new))


@story(**AS_QUOTATION)
@pytest.mark.parametrize("state", ["holded", "payment_review", "fraud"])
def test_a_quotation_is_not_confirmed_and_nothing_ships_while_the_order_is_held(
    pair: ShopAndBooks, state: str
) -> Story:
    quotation, sold = pair.order(), pair.order(payment="purchaseorder")
    yield run_chain()
    assert [sale["state"] for order in (quotation, sold) for sale in pair.sales(order)] == ["draft", "sale"]
    pair.shop.invoice(quotation)
    pair.deliver(sold)
    for order in (quotation, sold):
        row = pair.shop.order(order)
        row["state"], row["status"] = ("processing", "fraud") if state == "fraud" else (state, state)
        pair.touch(order)
    yield run_chain()
    assert [sale["state"] for sale in pair.sales(quotation)] == ["draft"]
    assert (pair.moves(quotation), pair.shipments(sold)) == ([], [])
    assert all(row["no_change_reason"] for order in (quotation, sold) for row in pair.reported(order))


@story()
@pytest.mark.parametrize("state", ["holded", "payment_review", "pending_payment", "fraud"])
def test_held_orders_are_never_imported(pair: ShopAndBooks, state: str) -> Story:
    order = pair.order(payment="cashondelivery")
    row = pair.shop.order(order)
    row["state"], row["status"] = ("processing", "fraud") if state == "fraud" else (state, state)
    yield run_chain()
    assert pair.sales(order) == []


@story()
def test_a_held_order_with_an_invoice_and_a_shipment_is_not_imported_either(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 4})
    items = pair.items(order)
    pair.shop.invoice(order, {items["SKU-001"]: 1})
    pair.shop.ship(order, {items["SKU-001"]: 1})
    pair.shop.hold(order)
    yield run_chain()
    assert (pair.sales(order), pair.moves(order)) == ([], [])
    pair.shop.unhold(order)
    yield run_chain()
    assert (len(pair.sales(order)), len(pair.moves(order))) == (1, 1)


@story()
def test_cash_on_delivery_is_imported_pending_and_others_wait(pair: ShopAndBooks) -> Story:
    cod, transfer = pair.order(payment="cashondelivery"), pair.order(payment="banktransfer")
    yield run_chain()
    assert [sale["state"] for sale in pair.sales(cod)] == ["sale"]
    assert (pair.sales(transfer), pair.findings(transfer)) == ([], set())


@story(**AS_QUOTATION)
def test_a_bank_transfer_is_a_quotation_until_it_goes_on(pair: ShopAndBooks) -> Story:
    order, purchase = pair.order(payment="banktransfer"), pair.order(payment="purchaseorder")
    yield run_chain()
    assert [sale["state"] for sale in pair.sales(order)] == ["draft"]
    assert [sale["state"] for sale in pair.sales(purchase)] == ["sale"]
    pair.shop.invoice(order)
    yield run_chain()
    assert ([sale["state"] for sale in pair.sales(order)], len(pair.moves(order))) == (["sale"], 1)
