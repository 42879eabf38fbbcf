"""The stories of invoicing, told once more with a live Odoo 19 in the sandbox's place."""

# ruff: noqa: F403 - an imported story is a test of this module
from __future__ import annotations

from collections.abc import Generator

import pytest
from shop_and_books import ShopAndBooks
from stories import story
from test_rules_headers import *
from test_rules_invoicing import *
from test_rules_reversals import *

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo_stories,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]


def account(pair: ShopAndBooks, kind: str) -> int:
    domain = [["account_type", "=", kind], ["company_ids", "in", [pair.instance.odoo.company_id]]]
    return int(pair.rows("account.account", domain, "code")[0]["id"])


@story()
def test_an_invoice_rounded_to_cash_is_information(pair: ShopAndBooks) -> Generator[None, None, None]:
    """The sandbox knows no cash rounding."""
    values = {"name": "To 0.05", "rounding": 0.05, "strategy": "add_invoice_line", "rounding_method": "HALF-UP"}
    accounts = {"profit_account_id": account(pair, "income_other"), "loss_account_id": account(pair, "expense")}
    (rounding,) = pair.call("account.cash.rounding", "create", vals_list=[values | accounts])
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield
    move = pair.bill(order, post=False)
    before = pair.moves(order)[0]["amount_total"]
    pair.call("account.move", "write", [move], vals={"invoice_cash_rounding_id": rounding})
    pair.call("account.move", "action_post", [move])
    assert pair.moves(order)[0]["amount_total"] != before
    pair.shop.invoice(order)
    yield
    assert [(row["type"], row["severity"]) for row in pair.reported(order)] == [("cash_rounding", "info")]


@story()
def test_what_a_discount_for_early_payment_granted_counts_as_paid(pair: ShopAndBooks) -> Generator[None, None, None]:
    """The sandbox knows no discount on payment."""
    line = {"value": "percent", "value_amount": 100, "nb_days": 30}
    values = {"name": "2/10 net 30", "early_discount": True, "discount_percentage": 2, "discount_days": 10}
    (term,) = pair.call("account.payment.term", "create", vals_list=[{**values, "line_ids": [[0, 0, line]]}])
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield
    pair.call("sale.order", "write", [pair.sales(order)[0]["id"]], vals={"payment_term_id": term})
    move = pair.bill(order)
    context = {"active_model": "account.move", "active_ids": [move]}
    (journal,) = pair.rows("account.journal", [["code", "=", "BNK1"]], "name")
    (wizard,) = pair.call(
        "account.payment.register", "create", vals_list=[{"journal_id": journal["id"]}], context=context
    )
    pair.call("account.payment.register", "action_create_payments", [wizard], context=context)
    (payment,) = pair.payments({"id": move})
    assert payment["amount"] < pair.moves(order)[0]["amount_total"]
    yield
    assert len(pair.invoices(order)) == 1
