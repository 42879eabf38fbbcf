"""The scenarios that the chain is for, one to six, each through both HTTP servers and PostgreSQL.

Every test lets the chain run, reads what came of it from the two systems, and lets it run again: nothing more may happen.
"""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal
from typing import Any

import pytest
from shop_and_books import ShopAndBooks, amount
from stories import ChainRun, Story, run_chain, story

from magodoo_sandbox.magento import Line
from magodoo_sandbox.magento.pricing import Coupon

TRACK = {"track_number": "1Z999", "title": "United Parcel Service", "carrier_code": "ups"}
EVERYTHING_OFF: dict[str, Any] = {
    "invoices": {"to_odoo": "off", "to_magento": "off"},
    "shipments": {"to_odoo": False, "to_magento": False, "tracking": "off"},
    "credit_memos": {"to_odoo": "off", "to_magento": "off"},
    "orders": {"cancel": False},
}
OTHER_CHOICES: dict[str, Any] = {
    "invoices": {"to_odoo": "draft", "to_magento": "when_posted"},
    "odoo": {"carriers": {"ups": "UPS Ground"}},
}
POSTED = ("posted", "not_paid")


# 1: order pulled from Magento with an invoice


@pytest.mark.parametrize(
    ("lines", "more"),
    [
        pytest.param([Line("SKU-001", 2), Line("SKU-002", 3)], {}, id="simple"),
        pytest.param(
            [Line("SKU-003", 3), Line("SKU-004", 1)], {"coupon": Coupon("SAVE10", percent=Decimal(10))}, id="discount"
        ),
        pytest.param(
            [Line("SKU-003", 3)],
            {"coupon": Coupon("ALL", percent=Decimal(20), applies_to_shipping=True)},
            id="shipping_discount",
        ),
        pytest.param([Line("SHIRT", 2, child="SHIRT-RED"), Line("E-BOOK", 1)], {}, id="configurable_and_virtual"),
        pytest.param([Line("BUNDLE-DYN", 2)], {}, id="dynamic_bundle"),
        pytest.param([Line("BUNDLE-FIX", 1), Line("SKU-001", 1)], {}, id="fixed_bundle"),
        pytest.param([Line("SKU-001", 3), Line("SKU-005", 1)], {"store": "eu"}, id="euro"),
    ],
)
@story()
def test_scenario_01_order_with_invoice_arrives_in_odoo_equal_to_the_cent(
    pair: ShopAndBooks, lines: list[Line], more: dict
) -> Story:
    order = pair.order(lines, **more)
    pair.shop.invoice(order)
    yield run_chain()
    source, (invoice,) = pair.shop.order(order), pair.invoices(order)
    (sale,), (entry,) = pair.sales(order), pair.moves(order)
    assert sale["state"] == "sale"
    assert amount(sale["amount_total"]) == amount(source["grand_total"])
    assert (entry["state"], entry["payment_state"]) == POSTED
    assert (entry["ref"], entry["invoice_origin"]) == (invoice["increment_id"], source["increment_id"])
    assert amount(entry["amount_total"]) == amount(invoice["grand_total"])
    assert amount(entry["amount_tax"]) == amount(invoice["tax_amount"])
    assert entry["currency_id"][1] == invoice["order_currency_code"]
    assert pair.findings(order) == set()


@story(data_docs=True)
def test_scenario_01_the_quality_gate_passes_the_order(pair: ShopAndBooks) -> Story:
    order = pair.order()
    pair.shop.invoice(order)
    yield run_chain()
    (sale,), (entry,) = pair.sales(order), pair.moves(order)
    (partner,) = pair.rows("res.partner", [["id", "=", sale["partner_id"][0]]], "email name city")
    assert partner["email"] == pair.shop.order(order)["customer_email"]
    lines = pair.rows("sale.order.line", [["order_id", "=", sale["id"]]], "product_uom_qty price_unit is_delivery")
    assert [(line["product_uom_qty"], amount(line["price_unit"])) for line in lines if line["is_delivery"]] == [
        (1, Decimal("5.00"))
    ]
    assert entry["state"] == "posted"


