"""docs/business-rules.md#credit-memos: an invoice and its credit note that are both in Odoo before either reached Magento."""

from __future__ import annotations

from typing import Any

import pytest
from shop_and_books import ShopAndBooks
from stories import Story, run_chain, story

POSTED: dict[str, Any] = {"invoices": {"to_magento": "when_posted"}, "credit_memos": {"to_magento": "when_paid"}}
PAID: dict[str, Any] = {"invoices": {"to_magento": "when_paid"}, "credit_memos": {"to_magento": "when_paid"}}


def told(pair: ShopAndBooks, order: int) -> list[tuple[str, str]]:
    return [(row["type"], row["severity"]) for row in pair.reported(order)]


@story(**PAID)
def test_an_invoice_reversed_before_the_push_is_information_and_is_not_pushed(
    pair: ShopAndBooks,
) -> Story:
    order = pair.order(payment="cashondelivery")
    yield run_chain()
    pair.reverse(pair.bill(order))
    yield run_chain()
    (found,) = pair.reported(order)
    assert (found["type"], found["severity"], found["odoo_number"]) == (
        "reversed_before_push", "info", pair.moves(order)[0]["name"],
    )  # fmt: skip
    assert pair.notes(order)[0]["name"] in found["message"] and "new invoice of the same" not in found["message"]
    assert (pair.invoices(order), pair.memos(order)) == ([], [])


@story(**PAID)
def test_of_a_reversed_invoice_and_a_new_one_only_the_paid_new_one_reaches_magento(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="cashondelivery")
    yield run_chain()
    pair.reverse(pair.bill(order))
    pair.pay(order, pair.bill(order))
    yield run_chain()
    assert (len(pair.invoices(order)), pair.memos(order)) == (1, [])
    assert told(pair, order) == [("reversed_before_push", "info")]


@story(**PAID)
@pytest.mark.parametrize("parts", [2, 1])
def test_part_of_an_invoice_that_was_credited_is_no_reversal(pair: ShopAndBooks, parts: int) -> Story:
    order = pair.order({"SKU-005": 2}, payment="cashondelivery")
    yield run_chain()
    move = pair.bill(order)
    for _ in range(parts):
        credit_one(pair, move)
    yield run_chain()
    assert pair.invoices(order) == []
    assert ("reversed_before_push", "info") not in told(pair, order)


@story(**POSTED)
def test_under_when_posted_a_reversed_invoice_and_its_note_both_go_once_everything_is_shipped(
    pair: ShopAndBooks,
) -> Story:
    order = pair.order(payment="cashondelivery")
    yield run_chain()
    pair.deliver(order)
    yield run_chain()
    assert len(pair.shipments(order)) == 1
    pair.reverse(pair.bill(order))
    yield run_chain()
    assert (len(pair.invoices(order)), pair.memos(order)) == (1, [])
    yield run_chain()
    assert (len(pair.invoices(order)), len(pair.memos(order))) == (1, 1)
    assert not [found for found, _ in told(pair, order) if found != "refunded_not_returned"]


@story(**POSTED)
def test_under_when_posted_neither_goes_while_goods_are_open_to_ship(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="cashondelivery")
    yield run_chain()
    pair.reverse(pair.bill(order))
    yield run_chain()
    assert (pair.invoices(order), pair.memos(order)) == ([], [])
    (found,) = pair.reported(order)
    assert found["type"] == "reversed_before_push" and "still open to ship" in found["no_change_reason"]


def credit_one(pair: ShopAndBooks, move: int) -> None:
    """A credit note of one piece, without the shipping, posted by Odoo's wizard."""
    context = {"active_model": "account.move", "active_ids": [move]}
    (row,) = pair.rows("account.move", [["id", "=", move]], "journal_id")
    values = {"journal_id": row["journal_id"][0], "reason": "rebate"}
    (wizard,) = pair.call("account.move.reversal", "create", vals_list=[values], context=context)
    note = int(pair.call("account.move.reversal", "refund_moves", [wizard], context=context)["res_id"])
    for line in pair.rows("account.move.line", [["move_id", "=", note], ["display_type", "=", "product"]], "quantity"):
        if line["quantity"] > 1:
            pair.call("account.move.line", "write", [line["id"]], vals={"quantity": 1})
        else:
            pair.call("account.move.line", "unlink", [line["id"]])
    pair.call("account.move", "action_post", [note])
