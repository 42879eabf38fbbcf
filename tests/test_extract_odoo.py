"""Rows that a live Odoo 19 gave, as canonical documents."""

from __future__ import annotations

import copy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import recorded_documents as recorded
from staged import NOON, instance

from magodoo.errors import Unreadable
from magodoo.extract import odoo_documents
from magodoo.extract.canonical import CanonicalDocument


def read(kind: str, row: recorded.Row | None = None, **settings: Any) -> CanonicalDocument:
    return odoo_documents.read(instance(**settings), kind, row or recorded.odoo_row(kind), NOON)


def changed(kind: str, **more: Any) -> recorded.Row:
    return {**copy.deepcopy(recorded.odoo_row(kind)), **more}


def test_every_recorded_document_is_sound_and_leaves_its_order_open() -> None:
    documents = [read(kind, row) for kind, row in recorded.odoo()]
    assert {document.kind for document in documents} == {"order", "invoice", "credit_memo", "shipment", "return"}
    assert all(document.sound and document.order_key is None for document in documents)


def test_an_order_has_parts_and_what_is_open_to_deliver() -> None:
    order = read("order")
    assert (order.number, order.state, order.active, order.status) == ("S00001", "sale", True, "to invoice")
    assert (order.subtotal, order.shipping, order.discount, order.tax, order.grand_total) == (
        772_900,
        50_000,
        0,
        63_700,
        886_600,
    )
    assert [(line.sku, line.role, line.qty_ordered, line.qty_shipped, line.qty_open) for line in order.lines] == [
        ("SKU-A", "item", 20_000, 20_000, 0),
        ("SKU-B", "item", 70_000, 0, 70_000),
        ("SHIPPING", "shipping", 10_000, 0, 0),
    ]
    assert "000000001" in order.other_references
    assert order.details["invoice_ids"] and order.details["picking_ids"]


def test_a_quotation_is_not_active_and_nothing_is_open() -> None:
    quotation = read("order", changed("order", state="draft"))
    assert not quotation.active
    assert all(line.qty_open == 0 for line in quotation.lines)


def test_an_invoice_knows_its_order_its_dates_and_its_journal() -> None:
    invoice = read("invoice")
    assert (invoice.own_order_id, invoice.journal, invoice.currency) == ("1", "INV", "USD")
    assert (invoice.document_date, invoice.accounting_date, invoice.due_date) == (
        date(2026, 11, 20),
        date(2026, 11, 20),
        date(2026, 11, 22),
    )
    assert [line.own_item_id for line in invoice.lines] == ["1", "2"]
    assert sum(line.base_untaxed for line in invoice.lines) == invoice.base_grand_total - invoice.base_tax


def test_a_credit_note_is_positive_and_names_its_invoice() -> None:
    note = read("credit_memo")
    assert (note.kind, note.parent_id, note.grand_total, note.base_grand_total) == (
        "credit_memo",
        "1",
        216_400,
        216_400,
    )


def test_a_draft_without_a_name_has_the_name_that_odoo_shows() -> None:
    draft = read("invoice", changed("invoice", name=False, state="draft"))
    assert (draft.number, draft.active) == ("* 1", False)


def test_a_delivery_has_tracks_and_what_was_moved_an_open_one_what_is_asked_for() -> None:
    done, waiting = (read(kind, row) for kind, row in recorded.odoo() if kind == "shipment")
    assert (done.active, done.tracking, done.quantity, done.own_order_id) == (True, ("1Z1",), 20_000, "1")
    assert (waiting.active, waiting.parent_id, [line.qty_open for line in waiting.lines]) == (
        False,
        done.source_id,
        [70_000],
    )


def test_several_tracks_written_by_a_connector_share_one_field() -> None:
    carrier = {"id": 3, "name": "UPS", "delivery_type": "ups"}
    row = changed("shipment", carrier_tracking_ref=" 1Z1, 1Z2,,1Z1 ", carrier_id=carrier)
    assert read("shipment", row).tracking == ("1Z1", "1Z2")


def test_a_return_names_its_delivery() -> None:
    assert (read("return").parent_id, read("return").active) == ("1", True)


@pytest.mark.parametrize(
    ("kind", "external_id", "expected"),
    [
        ("order", "magodoo.order_us_7", "magodoo.order_us_7"),
        ("order", "magodoo.order_eu_7", None),
        ("order", "magodoo.inv_us_7", None),
        ("order", f"magodoo.order_us_{10**18}", None),
        ("order", "magodoo.order_us_²", None),
        ("invoice", "magodoo.inv_us_7", "magodoo.inv_us_7"),
        ("invoice", "__export__.account_move_7", None),
        ("credit_memo", "magodoo.cm_us_7", "magodoo.cm_us_7"),
    ],
)
def test_a_reference_is_ours_only_for_this_instance_and_kind(kind: str, external_id: str, expected: str | None) -> None:
    assert read(kind, changed(kind, external_id=external_id)).reference == expected