@story()
def test_scenario_01_partial_invoices_arrive_one_by_one(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 4, "SKU-002": 2})
    items = pair.items(order)
    pair.shop.invoice(order, {items["SKU-001"]: 1})
    yield run_chain()
    (first,) = pair.moves(order)
    assert amount(first["amount_total"]) == amount(pair.invoices(order)[0]["grand_total"])
    pair.shop.invoice(order)
    yield run_chain()
    totals = [amount(move["amount_total"]) for move in pair.moves(order)]
    assert totals == [amount(row["grand_total"]) for row in pair.invoices(order)]
    assert (pair.sales(order)[0]["invoice_status"], pair.to_invoice(order)) == ("invoiced", 0)


@story(**OTHER_CHOICES)
def test_scenario_01_as_a_draft_by_policy(pair: ShopAndBooks) -> Story:
    order = pair.order()
    pair.shop.invoice(order)
    yield run_chain()
    assert [move["state"] for move in pair.moves(order)] == ["draft"]
    assert amount(pair.moves(order)[0]["amount_total"]) == amount(pair.invoices(order)[0]["grand_total"])


@story(**EVERYTHING_OFF)
def test_scenario_01_with_the_setting_off_only_the_order_arrives(pair: ShopAndBooks) -> Story:
    order = pair.order()
    pair.shop.invoice(order)
    yield run_chain()
    assert ([sale["state"] for sale in pair.sales(order)], pair.moves(order)) == (["sale"], [])
    assert pair.findings(order) == {("missing_in_odoo", "invoice", "")}


def test_scenario_01_observe_writes_nothing(pair: ShopAndBooks) -> None:
    order = pair.order()
    pair.shop.invoice(order)
    before = pair.writes()
    with pair.policy(mode={"default": "observe"}):
        counts = pair.chain()
    assert (pair.writes(), pair.sales(order)) == (before, [])
    assert counts["load"]["observe"] >= 2
    pair.run()
    assert len(pair.moves(order)) == 1


# 2: invoice created in Odoo on a Magento order


def an_order_in_both(
    pair: ShopAndBooks, lines: dict[str, int] | None = None, payment: str = "cashondelivery"
) -> Generator[ChainRun, None, int]:
    """Placed in the shop, imported by the chain; nothing was invoiced or shipped."""
    order = pair.order(lines or {"SKU-001": 4, "SKU-002": 2}, payment)
    yield run_chain()
    assert [sale["state"] for sale in pair.sales(order)] == ["sale"]
    return order


@story(**OTHER_CHOICES)
def test_scenario_02_invoice_of_odoo_is_pushed_to_magento_in_full(pair: ShopAndBooks) -> Story:
    order = yield from an_order_in_both(pair)
    move = pair.bill(order)
    yield run_chain()
    (invoice,), (entry,) = pair.invoices(order), pair.moves(order)
    assert amount(invoice["grand_total"]) == amount(entry["amount_total"])
    assert {(row["sku"], Decimal(str(row["qty"]))) for row in invoice["items"]} == {("SKU-001", 4), ("SKU-002", 2)}
    assert f"account.move:{move}" in invoice["comments"][0]["comment"]
    assert pair.findings(order) == set()


@story(**OTHER_CHOICES)
def test_scenario_02_partial_invoices_of_odoo_are_pushed_by_order_item(pair: ShopAndBooks) -> Story:
    order = yield from an_order_in_both(pair)
    pair.bill(order, {"SKU-001": 1})
    yield run_chain()
    (first,) = pair.invoices(order)
    assert {row["sku"]: Decimal(str(row["qty"])) for row in first["items"] if row["qty"]} == {"SKU-001": 1}
    pair.bill(order)
    yield run_chain()
    totals = sorted(amount(row["grand_total"]) for row in pair.invoices(order))
    assert totals == sorted(amount(move["amount_total"]) for move in pair.moves(order))
    assert sum(totals) == amount(pair.shop.order(order)["grand_total"])


