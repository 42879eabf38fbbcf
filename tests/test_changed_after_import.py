"""Addresses, companies, VAT numbers and notes that change after the import, on either side, before and after invoicing and shipping."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from shop_and_books import ShopAndBooks
from stories import Story, run_chain, story

from magodoo.extract import written
from magodoo.extract.addresses import digest
from magodoo.extract.written import transfer_note
from magodoo.staging import since as agreed

COD = "cashondelivery"


def contacts(pair: ShopAndBooks, order: int) -> dict[str, int]:
    (sale,) = pair.sales(order)
    (row,) = pair.rows("sale.order", [["id", "=", sale["id"]]], "partner_id partner_invoice_id partner_shipping_id")
    return {name: row[name][0] for name in ("partner_id", "partner_invoice_id", "partner_shipping_id")}


def edit(pair: ShopAndBooks, contact: int, **values: Any) -> None:
    pair.call("res.partner", "write", [contact], vals=values)


def told(pair: ShopAndBooks, order: int) -> set[tuple[str, str]]:
    """(who, what) of the findings about addresses and notes."""
    return {
        (row["who"], part)
        for row in pair.reported(order)
        for part in row["message"].split("has another")[1].split(". ")[0].strip(": ").split(", ")
        if row["type"] == "address_changed"
    } | {(row["who"], "note") for row in pair.reported(order) if row["type"] == "note_changed"}


DELIVERY = ("warehouse", "the delivery address")


@story(restless=True)
def test_an_address_edited_in_odoo_is_a_finding_until_either_side_is_corrected(
    pair: ShopAndBooks,
) -> Story:
    orders = [pair.order(payment=COD) for _ in range(2)]
    yield run_chain()
    streets = {}
    for order in orders:
        assert pair.findings(order) == set()
        shipping = contacts(pair, order)["partner_shipping_id"]
        (row,) = pair.rows("res.partner", [["id", "=", shipping]], "street")
        streets[order] = row["street"]
        edit(pair, shipping, street="77 Elsewhere")
    yield run_chain()
    for order in orders:
        assert DELIVERY in told(pair, order)
    edit(pair, contacts(pair, orders[0])["partner_shipping_id"], street=streets[orders[0]].upper() + ",")
    row = pair.shop.order(orders[1])
    for address in (row["billing_address"], row["_shipping_address"]):
        address["street"] = ["77 elsewhere"]
    pair.touch(orders[1])
    yield run_chain()
    for order in orders:
        assert told(pair, order) == set()


@story(restless=True)
def test_an_address_finding_ends_when_our_contact_is_edited_to_match_magento(pair: ShopAndBooks) -> Story:
    order = pair.order(payment=COD)
    yield run_chain()
    row = pair.shop.order(order)
    for address in (row["billing_address"], row["_shipping_address"]):
        address |= {"street": ["9 New Road", "Floor 2"], "city": "Newtown", "postcode": "0815"}
    pair.touch(order)
    yield run_chain()
    assert DELIVERY in told(pair, order)
    for contact in set(contacts(pair, order).values()):
        edit(pair, contact, street="9 new road", street2="Floor 2", city="Newtown", zip="0815")
    yield run_chain()
    assert told(pair, order) == set()


@story(restless=True)
def test_a_number_or_company_changed_in_odoo_neither_counts_as_nor_hides_a_change_in_magento(
    pair: ShopAndBooks,
) -> Story:
    order = pair.order()
    pair.shop.order(order)["billing_address"] |= {"vat_id": "DE136695976", "company": "Acme Ltd"}
    pair.shop.invoice(order)
    yield run_chain()
    assert told(pair, order) == set()
    found = contacts(pair, order)
    edit(pair, found["partner_id"], vat="DE811907980")
    (name,) = (row["name"] for row in pair.rows("res.partner", [["id", "=", found["partner_invoice_id"]]], "name"))
    assert name.startswith("Acme Ltd, ")
    edit(pair, found["partner_invoice_id"], name=name.replace("Acme Ltd", "Acme International"))
    yield run_chain()
    assert told(pair, order) == set(), "Magento says what it said"
    pair.shop.order(order)["billing_address"] |= {"vat_id": "DE129273398", "company": "Acme Holding"}
    pair.touch(order)
    yield run_chain()
    told_now = told(pair, order)
    assert {("accounting", "the VAT number"), ("accounting", "the company of the billing address")} <= told_now
    edit(pair, found["partner_id"], vat="DE 129 273 398")
    edit(pair, found["partner_invoice_id"], name=name.replace("Acme Ltd", "Acme Holding"))
    yield run_chain()
    assert told(pair, order) == set()
    edit(pair, found["partner_id"], vat="DE811907980")
    yield run_chain()
    assert told(pair, order) == set(), "agreed meanwhile, and renewed in Odoo again"


@story(restless=True)
def test_a_second_address_change_is_a_finding_though_a_clerk_gave_the_order_another_contact(
    pair: ShopAndBooks,
) -> Story:
    order = pair.order(payment=COD)
    yield run_chain()
    row = pair.shop.order(order)
    row["_shipping_address"]["street"] = ["9 New Road"]
    pair.touch(order)
    yield run_chain()
    assert told(pair, order) == {DELIVERY}
    (sale,) = pair.sales(order)
    new = {"name": "Kim", "street": "9 New Road", "parent_id": sale["partner_id"][0], "type": "other"}
    (contact,) = pair.call("res.partner", "create", vals_list=[new])
    pair.call("sale.order", "write", [sale["id"]], vals={"partner_shipping_id": contact})
    yield run_chain()
    assert told(pair, order) == set()
    row["_shipping_address"]["street"] = ["10 Newer Road"]
    pair.touch(order)
    yield run_chain()
    assert told(pair, order) == {DELIVERY}
    row["_shipping_address"]["street"] = ["9 New Road"]
    pair.touch(order)
    yield run_chain()
    assert told(pair, order) == set()


# Notes


def write_note(pair: ShopAndBooks, order: int, html: str) -> None:
    for picking in pair.pickings(order):
        pair.call("stock.picking", "write", [picking["id"]], vals={"note": html})


@story(restless=True)
def test_a_note_added_or_changed_after_the_import_is_a_finding_until_the_transfer_has_it(pair: ShopAndBooks) -> Story:
    order = pair.order(payment=COD)
    yield run_chain()
    assert pair.findings(order) == set()
    pair.shop.order(order)["customer_note"] = "Ring twice\nLeave at the gate"
    pair.touch(order)
    yield run_chain()
    assert told(pair, order) == {("warehouse", "note")}
    assert "gate" not in str(pair.reported(order)), "a finding holds nothing that the customer wrote"
    write_note(pair, order, "<p>Fragile!</p><p>ring twice<br>Leave at the gate.</p>")
    yield run_chain()
    assert told(pair, order) == set()
    pair.shop.order(order).setdefault("extension_attributes", {})["gift_message"] = {
        "sender": "Ann", "recipient": "Bob", "message": "Happy birthday",
    }  # fmt: skip
    pair.touch(order)
    yield run_chain()
    assert told(pair, order) == {("warehouse", "note")}
    del pair.shop.order(order)["extension_attributes"]["gift_message"]
    pair.shop.order(order)["customer_note"] = None
    pair.touch(order)
    yield run_chain()
    assert told(pair, order) == {("warehouse", "note")}, "what Magento says no more is still on the transfer"
    write_note(pair, order, "<p>Fragile!</p>")
    yield run_chain()
    assert told(pair, order) == set()


@story(restless=True)
def test_a_changed_note_is_no_finding_once_everything_has_shipped(pair: ShopAndBooks) -> Story:
    order = pair.order()
    pair.shop.invoice(order)
    pair.shop.ship(order)
    yield run_chain()
    pair.shop.order(order)["customer_note"] = "Ring twice"
    pair.touch(order)
    yield run_chain()
    assert told(pair, order) == set()


# Which field changes, on which side

WORDS = st.text("ab", min_size=1, max_size=3)
FIELDS = ("street", "city", "postcode", "company", "lastname")
PLACE = st.fixed_dictionaries(
    {"firstname": st.just("Kim"), "lastname": WORDS, "company": st.sampled_from(["", "Acme", "Foo, Inc."]), "street": st.lists(WORDS, min_size=1, max_size=2),
     "city": WORDS, "postcode": WORDS, "country_id": st.just("US"), "telephone": st.just("555-0100"),
     "region": st.sampled_from([None, "Texas", "Shire"]), "region_code": st.sampled_from([None, "TX"])}
)  # fmt: skip


def in_odoo(address: dict[str, Any], listed: Iterable[str], id: int = 1) -> dict[str, Any]:
    """The contact that an import makes of an address, where Odoo lists these regions."""
    names = (address["company"].strip(), f"{address['firstname']} {address['lastname']}")
    state = {"code": "TX", "name": "Texas"} if {address["region"], address["region_code"]} & {*listed} else False
    street, *rest = address["street"]
    unlisted = "" if state else address["region"] or address["region_code"] or ""
    return {
        "id": id, "name": ", ".join(name for name in names if name), "street": street,
        "street2": ", ".join(part for part in (", ".join(rest), unlisted) if part) or False,
        "zip": address["postcode"], "city": address["city"], "country_id": {"id": 1, "code": "US"}, "phone": "+1 555-0100", "state_id": state,
    }  # fmt: skip


def of(
    billing: dict[str, Any], contact: dict[str, Any], vats: tuple[str, str], before: Any, name: str
) -> dict[str, Any]:
    """A row of `staging.since`."""
    theirs = written.of_magento({"billing_address": billing}, "1", vats[0])
    here = written.of_odoo({"partner_invoice_id": contact, "partner_shipping_id": contact})
    named = {"partner": "m.p_us_1", **dict.fromkeys(("billing", "shipping"), f"m.addr_us_{digest(str(billing))}")}
    ours = {"partner": "m.p_us_1", "billing": name, "shipping": name}
    return {
        "their_vat": vats[0], "vat": vats[1], "theirs": theirs, "written": here, "named": named, "addressed": ours, "since": before, "noted": "",
    }  # fmt: skip


@given(PLACE, st.sampled_from([(), ("TX", "Texas")]))
def test_an_import_writes_the_address_that_magento_has(address: dict[str, Any], listed: tuple[str, ...]) -> None:
    row = of(address, in_odoo(address, listed), ("DE1", "DE1"), None, "")
    for place in ("billing", "shipping"):
        assert set(row["theirs"][place].split()) & set(row["written"][place].split())
        assert row["theirs"][f"{place}_company"] == row["written"][f"{place}_company"]


@given(PLACE, st.sampled_from(FIELDS), WORDS)
def test_a_change_of_any_field_is_seen(address: dict[str, Any], field: str, word: str) -> None:
    other = {**address, field: [*address["street"], f"{word}c"] if field == "street" else f"{word}c"}
    before, after = (of(one, in_odoo(address, ()), ("", ""), None, "") for one in (address, other))
    same = set(after["theirs"]["billing"].split()) & set(before["written"]["billing"].split())
    company = after["theirs"]["billing_company"] == before["written"]["billing_company"]
    assert (bool(same), company) == (field == "company", field != "company")


@given(st.lists(st.tuples(st.sampled_from(["magento", "odoo"]), st.sampled_from(["DE1", "DE2", "3", ""])), max_size=6))
def test_an_address_change_is_measured_against_the_last_value_that_both_sides_agreed_on(
    changes: list[tuple[str, str]],
) -> None:
    address = {"firstname": "Kim", "lastname": "A", "company": "", "street": ["1"], "city": "x", "postcode": "1", "country_id": "US",
               "telephone": "", "region": None, "region_code": None}  # fmt: skip
    here = there = last = "DE1"
    kept: Any = None
    for side, vat in [("magento", "DE1"), *changes]:
        here, there = (vat, there) if side == "magento" else (here, vat)
        kept = agreed.since(of(address, in_odoo(address, ()), (here, there), kept, ""))
        if written.same_number(here, there) or not here:
            last = here
        assert kept["vat"] == digest(written.plain_number(last))


def test_a_note_written_by_us_is_recognised_on_the_transfer() -> None:
    payload = {
        "customer_note": "Ring <b>twice</b> & wait\r\nGate 4",
        "items": [{"sku": "A", "extension_attributes": {"gift_message": {"message": "Hi"}}}],
    }
    wanted = written.notes_of_magento(payload).split()
    assert len(wanted) == 3
    assert (written.notes_of_odoo({"note": transfer_note(payload)}) or "").split() == ["-", *wanted]
    assert (written.notes_of_odoo({"note": False}), written.notes_of_odoo({})) == ("-", None)
