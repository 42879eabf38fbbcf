"""docs/business-rules.md#payments: what counts as money, and what is never taken for it."""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal
from typing import Any

import pytest
from shop_and_books import ShopAndBooks, amount
from stories import ChainRun, Story, run_chain, story

WHEN_POSTED: dict[str, Any] = {
    "invoices": {"to_magento": "when_posted"},
    "payment_methods": {
        "wallet": {
            "captured_by_provider": True,
            "journal": "PPAL",
            "import_states": ["new", "processing", "complete", "closed"],
        },
        "checkmo": {"invoice_means_paid": True, "journal": "CHQ"},
    },
}

IN_BASE: dict[str, Any] = {
    "payment_methods": {
        "card": {"captured_by_provider": True, "journal": "CARD", "authorises": True, "charged_in": "base"}
    }
}


@story(**WHEN_POSTED)
def test_when_posted_with_an_unpaid_odoo_invoice_makes_no_payment_in_three_runs(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="wallet")
    yield run_chain()
    pair.bill(order)
    for _ in range(3):
        yield run_chain()
        (invoice,), (entry,) = pair.invoices(order), pair.moves(order)
        assert (invoice["state"], entry["payment_state"], pair.payments(entry)) == (2, "not_paid", [])
        pair.touch(order)


@story(**WHEN_POSTED)
def test_a_provider_s_method_without_evidence_is_not_paid(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="wallet")
    pair.shop.invoice(order, capture=False)
    yield run_chain()
    (entry,) = pair.moves(order)
    assert (entry["payment_state"], pair.payments(entry)) == ("not_paid", [])


@story(**WHEN_POSTED)
def test_a_method_whose_invoice_means_paid_is_paid_in_its_journal(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="checkmo")
    pair.shop.invoice(order)
    yield run_chain()
    (entry,) = pair.moves(order)
    assert [payment["journal_id"][1] for payment in pair.payments(entry)] == ["Cheque and money order"]
    assert entry["payment_state"] == "paid"


@story()
def test_an_unlisted_method_that_captured_is_unmapped_and_never_paid(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="newpay")
    pair.shop.invoice(order)
    yield run_chain()
    assert ("unmapped", "order", "payment:newpay") in pair.findings(order)
    assert [pair.payments(entry) for entry in pair.moves(order)] == [[]]


@story()
@pytest.mark.parametrize("payment", ["banktransfer", "checkmo", "cashondelivery", "purchaseorder"])
def test_methods_that_no_provider_captures_stay_open(pair: ShopAndBooks, payment: str) -> Story:
    order = pair.order(payment=payment)
    pair.shop.invoice(order)
    yield run_chain()
    assert [(entry["payment_state"], pair.payments(entry)) for entry in pair.moves(order)] == [("not_paid", [])]


@story()
def test_a_payment_is_made_in_the_order_s_currency(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="card", store="eu")
    pair.shop.invoice(order)
    yield run_chain()
    (entry,), (invoice,) = pair.moves(order), pair.invoices(order)
    (payment,) = pair.payments(entry)
    assert (payment["currency_id"][1], amount(payment["amount"])) == ("EUR", amount(invoice["grand_total"]))
    assert entry["payment_state"] == "paid"


@story(**IN_BASE)
def test_a_method_that_charges_the_base_currency_is_paid_in_it_to_the_cent(pair: ShopAndBooks) -> Story:
    order, memo_order = pair.order(payment="card", store="eu"), pair.order(payment="card", store="eu")
    for each in (order, memo_order):
        pair.shop.invoice(each)
    yield run_chain()
    pair.shop.refund_invoice(pair.invoices(memo_order)[0]["entity_id"], None, online=True)
    yield run_chain()
    (entry,), (invoice,) = pair.moves(order), pair.invoices(order)
    (payment,) = pair.payments(entry)
    assert (payment["currency_id"][1], amount(payment["amount"])) == ("USD", amount(invoice["base_grand_total"]))
    assert (entry["currency_id"][1], entry["payment_state"], entry["amount_residual"]) == ("EUR", "paid", 0)
    (note,) = pair.notes(memo_order)
    (refund,) = pair.payments(note)
    assert (refund["currency_id"][1], refund["payment_type"]) == ("USD", "outbound")
    assert amount(refund["amount"]) == amount(pair.memos(memo_order)[0]["base_grand_total"])
    assert (note["payment_state"], note["amount_residual"]) == ("paid", 0)


