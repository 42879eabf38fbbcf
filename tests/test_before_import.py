"""What happened to an order before its first import, the state of its payment, and where its customer lives."""

from __future__ import annotations

from typing import Any

from shop_and_books import GOODS, ShopAndBooks
from stories import Story, run_chain, story

from magodoo_sandbox.magento import Address
from magodoo_sandbox.seed.shop import CARD


def ordered_in_odoo(pair: ShopAndBooks, order: int) -> dict[str, float]:
    """Quantities by SKU of the goods on the order in Odoo."""
    (sale,) = pair.sales(order)
    rows = pair.rows("sale.order.line", [["order_id", "=", sale["id"]]], "product_id product_uom_qty is_delivery")
    skus = {product: sku for sku, product in pair.books.names.products.items()}
    return {skus[row["product_id"][0]]: row["product_uom_qty"] for row in rows if not row["is_delivery"]}


# What was cancelled or taken off


@story()
def test_goods_cancelled_before_the_import_are_neither_imported_nor_delivered(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 3, "SKU-002": 2})
    item = pair.items(order)["SKU-001"]
    pair.shop.invoice(order, {item: 1})
    pair.shop.ship(order, {item: 1})
    pair.shop.cancel(order)
    yield run_chain()
    assert pair.shop.order(order)["state"] != "canceled", "what was invoiced stands"
    assert ordered_in_odoo(pair, order) == {"SKU-001": 1}
    assert [row["state"] for row in pair.pickings(order)] == ["done"]
    assert [row["state"] for row in pair.moves(order)] == ["posted"]
    assert pair.findings(order) == set()


@story()
def test_goods_cancelled_after_the_import_are_a_warehouse_finding(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 3})
    item = pair.items(order)["SKU-001"]
    pair.shop.invoice(order, {item: 1})
    yield run_chain()
    assert ordered_in_odoo(pair, order) == {"SKU-001": 3}
    pair.shop.ship(order, {item: 1})
    pair.shop.cancel(order)
    pair.touch(order)
    yield run_chain()
    assert pair.findings(order) == {("will_ship_too_much", "order", "")}


QUOTATIONS = {"payment_methods": {"banktransfer": {"import_states": ["new", "processing"], "import_as": "quotation"}}}


@story(restless=True, **QUOTATIONS)
def test_goods_cancelled_while_the_order_is_a_quotation_are_to_be_removed_from_it(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 3})
    yield run_chain()
    (sale,) = pair.sales(order)
    assert sale["state"] == "draft"
    pair.shop.invoice(order, {pair.items(order)["SKU-001"]: 1})
    pair.shop.cancel(order)
    yield run_chain()
    assert pair.sales(order)[0]["state"] == "draft", "confirmed, it would be delivered whole"
    ((_, state, reason),) = [each for each in pair.unfinished(order) if each[0] == "odoo_order_import"]
    assert state == "refused"
    assert reason.endswith("without what was cancelled there: take that off the quotation in Odoo and confirm it there")
    goods = [["order_id", "=", sale["id"]], ["is_delivery", "=", False]]
    line = pair.rows("sale.order.line", goods, "name")[0]["id"]
    pair.call("sale.order.line", "write", [line], vals={"product_uom_qty": 1})
    pair.call("sale.order", "action_confirm", [sale["id"]])
    yield run_chain()
    assert ordered_in_odoo(pair, order) == {"SKU-001": 1}
    assert [row["state"] for row in pair.moves(order)] == ["posted"]
    assert pair.findings(order) == set()


@story(restless=True, **QUOTATIONS)
def test_an_address_changed_while_the_order_is_a_quotation_is_a_warehouse_finding(pair: ShopAndBooks) -> Story:
    order = pair.order()
    yield run_chain()
    move_to(pair, order, "9 New Road")
    yield run_chain()
    assert pair.findings(order) == {("address_changed", "order", "delivery")}


@story(restless=True)
def test_a_line_removed_after_it_was_invoiced_is_named(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 1, "SKU-002": 1})
    pair.shop.invoice(order)
    take_off(pair, order, "SKU-002")
    yield run_chain()
    assert pair.moves(order) == []
    (told,) = pair.reported(order, type="missing_in_odoo", kind="invoice")
    assert "SKU-002" in told["no_change_reason"]
    assert "no item of the order any more" in told["no_change_reason"]
    assert "split differently" not in told["no_change_reason"]


@story(restless=True)
def test_tax_without_a_rate_is_named_with_its_line_and_requires_no_mapping(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 1})
    pair.shop.invoice(order)
    (row,) = pair.shop.order(order)["items"]
    row["tax_percent"] = 0
    yield run_chain()
    assert pair.sales(order) == []
    (told,) = pair.reported(order, type="not_representable")
    assert told["part"] == "tax_rate:SKU-001"
    assert "of tax stand on item SKU-001" in told["message"]
    assert "by hand" in told["next_step"]
    assert pair.reported(order, type="unmapped") == []


