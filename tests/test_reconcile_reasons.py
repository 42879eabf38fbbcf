"""Each reason names the cause that was found: article, quantities, and the documents that took what was open."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reconcile_sales import Sales


def why(sales: Sales, type_: str = "missing_in_odoo") -> list[str]:
    """The reasons of the findings of a type, by document."""
    found = [each for each in sales.reconcile().result.findings if each.type == type_]
    return [each.no_change_reason or "" for each in sorted(found, key=lambda each: each.document)]


# What Odoo has no room for


def test_an_already_invoiced_item_is_named_with_the_matched_document() -> None:
    sales = Sales().sold(items={11: 2, 12: 1})
    first = sales.invoice(1, {11: 2})
    move = sales.odoo_invoice(1, {11: 2}, of=first)
    sales.invoice(1, {11: 1, 12: 1})
    assert why(sales) == [
        "Odoo has 0 of SKU11 left to be invoiced, it needs 1:"
        f" 2 are invoiced by O-invoice-{move} (Magento's M-invoice-{first})"
    ]


def test_a_quantity_above_that_of_odoo_s_order_is_reported() -> None:
    sales = Sales()
    sales.order(1, items={11: 5})
    sales.odoo_order(1, items={11: 3})
    sales.shipment(1, {11: 5})
    assert why(sales) == ["Odoo has 3 of SKU11 left to be shipped, it needs 5: only 3 are ordered there"]


def test_an_item_that_odoo_s_order_has_no_line_for_is_named() -> None:
    sales = Sales()
    sales.order(1, items={11: 2, 12: 1})
    sales.odoo_order(1, items={11: 2})
    sales.invoice(1, {11: 2, 12: 1})
    assert "Odoo's order has no line for SKU12" in why(sales)


def test_an_item_removed_from_the_order_is_named() -> None:
    sales = Sales().sold(items={11: 2})
    sales.invoice(1, {11: 1, 99: 1})
    assert why(sales) == [
        "SKU99 on it is no item of the order any more in Magento: it was taken off after it was invoiced"
    ]


def test_a_quantity_known_only_from_odoo_s_order_lines_is_reported_as_draft_or_unread() -> None:
    sales = Sales().sold(items={11: 2})
    for line in sales.lines:
        if line["side"] == "odoo":
            line["qty_invoiced"] = 20_000
    sales.invoice(1, {11: 2})
    (said,) = why(sales)
    assert said == (
        "Odoo has 0 of SKU11 left to be invoiced, it needs 2: its order lines count 2 more as invoiced,"
        " by a draft or a document that is not read"
    )


def test_the_earlier_ones_that_take_the_rest_are_named() -> None:
    sales = Sales().sold(items={11: 3})
    first, _ = sales.shipment(1, {11: 2}), sales.shipment(1, {11: 2})
    reasons = [reason for reason in why(sales) if reason]
    assert any(f"after the earlier documents of the order (M-shipment-{first})" in reason for reason in reasons)


def test_a_refund_of_uninvoiced_goods_is_reported() -> None:
    sales = Sales(invoices={"to_odoo": "off"}).sold(items={11: 2})
    sales.invoice(1, {11: 2})
    sales.memo(1, {11: 1})
    said = "The refunds would exceed what is invoiced in Odoo: 0.00 USD are invoiced, 0.00 refunded already"
    assert said in why(sales)


# What Magento has no room for


WRITES: dict[str, Any] = {"invoices": {"to_magento": "when_posted"}, "shipments": {"to_magento": True}}


@pytest.mark.parametrize(
    ("progress", "said"),
    [({"canceled": {11: 2}}, "2 are cancelled"), ({"refunded": {11: 2}}, "2 are refunded")],
)
def test_a_cancellation_or_refund_in_magento_is_named_as_the_cause(progress: dict[str, Any], said: str) -> None:
    sales = Sales(**WRITES)
    sales.order(1, items={11: 2}, **progress)
    sales.odoo_order(1)
    sales.delivery(1, {11: 2}, of=0)
    reasons = [each.no_change_reason or "" for each in sales.reconcile().result.findings if each.kind == "shipment"]
    assert any(said in reason for reason in reasons), reasons


def test_a_second_invoice_of_odoo_names_the_first_one_in_magento() -> None:
    sales = Sales(**WRITES).sold(items={11: 2, 12: 1})
    first = sales.invoice(1, {11: 2})
    sales.odoo_invoice(1, {11: 2}, of=first)
    sales.odoo_invoice(1, {11: 2, 12: 1}, status="paid", captured=30)
    reasons = why(sales, "missing_in_magento")
    assert any(f"2 are invoiced by M-invoice-{first}" in reason for reason in reasons)


# Lines that no document of the other side can hold


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"role": "other", "sku": "FEE"}, "FEE (20.00 USD net) is no item and no shipping of the order"),
        ({"item_key": None, "sku": ""}, "a line without an article number (20.00 USD net) is no item"),
        ({"untaxed": 150_000}, "SKU11 (15.00 USD net) is 7.50 each, and 10.00 on Magento's order"),
    ],
)
def test_a_document_that_is_not_representable_names_line_and_price(line: dict[str, Any], said: str) -> None:
    sales = Sales().sold()
    move = sales.odoo_invoice(1, status="paid", captured=20)
    sales.set_line("invoice", move, **line)
    found = sales.reconcile().one("not_representable")
    assert said in found.detail
    assert said[1:] in found.message
    assert found.no_change_reason == found.detail


def test_a_document_without_amounts_says_so() -> None:
    sales = Sales().sold()
    sales.invoice(1, {}, total=0)
    assert sales.reconcile().one("not_representable").detail == "The document has no line that carries an amount"


@given(
    ordered=st.dictionaries(st.sampled_from([11, 12, 13]), st.integers(1, 4), min_size=1),
    held=st.dictionaries(st.sampled_from([11, 12, 13]), st.integers(1, 4), min_size=1),
    asked=st.lists(
        st.dictionaries(st.sampled_from([11, 12, 99]), st.integers(1, 4), min_size=1), min_size=1, max_size=3
    ),
    kind=st.sampled_from(["invoice", "shipment"]),
)
def test_a_document_without_open_quantity_names_the_item_or_the_other_document(
    ordered: dict[int, int], held: dict[int, int], asked: list[dict[int, int]], kind: str
) -> None:
    sales = Sales()
    sales.order(1, items=ordered)
    sales.odoo_order(1, items=held)
    for items in asked:
        getattr(sales, kind)(1, items)
    for finding in sales.reconcile().result.findings:
        if finding.type == "missing_in_odoo" and finding.kind == kind and finding.change is None:
            reason = finding.no_change_reason or ""
            assert "SKU" in reason or f"M-{kind}-" in reason or "ordered" in reason, reason
