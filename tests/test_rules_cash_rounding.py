"""docs/business-rules.md#periods-and-numbers: amounts beside the invoice lines: rounding to cash, and discounts for early payment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from accountant import account, bank_line, due, wizard
from shop_and_books import ShopAndBooks, amount
from stories import Story, run_chain, story


def rounding_to(pair: ShopAndBooks, step: float, strategy: str) -> int:
    """A rounding to cash, up, with an account for what it gives and one for what it takes."""
    values = {"name": f"To {step}", "rounding": step, "strategy": strategy, "rounding_method": "UP"}
    accounts = {"profit_account_id": account(pair, "income_other"), "loss_account_id": account(pair, "expense")}
    (rounding,) = pair.call("account.cash.rounding", "create", vals_list=[values | accounts])
    return int(rounding)


def early(pair: ShopAndBooks, computation: str) -> int:
    """The payment term 2/10 net 30."""
    values = {"name": "2/10 net 30", "early_discount": True, "discount_percentage": 2, "discount_days": 10}
    line = {"value": "percent", "value_amount": 100, "nb_days": 30}
    values |= {"early_pay_discount_computation": computation, "line_ids": [[0, 0, line]]}
    (term,) = pair.call("account.payment.term", "create", vals_list=[values])
    return int(term)


def billed_with(pair: ShopAndBooks, order: int, **values: Any) -> dict[str, Any]:
    """A clerk invoices the order and sets these fields before he posts the invoice."""
    move = pair.bill(order, post=False)
    pair.call("account.move", "write", [move], vals=values)
    pair.call("account.move", "action_post", [move])
    return pair.moves(order)[0]


@pytest.mark.parametrize("strategy", ["add_invoice_line", "biggest_tax"])
@story()
def test_an_invoice_rounded_to_cash_is_information(pair: ShopAndBooks, strategy: str) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    move = billed_with(pair, order, invoice_cash_rounding_id=rounding_to(pair, 0.05, strategy))
    assert amount(move["amount_total"]) == Decimal("48.30")
    assert amount(move["amount_untaxed"]) + amount(move["amount_tax"]) == Decimal("48.30")
    pair.shop.invoice(order)
    yield run_chain()
    assert [(row["type"], row["severity"]) for row in pair.reported(order)] == [("cash_rounding", "info")]


@story()
def test_an_invoice_rounded_to_cash_that_is_paid_goes_to_magento(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    move = billed_with(pair, order, invoice_cash_rounding_id=rounding_to(pair, 0.05, "add_invoice_line"))
    bank_line(pair, [move["id"]])
    assert pair.moves(order)[0]["payment_state"] == "paid"
    yield run_chain()
    assert [amount(row["grand_total"]) for row in pair.invoices(order)] == [Decimal("48.28")]
    yield run_chain()
    assert [(row["type"], row["severity"]) for row in pair.reported(order)] == [("cash_rounding", "info")]


@pytest.mark.parametrize("computation", ["included", "excluded"])
@story()
def test_a_granted_early_payment_discount_counts_as_paid(pair: ShopAndBooks, computation: str) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    move = billed_with(pair, order, invoice_payment_term_id=early(pair, computation))
    whole = amount(move["amount_total"])
    base = whole if computation == "included" else whole - amount(move["amount_tax"])
    wizard(pair, [move["id"]])
    (payment,) = pair.payments(move)
    assert amount(payment["amount"]) == whole - round(base * Decimal("0.02"), 2)
    assert [(row["payment_state"], row["amount_residual"]) for row in pair.moves(order)] == [("paid", 0)]
    yield run_chain()
    assert [amount(row["grand_total"]) for row in pair.invoices(order)] == [whole]


@story()
def test_a_payment_after_the_discount_period_is_in_full(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery", days_ago=12)
    yield run_chain()
    eleven_days_ago = f"{datetime.now(UTC) - timedelta(days=11):%Y-%m-%d}"
    move = billed_with(pair, order, invoice_payment_term_id=early(pair, "included"), invoice_date=eleven_days_ago)
    wizard(pair, [move["id"]])
    (payment,) = pair.payments(move)
    assert amount(payment["amount"]) == amount(move["amount_total"])


@story()
def test_a_term_that_lowers_the_tax_upon_the_invoice_is_not_representable(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    plain = pair.bill(order, post=False)
    (before,) = pair.moves(order)
    pair.call("account.move", "write", [plain], vals={"invoice_payment_term_id": early(pair, "mixed")})
    pair.call("account.move", "action_post", [plain])
    (move,) = pair.moves(order)
    assert move["amount_untaxed"] == before["amount_untaxed"]
    assert 0 < amount(move["amount_tax"]) < amount(before["amount_tax"])
    assert abs(amount(move["amount_tax"]) - amount(before["amount_tax"]) * Decimal("0.98")) <= Decimal("0.01")
    bank_line(pair, [plain], amount(due(pair, plain)["amount_residual"]))
    yield run_chain()
    assert pair.invoices(order) == []
    (finding,) = pair.reported(order, type="not_representable")
    assert "2/10 net 30" in finding["message"]