# 3: invoice paid in Odoo, Update Magento Status When Paid


@story()
def test_scenario_03_paid_in_odoo_shows_paid_in_magento(pair: ShopAndBooks) -> Story:
    order = yield from an_order_in_both(pair)
    move = pair.bill(order)
    yield run_chain()
    assert pair.invoices(order) == [], "posted is not paid"
    pair.pay(order, move)
    yield run_chain()
    (invoice,) = pair.invoices(order)
    assert (invoice["state"], amount(invoice["grand_total"])) == (2, amount(pair.moves(order)[0]["amount_total"]))
    assert amount(pair.shop.order(order)["total_paid"]) == amount(invoice["grand_total"])


@story(**EVERYTHING_OFF)
def test_scenario_03_with_the_setting_off_nothing_is_written(pair: ShopAndBooks) -> Story:
    order = yield from an_order_in_both(pair)
    pair.pay(order, pair.bill(order))
    yield run_chain()
    assert pair.invoices(order) == []
    (finding,) = pair.reported(order)
    assert (finding["type"], finding["kind"]) == ("missing_in_magento", "invoice")
    assert "invoices.to_magento" in finding["no_change_reason"]


@story()
def test_scenario_03_with_an_authorisation_open_nothing_is_written(pair: ShopAndBooks) -> Story:
    order = yield from an_order_in_both(pair, payment="card")
    pair.pay(order, pair.bill(order))
    yield run_chain()
    assert pair.invoices(order) == []
    assert pair.findings(order) == {("capture_needed", "invoice", "")}


# 4: invoice marked paid in Magento


@story()
def test_scenario_04_captured_by_the_provider_is_paid_in_the_mapped_journal(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="card")
    pair.shop.invoice(order)
    yield run_chain()
    (entry,), (invoice,) = pair.moves(order), pair.invoices(order)
    assert (entry["payment_state"], entry["amount_residual"]) == ("paid", 0)
    (payment,) = pair.payments(entry)
    assert amount(payment["amount"]) == amount(invoice["grand_total"])
    assert (payment["journal_id"][1], payment["memo"]) == ("Card payments", invoice["transaction_id"])


@story()
def test_scenario_04_partial_captures_are_paid_one_by_one(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 4, "SKU-002": 2}, "card")
    pair.shop.invoice(order, {pair.items(order)["SKU-001"]: 1})
    yield run_chain()
    pair.shop.invoice(order)
    yield run_chain()
    entries = pair.moves(order)
    assert [entry["payment_state"] for entry in entries] == ["paid", "paid"]
    paid = [amount(payment["amount"]) for entry in entries for payment in pair.payments(entry)]
    assert paid == [amount(row["grand_total"]) for row in pair.invoices(order)]


@pytest.mark.parametrize("payment", ["banktransfer", "cashondelivery", "checkmo"])
@story()
def test_scenario_04_bank_transfer_and_cod_stay_open(pair: ShopAndBooks, payment: str) -> Story:
    order = pair.order(payment=payment)
    pair.shop.invoice(order)
    assert pair.invoices(order)[0]["state"] == 2, "Magento says paid"
    yield run_chain()
    (entry,) = pair.moves(order)
    assert (entry["state"], entry["payment_state"], pair.payments(entry)) == ("posted", "not_paid", [])
    assert pair.findings(order) == set()


# 5: delivery validated in Odoo


@story()
def test_scenario_05_delivery_of_odoo_becomes_a_shipment_with_tracking_and_carrier(pair: ShopAndBooks) -> Story:
    order = yield from an_order_in_both(pair)
    pair.deliver(order, {"SKU-001": 4, "SKU-002": 2}, ["1Z100"])
    yield run_chain()
    (shipment,) = pair.shipments(order)
    assert {row["sku"]: Decimal(str(row["qty"])) for row in shipment["items"]} == {"SKU-001": 4, "SKU-002": 2}
    (track,) = shipment["tracks"]
    assert track["track_number"] == "1Z100"
    assert track["carrier_code"]
    assert track["title"]