def take_off(pair: ShopAndBooks, order: int, sku: str) -> None:
    """An extension edits the order: the item is gone, and the totals without it."""
    row = pair.shop.order(order)
    (item,) = [each for each in row["items"] if each["sku"] == sku]
    row["items"] = [each for each in row["items"] if each is not item]
    for prefix in ("", "base_"):
        net, tax = item[f"{prefix}row_total"], item[f"{prefix}tax_amount"]
        row[f"{prefix}subtotal"] -= net
        row[f"{prefix}subtotal_incl_tax"] -= net + tax
        row[f"{prefix}tax_amount"] -= tax
        row[f"{prefix}grand_total"] -= net + tax


# Money that is only authorised


@story()
def test_an_open_authorisation_is_a_finding_even_without_an_invoice_to_push(pair: ShopAndBooks) -> Story:
    order = pair.order(GOODS, CARD, days_ago=3)
    yield run_chain()
    (told,) = pair.reported(order)
    assert (told["type"], told["kind"], told["who"]) == ("capture_needed", "order", "accounting")
    assert "3 days" in told["message"]
    pair.shop.invoice(order, capture=True)
    pair.touch(order)
    yield run_chain()
    assert pair.findings(order) == set()
    assert [move["payment_state"] for move in pair.moves(order)] in (["paid"], ["in_payment"])


@story()
def test_an_invoice_shown_as_paid_on_an_open_authorisation_is_a_finding_and_no_payment_is_registered(
    pair: ShopAndBooks,
) -> Story:
    order = pair.order(GOODS, CARD, days_ago=2)
    pair.shop.invoice(order, capture=False)
    (invoice,) = pair.invoices(order)
    assert invoice["state"] == 2, "Magento shows it as paid"
    # Some providers write the authorisation's id onto it.
    invoice["transaction_id"] = pair.shop.order(order)["payment"]["last_trans_id"]
    yield run_chain()
    (move,) = pair.moves(order)
    assert (move["state"], move["payment_state"]) == ("posted", "not_paid")
    assert pair.payments(move) == []
    assert pair.findings(order) == {("capture_needed", "order", "")}


@story()
def test_a_voided_authorisation_is_reported_as_voided_and_not_as_open(pair: ShopAndBooks) -> Story:
    """Nothing on the order changes with a void but its history: `amount_authorized` and the state stay."""
    before, after, billed = (pair.order(GOODS, CARD, days_ago=3) for _ in range(3))
    pair.shop.void_authorisation(before)
    yield run_chain()
    (told,) = pair.reported(after)
    assert told["type"] == "capture_needed"
    assert "Magento shows it as open" in told["message"]
    pair.pay(billed, pair.bill(billed))
    for order in (after, billed):
        pair.shop.void_authorisation(order)
        pair.touch(order)
    yield run_chain()
    for order, kind in ((before, "order"), (after, "order"), (billed, "invoice")):
        (told,) = pair.reported(order)
        assert (told["type"], told["kind"]) == ("authorisation_voided", kind)
        assert "voided on 20" in told["message"]
        assert "Take the payment anew" in told["next_step"]
        assert pair.invoices(order) == []


# Where the customer lives


def contact(pair: ShopAndBooks, order: int) -> dict[str, Any]:
    (sale,) = pair.sales(order)
    shipping = pair.rows("sale.order", [["id", "=", sale["id"]]], "partner_shipping_id")[0]["partner_shipping_id"][0]
    (row,) = pair.rows("res.partner", [["id", "=", shipping]], "city state_id street street2 zip country_id")
    return row


def lives(city: str = "Austin", **place: Any) -> Address:
    return Address(firstname="Kim", lastname="Away", email="kim.away@example.com", city=city, **place)


@story()
def test_the_region_is_odoo_s_state_by_its_code_and_the_city_stays_the_city(pair: ShopAndBooks) -> Story:
    home = lives(region="Texas", region_code="TX", region_id=57)
    order = pair.order(payment="cashondelivery", billing=home, shipping=home)
    yield run_chain()
    found = contact(pair, order)
    assert (found["city"], found["state_id"][1].split(" (")[0]) == ("Austin", "Texas")
    assert not found["street2"]


@story()
def test_a_region_with_another_code_is_found_by_its_name_in_its_country(pair: ShopAndBooks) -> Story:
    home = lives(city="San José", region="california", region_code="CALI", region_id=12)
    order = pair.order(payment="cashondelivery", billing=home, shipping=home)
    yield run_chain()
    found = contact(pair, order)
    assert (found["city"], found["state_id"][1].split(" (")[0]) == ("San José", "California")


