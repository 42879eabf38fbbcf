"""docs/business-rules.md#payments: what an accountant does with money: in parts, across orders, on other accounts, taken apart and put together anew."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from accountant import account, bank_line, due, entry_against, match, unmatch, wizard
from settlements import half_credited, paid_in_magento, reason, two_orders
from shop_and_books import ShopAndBooks, amount
from stories import Story, run_chain, story

REFUNDS: dict[str, Any] = {"credit_memos": {"to_magento": "when_paid"}}
FULL = Decimal("48.28")


def one_order(pair: ShopAndBooks, payment: str = "cashondelivery", **more: Any) -> int:
    return pair.order({"SKU-001": 2}, payment, **more)


def entry_of(pair: ShopAndBooks, line: int) -> int:
    """The journal entry of a bank statement line."""
    (made,) = pair.rows("account.bank.statement.line", [["id", "=", line]], "move_id")
    return int(made["move_id"][0])


def payment_on_account(pair: ShopAndBooks, move: int, money: Decimal, **more: Any) -> tuple[int, int]:
    """A posted payment of the document's customer that is matched with nothing: (payment, its entry)."""
    (row,) = pair.rows("account.move", [["id", "=", move]], "partner_id currency_id")
    (journal,) = pair.rows("account.journal", [["code", "=", "BNK1"], ["company_id", "=", 1]], "name")
    values = {
        "payment_type": "inbound", "partner_type": "customer", "partner_id": row["partner_id"][0], "amount": float(money),
        "currency_id": row["currency_id"][0], "journal_id": journal["id"], **more,
    }  # fmt: skip
    (payment,) = pair.call("account.payment", "create", vals_list=[values])
    pair.call("account.payment", "action_post", [payment])
    (made,) = pair.rows("account.payment", [["id", "=", payment]], "move_id")
    return int(payment), int(made["move_id"][0])


@story()
def test_two_bank_lines_that_pay_half_each_pay_together(pair: ShopAndBooks) -> Story:
    order = one_order(pair)
    yield run_chain()
    move = pair.bill(order)
    bank_line(pair, [move], Decimal("20.00"))
    yield run_chain()
    assert pair.invoices(order) == []
    assert "28.28 USD are open: 20.00 USD paid by bank statement line" in reason(pair, order)
    bank_line(pair, [move])
    yield run_chain()
    assert paid_in_magento(pair, order) == [FULL]