@story()
def test_scenario_05_partial_deliveries_become_partial_shipments(pair: ShopAndBooks) -> Story:
    order = yield from an_order_in_both(pair)
    pair.deliver(order, {"SKU-001": 1})
    yield run_chain()
    pair.deliver(order, {"SKU-001": 3, "SKU-002": 2}, ["1Z101", "1Z102"])
    yield run_chain()
    shipped = [
        {row["sku"]: Decimal(str(row["qty"])) for row in shipment["items"] if row["qty"]}
        for shipment in pair.shipments(order)
    ]
    assert shipped == [{"SKU-001": 1}, {"SKU-001": 3, "SKU-002": 2}]
    numbers = [[track["track_number"] for track in shipment["tracks"]] for shipment in pair.shipments(order)]
    assert numbers == [[], ["1Z101,1Z102"]], "no carrier's connector filled the field: it is one number as it was typed"


@story()
def test_scenario_05_a_dynamic_bundle_is_shipped_by_its_parent(pair: ShopAndBooks) -> Story:
    order = pair.order([Line("BUNDLE-DYN", 2)], "cashondelivery")
    yield run_chain()
    pair.deliver(order)
    yield run_chain()
    (shipment,) = pair.shipments(order)
    assert Decimal(str(shipment["total_qty"])) == 2


@story(**EVERYTHING_OFF)
def test_scenario_05_with_the_setting_off_no_shipment_is_made(pair: ShopAndBooks) -> Story:
    order = yield from an_order_in_both(pair)
    pair.deliver(order, {"SKU-001": 4, "SKU-002": 2})
    yield run_chain()
    assert pair.shipments(order) == []
    assert pair.findings(order) == {("missing_in_magento", "shipment", "")}


# 6: shipment created in Magento


@story()
def test_scenario_06_shipment_of_magento_is_delivered_and_the_rest_is_a_backorder(pair: ShopAndBooks) -> Story:
    order = yield from an_order_in_both(pair)
    items = pair.items(order)
    pair.shop.ship(order, {items["SKU-001"]: 3}, tracks=[TRACK])
    yield run_chain()
    done, rest = pair.pickings(order)
    assert (done["state"], pair.moved(done)) == ("done", {"SKU-001": 3})
    assert done["carrier_tracking_ref"] == "1Z999"
    assert rest["backorder_id"][0] == done["id"]
    assert (rest["state"], pair.moved(rest)) == ("assigned", {"SKU-001": 1, "SKU-002": 2})
    pair.shop.ship(order)
    yield run_chain()
    assert [row["state"] for row in pair.pickings(order)] == ["done", "done"]
    assert len(pair.shipments(order)) == 2, "nothing comes back"


@story(**OTHER_CHOICES)
def test_scenario_06_the_carrier_is_set_where_it_is_mapped(pair: ShopAndBooks) -> Story:
    order = yield from an_order_in_both(pair)
    pair.shop.ship(order, tracks=[TRACK])
    yield run_chain()
    (done,) = pair.pickings(order)
    assert (done["state"], done["carrier_id"] and done["carrier_id"][1]) == ("done", "UPS Ground")


@story()
def test_scenario_06_a_shipped_bundle_is_delivered_by_its_children(pair: ShopAndBooks) -> Story:
    order = pair.order([Line("BUNDLE-DYN", 2)])
    pair.shop.ship(order)
    yield run_chain()
    (done,) = pair.pickings(order)
    assert (done["state"], pair.moved(done)) == ("done", {"SKU-002": 4, "SKU-006": 2})


@story(**EVERYTHING_OFF)
def test_scenario_06_with_the_setting_off_nothing_is_delivered(pair: ShopAndBooks) -> Story:
    order = pair.order()
    pair.shop.ship(order)
    yield run_chain()
    assert [row["state"] for row in pair.pickings(order)] == ["assigned"]
    assert ("missing_in_odoo", "shipment", "") in pair.findings(order)
