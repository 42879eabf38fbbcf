"""docs/business-rules.md#taxes: what an order needs before it is written, and what is never changed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from shop_and_books import ShopAndBooks, amount
from stories import Story, run_chain, story

from magodoo_sandbox.magento import Address
from magodoo_sandbox.seed.plants import EXCLUDED_EMAIL

WHEN_POSTED: dict[str, Any] = {"invoices": {"to_magento": "when_posted"}}
TERMS: dict[str, Any] = {"payment_methods": {"purchaseorder": {"import_states": ["new"], "payment_term": "30 Days"}}}
TO_FRANCE: dict[str, Any] = {
    "taxes": [
        {"rate": "8.25", "country": "US", "odoo_tax": "US 8.25%"},
        {"rate": "0", "country": "US", "odoo_tax": "0% Exempt"},
        {"rate": "0", "country": "FR", "has_vat": True, "odoo_tax": "0% Exempt", "fiscal_position": "Intra-Community"},
    ]
}
ON_ACCOUNT: dict[str, Any] = {"payment_methods": {"purchaseorder": {"import_states": ["new", "processing"]}}}


def person(pair: ShopAndBooks, order: int) -> dict[str, Any]:
    """The partner whose order it is, not its address."""
    fields = "name email vat parent_id country_id is_company child_ids"
    (row,) = pair.rows("res.partner", [["id", "=", pair.sales(order)[0]["partner_id"][0]]], fields)
    return row


# Taxes and products


@story()
def test_no_tax_is_never_chosen_by_the_rate_alone(pair: ShopAndBooks) -> Story:
    order = pair.order(billing=Address(country="FR", city="Paris", email="fr@example.com"))
    pair.shop.invoice(order)
    yield run_chain()
    assert (pair.sales(order), pair.moves(order)) == ([], [])
    assert ("unmapped", "order", "tax:0/FR") in pair.findings(order)


@story()
def test_a_forced_tax_that_its_rate_does_not_give_is_refused(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-005": 1})
    row = pair.shop.order(order)
    for target in (row, row["items"][0]):
        for name in ("tax_amount", "base_tax_amount"):
            target[name] = Decimal(str(target[name])) + 1
    for name in ("grand_total", "base_grand_total", "total_due", "base_total_due"):
        row[name] = Decimal(str(row[name])) + 1
    row["state"], row["status"] = "processing", "processing"
    yield run_chain()
    assert pair.sales(order) == []
    (finding,) = pair.reported(order, type="tax_mismatch")
    assert (finding["kind"], finding["who"]) == ("order", "accounting")
    assert "is not what its rates give" in finding["message"]


@story()
def test_a_rate_without_a_tax_of_its_own_is_unmapped(pair: ShopAndBooks) -> Story:
    pair.shop.add_tax_rate("AT", Decimal(20), "AT-20")
    order = pair.order(billing=Address(country="AT", city="Wien", email="at@example.com"))
    pair.shop.invoice(order)
    yield run_chain()
    assert pair.sales(order) == []
    assert ("unmapped", "order", "tax:20/AT") in pair.findings(order)


@story(**TO_FRANCE)
def test_the_fiscal_position_is_the_rule_s_and_never_odoo_s_own_choice(pair: ShopAndBooks) -> Story:
    """Odoo would apply the second one to every customer of the country by itself."""
    positions = [
        {"name": "Intra-Community"},
        {"name": "Automatic", "auto_apply": True, "country_id": pair.books.names.countries["US"]},
    ]
    pair.call("account.fiscal.position", "create", vals_list=positions)
    paris = {"country": "FR", "city": "Paris", "postcode": "75001"}
    company = pair.order(billing=Address(**paris, email="eu@example.com", vat_id="FR23334175221"))
    private, home = pair.order(billing=Address(**paris, email="private@example.com")), pair.order()
    for order in (company, private, home):
        pair.shop.invoice(order)
    yield run_chain()
    for order, wanted in ((company, "Intra-Community"), (home, None)):
        (sale,), (entry,) = pair.sales(order), pair.moves(order)
        (sold,) = pair.rows("sale.order", [["id", "=", sale["id"]]], "fiscal_position_id")
        (booked,) = pair.rows("account.move", [["id", "=", entry["id"]]], "fiscal_position_id")
        named = [(row["fiscal_position_id"] and row["fiscal_position_id"][1]) or None for row in (sold, booked)]
        assert named == [wanted, wanted]
        assert amount(entry["amount_total"]) == amount(pair.invoices(order)[0]["grand_total"])
    assert pair.sales(private) == []
    assert ("unmapped", "order", "tax:0/FR") in pair.findings(private), "without a VAT number it is another tax"


@story()
def test_a_sku_that_odoo_has_twice_is_unmapped(pair: ShopAndBooks) -> Story:
    pair.shop.add_product("TWICE", price=Decimal(10), stock=100)
    for name in ("first", "second"):
        values = {
            "default_code": "TWICE",
            "name": name,
            "type": "consu",
            "is_storable": True,
            "invoice_policy": "order",
        }
        pair.call("product.product", "create", vals_list=[values])
    order = pair.order({"TWICE": 1})
    pair.shop.invoice(order)
    yield run_chain()
    assert pair.sales(order) == []
    assert ("unmapped", "order", "sku:TWICE") in pair.findings(order)


@story()
@pytest.mark.parametrize(
    ("field", "part"),
    [("gift_cards_amount", "gift card"), ("customer_balance_amount", "store credit"), ("reward_currency_amount", "reward points")],
)  # fmt: skip
def test_an_amount_paid_by_gift_card_or_credit_is_unmapped_and_never_a_discount(
    pair: ShopAndBooks, field: str, part: str
) -> Story:
    order, matched = pair.order(payment="card"), pair.order(payment="card")
    pair.enter_order(matched, linked=False)
    for each in (order, matched):
        pair.shop.invoice(each)
        for row in (pair.shop.order(each), *pair.invoices(each)):
            row["extension_attributes"] = {**(row.get("extension_attributes") or {}), field: 5, f"base_{field}": 5}
            for total in ("grand_total", "base_grand_total"):
                row[total] = Decimal(str(row[total])) - 5
    yield run_chain()
    assert (pair.sales(order), len(pair.sales(matched)), pair.moves(matched)) == ([], 1, [])
    for each in (order, matched):
        assert ("unmapped", "order", f"payment:{part}") in pair.findings(each)
        assert not {"arithmetic", "total_mismatch"} & {row["type"] for row in pair.reported(each)}


# Customers


@story()
def test_a_registered_customer_is_one_partner_whatever_the_e_mail(pair: ShopAndBooks) -> Story:
    customer = pair.shop.add_customer("ann@example.com", "Ann", "Lee")
    home = Address("Ann", "Lee", email="ann@example.com", street=("1 Home St",))
    first = pair.order(customer=customer, billing=home, payment="cashondelivery")
    yield run_chain()
    renamed = Address("Ann", "Married", email="ann.new@example.com", street=("2 New St",))
    second = pair.order({"SKU-003": 1}, customer=customer, billing=renamed, payment="cashondelivery")
    yield run_chain()
    assert person(pair, first)["id"] == person(pair, second)["id"]
    assert (person(pair, second)["name"], person(pair, second)["email"]) == ("Ann Lee", "ann@example.com"), (
        "never overwritten"
    )
    streets = pair.rows("res.partner", [["parent_id", "=", person(pair, first)["id"]]], "street")
    assert [row["street"] for row in streets] == ["1 Home St", "2 New St"], "each distinct address is a contact"


@story()
def test_a_guest_is_known_by_e_mail(pair: ShopAndBooks) -> Story:
    first = pair.order(email="Guest.One@example.com", payment="cashondelivery")
    second = pair.order({"SKU-003": 2}, email="guest.one@EXAMPLE.com", payment="cashondelivery")
    yield run_chain()
    assert person(pair, first)["id"] == person(pair, second)["id"]
    assert person(pair, first)["country_id"][1] == "United States"


@story()
def test_an_order_is_never_attached_to_a_company_by_e_mail_alone(pair: ShopAndBooks) -> Story:
    values = {
        "name": "Vendor Ltd",
        "email": "office@vendor.example",
        "is_company": True,
        "vat": "US-1",
        "supplier_rank": 1,
    }
    (vendor,) = pair.call("res.partner", "create", vals_list=[values])
    order = pair.order(email="office@vendor.example", payment="cashondelivery")
    yield run_chain()
    assert person(pair, order)["id"] != vendor
    (still,) = pair.rows("res.partner", [["id", "=", vendor]], "name email vat child_ids")
    assert (still["name"], still["vat"], still["child_ids"]) == ("Vendor Ltd", "US-1", [])


@story()
def test_a_partner_that_a_clerk_corrected_is_not_overwritten(pair: ShopAndBooks) -> Story:
    first = pair.order(email="typo@example.com", payment="cashondelivery")
    yield run_chain()
    pair.call("res.partner", "write", [person(pair, first)["id"]], vals={"name": "Corrected Name", "vat": "DE123"})
    second = pair.order({"SKU-003": 2}, email="typo@example.com", payment="cashondelivery")
    yield run_chain()
    assert (person(pair, second)["name"], person(pair, second)["vat"]) == ("Corrected Name", "DE123")


@story()
def test_excluded_orders_are_only_counted(pair: ShopAndBooks) -> Story:
    order = pair.order(email=EXCLUDED_EMAIL, payment="cashondelivery")
    yield run_chain()
    assert (pair.sales(order), pair.findings(order)) == ([], set())


@story(**ON_ACCOUNT)
@pytest.mark.parametrize("invoiced", [True, False])
def test_over_the_credit_limit_the_order_stays_a_quotation_with_a_finding(pair: ShopAndBooks, invoiced: bool) -> Story:
    """The company uses credit limits; the customer may owe 100, owes one order and places another."""
    email = f"credit{invoiced}@example.com"
    customer, who = pair.shop.add_customer(email, "Cree", "Dit"), Address("Cree", "Dit", email=email)
    first = pair.order({"SKU-005": 1}, "purchaseorder", customer=customer, billing=who)
    yield run_chain()
    pair.call("res.company", "write", [1], vals={"account_use_credit_limit": True})
    pair.call("res.partner", "write", [person(pair, first)["id"]], vals={"credit_limit": 100})
    fits = pair.order({"SKU-006": 1}, "purchaseorder", customer=customer, billing=who)
    yield run_chain()
    beyond = pair.order({"SKU-005": 1}, "purchaseorder", customer=customer, billing=who)
    paid = pair.order({"SKU-005": 1}, "card", customer=customer, billing=who)
    pair.shop.invoice(paid)
    if invoiced:
        pair.shop.invoice(beyond)
    yield run_chain()
    states = [[sale["state"] for sale in pair.sales(order)] for order in (first, fits, beyond, paid)]
    assert states == [["sale"], ["sale"], ["draft"], ["sale"]]
    assert pair.moves(beyond) == []
    (finding,) = pair.reported(beyond, kind="order")
    assert (finding["type"], finding["part"]) == ("status_mismatch", "draft")
    assert "credit limit" in finding["no_change_reason"]
    pair.call("sale.order", "action_confirm", [pair.sales(beyond)[0]["id"]])
    yield run_chain()
    assert [len(pair.moves(order)) for order in (beyond, paid)] == [int(invoiced), 1], "a person confirmed it"
    assert pair.findings(beyond) == set()


# What Magento can represent


@story(**WHEN_POSTED)
def test_an_invoice_with_a_hand_added_line_is_not_representable(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="cashondelivery")
    yield run_chain()
    move = pair.bill(order, post=False)
    fee = {
        "move_id": move,
        "product_id": pair.books.names.products["FEE"],
        "name": "Fee",
        "quantity": 1,
        "price_unit": 7,
    }
    pair.call("account.move.line", "create", vals_list=[fee])
    pair.call("account.move", "action_post", [move])
    yield run_chain()
    assert pair.invoices(order) == []
    assert pair.findings(order) == {("not_representable", "invoice", "")}


@story(**WHEN_POSTED)
def test_an_invoice_at_another_price_is_not_pushed(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    move = pair.bill(order, post=False)
    line = pair.rows("account.move.line", [["move_id", "=", move], ["display_type", "=", "product"]], "price_unit")[0]
    pair.call("account.move.line", "write", [line["id"]], vals={"price_unit": 15})
    pair.call("account.move", "action_post", [move])
    yield run_chain()
    assert pair.invoices(order) == []
    assert pair.findings(order) == {("not_representable", "invoice", "")}


@story(**WHEN_POSTED)
def test_an_invoice_without_the_shipping_is_not_the_first_in_magento(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    pair.bill(order, {"SKU-001": 1}, shipping=False)
    yield run_chain()
    assert pair.invoices(order) == []
    (finding,) = pair.reported(order)
    assert "shipping" in finding["no_change_reason"]


@story(**TERMS)
def test_a_purchase_order_gets_its_payment_term(pair: ShopAndBooks) -> Story:
    if not pair.rows("account.payment.term", [["name", "=", "30 Days"]], "name"):
        pair.call("account.payment.term", "create", vals_list=[{"name": "30 Days"}])
    order = pair.order(payment="purchaseorder")
    yield run_chain()
    (sale,) = pair.rows("sale.order", [["id", "=", pair.sales(order)[0]["id"]]], "payment_term_id state amount_total")
    assert (sale["state"], sale["payment_term_id"] and sale["payment_term_id"][1]) == ("sale", "30 Days")
    assert amount(sale["amount_total"]) == amount(pair.shop.order(order)["grand_total"])
