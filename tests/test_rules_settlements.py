"""docs/business-rules.md#payments: the evidence of payment is what partial reconciliations say of this document, whoever made them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from accountant import (
    account,
    bank_line,
    due,
    entry_against,
    match,
    unbooked_payment,
    unmatch,
    wizard,
)
from settlements import half_credited, paid_in_magento, reason, two_orders
from shop_and_books import ShopAndBooks, amount
from stories import Story, run_chain, story

from magodoo.pipeline import load

REFUNDS: dict[str, Any] = {"credit_memos": {"to_magento": "when_paid"}}
IN_PAYMENT: dict[str, Any] = {"invoices": {"in_payment_counts": True}}
WAREHOUSE: dict[str, Any] = {"recipients": {"accounting": ["books@example.com"], "warehouse": ["dock@example.com"]}}


def sold_whole(pair: ShopAndBooks) -> int:
    """An order that Magento invoiced and shipped, to be paid by bank transfer."""
    order = pair.order({"SKU-001": 2}, "banktransfer")
    pair.shop.invoice(order)
    pair.shop.ship(order)
    return order


def refunded_by_bank(pair: ShopAndBooks, order: int) -> int:
    """Pay the order's invoice by a bank line, reverse it, and pay it out by another. Returns the credit note."""
    (move,) = pair.moves(order)
    bank_line(pair, [move["id"]])
    note = pair.reverse(move["id"])
    bank_line(pair, [note])
    return note


# Bank statement lines