@story()
def test_an_overpayment_pays_the_next_order(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield run_chain()
    first, second = pair.bill(one), pair.bill(two)
    line = bank_line(pair, [first], Decimal("222.18"))
    yield run_chain()
    assert paid_in_magento(pair, one) == [Decimal("111.09")]
    assert pair.invoices(two) == []
    match(pair, [second], entry_of(pair, line))
    yield run_chain()
    assert paid_in_magento(pair, two) == [Decimal("111.09")]
    assert pair.reported(one) == pair.reported(two) == []


@story()
def test_a_bank_line_that_is_matched_with_another_order_s_invoice_pays_that_one(pair: ShopAndBooks) -> Story:
    """Somebody matched the wrong invoice, Magento was updated, and the accountant corrects it."""
    one, two = two_orders(pair)
    yield run_chain()
    first, second = pair.bill(one), pair.bill(two)
    line = bank_line(pair, [first])
    yield run_chain()
    assert paid_in_magento(pair, one) == [Decimal("111.09")]
    unmatch(pair, first)
    match(pair, [second], entry_of(pair, line))
    yield run_chain()
    assert paid_in_magento(pair, two) == [Decimal("111.09")]
    assert {row["type"] for row in pair.reported(one)} == {"payment_reversed"}
    assert pair.reported(two) == []


@story()
def test_a_payment_that_came_before_the_invoice_pays_once_it_is_matched(pair: ShopAndBooks) -> Story:
    order = one_order(pair)
    yield run_chain()
    move = pair.bill(order)
    _, entry = payment_on_account(pair, move, FULL)
    yield run_chain()
    assert pair.invoices(order) == []
    match(pair, [move], entry)
    yield run_chain()
    assert paid_in_magento(pair, order) == [FULL]


@story()
def test_a_payment_that_names_an_invoice_and_is_not_matched_pays_nothing(pair: ShopAndBooks) -> Story:
    order = one_order(pair)
    yield run_chain()
    move = pair.bill(order)
    payment_on_account(pair, move, FULL, invoice_ids=[[6, 0, [move]]])
    assert amount(due(pair, move)["amount_residual"]) == FULL
    yield run_chain()
    assert pair.invoices(order) == []
    assert "48.28 USD are open" in reason(pair, order)


@story()
def test_a_customer_s_credit_of_one_order_does_not_pay_another(pair: ShopAndBooks) -> Story:
    """The credit note of an order that was paid is set off against the invoice of the next one."""
    one, two = two_orders(pair)
    yield run_chain()
    first, second = pair.bill(one), pair.bill(two)
    bank_line(pair, [first])
    yield run_chain()
    note = pair.reverse(first)
    items = [due(pair, each)["id"] for each in (note, second)]
    pair.call("account.move.line", "reconcile", items)
    assert pair.moves(two)[0]["amount_residual"] == 0
    yield run_chain()
    assert pair.invoices(two) == []
    assert "111.09 USD set off against credit note" in reason(pair, two)


@story()
def test_money_with_a_bad_debt_is_a_partial_payment(pair: ShopAndBooks) -> Story:
    order = one_order(pair)
    yield run_chain()
    move = pair.bill(order)
    bank_line(pair, [move], Decimal("30.00"))
    entry_against(pair, move, account(pair, "expense"))
    assert pair.moves(order)[0]["amount_residual"] == 0
    yield run_chain()
    assert pair.invoices(order) == []
    said = reason(pair, order)
    assert "30.00 USD paid by bank statement line" in said
    assert "18.28 USD written off by journal entry MISC" in said


@story()
def test_a_payment_that_is_cancelled_after_the_push_is_money_that_came_back(pair: ShopAndBooks) -> Story:
    order = one_order(pair)
    yield run_chain()
    move = pair.bill(order)
    wizard(pair, [move])
    yield run_chain()
    assert paid_in_magento(pair, order) == [FULL]
    (payment,) = pair.payments({"id": move})
    pair.call("account.payment", "action_draft", [payment["id"]])
    pair.call("account.payment", "action_cancel", [payment["id"]])
    assert pair.moves(order)[0]["payment_state"] == "not_paid"
    yield run_chain()
    (finding,) = pair.reported(order)
    assert (finding["type"], finding["severity"]) == ("payment_reversed", "critical")


@story()
def test_a_partial_chargeback_is_named_with_its_amount(pair: ShopAndBooks) -> Story:
    order = one_order(pair)
    yield run_chain()
    move = pair.bill(order)
    bank_line(pair, [move])
    yield run_chain()
    unmatch(pair, move)
    bank_line(pair, [move], Decimal("40.00"))
    yield run_chain()
    (finding,) = pair.reported(order)
    assert finding["type"] == "payment_reversed"
    assert "8.28 USD of 48.28 USD are open again" in finding["message"]


@story()
def test_a_paid_invoice_reset_to_draft_is_a_finding(pair: ShopAndBooks) -> Story:
    order = one_order(pair)
    yield run_chain()
    move = pair.bill(order)
    bank_line(pair, [move])
    yield run_chain()
    assert paid_in_magento(pair, order) == [FULL]
    unmatch(pair, move)
    pair.call("account.move", "button_draft", [move])
    yield run_chain()
    (finding,) = pair.reported(order)
    assert (finding["type"], finding["kind"]) == ("status_mismatch", "invoice")
    assert "draft" in finding["message"]


@story()
def test_an_invoice_paid_together_with_one_that_is_no_order_s_is_paid(pair: ShopAndBooks) -> Story:
    """One transfer pays an order and an invoice that the customer got by hand."""
    order = one_order(pair)
    yield run_chain()
    move = pair.bill(order)
    (row,) = pair.rows("account.move", [["id", "=", move]], "partner_id")
    line = {"name": "Repair", "quantity": 1, "price_unit": 60.0, "tax_ids": [[6, 0, []]]}
    values = {
        "move_type": "out_invoice",
        "partner_id": row["partner_id"][0],
        "invoice_line_ids": [[0, 0, line]],
    }
    (other,) = pair.call("account.move", "create", vals_list=[values])
    pair.call("account.move", "action_post", [other])
    wizard(pair, [move, other], group_payment=True)
    yield run_chain()
    assert paid_in_magento(pair, order) == [FULL]


@story(**REFUNDS)
def test_a_refund_that_is_paid_out_in_part_is_not_paid_out(pair: ShopAndBooks) -> Story:
    order = one_order(pair, "banktransfer")
    pair.shop.invoice(order)
    pair.shop.ship(order)
    yield run_chain()
    (move,) = pair.moves(order)
    bank_line(pair, [move["id"]])
    note = pair.reverse(move["id"])
    bank_line(pair, [note], Decimal("-20.00"))
    yield run_chain()
    assert pair.memos(order) == []
    assert "28.28 USD are open" in reason(pair, order, "credit_memo")
    bank_line(pair, [note])
    yield run_chain()
    assert [amount(row["grand_total"]) for row in pair.memos(order)] == [FULL]


@story()
def test_a_rebate_by_credit_note_and_the_rest_by_bank_is_named(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-005": 2}, "cashondelivery")
    yield run_chain()
    move = pair.bill(order)
    half_credited(pair, move)
    bank_line(pair, [move])
    assert pair.moves(order)[0]["amount_residual"] == 0
    yield run_chain()
    assert pair.invoices(order) == []
    said = reason(pair, order)
    assert "58.05 USD paid by bank statement line" in said
    assert "Magento has no credit memo" in said


@story()
def test_a_euro_invoice_paid_in_dollars_by_the_wizard_is_paid(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="cashondelivery", store="eu")
    yield run_chain()
    move = pair.bill(order)
    (dollar,) = pair.rows("res.currency", [["name", "=", "USD"]], "name")
    (row,) = pair.rows("account.move", [["id", "=", move]], "amount_residual_signed")
    wizard(pair, [move], currency_id=dollar["id"], amount=float(row["amount_residual_signed"]))
    (entry,) = pair.moves(order)
    yield run_chain()
    if entry["amount_residual"] == 0:
        assert paid_in_magento(pair, order) == [amount(entry["amount_total"])]
    else:
        assert "are open" in reason(pair, order)