def test_a_document_of_another_instance_makes_no_claim_here() -> None:
    assert read("order", changed("order", external_id="magodoo.order_eu_7")).other_references == ()
    assert read("order", changed("order", external_id="magodoo.order_us_7")).other_references != ()


def test_the_delivery_key_counts_with_and_without_its_module() -> None:
    for written in ("ship_us_9", "magodoo.ship_us_9"):
        assert read("shipment", changed("shipment", x_magento_key=written)).reference == "ship_us_9"
    assert read("shipment", changed("shipment", x_magento_key="ship_eu_9")).reference is None


def test_lines_that_carry_our_external_id_name_their_item() -> None:
    row = changed("order")
    row["order_line"][0]["external_id"] = "magodoo.oi_us_55"
    assert [line.item_key for line in read("order", row).lines] == ["55", None, None]


def test_numbers_inside_references_are_found() -> None:
    order = read("order", changed("order", origin="Magento #000000003, S00047", client_order_ref=False))
    assert {"Magento #000000003, S00047", "000000003", "S00047"} <= set(order.other_references)


def test_the_fields_that_may_hold_a_number_are_a_setting() -> None:
    row = changed("order", x_connector_ref="000000009")
    assert "000000009" not in read("order", row).other_references
    assert "000000009" in read("order", row, odoo={"reference_fields": ["x_connector_ref"]}).other_references


def test_a_discount_shows_between_gross_and_net() -> None:
    row = changed("invoice")
    row["invoice_line_ids"][0].update(
        discount=Decimal(10), price_subtotal=Decimal("35.98"), price_total=Decimal("38.95")
    )
    row.update(amount_untaxed=Decimal("73.29"), amount_tax=Decimal("6.04"), amount_total=Decimal("79.33"))
    invoice = read("invoice", row)
    assert (invoice.sound, invoice.subtotal, invoice.discount) == (True, 772_900, -40_000)


def test_prices_that_include_tax_give_no_false_discount() -> None:
    row = changed("invoice")
    row["invoice_line_ids"][0].update(price_unit=Decimal("21.64"), discount=Decimal(0))
    assert read("invoice", row).discount == 0


def test_sections_notes_and_down_payments_are_distinguished() -> None:
    row = changed("order")
    row["order_line"].append({"id": 90, "display_type": "line_note", "name": "Thank you"})
    row["order_line"].append(
        {"id": 91, "display_type": False, "is_downpayment": True, "product_uom_qty": 0, "name": "Down payment"}
    )
    assert [line.role for line in read("order", row).lines] == ["item", "item", "shipping", "other"]


def test_an_invoice_of_several_orders_says_so() -> None:
    row = changed("invoice")
    row["invoice_line_ids"][1]["sale_line_ids"] = [{"id": 2, "order_id": {"id": 4, "name": "S00004"}}]
    invoice = read("invoice", row)
    assert (invoice.own_order_id, invoice.details) == ("1", {"consolidated": True, "sale_orders": [1, 4]})


def test_a_header_beyond_rounding_is_not_sound() -> None:
    assert not read("invoice", changed("invoice", amount_total=Decimal("83.67"))).sound
    assert not read("invoice", changed("invoice", amount_untaxed=Decimal("78.29"), amount_total=Decimal("84.66"))).sound
    rounding = changed("invoice", amount_tax=Decimal("6.38"), amount_total=Decimal("83.67"))
    assert read("invoice", rounding).sound


def test_a_warehouse_is_a_source_by_the_settings() -> None:
    row = changed(
        "shipment", picking_type_id={"id": 2, "name": "Out", "warehouse_id": {"id": 1, "code": "WH", "name": "Main"}}
    )
    assert read("shipment", row, odoo={"warehouses": {"WH": "us_main"}}).source_code == "us_main"


@pytest.mark.parametrize("value", [7, [7, "Ann Lee"], {"id": 7, "display_name": "Ann Lee"}, False])
def test_links_are_read_in_every_form(value: Any) -> None:
    assert read("order", changed("order", partner_id=value)).customer_key == ("7" if value else None)


@pytest.mark.parametrize(
    "change",
    [
        {"amount_total": "many"}, {"id": 0}, {"order_line": 5}, {"order_line": [5]}, {"partner_id": "Ann"}, {"invoice_ids": ["a"]},
        {"create_date": "yesterday"}, {"order_line": [{"id": 1}, {"id": 1}]},
    ],
)  # fmt: skip
def test_corruption_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read("order", changed("order", **change))
