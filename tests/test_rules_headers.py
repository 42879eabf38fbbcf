"""docs/business-rules.md#periods-and-numbers: the head of an invoice or credit note is as Odoo's own button makes it.

Ours are fiscal position, taxes, journal and dates, and the reference and origin, which name Magento's documents.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from shop_and_books import ShopAndBooks
from stories import Story, run_chain, story

from magodoo_sandbox.magento import Address

DAYS: dict[str, Any] = {
    "payment_methods": {
        "purchaseorder": {"import_states": ["new", "processing"], "payment_term": "30 Days"},
        "cashondelivery": {"import_states": ["new", "processing"]},
        "checkmo": {"invoice_means_paid": True, "journal": "CHQ", "payment_term": "20 now, rest in 45 Days"},
    }
}
TERMS = {
    "30 Days": [("percent", 100, 30)],
    "20 now, rest in 45 Days": [("fixed", 20, 0), ("percent", 100, 45)],
}
SOMEBODY = Address("Ann", "Other", ("9 Oak St",), "Boston", "02101", "US", "+1555", "ann@example.com")

OURS = {
    "ref",
    "invoice_origin",
    "fiscal_position_id",
    "journal_id",
    "date",
    "invoice_date",
    "invoice_date_due",
    "delivery_date",
}
"""What our rules set (the delivery date follows what was shipped)."""
OF_THE_RECORD = {
    "id", "name", "display_name", "create_date", "write_date", "create_uid", "write_uid", "sequence_number", "sequence_prefix",
    "access_token", "payment_reference", "commercial_partner_id", "invoice_partner_display_name", "made_sequence_gap",
    "invoice_source_email", "message_main_attachment_id", "posted_before", "state", "payment_state", "status_in_payment",
    "needed_terms_dirty", "is_manually_modified", "inalterable_hash", "secure_sequence_number", "next_payment_date", "highest_name", "is_move_sent",
}  # fmt: skip
"""What belongs to each record, or to its life after it was made."""


INBOUND = [["payment_type", "=", "inbound"], ["journal_id.company_id", "=", 1]]


def terms(pair: ShopAndBooks) -> dict[str, int]:
    """The payment terms of `TERMS` by name."""
    known = {row["name"]: row["id"] for row in pair.rows("account.payment.term", [], "name")}
    for name, lines in TERMS.items():
        if name not in known:
            commands = [[0, 0, {"value": value, "value_amount": each, "nb_days": days}] for value, each, days in lines]
            (known[name],) = pair.call(
                "account.payment.term", "create", vals_list=[{"name": name, "line_ids": commands}]
            )
    return known


def days_to_pay(pair: ShopAndBooks, move: int) -> int:
    (row,) = pair.rows("account.move", [["id", "=", move]], "invoice_date invoice_date_due")
    return (date.fromisoformat(row["invoice_date_due"]) - date.fromisoformat(row["invoice_date"])).days


def head(pair: ShopAndBooks, move: int) -> dict[str, Any]:
    """The stored fields of a document's head that are no lists."""
    known = pair.call("account.move", "fields_get", attributes=["store", "type"])
    names = [name for name, field in known.items() if field["store"] and field["type"] not in ("one2many", "many2many")]
    (row,) = pair.rows("account.move", [["id", "=", move]], " ".join(names))
    return {name: value for name, value in row.items() if name not in OURS | OF_THE_RECORD}


def fill_in(pair: ShopAndBooks, order: int, **more: Any) -> None:
    """A clerk fills in the head of an order in Odoo, whatever this Odoo has of it."""
    known = pair.call("sale.order", "fields_get", attributes=["type"])
    first = {
        "user_id": ("res.users", [["login", "!=", "sync"]]), "team_id": ("crm.team", []), "campaign_id": ("utm.campaign", []),
        "medium_id": ("utm.medium", []), "source_id": ("utm.source", []), "incoterm": ("account.incoterms", []),
        "preferred_payment_method_line_id": ("account.payment.method.line", INBOUND),
    }  # fmt: skip
    values: dict[str, Any] = {"note": "<p>Thank you</p>", "reference": "RF18", **more}
    for name, (model, domain) in first.items():
        if name in known and (rows := pair.rows(model, domain, "display_name")):
            values[name] = rows[-1]["id"]
    sale = pair.sales(order)[0]["id"]
    pair.call("sale.order", "write", [sale], vals={name: value for name, value in values.items() if name in known})


@story(**DAYS)
def test_an_invoice_is_due_as_the_order_s_payment_term_says(pair: ShopAndBooks) -> Story:
    terms(pair)
    order = pair.order({"SKU-001": 2}, "purchaseorder", days_ago=3)
    by_odoo = pair.order({"SKU-001": 2}, "purchaseorder")
    pair.shop.invoice(order)
    yield run_chain()
    theirs = pair.bill(by_odoo)
    assert [days_to_pay(pair, move) for move in (pair.moves(order)[0]["id"], theirs)] == [30, 30]


