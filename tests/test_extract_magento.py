"""Magento's recorded documents as canonical rows: every sum holds to the last decimal."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest
import recorded_documents as recorded
from staged import NOON, instance

from magodoo.errors import Unreadable
from magodoo.extract import magento_documents
from magodoo.extract.canonical import CanonicalDocument

DOCUMENTS = list(recorded.magento())


def read(kind: str, row: recorded.Row, **settings: object) -> CanonicalDocument:
    return magento_documents.read(instance(**settings), kind, row, NOON)


def recorded_document(kind: str, entity_id: int) -> CanonicalDocument:
    return read(kind, recorded.magento_row(kind, entity_id))


def roles(document: CanonicalDocument) -> Counter[str]:
    return Counter(line.role for line in document.lines)


def test_every_recorded_document_is_sound() -> None:
    unsound = [(kind, row["entity_id"]) for kind, row in DOCUMENTS if not read(kind, row).sound]
    assert len(DOCUMENTS) > 180
    assert unsound == []


def test_lines_sum_to_the_header_in_both_currencies() -> None:
    for kind, row in DOCUMENTS:
        if kind == "shipment":
            continue
        document = read(kind, row)
        where = (kind, row["entity_id"])
        assert sum(line.untaxed + line.tax for line in document.lines) == document.grand_total, where
        assert sum(line.base_untaxed + line.base_tax for line in document.lines) == document.base_grand_total, where
        parts = document.subtotal + document.shipping + document.discount + document.adjustment
        assert parts == document.untaxed == document.grand_total - document.tax, where
        assert sum(line.gross for line in document.lines if line.role == "item") == document.subtotal, where
        assert all(line.untaxed == line.gross + line.discount for line in document.lines), where


def test_an_order_has_customer_items_and_payment_method() -> None:
    order = recorded_document("order", 1)
    assert (order.order_key, order.number, order.state, order.status, order.active) == (
        "1",
        "000000001",
        "closed",
        "closed",
        True,
    )
    assert (order.customer_email, order.customer_key, order.country) == (
        "guest1@example.com",
        "guest1@example.com",
        "US",
    )
    assert (order.grand_total, order.tax, order.shipping, order.rate) == (266_400, 16_500, 50_000, Decimal(1))
    (goods,) = [line for line in order.lines if line.role == "item"]
    assert (goods.sku, goods.qty_ordered, goods.qty_refunded, goods.tax_percent) == (
        "SKU-001",
        10_000,
        10_000,
        Decimal("8.25"),
    )
    assert order.details["payment"]["method"] == order.payment_method == "checkmo"


@pytest.mark.parametrize(("order_id", "bundle", "children"), [(5, False, True), (6, True, False)])
def test_amounts_of_a_dynamic_bundle_are_its_childrens_and_of_a_fixed_one_its_own(
    order_id: int, bundle: bool, children: bool
) -> None:
    order = recorded_document("order", order_id)
    (parent,) = [line for line in order.lines if line.product_type == "bundle"]
    below = [line for line in order.lines if line.parent_item_key == parent.item_key]
    assert parent.is_money is bundle
    assert {line.is_money for line in below} == {children}
    assert all(line.untaxed == line.tax == 0 for line in order.lines if not line.is_money)


def test_amounts_of_a_configurable_are_the_parents() -> None:
    order = recorded_document("order", 4)
    assert {(line.product_type, line.is_money) for line in order.lines if line.role == "item"} == {
        ("configurable", True), ("simple", False),
    }  # fmt: skip


def test_an_edited_order_names_the_one_it_replaces() -> None:
    edited = next(row for kind, row in DOCUMENTS if kind == "order" and row["increment_id"].endswith("-1"))
    order = read("order", edited)
    assert order.details["edit_of"] == 174


def test_a_virtual_order_has_no_shipping_and_its_items_say_so() -> None:
    order = recorded_document("order", 7)
    assert roles(order) == {"item": len(order.lines)}
    assert order.details["is_virtual"] and all(line.is_virtual for line in order.lines)


def test_discounted_shipping_is_a_line_of_its_own() -> None:
    order = recorded_document("order", 11)
    (line,) = [line for line in order.lines if line.role == "discount"]
    assert line.untaxed == -int(recorded.magento_row("order", 11)["shipping_discount_amount"] * 10_000) < 0


def test_a_later_invoice_carries_no_shipping() -> None:
    first, second = recorded_document("invoice", 2), recorded_document("invoice", 3)
    assert (first.own_order_id, roles(first)["shipping"]) == ("2", 1)
    assert (second.own_order_id, roles(second)["shipping"], second.shipping) == ("2", 0, 0)


def test_only_a_providers_transaction_is_money() -> None:
    captured, offline, manual = (recorded_document("invoice", number) for number in (54, 56, 1))
    assert captured.captured_amount == captured.grand_total > 0
    assert offline.state == manual.state == "2"
    assert offline.captured_amount == manual.captured_amount == 0


def test_raw_documents_without_amounts_are_kept() -> None:
    invoice = recorded_document("invoice", 28)
    assert (invoice.state, invoice.active, invoice.grand_total, invoice.currency) == ("3", False, 0, "")
    memo = recorded_document("credit_memo", 10)
    assert (memo.state, memo.grand_total) == ("", 0)
    assert not any(line.is_money for line in memo.lines)


def test_a_credit_memo_keeps_four_decimals_and_its_adjustments() -> None:
    memos = [read(kind, row) for kind, row in DOCUMENTS if kind == "credit_memo"]
    assert any(memo.grand_total % 100 for memo in memos)
    adjusted = next(memo for memo in memos if roles(memo)["adjustment"])
    assert sum(line.untaxed for line in adjusted.lines if line.role == "adjustment") == adjusted.adjustment


def test_amounts_of_another_currency_keep_both() -> None:
    invoice = next(
        read(kind, row) for kind, row in DOCUMENTS if kind == "invoice" and row.get("order_currency_code") == "CHF"
    )
    assert (invoice.currency, invoice.company_currency, invoice.rate) == ("CHF", "EUR", Decimal("0.9432"))
    assert invoice.base_grand_total != invoice.grand_total


def test_a_shipment_has_tracks_quantities_and_a_source() -> None:
    shipment = recorded_document("shipment", 2)
    assert shipment.tracking == ("1Z999AA10123456784", "LATE-123", "MIN-1", "ASYNC-T")
    assert (shipment.carrier, shipment.quantity, shipment.active) == ("UPS Ground", 10_000, True)
    assert {read(kind, row).source_code for kind, row in DOCUMENTS if kind == "shipment"} >= {"de_berlin", "de_munich"}


def test_decimal_quantities_stay_exact() -> None:
    quantities = {line.qty_ordered for kind, row in DOCUMENTS if kind == "order" for line in read(kind, row).lines}
    assert 13_330 in quantities


def test_the_date_is_the_local_one() -> None:
    row = {**recorded.magento_row("invoice", 1), "created_at": "2026-11-20 03:30:00"}
    assert read("invoice", row).document_date == date(2026, 11, 20)
    assert read("invoice", row, time_zone="America/New_York").document_date == date(2026, 11, 19)


@pytest.mark.parametrize("field", ["grand_total", "tax_amount", "subtotal", "shipping_amount", "discount_amount"])
def test_a_header_that_does_not_add_up_is_not_sound(field: str) -> None:
    row = dict(recorded.magento_row("invoice", 2))
    row[field] = row.get(field, 0) + Decimal("0.01")
    assert not read("invoice", row).sound


def test_rows_that_do_not_add_up_are_not_sound() -> None:
    row = dict(recorded.magento_row("invoice", 2))
    row["items"] = [{**item, "row_total": item["row_total"] + 1} for item in row["items"]]
    assert not read("invoice", row).sound


def test_our_marker_is_found_and_another_instances_is_not() -> None:
    for name, expected in (("us", "magodoo:us:0f1e2d3c-aaaa:account.move:5"), ("eu", None)):
        comment = {"comment": f"magodoo:{name}:0f1e2d3c-aaaa:account.move:5", "is_visible_on_front": 0}
        row = {**recorded.magento_row("invoice", 1), "comments": [comment]}
        assert read("invoice", row).reference == expected


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"grand_total": "abc"}, "grand_total"),
        ({"grand_total": True}, "grand_total"),
        ({"order_id": None}, "order_id is missing"),
        ({"order_id": 2**70}, "order_id"),
        ({"increment_id": "9" * 300}, "increment_id"),
        ({"items": {"a": 1}}, "items"),
        ({"items": [{"order_item_id": 1, "entity_id": 1}] * 2}, "one id stands twice"),
        ({"created_at": "0000-00-00 00:00:00"}, "created_at"),
        ({"store_id": 2**40}, "store_id"),
        ({"base_to_order_rate": Decimal("1e40")}, "base_to_order_rate"),
        ({"comments": ["a", 5]}, None),
        ({"comments": 5}, "comments"),
    ],
)
def test_corruption_is_named(change: dict[str, object], named: str | None) -> None:
    row = {**recorded.magento_row("invoice", 1), **change}
    if named is None:
        read("invoice", row)
        return
    with pytest.raises(Unreadable, match=named):
        read("invoice", row)