@story()
def test_an_invoice_that_a_bank_line_paid_is_paid(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    bank_line(pair, [pair.bill(order)])
    assert [(row["payment_state"], row["amount_residual"]) for row in pair.moves(order)] == [("paid", 0)]
    yield run_chain()
    assert paid_in_magento(pair, order) == [Decimal("48.28")]


@story(**REFUNDS)
def test_a_refund_that_a_bank_line_paid_out_is_paid_out(pair: ShopAndBooks) -> Story:
    order = sold_whole(pair)
    yield run_chain()
    refunded_by_bank(pair, order)
    yield run_chain()
    assert [amount(row["grand_total"]) for row in pair.memos(order)] == [Decimal("48.28")]


@story()
def test_a_bank_line_over_two_orders_that_falls_short_pays_one_of_them(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield run_chain()
    bank_line(pair, [pair.bill(one), pair.bill(two)], Decimal("200.00"))
    assert sorted(pair.moves(order)[0]["payment_state"] for order in (one, two)) == ["paid", "partial"]
    yield run_chain()
    paid, short = (one, two) if pair.moves(one)[0]["payment_state"] == "paid" else (two, one)
    assert paid_in_magento(pair, paid) == [Decimal("111.09")]
    assert pair.invoices(short) == []
    assert "22.18 USD are open: 88.91 USD paid by bank statement line" in reason(pair, short)


@story()
def test_bank_charges_on_a_line_for_two_orders_leave_both_paid(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield run_chain()
    bank_line(pair, [pair.bill(one), pair.bill(two)], charges=Decimal("3.00"))
    yield run_chain()
    assert paid_in_magento(pair, one) == paid_in_magento(pair, two) == [Decimal("111.09")]


@story()
def test_most_of_a_bank_line_that_was_booked_elsewhere_is_a_write_off(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    bank_line(pair, [pair.bill(order)], charges=Decimal("38.28"))
    assert pair.moves(order)[0]["payment_state"] == "paid"
    yield run_chain()
    assert pair.invoices(order) == []
    assert "38.28 USD written off with bank statement line" in reason(pair, order)


@story()
def test_a_bank_line_of_more_than_is_owed_pays_its_orders(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield run_chain()
    bank_line(pair, [pair.bill(one), pair.bill(two)], Decimal("230.00"))
    yield run_chain()
    assert paid_in_magento(pair, one) == paid_in_magento(pair, two) == [Decimal("111.09")]


@story()
def test_a_bank_line_in_another_currency_pays_what_it_was_matched_with(pair: ShopAndBooks) -> Story:
    one, two = (pair.order(payment="cashondelivery", store="eu") for _ in range(2))
    yield run_chain()
    for order, share in ((one, Decimal(1)), (two, Decimal("0.5"))):
        move = pair.bill(order)
        (row,) = pair.rows("account.move", [["id", "=", move]], "amount_total")
        euros = (Decimal(str(row["amount_total"])) * share).quantize(Decimal("0.01"))
        bank_line(pair, [move], (euros * Decimal("1.17")).quantize(Decimal("0.01")), foreign=("EUR", euros))
    yield run_chain()
    (entry,) = pair.moves(one)
    assert (entry["currency_id"][1], entry["payment_state"]) == ("EUR", "paid")
    assert paid_in_magento(pair, one) == [amount(entry["amount_total"])]
    assert (pair.moves(two)[0]["payment_state"], pair.invoices(two)) == ("partial", [])
    assert f"{pair.moves(two)[0]['amount_residual']} EUR are open" in reason(pair, two)


# Entries, credit notes, write-offs


@story()
def test_a_journal_entry_on_the_bank_account_pays(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    entry_against(pair, pair.bill(order), account(pair, "asset_cash"))
    yield run_chain()
    assert paid_in_magento(pair, order) == [Decimal("48.28")]


@story()
def test_a_journal_entry_on_any_other_account_does_not_pay_and_is_named(pair: ShopAndBooks) -> Story:
    order, lost = (pair.order({"SKU-001": 2}, "cashondelivery") for _ in range(2))
    yield run_chain()
    entry_against(pair, pair.bill(order), account(pair, "liability_current"))
    entry_against(pair, pair.bill(lost), account(pair, "expense"))
    assert [pair.moves(each)[0]["amount_residual"] for each in (order, lost)] == [0, 0]
    yield run_chain()
    assert pair.invoices(order) == pair.invoices(lost) == []
    assert "48.28 USD settled without bank, cash or payment by journal entry MISC" in reason(pair, order)
    assert "48.28 USD written off by journal entry MISC" in reason(pair, lost)


@story()
def test_an_amount_written_off_by_a_payment_is_not_paid(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    move = pair.bill(order)
    wizard(
        pair, [move], amount=48.0, payment_difference_handling="reconcile", writeoff_account_id=account(pair, "expense")
    )
    assert pair.moves(order)[0]["payment_state"] == "paid"
    yield run_chain()
    assert pair.invoices(order) == []
    said = reason(pair, order)
    assert "48.00 USD paid by payment" in said
    assert "0.28 USD written off with payment" in said


@story()
def test_settlement_by_a_credit_note_is_not_paid_whatever_else_the_payment_pays(pair: ShopAndBooks) -> Story:
    """One transfer pays two invoices, half of one of which a credit note had settled."""
    one, two = two_orders(pair)
    yield run_chain()
    first, second = pair.bill(one), pair.bill(two)
    half_credited(pair, first)
    wizard(pair, [first, second], group_payment=True)
    assert [pair.moves(order)[0]["payment_state"] for order in (one, two)] == ["paid", "paid"]
    yield run_chain()
    assert paid_in_magento(pair, two) == [Decimal("111.09")]
    assert pair.invoices(one) == []
    said = reason(pair, one)
    assert "58.05 USD paid by payment" in said
    assert "53.04 USD set off against credit note" in said
    assert "Magento has no credit memo" in said


@story(**REFUNDS)
def test_a_credit_note_that_was_set_off_against_its_invoice_is_not_paid_out(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "banktransfer")
    pair.shop.invoice(order)
    yield run_chain()
    pair.reverse(pair.moves(order)[0]["id"])
    yield run_chain()
    assert pair.memos(order) == []
    assert "48.28 USD set off against invoice" in reason(pair, order, "credit_memo")


# Payments without an entry


@story()
def test_a_payment_without_an_entry_is_only_in_payment(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    unbooked_payment(pair, [pair.bill(order)], Decimal("48.28"))
    assert pair.moves(order)[0]["payment_state"] == "paid", "Odoo's Community shows it so"
    yield run_chain()
    assert pair.invoices(order) == []
    said = reason(pair, order)
    assert "only in payment" in said
    assert "48.28 USD registered by payment" in said


@story(**IN_PAYMENT)
def test_a_payment_without_an_entry_counts_by_setting_and_only_for_what_it_covers(pair: ShopAndBooks) -> Story:
    order, (one, two) = pair.order({"SKU-001": 2}, "cashondelivery"), two_orders(pair)
    yield run_chain()
    unbooked_payment(pair, [pair.bill(order)], Decimal("48.28"))
    unbooked_payment(pair, [pair.bill(one), pair.bill(two)], Decimal("200.00"))
    yield run_chain()
    assert paid_in_magento(pair, order) == [Decimal("48.28")]
    assert pair.invoices(one) == pair.invoices(two) == []


# Money that comes back


@story()
def test_a_write_off_after_returned_money_stays_critical(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    move = pair.bill(order)
    bank_line(pair, [move])
    yield run_chain()
    assert paid_in_magento(pair, order) == [Decimal("48.28")]
    unmatch(pair, move)
    entry_against(pair, move, account(pair, "expense"))
    yield run_chain()
    (finding,) = pair.reported(order)
    assert (finding["type"], finding["severity"]) == ("payment_reversed", "critical")
    assert "48.28 USD of 48.28 USD were written off since" in finding["message"]


@story(**WAREHOUSE)
def test_money_returned_after_magento_was_set_to_paid_is_critical(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    move = pair.bill(order)
    line = bank_line(pair, [move])
    yield run_chain()
    assert paid_in_magento(pair, order) == [Decimal("48.28")]
    assert pair.reported(order) == []
    unmatch(pair, move)
    yield run_chain()
    (finding,) = pair.reported(order)
    assert (finding["type"], finding["kind"], finding["severity"]) == ("payment_reversed", "invoice", "critical")
    assert finding["who"] == "accounting, warehouse"
    assert "Still to ship: SKU-001 x 2" in finding["message"]
    assert "48.28 USD of 48.28 USD are open again" in finding["message"]
    mails = pair.mails(pair.moves(order)[0]["name"])
    assert any("books@example.com" in mail for mail in mails)
    assert any("dock@example.com" in mail for mail in mails)
    (made,) = pair.rows("account.bank.statement.line", [["id", "=", line]], "move_id")
    match(pair, [move], made["move_id"][0])
    yield run_chain()
    assert pair.reported(order) == [], "it is matched again"


@story()
def test_a_payment_of_ours_that_was_taken_away_is_never_matched_again(pair: ShopAndBooks) -> Story:
    """The provider's chargeback: the accountant takes the payment off the invoice."""
    order = pair.order(payment="card")
    pair.shop.invoice(order)
    yield run_chain()
    (entry,) = pair.moves(order)
    assert entry["payment_state"] == "paid"
    yield run_chain()
    unmatch(pair, entry["id"])
    for _ in range(3):
        yield run_chain()
        (entry,) = pair.moves(order)
        assert (entry["payment_state"], len(pair.payments(entry))) == ("not_paid", 1)
        assert {(row["type"], row["severity"]) for row in pair.reported(order)} == {("payment_reversed", "critical")}
        pair.touch(order)


@story(**REFUNDS)
def test_a_refund_that_comes_back_from_the_bank_is_critical(pair: ShopAndBooks) -> Story:
    order = sold_whole(pair)
    yield run_chain()
    note = refunded_by_bank(pair, order)
    yield run_chain()
    assert len(pair.memos(order)) == 1
    unmatch(pair, note)
    yield run_chain()
    assert ("payment_reversed", "credit_memo", "") in pair.findings(order)


@story()
@pytest.mark.parametrize("part", ["10.00", "48.27"])
def test_a_partial_payment_of_any_kind_pays_nothing(pair: ShopAndBooks, part: str) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    move = pair.bill(order)
    bank_line(pair, [move], Decimal(part))
    assert amount(due(pair, move)["amount_residual"]) == Decimal("48.28") - Decimal(part)
    yield run_chain()
    assert pair.invoices(order) == []


@story(limits={"first_writes": 10**6})
def test_an_invoice_no_longer_paid_at_load_time_is_not_written(pair: ShopAndBooks) -> Story:
    """The change waits for approval, and the money goes away before anything is read again."""
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    pair.approve(order)
    yield run_chain()
    move = pair.bill(order)
    bank_line(pair, [move])
    yield run_chain()
    pair.approve(order)
    unmatch(pair, move)
    load.run(pair.context())
    assert pair.invoices(order) == []
    yield run_chain()
    assert "settled by payments" in reason(pair, order)