@story(**DAYS)
def test_an_invoice_without_a_payment_term_is_due_on_its_own_date(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery", days_ago=6)
    pair.at(5)
    pair.shop.invoice(order)
    pair.at(0)
    pair.touch(order)  # what was saved before the last reading is not read again
    yield run_chain()
    (move,) = pair.moves(order)
    assert days_to_pay(pair, move["id"]) == 0
    assert move["invoice_date"] == pair.invoices(order)[0]["created_at"][:10]


@story(**DAYS)
def test_a_captured_invoice_is_due_at_once_whatever_the_customer_s_terms(pair: ShopAndBooks) -> Story:
    days = terms(pair)["30 Days"]
    order = pair.order({"SKU-001": 2}, "card")
    yield run_chain()
    pair.call("sale.order", "write", [pair.sales(order)[0]["id"]], vals={"payment_term_id": days})
    pair.shop.invoice(order)
    yield run_chain()
    (move,) = pair.moves(order)
    assert (days_to_pay(pair, move["id"]), move["payment_state"]) == (0, "paid")


@story(**DAYS)
def test_a_payment_settles_every_instalment_of_its_invoice(pair: ShopAndBooks) -> Story:
    terms(pair)
    order = pair.order({"SKU-001": 2}, "checkmo")
    pair.shop.invoice(order)
    yield run_chain()
    (move,) = pair.moves(order)
    domain = [["move_id", "=", move["id"]], ["display_type", "=", "payment_term"]]
    lines = pair.rows("account.move.line", domain, "balance amount_residual date_maturity")
    assert {len(lines), float(lines[0]["balance"])} == {2, 20.0}
    assert [row["amount_residual"] for row in lines] == [0, 0]
    assert (move["payment_state"], days_to_pay(pair, move["id"])) == ("paid", 45)


@story(**DAYS)
def test_an_invoice_names_the_delivery_address_of_its_order(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery", shipping=SOMEBODY)
    pair.shop.invoice(order)
    yield run_chain()
    (sale,) = pair.rows("sale.order", [["id", "=", pair.sales(order)[0]["id"]]], "partner_shipping_id partner_id")
    (move,) = pair.rows("account.move", [["id", "=", pair.moves(order)[0]["id"]]], "partner_shipping_id")
    assert move["partner_shipping_id"] == sale["partner_shipping_id"] != sale["partner_id"]


@story(**DAYS)
def test_the_header_of_an_invoice_equals_the_one_that_odoo_s_button_makes(pair: ShopAndBooks) -> Story:
    days = terms(pair)["30 Days"]
    customer = pair.shop.add_customer("twice@example.com", "Two", "Orders")
    who = Address("Two", "Orders", email="twice@example.com")
    ours, theirs = (
        pair.order({"SKU-001": 2}, "cashondelivery", customer=customer, billing=who, shipping=SOMEBODY)
        for _ in range(2)
    )
    yield run_chain()
    for order in (ours, theirs):
        fill_in(pair, order, payment_term_id=days)
    pair.shop.invoice(ours)
    yield run_chain()
    move = pair.moves(ours)[0]["id"]
    left, right = head(pair, move), head(pair, pair.bill(theirs))
    assert {name: (value, right[name]) for name, value in left.items() if value != right[name]} == {}
    (row,) = pair.rows("account.move", [["id", "=", move]], "payment_reference")
    assert row["payment_reference"] == "RF18"


@story(**DAYS)
def test_the_header_of_a_credit_note_equals_the_one_that_odoo_s_button_makes(pair: ShopAndBooks) -> Story:
    days = terms(pair)["30 Days"]
    orders = [pair.order({"SKU-001": 2}, "cashondelivery", shipping=SOMEBODY) for _ in range(2)]
    yield run_chain()
    for order in orders:
        fill_in(pair, order, payment_term_id=days)
        pair.shop.invoice(order)
    yield run_chain()
    ours, theirs = orders
    pair.shop.refund(ours)
    by_odoo = pair.reverse(pair.moves(theirs)[0]["id"])
    yield run_chain()
    note = pair.notes(ours)[0]["id"]
    left, right = head(pair, note), head(pair, by_odoo)
    ids = {"partner_id", "partner_shipping_id", "reversed_entry_id"}
    apart = {name: (value, right[name]) for name, value in left.items() if value != right[name]}
    assert apart.keys() <= ids, apart
    invoice = pair.moves(ours)[0]["id"]
    (of_invoice,) = pair.rows("account.move", [["id", "=", invoice]], "partner_id partner_shipping_id")
    assert all(left[name] == of_invoice[name] for name in ("partner_id", "partner_shipping_id"))
    assert (left["reversed_entry_id"][0], days_to_pay(pair, note)) == (invoice, 0)


@story(**DAYS)
def test_an_invoice_goes_to_the_invoice_address_that_a_person_chose_on_the_order(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery", shipping=SOMEBODY)
    yield run_chain()
    (sale,) = pair.rows("sale.order", [["id", "=", pair.sales(order)[0]["id"]]], "partner_shipping_id")
    chosen = sale["partner_shipping_id"][0]
    pair.call("sale.order", "write", [sale["id"]], vals={"partner_invoice_id": chosen})
    pair.shop.invoice(order)
    yield run_chain()
    assert [move["partner_id"][0] for move in pair.moves(order)] == [chosen]
