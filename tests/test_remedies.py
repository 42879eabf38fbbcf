"""Advice that can be followed: an order without invoice, a draft, a posted entry and a deleted document are each corrected in another way."""

from __future__ import annotations

import pytest
from reconcile_sales import Sales

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind
from magodoo.flows.planner import without_problems
from magodoo.ledger.planned import PlannedChange, RequestProblem
from magodoo.reconcile.finding import Finding


def differing_order(currency: str = "USD", state: str = "sale") -> Sales:
    sales = Sales()
    sales.order(1, total=25)
    sales.odoo_order(1, total=24, currency=currency, state=state)
    return sales


@pytest.mark.parametrize("state", ["sale", "draft"])
def test_an_order_without_an_invoice_is_corrected_directly(state: str) -> None:
    found = differing_order(state=state).reconcile().one("total_mismatch")
    assert "correct them on the order in Odoo" in found.advice
    assert "credit note" not in found.advice
    assert "posted" not in (found.no_change_reason or "")


def test_an_order_of_which_something_is_invoiced_is_corrected_with_its_invoice() -> None:
    sales = differing_order()
    sales.odoo_invoice(1, total=24)
    assert "credit note and new invoice" in sales.reconcile().one("total_mismatch").advice


def test_an_order_in_another_currency_gets_another_pricelist_while_nothing_is_invoiced() -> None:
    found = differing_order("EUR").reconcile().one("currency_mismatch")
    assert "choose a pricelist in USD" in found.advice
    assert "credit note" not in found.advice
    sales = differing_order("EUR")
    sales.odoo_invoice(1, total=24, currency="EUR")
    kept = next(each for each in sales.reconcile().result.findings if each.type == "currency_mismatch")
    assert "new invoice in USD" in kept.advice


@pytest.mark.parametrize("currency", ["USD", "EUR"])
@pytest.mark.parametrize(
    ("state", "words"), [("draft", "before it is posted"), ("posted", "credit note and new invoice")]
)
def test_a_draft_is_corrected_and_a_posted_invoice_is_reversed(currency: str, state: str, words: str) -> None:
    sales = Sales().sold()
    invoice = sales.invoice(1, total=25)
    sales.odoo_invoice(1, total=24, currency=currency, state=state, of=invoice)
    found = sales.reconcile().one("total_mismatch" if currency == "USD" else "currency_mismatch")
    assert words in found.advice
    assert state in (found.no_change_reason or "")


def test_a_credit_note_is_not_corrected_by_another_credit_note() -> None:
    sales = Sales().sold()
    invoice = sales.invoice(1, total=25)
    sales.odoo_invoice(1, total=25, of=invoice)
    memo = sales.memo(1, total=10)
    sales.odoo_note(1, total=9, of=memo)
    assert "Reverse the credit note in Odoo" in sales.reconcile().one("total_mismatch").advice


def test_a_document_deleted_in_odoo_is_recreated_with_its_number_or_reversed_in_magento() -> None:
    sales = Sales().sold()
    invoice = sales.invoice(1)
    sales.odoo_invoice(1, of=invoice, deleted_at="2026-11-21")
    advice = sales.reconcile().one("deleted").advice
    assert f"make it in Odoo by hand with the number M-invoice-{invoice} as reference" in advice
    assert "refund the invoice in Magento" in advice


def test_the_advice_for_a_deleted_document_can_be_followed() -> None:
    """Made anew and confirmed, it is matched."""
    sales = Sales().sold()
    invoice = sales.invoice(1)
    sales.odoo_invoice(1, of=invoice, deleted_at="2026-11-21")
    again = sales.odoo_invoice(1)
    sales.pair("invoice", 1, invoice, again)
    found = sales.reconcile()
    assert ("invoice", invoice, again, "confirmed") in found.pairs
    assert (found.names, found.changes) == (["deleted"], [])


@pytest.mark.parametrize(("state", "words"), [("posted", "reverse the invoice"), ("draft", "delete the draft")])
def test_a_document_deleted_in_magento_leaves_an_invoice_to_keep_or_reverse(state: str, words: str) -> None:
    sales = Sales().sold()
    invoice = sales.invoice(1, deleted_at="2026-11-21")
    sales.odoo_invoice(1, of=invoice, state=state)
    assert words in sales.reconcile().one("deleted").advice


@pytest.mark.parametrize(
    ("problem", "words", "advice"),
    [
        (RequestProblem("items", "nothing to move is left"), "nothing to move is left", "Compare the lines"),
        (RequestProblem("order", "it is not staged"), "it is not staged", "backfill"),
        (RequestProblem("sku:A", "no line for A", next_step="Add a line of A"), "no line for A", "Add a line of A"),
        (RequestProblem("sku:A", "no active product"), "It waits for the mapping sku:A", "Add the mapping"),
    ],
)
def test_only_problems_that_a_mapping_resolves_wait_for_a_mapping(
    problem: RequestProblem, words: str, advice: str
) -> None:
    change = PlannedChange(
        kind=ChangeKind.ODOO_DELIVERY, order_key="1", order_number="1", document_kind=Kind.SHIPMENT, source_id="7",
        source_number="7", amount=0, currency="USD", company_amount=0, settles=(), intent=None,
    )  # fmt: skip
    findings: list[Finding] = []
    without_problems([change], {change.key: [problem]}, [change.key], findings)
    assert [each.no_change_reason for each in findings] == [words]
    assert advice in findings[0].advice