@story()
def test_a_region_unknown_to_odoo_is_kept_and_does_not_become_the_city(pair: ShopAndBooks) -> Story:
    home = lives(city="Springfield", street=("1 Elm St", "Apt 4"), region="Shire of the West", region_id=0)
    order = pair.order(payment="cashondelivery", billing=home, shipping=home)
    yield run_chain()
    found = contact(pair, order)
    assert (found["city"], found["state_id"]) == ("Springfield", False)
    assert found["street2"] == "Apt 4, Shire of the West"


# What changes after the import, and what the customer wrote


def move_to(pair: ShopAndBooks, order: int, street: str) -> None:
    """Somebody edits both addresses of the order in Magento's admin."""
    row = pair.shop.order(order)
    for address in (row["billing_address"], row["_shipping_address"]):
        address["street"] = [street]
    pair.touch(order)


@story()
def test_an_address_changed_after_the_import_is_a_warehouse_finding_while_goods_are_open(
    pair: ShopAndBooks,
) -> Story:
    order = pair.order(payment="cashondelivery")
    yield run_chain()
    assert pair.findings(order) == set()
    move_to(pair, order, "9 New Road")
    yield run_chain()
    (told,) = pair.reported(order, type="address_changed")
    assert (told["part"], told["who"]) == ("delivery", "warehouse")
    assert "the delivery address" in told["message"]
    assert "9 New Road" not in str(told), "a finding holds nobody's address"


@story()
def test_an_address_copied_to_a_new_contact_is_no_longer_a_finding(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="cashondelivery")
    yield run_chain()
    move_to(pair, order, "9 New Road")
    yield run_chain()
    (told,) = pair.reported(order, type="address_changed")
    assert "a new contact" in told["next_step"]
    (sale,) = pair.sales(order)
    new = {"name": "Kim", "street": "9 New Road", "parent_id": sale["partner_id"][0], "type": "other"}
    (contact,) = pair.call("res.partner", "create", vals_list=[new])
    vals = {"partner_shipping_id": contact, "partner_invoice_id": contact}
    pair.call("sale.order", "write", [sale["id"]], vals=vals)
    yield run_chain()
    assert pair.findings(order) == set()
    pair.shop.order(order)["billing_address"]["vat_id"] = "DE136695976"
    pair.touch(order)
    yield run_chain()
    assert {row["message"].split("has another: ")[1].split(".")[0] for row in pair.reported(order)} == {
        "the VAT number"
    }


@story()
def test_an_address_changed_after_the_invoice_is_an_accounting_finding(pair: ShopAndBooks) -> Story:
    order = pair.order()
    pair.shop.invoice(order)
    pair.shop.ship(order)
    yield run_chain()
    assert pair.findings(order) == set()
    pair.shop.order(order)["billing_address"]["company"] = "Acme Ltd"
    pair.touch(order)
    yield run_chain()
    (told,) = pair.reported(order, type="address_changed")
    assert (told["part"], told["who"]) == ("invoice", "accounting")
    assert "the company of the billing address" in told["message"]


@story()
def test_a_vat_number_added_after_the_import_is_a_finding_and_is_not_written(pair: ShopAndBooks) -> Story:
    order = pair.order()
    pair.shop.invoice(order)
    yield run_chain()
    (sale,) = pair.sales(order)
    pair.shop.order(order)["billing_address"]["vat_id"] = "DE136695976"
    pair.touch(order)
    yield run_chain()
    told = {row["who"]: row for row in pair.reported(order, type="address_changed")}
    assert set(told) == {"warehouse", "accounting"}
    assert "the VAT number" in told["accounting"]["message"]
    assert not pair.rows("res.partner", [["id", "=", sale["partner_id"][0]]], "vat")[0]["vat"]


@story()
def test_delivery_notes_and_gift_messages_reach_the_transfer_as_text(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 1}, payment="cashondelivery")
    row = pair.shop.order(order)
    row["customer_note"] = "Ring twice & <b>wait</b>"
    row.setdefault("extension_attributes", {})["gift_message"] = {
        "sender": "Ann",
        "recipient": "Bob",
        "message": "Happy birthday",
    }
    row["items"][0]["extension_attributes"] = {"gift_message": {"sender": "", "recipient": None, "message": "Wrap it"}}
    yield run_chain()
    (picking,) = pair.pickings(order)
    (noted,) = pair.rows("stock.picking", [["id", "=", picking["id"]]], "note")
    assert "Ring twice &amp; &lt;b&gt;wait&lt;/b&gt;" in noted["note"]
    assert "Gift message from Ann to Bob: Happy birthday" in noted["note"]
    assert "Gift message for SKU-001: Wrap it" in noted["note"]
