"""Refunds to store credit or points: the credit note in Odoo is not owed in money, and says so or settles the liability."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from shop_and_books import ShopAndBooks
from staged import instance
from stories import Story, run_chain, story
from totals import booked, extend, gift_journal, number, tender

GIFT = {"nature": "payment_part", "journal": "GIFT"}
POINTS = {**GIFT, "refunded_fields": ["extension_attributes.points_given"]}
CREDIT = "customer_balance_total_refunded"


def refunded(pair: ShopAndBooks, pieces: int = 2, payment: str = "card") -> int:
    order = pair.order({"SKU-001": pieces}, payment)
    pair.shop.invoice(order)
    pair.shop.ship(order)
    pair.shop.refund(order, {pair.items(order)["SKU-001"]: 1}, shipping=0)
    return order


def give(pair: ShopAndBooks, order: int, amount: Any, field: str = CREDIT) -> None:
    """Adobe Commerce shows what was refunded to store credit on the order, and on no credit memo."""
    extend(pair.shop.order(order), **{field: amount, f"base_{field}": amount})
    pair.touch(order)


@story()
def test_a_refund_to_store_credit_is_named_with_its_amount_and_not_to_be_paid_out(pair: ShopAndBooks) -> Story:
    order = refunded(pair)
    total = number(pair.memos(order)[0]["grand_total"])
    give(pair, order, total)
    yield run_chain()
    (told,) = pair.reported(order)
    assert (told["type"], told["kind"], told["part"]) == ("refunded_to_credit", "credit_memo", "store_credit")
    assert f"{total} USD of {total} were refunded to store credit (customer_balance_total_refunded)" in told["message"]
    assert "extra_totals.store_credit" in told["no_change_reason"]
    assert "Do not pay it out" in told["next_step"]
    (note,) = pair.notes(order)
    assert (note["state"], pair.payments(note)) == ("posted", [])


@story(extra_totals={"store_credit": GIFT})
@pytest.mark.parametrize("late", [False, True])
def test_a_refund_to_store_credit_settles_the_credit_note_against_the_liability(
    pair: ShopAndBooks, late: bool
) -> Story:
    gift_journal(pair)
    order = refunded(pair)
    total = number(pair.memos(order)[0]["grand_total"])
    if not late:
        give(pair, order, total)
    yield run_chain()
    if late:
        give(pair, order, total)
        yield run_chain()
    (note,) = pair.notes(order)
    (payment,) = pair.payments(note)
    assert (number(payment["amount"]), payment["journal_id"][1]) == (total, "Gift cards and credit")
    assert number(note["amount_residual"]) == 0
    assert booked(pair, order)["liability_current"] == -total, "the customer has it as credit"
    assert pair.findings(order) == set()


@story(extra_totals={"store_credit": GIFT})
def test_of_a_refund_partly_to_store_credit_the_rest_stays_open(pair: ShopAndBooks) -> Story:
    gift_journal(pair)
    order = refunded(pair)
    give(pair, order, 5)
    yield run_chain()
    (note,) = pair.notes(order)
    assert number(note["amount_residual"]) == number(note["amount_total"]) - 5
    assert pair.findings(order) == set()


@story(extra_totals={"store_credit": GIFT})
def test_credit_that_comes_back_is_no_second_refund_to_store_credit(pair: ShopAndBooks) -> Story:
    """`customer_balance_total_refunded` holds both: what was paid by credit and came back, and money that was given as credit."""
    gift_journal(pair)
    back, both = refunded(pair), refunded(pair)
    total = number(pair.memos(both)[0]["grand_total"])
    for order in (back, both):
        for document in (pair.shop.order(order), *pair.invoices(order), *pair.memos(order)):
            tender(document, "customer_balance_amount", 4)
    give(pair, back, 4)
    give(pair, both, total)
    yield run_chain()
    for order, residual in ((back, total - 4), (both, Decimal(0))):
        (note,) = pair.notes(order)
        assert number(note["amount_residual"]) == residual
        assert pair.findings(order) == set()
    (note,) = pair.notes(both)
    assert sorted(number(row["amount"]) for row in pair.payments(note)) == [4, total - 4]


@story(extra_totals={"store_credit": GIFT})
def test_a_refund_to_credit_is_assigned_to_a_credit_memo_only_if_unambiguous(pair: ShopAndBooks) -> Story:
    gift_journal(pair)
    one, unknown = refunded(pair, 4), refunded(pair, 4)
    pair.shop.refund(one, {pair.items(one)["SKU-001"]: 2}, shipping=0)
    pair.shop.refund(unknown, {pair.items(unknown)["SKU-001"]: 1}, shipping=0)
    second = number(pair.memos(one)[1]["grand_total"])
    give(pair, one, second)
    give(pair, unknown, number(pair.memos(unknown)[0]["grand_total"]))
    yield run_chain()
    open_ = sorted(number(note["amount_residual"]) for note in pair.notes(one))
    assert open_ == [0, number(pair.memos(one)[0]["grand_total"])]
    assert pair.findings(one) == set()
    assert [number(note["amount_residual"]) for note in pair.notes(unknown)] == [
        number(memo["grand_total"]) for memo in pair.memos(unknown)
    ]
    (told,) = pair.reported(unknown)
    assert (told["type"], told["kind"]) == ("refunded_to_credit", "order")
    for memo in pair.memos(unknown):
        assert memo["increment_id"] in told["message"]
    for note in pair.notes(unknown):
        pair.pay(unknown, note["id"], outbound=True)
    yield run_chain()
    assert pair.findings(unknown) == set()


@story(extra_totals={"store_credit": GIFT}, restless=True)
def test_a_credit_note_that_odoo_set_off_against_its_open_invoice_is_named_all_the_same(pair: ShopAndBooks) -> Story:
    """The customer's transfer of the whole amount would leave the refund over, and somebody might pay it back."""
    gift_journal(pair)
    order = refunded(pair, payment="banktransfer")
    yield run_chain()
    give(pair, order, number(pair.memos(order)[0]["grand_total"]))
    yield run_chain()
    (told,) = pair.reported(order)
    assert told["type"] == "refunded_to_credit"
    assert "set off against" in told["no_change_reason"]


@story(extra_totals={"points": POINTS})
def test_points_of_an_extension_that_the_credit_memo_shows_settle_their_liability(pair: ShopAndBooks) -> Story:
    gift_journal(pair)
    order = refunded(pair)
    (memo,) = pair.memos(order)
    extend(memo, points_given=number(memo["grand_total"]))
    yield run_chain()
    (note,) = pair.notes(order)
    assert number(note["amount_residual"]) == 0
    assert [row["journal_id"][1] for row in pair.payments(note)] == ["Gift cards and credit"]
    assert pair.findings(order) == set()


def test_only_a_payment_part_is_refunded_to() -> None:
    setting = {"nature": "charge", "product": "FEE", "refunded_fields": ["extension_attributes.fee_back"]}
    with pytest.raises(ValueError, match="nothing is refunded to a charge"):
        instance(extra_totals={"fee": setting})