@story()
def test_partly_paid_in_odoo_writes_nothing_to_magento(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="cashondelivery")
    yield run_chain()
    pair.pay(order, pair.bill(order), Decimal("10.00"))
    yield run_chain()
    assert pair.moves(order)[0]["payment_state"] == "partial"
    assert pair.invoices(order) == []


@story()
def test_settlement_by_a_write_off_is_not_paid(pair: ShopAndBooks) -> Story:
    """The customer paid 10.00, the rest was written off: the residual is 0, and Magento must not show it paid."""
    order = pair.order(payment="cashondelivery")
    yield run_chain()
    move = pair.bill(order)
    pair.pay(order, move, Decimal("10.00"))
    pair.write_off(move)
    yield run_chain()
    (entry,) = pair.moves(order)
    assert (entry["amount_residual"], entry["payment_state"]) == (0, "paid")
    assert pair.invoices(order) == []
    (finding,) = pair.reported(order)
    assert (finding["type"], finding["kind"]) == ("missing_in_magento", "invoice")
    assert "settled by payments" in finding["no_change_reason"]


def in_payment(pair: ShopAndBooks) -> Generator[ChainRun, None, int]:
    """An invoice that Odoo's Accounting app shows as *In Payment*: paid, and not yet seen on the bank statement."""
    order = pair.order(payment="cashondelivery")
    yield run_chain()
    move = pair.bill(order)
    pair.pay(order, move)
    pair.show_in_payment(move)
    yield run_chain()
    return order


@story()
def test_in_payment_writes_nothing_to_magento(pair: ShopAndBooks) -> Story:
    order = yield from in_payment(pair)
    assert (pair.moves(order)[0]["payment_state"], pair.invoices(order)) == ("in_payment", [])


@story(invoices={"in_payment_counts": True})
def test_in_payment_is_paid_in_magento_only_by_setting(pair: ShopAndBooks) -> Story:
    order = yield from in_payment(pair)
    assert (pair.moves(order)[0]["payment_state"], len(pair.invoices(order))) == ("in_payment", 1)


@story()
def test_reversed_by_a_credit_note_writes_nothing_to_magento(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="cashondelivery")
    yield run_chain()
    pair.reverse(pair.bill(order))
    yield run_chain()
    assert pair.moves(order)[0]["payment_state"] == "reversed"
    assert (pair.invoices(order), pair.memos(order)) == ([], [])


@story()
def test_an_invoice_partly_settled_by_a_credit_note_is_not_paid(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 4}, "cashondelivery")
    yield run_chain()
    move = pair.bill(order)
    pair.pay(order, move, Decimal("10.00"))
    pair.reverse(move)
    yield run_chain()
    assert pair.moves(order)[0]["amount_residual"] == 0
    assert pair.invoices(order) == []


@story()
def test_an_open_authorisation_is_named_with_its_order(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="card")
    yield run_chain()
    pair.pay(order, pair.bill(order))
    yield run_chain()
    (finding,) = pair.reported(order)
    assert (finding["type"], finding["order_number"]) == ("capture_needed", pair.shop.order(order)["increment_id"])
    assert "capture" in finding["next_step"].lower()
    assert pair.invoices(order) == []


@story()
def test_an_offline_refund_is_posted_and_left_open(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="card")
    pair.shop.invoice(order)
    yield run_chain()
    pair.shop.refund(order, {pair.items(order)["SKU-001"]: 1, pair.items(order)["SKU-002"]: 0}, shipping=0)
    yield run_chain()
    (note,) = pair.notes(order)
    assert (note["state"], pair.payments(note)) == ("posted", [])
    assert amount(note["amount_residual"]) == amount(pair.memos(order)[0]["grand_total"])


@story()
def test_an_invoice_that_we_wrote_is_never_paid_from_magento_s_state(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="cashondelivery")
    yield run_chain()
    move = pair.bill(order)
    pair.pay(order, move)
    yield run_chain()
    assert len(pair.invoices(order)) == 1
    pair.touch(order)
    yield run_chain()
    assert len(pair.payments(pair.moves(order)[0])) == 1
