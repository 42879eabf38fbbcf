"""Whether an Odoo document is paid, as planning judges it, and money that goes away again."""

from __future__ import annotations

from typing import Any

import pytest
from reconcile_sales import Sales

TWO = {11: 1, 12: 1}


def credited(memo_in_magento: bool, **invoice: Any) -> Sales:
    """An order of two items: one invoiced and refunded, the other's invoice settled by 6 of money and 4 by the credit note."""
    sales = Sales()
    sales.order(1, TWO)
    sales.odoo_order(1)
    first = sales.invoice(1, {11: 1}, id=201)
    sales.odoo_invoice(1, {11: 1}, of=first, id=301)
    if memo_in_magento:
        memo = sales.memo(1, {}, total=4, id=202)
        sales.odoo_note(1, {}, total=4, of=memo, id=302)
    words = {"status": "paid", "captured": 6, "credited_by": "302:40000", "settled_by": "4.00 USD set off", **invoice}
    sales.odoo_invoice(1, {12: 1}, id=303, **words)
    return sales


def test_settlement_by_a_credit_note_counts_where_magento_has_the_credit_memo() -> None:
    assert credited(memo_in_magento=True).reconcile().changes == ["magento_invoice 303"]
    found = credited(memo_in_magento=False).reconcile()
    assert found.changes == []
    assert "Magento has no credit memo" in (found.one("missing_in_magento").no_change_reason or "")


@pytest.mark.parametrize("status", ["paid", "reversed", "blocked"])
def test_the_payment_evidence_decides_and_not_odoo_s_payment_state(status: str) -> None:
    """A journal entry on the bank account beside a credit note leaves an invoice `reversed` in Odoo, though money came."""
    assert credited(memo_in_magento=True, status=status).reconcile().changes == ["magento_invoice 303"]
    assert credited(memo_in_magento=True, status="in_payment").reconcile().changes == []


@pytest.mark.parametrize("words", [{"captured": 0}, {"captured": 5}, {"open": 1}])
def test_a_credit_note_alone_or_with_too_little_money_pays_nothing(words: dict[str, Any]) -> None:
    assert credited(memo_in_magento=True, **words).reconcile().changes == []


def came_back(**invoice: Any) -> Sales:
    """An invoice that both sides have, which was paid in Odoo and is open again."""
    sales = Sales()
    sales.order(1, {11: 2}, state=invoice.pop("order_state", "processing"))
    sales.odoo_order(1)
    sales.invoice(1, {11: 2}, id=201, reference=invoice.pop("reference", ""))
    sales.odoo_invoice(1, {11: 2}, id=301, **{"was_paid": True, "open": 20, **invoice})
    return sales


def is_gone(sales: Sales) -> bool:
    return any(type_.startswith("payment_reversed") for type_ in sales.reconcile().types)


def test_returned_money_is_critical_and_plans_nothing() -> None:
    found = came_back().reconcile()
    finding = found.one("payment_reversed")
    assert (found.changes, finding.severity, finding.odoo_amount) == ([], "critical", 200_000)
    assert "Still to ship" in finding.message


@pytest.mark.parametrize(("state", "gone"), [("processing", True), ("closed", False)])
def test_a_write_off_after_magento_was_paid_stays_critical_until_magento_refunds_it(state: str, gone: bool) -> None:
    sales = came_back(open=0, status="paid", captured=0, written_off=200_000, order_state=state)
    assert is_gone(sales) is gone
    if gone:
        assert "20.00 USD of 20.00 USD were written off since" in sales.reconcile().one("payment_reversed").message


def test_shipped_goods_are_no_longer_open() -> None:
    sales = came_back()
    sales.delivery(1, {11: 2})
    assert "Nothing is left to ship" in sales.reconcile().one("payment_reversed").message


@pytest.mark.parametrize(
    "words",
    [{"was_paid": False}, {"open": 0, "status": "paid"}, {"state": "draft"}, {"state": "cancel"}],
    ids=["never paid", "paid again", "draft", "cancelled"],
)
def test_an_invoice_that_is_not_open_or_was_never_paid_is_no_reversed_payment(words: dict[str, Any]) -> None:
    assert not is_gone(came_back(**words))


def test_a_payment_without_an_entry_that_counts_is_not_gone() -> None:
    counts: dict[str, Any] = {"invoices": {"in_payment_counts": True}}
    for settings, gone in (({}, True), (counts, False)):
        sales = Sales(**settings)
        sales.order(1, {11: 2})
        sales.odoo_order(1)
        sales.invoice(1, {11: 2}, id=201)
        sales.odoo_invoice(1, {11: 2}, id=301, was_paid=True, open=20, in_payment=200_000)
        assert is_gone(sales) is gone
