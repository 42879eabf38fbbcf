"""Everyday cases of a shop that are tested nowhere else: docs/business-rules.md lists every case with its test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from shop_and_books import ShopAndBooks, amount
from stories import Story, run_chain, story

from magodoo_sandbox.magento import Address

WHEN_POSTED: dict[str, Any] = {"invoices": {"to_magento": "when_posted"}}
AS_QUOTATION: dict[str, Any] = {
    "payment_methods": {
        "banktransfer": {"import_states": ["new", "processing", "complete", "closed"], "import_as": "quotation"}
    }
}
MARKETPLACE: dict[str, Any] = {"exclude": {"payment_methods": ["marketplace"]}}
NEW_YEAR: dict[str, Any] = {"taxes": [{"rate": "21", "odoo_tax": "NL 21%", "country": "NL"}]}
HOLLAND = Address("Jan", "Smit", ("1 Dam",), "Amsterdam", "1011", "NL", "+3120", "jan@example.com")


def nothing(pair: ShopAndBooks, order: int) -> dict[int, int]:
    return dict.fromkeys(pair.items(order).values(), 0)


@story(restless=True)
def test_an_edited_order_waits_while_the_old_one_is_paid_in_odoo(pair: ShopAndBooks) -> Story:
    old = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    move = pair.bill(old)
    pair.pay(old, move)
    new = pair.order({"SKU-003": 1}, "cashondelivery", edit_of=old)
    yield run_chain()
    assert [sale["state"] for sale in pair.sales(old)] == ["sale"], "its invoice and payment stand on it"
    assert [entry["payment_state"] for entry in pair.moves(old)] == ["paid"]
    assert pair.sales(new) == []
    assert any("person decides" in (row["no_change_reason"] or "") for row in pair.reported(new))
    assert ("status_mismatch", "order", "order") in pair.findings(old)


@story()
def test_a_partial_shipment_with_a_refunded_rest_would_ship_too_much(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 4})
    item = pair.items(order)["SKU-001"]
    pair.shop.invoice(order)
    pair.shop.ship(order, {item: 2})
    yield run_chain()
    pair.shop.refund(order, {item: 2}, shipping=0)
    yield run_chain()
    (note,) = pair.notes(order)
    assert amount(note["amount_total"]) == amount(pair.memos(order)[0]["grand_total"])
    assert pair.to_invoice(order) == 0
    (finding,) = pair.reported(order, type="will_ship_too_much")
    assert "SKU-001 x 2" in finding["odoo_value"]
    rest = next(row for row in pair.pickings(order) if row["state"] != "done")
    pair.call("stock.picking", "action_cancel", [rest["id"]])
    yield run_chain()
    assert pair.findings(order) == set(), "the warehouse cancelled the rest"


@story()
def test_an_exchange_stays_in_odoo_and_asks_for_the_refund_or_a_note(pair: ShopAndBooks) -> Story:
    """Returned 20 days ago, another article sent for nothing, no money moved."""
    order = pair.order({"SKU-001": 1}, days_ago=22)
    pair.at(21)
    invoice, shipment = pair.shop.invoice(order), pair.shop.ship(order)
    sale = pair.enter_order(order)
    pair.books.invoice(pair.histories[order], invoice)
    picking = pair.books.delivery_of(pair.histories[order], shipment)
    pair.at(20)
    pair.books.give_back(picking)
    line = {"order_id": sale, "product_id": pair.books.names.products["SKU-003"], "product_uom_qty": 1, "price_unit": 0}
    pair.call("sale.order.line", "create", vals_list=[line])
    (other,) = [row for row in pair.pickings(order) if row["state"] not in ("done", "cancel")]
    for move in other["move_ids"]:
        pair.call("stock.move", "write", [move], vals={"quantity": 1, "picked": True})
    pair.call("stock.picking", "button_validate", [other["id"]], context={"skip_backorder": True, "skip_sms": True})
    pair.at(0)
    pair.touch(order)
    yield run_chain()
    assert (len(pair.shipments(order)), len(pair.invoices(order)), pair.memos(order)) == (1, 1, [])
    assert (len(pair.moves(order)), pair.notes(order)) == (1, [])
    assert ("returned_not_refunded", "return", "") in pair.findings(order)


@story()
def test_cash_on_delivery_that_is_refused_at_the_door_moves_no_money(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery", days_ago=20)
    pair.at(19)
    pair.enter_order(order)
    picking = pair.deliver(order)
    pair.at(17)
    pair.books.give_back(picking)
    pair.at(0)
    pair.touch(order)
    yield run_chain()
    assert (len(pair.shipments(order)), pair.invoices(order), pair.memos(order)) == (1, [], [])
    assert (pair.moves(order), pair.notes(order)) == ([], [])
    assert ("returned_not_refunded", "return", "") in pair.findings(order), "somebody has to end the order in Magento"


@story(**AS_QUOTATION)
def test_a_bank_transfer_that_never_comes_ends_as_a_cancelled_quotation(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="banktransfer")
    yield run_chain()
    assert [sale["state"] for sale in pair.sales(order)] == ["draft"]
    pair.shop.cancel(order)
    yield run_chain()
    assert ([sale["state"] for sale in pair.sales(order)], pair.moves(order)) == (["cancel"], [])
    assert pair.findings(order) == set()


@story()
def test_an_authorisation_shows_its_age_until_it_expires_and_nothing_is_invoiced(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="card", days_ago=9)
    pair.enter_order(order)
    move = pair.books.invoice_of_order(pair.histories[order])
    pair.pay(order, move)
    pair.touch(order)
    yield run_chain()
    (finding,) = pair.reported(order)
    assert finding["type"] == "capture_needed"
    since = (datetime.now(UTC) - timedelta(days=9)).date()
    assert f"since {since}, 9 days" in finding["message"]
    pair.shop.cancel(order)
    yield run_chain()
    assert (pair.invoices(order), pair.shop.order(order)["state"]) == ([], "canceled")
    assert [entry["payment_state"] for entry in pair.moves(order)] == ["paid"], "a person decides what becomes of it"
    assert ("status_mismatch", "order", "order") in pair.findings(order)


@story()
def test_a_consolidated_invoice_is_not_missing_from_any_order(pair: ShopAndBooks) -> Story:
    orders = [pair.order({"SKU-001": count}, email="buyer@company.example") for count in (1, 2)]
    for order in orders:
        pair.shop.invoice(order)
    sales = [pair.enter_order(order, linked=False) for order in orders]
    values = {"sale_order_ids": [[6, 0, sales]], "advance_payment_method": "delivered", "consolidated_billing": True}
    (wizard,) = pair.call("sale.advance.payment.inv", "create", vals_list=[values])
    move = pair.call("sale.advance.payment.inv", "create_invoices", [wizard])["res_id"]
    pair.call("account.move", "action_post", [move])
    yield run_chain()
    for order in orders:
        assert pair.findings(order) == set()
        assert (pair.to_invoice(order), len(pair.invoices(order))) == (0, 1)
        number = pair.invoices(order)[0]["increment_id"]
        assert pair.rows("account.move", [["ref", "=", number]], "name") == []


@story(**WHEN_POSTED)
def test_a_down_payment_is_not_representable_in_magento(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    (sale,) = pair.sales(order)
    line = {
        "order_id": sale["id"],
        "name": "Down payment",
        "is_downpayment": True,
        "product_uom_qty": 0,
        "price_unit": 10,
    }
    (down,) = pair.call("sale.order.line", "create", vals_list=[line])
    values = {
        "move_type": "out_invoice", "partner_id": sale["partner_id"][0], "invoice_origin": sale["name"],
        "invoice_line_ids": [[0, 0, {"name": "Down payment", "quantity": 1, "price_unit": 10, "tax_ids": [[6, 0, []]],
                                     "sale_line_ids": [[6, 0, [down]]]}]],
    }  # fmt: skip
    (move,) = pair.call("account.move", "create", vals_list=[values])
    pair.call("account.move", "action_post", [move])
    yield run_chain()
    assert pair.invoices(order) == []
    assert ("not_representable", "invoice", "") in pair.findings(order)


@story()
def test_a_cancellation_in_magento_after_a_partial_shipment_would_ship_too_much(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 4}, "cashondelivery")
    item = pair.items(order)["SKU-001"]
    yield run_chain()
    pair.shop.ship(order, {item: 1})
    yield run_chain()
    pair.shop.invoice(order, {item: 1})
    pair.shop.cancel(order)
    pair.touch(order)
    yield run_chain()
    assert [sale["state"] for sale in pair.sales(order)] == ["sale"], "a part of it is delivered"
    (finding,) = pair.reported(order, type="will_ship_too_much")
    assert finding["severity"] == "critical"
    assert len([row for row in pair.pickings(order) if row["state"] == "done"]) == 1


@story()
def test_a_full_cancellation_after_a_partial_shipment_would_ship_too_much(pair: ShopAndBooks) -> Story:
    """Nothing was invoiced: Magento calls it cancelled, and three pieces would still leave."""
    order = pair.order({"SKU-001": 4}, "cashondelivery")
    yield run_chain()
    pair.shop.ship(order, {pair.items(order)["SKU-001"]: 1})
    yield run_chain()
    pair.shop.cancel(order)
    yield run_chain()
    assert (pair.shop.order(order)["state"], [sale["state"] for sale in pair.sales(order)]) == ("canceled", ["sale"])
    (finding,) = pair.reported(order, type="will_ship_too_much")
    assert (finding["severity"], finding["odoo_value"]) == ("critical", "open to deliver SKU-001 x 3")
    assert any("warehouse@example.com" in mail for mail in pair.mails(finding["order_number"]))
    rest = next(row for row in pair.pickings(order) if row["state"] != "done")
    pair.call("stock.picking", "action_cancel", [rest["id"]])
    yield run_chain()
    assert pair.findings(order) == {("status_mismatch", "order", "order")}, "a person ends the order in Odoo"


@story()
def test_two_equal_orders_of_one_customer_stay_two(pair: ShopAndBooks) -> Story:
    orders = [pair.order({"SKU-004": 3}, email="twice@example.com") for _ in range(2)]
    for order in orders:
        pair.shop.invoice(order)
        pair.shop.ship(order)
    yield run_chain()
    for order in orders:
        assert (len(pair.sales(order)), len(pair.moves(order)), len(pair.pickings(order))) == (1, 1, 1)
        assert pair.findings(order) == set()
    assert pair.moves(orders[0])[0]["id"] != pair.moves(orders[1])[0]["id"]


@story()
def test_guests_at_one_address_are_two_customers(pair: ShopAndBooks) -> Story:
    home = [Address(name, "Flat", ("7 Shared St",), email=f"{name.lower()}@flat.example") for name in ("Una", "Duo")]
    orders = [pair.order({"SKU-001": 1}, "cashondelivery", billing=address) for address in home]
    yield run_chain()
    partners = {pair.sales(order)[0]["partner_id"][0] for order in orders}
    assert len(partners) == 2
    addresses = pair.rows("res.partner", [["street", "=", "7 Shared St"]], "parent_id")
    assert {row["parent_id"][0] for row in addresses if row["parent_id"]} == partners


@story()
def test_a_customer_who_was_deleted_in_magento_changes_nothing_in_odoo(pair: ShopAndBooks) -> Story:
    customer = pair.shop.add_customer("gone@example.com", "Gone", "Away")
    who = Address("Gone", "Away", email="gone@example.com")
    order = pair.order({"SKU-001": 1}, "cashondelivery", customer=customer, billing=who)
    yield run_chain()
    before = pair.rows("res.partner", [["email", "=", "gone@example.com"]], "name active parent_id")
    pair.shop.order(order)["customer_id"] = None
    pair.touch(order)
    pair.shop.invoice(order)
    yield run_chain()
    assert pair.rows("res.partner", [["email", "=", "gone@example.com"]], "name active parent_id") == before
    assert (len(pair.moves(order)), pair.findings(order)) == (1, set())


@story()
def test_a_product_that_was_renamed_goes_on_by_its_sku_and_an_archived_one_is_unmapped(pair: ShopAndBooks) -> Story:
    pair.shop.add_product("RENAMED", price=Decimal(10), stock=100)
    pair.shop.add_product("ARCHIVED", price=Decimal(10), stock=100)
    usual = {"type": "consu", "invoice_policy": "order"}
    wanted = [
        {"default_code": "RENAMED", "name": "Other words"},
        {"default_code": "ARCHIVED", "name": "Old", "active": False},
    ]
    pair.call("product.product", "create", vals_list=[usual | each for each in wanted])
    renamed, archived = pair.order({"RENAMED": 1}), pair.order({"ARCHIVED": 1})
    for order in (renamed, archived):
        pair.shop.invoice(order)
    yield run_chain()
    assert (len(pair.sales(renamed)), len(pair.moves(renamed)), pair.findings(renamed)) == (1, 1, set())
    assert pair.sales(archived) == []
    assert ("unmapped", "order", "sku:ARCHIVED") in pair.findings(archived)


@story(**NEW_YEAR)
def test_a_new_tax_rate_waits_for_its_mapping_and_old_orders_keep_theirs(
    pair: ShopAndBooks,
) -> Story:
    # A tax of the company's own fiscal country: Odoo refuses an invoice with one of another, unless a fiscal position has a VAT number there.
    tax = {"name": "NL 21%", "amount": 21, "amount_type": "percent", "type_tax_use": "sale"}
    pair.call("account.tax", "create", vals_list=[tax])
    pair.shop.add_tax_rate("NL", Decimal(21), "NL-21")
    old = pair.order({"SKU-005": 1}, billing=HOLLAND, shipping_amount=0)
    pair.shop.invoice(old)
    yield run_chain()
    assert len(pair.moves(old)) == 1
    next(row for row in pair.shop.tables.tax_rates if row["code"] == "NL-21")["rate"] = Decimal(22)
    new = pair.order({"SKU-005": 1}, billing=HOLLAND, shipping_amount=0)
    pair.shop.invoice(new)
    pair.shop.refund(old)
    yield run_chain()
    assert pair.sales(new) == []
    assert ("unmapped", "order", "tax:22/NL") in pair.findings(new)
    (note,) = pair.notes(old)
    assert amount(note["amount_tax"]) == amount(pair.memos(old)[0]["tax_amount"]), "the memo keeps the old rate"


@story()
def test_a_foreign_order_keeps_magento_s_rate_in_company_currency(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-007": 1}, store="eu", rate=Decimal("0.80"))
    pair.shop.invoice(order)
    yield run_chain()
    (entry,), (invoice,) = pair.moves(order), pair.invoices(order)
    (signed,) = pair.rows("account.move", [["id", "=", entry["id"]]], "amount_total_signed invoice_currency_rate")
    assert amount(entry["amount_total"]) == amount(invoice["grand_total"])
    assert amount(signed["amount_total_signed"]) == amount(invoice["base_grand_total"]), "not at Odoo's own 0.92"
    assert pair.findings(order) == set()


@story(**MARKETPLACE)
def test_a_marketplace_s_orders_are_left_to_the_marketplace(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 1}, "marketplace")
    pair.shop.invoice(order)
    yield run_chain()
    assert (pair.sales(order), pair.findings(order)) == ([], set())
    with pair.engine.connect() as connection:
        scope = connection.exec_driver_sql(
            "select count(*) from order_work where order_key = %s", (str(order),)
        ).scalar()
    assert scope == 1, "counted, never dropped"


def test_no_mail_and_no_mailed_csv_names_a_customer(pair: ShopAndBooks) -> None:
    """What the stories above left behind, mailed to everybody at once."""
    customers = {row["customer_email"] for row in pair.shop.tables.orders.values()}
    assert len(customers) > 10
    mails = pair.mails("")
    assert any("total" in mail or "refund" in mail.lower() for mail in mails)
    assert [
        mail for mail in mails if any(email in mail for email in customers) or "Kim No" in mail or "5551234" in mail
    ] == []
