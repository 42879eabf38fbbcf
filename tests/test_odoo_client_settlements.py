"""The client gives invoices and credit notes what settled them, whatever else of Odoo cannot be read."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from odoo_table import RECORDED, Table, client_of

from magodoo.connectors.odoo.versions import Version
from magodoo.errors import FixDocument

RECEIVABLE, BANK, FEES, OUTSTANDING = (
    [5, "Receivable"],
    [45, "Bank"],
    [60, "Bank charges"],
    [48, "Outstanding Receipts"],
)


def line(id: int, move: int, account: list[Any], kind: str, balance: str, **more: Any) -> dict[str, Any]:
    """An item as search_read gives it, with all that is asked for of items."""
    return {
        "id": id, "move_id": [move, f"E/{move}"], "move_type": "entry", "journal_id": [6, "Bank"], "statement_line_id": False,
        "payment_id": False, "date": "2026-11-20", "account_id": account, "account_type": kind, "balance": Decimal(balance), **more,
    }  # fmt: skip


class Books(Table):
    """Invoice 1 of 83.66 whose item 10 is matched with items of other entries."""

    def __init__(self, lines: list[dict[str, Any]], partials: list[dict[str, Any]], **models: Any) -> None:
        row = copy.deepcopy(RECORDED["rows"]["invoice"][0])
        super().__init__(
            [
                {
                    **row,
                    "id": 1,
                    "state": "posted",
                    "payment_state": "paid",
                    "amount_residual": Decimal(0),
                    "matched_payment_ids": [],
                }
            ]
        )
        invoice = line(10, 1, RECEIVABLE, "asset_receivable", "83.66", move_type="out_invoice", journal_id=[1, "Sales"])
        self.models = {"account.partial.reconcile": partials, "account.move.line": [invoice, *lines], **models}
        self.answers["search_read"] = self.found

    def call(self, model: str, method: str, *args: Any, **more: Any) -> Any:
        self.model = model
        return super().call(model, method, *args, **more)

    def found(self, ids: Any, domain: list[Any], fields: list[str], **_: Any) -> list[dict[str, Any]]:
        rows = self.models.get(self.model, [])
        if isinstance(rows, Exception):
            raise rows
        for field, value in ((term[0], term[2]) for term in domain if isinstance(term, list) and term[1] == "in"):
            if field in ("id", "move_id"):
                rows = [row for row in rows if (row[field][0] if field == "move_id" else row["id"]) in value]
        return [{name: row[name] for name in ("id", *fields)} for row in rows]


def partial(id: int, credit: int, amount: str, exchange: Any = False) -> dict[str, Any]:
    return {
        "id": id, "debit_move_id": [10, "INV/1"], "credit_move_id": [credit, f"item {credit}"], "exchange_move_id": exchange,
        "debit_amount_currency": Decimal(amount), "credit_amount_currency": Decimal(amount),
    }  # fmt: skip


def settlements(books: Books, version: int = 19) -> list[dict[str, Any]]:
    books.version = Version(version)
    page = client_of(books).documents.by_ids("invoice", [1])
    assert page.quarantined == []
    return list(page.rows[0]["settlements"])


def test_a_bank_line_is_read_with_the_charges_of_the_bank() -> None:
    lines = [
        line(20, 7, BANK, "asset_cash", "80.66", statement_line_id=[3, "BNK1"]),
        line(21, 7, RECEIVABLE, "asset_receivable", "-83.66", statement_line_id=[3, "BNK1"]),
        line(22, 7, FEES, "expense", "3.00", statement_line_id=[3, "BNK1"]),
    ]
    (found,) = settlements(Books(lines, [partial(1, 21, "83.66")], **{"account.journal": []}))
    entry = found["entry"]
    assert found["amount"] == 836_600
    assert (entry["name"], entry["journal"], entry["is_statement"], entry["is_payment"]) == ("E/7", "Bank", True, False)
    assert (entry["gross"], entry["liquidity"], entry["other"], entry["accounts"]) == (
        836_600,
        806_600,
        30_000,
        ["Bank charges"],
    )
    assert (entry["date"], entry["is_result"], entry["is_expense"]) == ("2026-11-20", True, True)


def test_an_amount_of_a_bank_line_on_an_account_other_than_expenses_is_read() -> None:
    lines = [
        line(20, 7, BANK, "asset_cash", "80.66", statement_line_id=[3, "BNK1"]),
        line(21, 7, RECEIVABLE, "asset_receivable", "-83.66", statement_line_id=[3, "BNK1"]),
        line(22, 7, FEES, "expense", "2.50", statement_line_id=[3, "BNK1"]),
        line(23, 7, [61, "Tax on sales"], "liability_current", "0.50", statement_line_id=[3, "BNK1"]),
    ]
    (found,) = settlements(Books(lines, [partial(1, 21, "83.66")], **{"account.journal": []}))
    assert (found["entry"]["other"], found["entry"]["is_expense"]) == (30_000, False)


@pytest.mark.parametrize("version", [17, 18, 19])
def test_a_payment_s_only_other_line_is_its_outstanding_account_whatever_its_type(version: int) -> None:
    paid = {"payment_id": [9, "PAY"]}
    lines = [
        line(20, 7, OUTSTANDING, "asset_current", "83.66", **paid),
        line(21, 7, RECEIVABLE, "asset_receivable", "-83.66", **paid),
    ]
    books = Books(lines, [partial(1, 21, "83.66")])
    (found,) = settlements(books, version)
    assert (found["entry"]["is_payment"], found["entry"]["other"]) == (True, 0)
    assert not [model for model, method, _ in books.calls if model == "account.payment" and method == "search_read"]


def test_of_a_payment_with_a_write_off_the_payment_says_which_line_is_the_money() -> None:
    paid = {"payment_id": [9, "PAY"]}
    lines = [
        line(20, 7, OUTSTANDING, "asset_current", "10.00", **paid),
        line(21, 7, RECEIVABLE, "asset_receivable", "-83.66", **paid),
        line(22, 7, FEES, "expense", "73.66", **paid),
    ]
    payments = [{"id": 9, "outstanding_account_id": OUTSTANDING}]
    (found,) = settlements(Books(lines, [partial(1, 21, "83.66")], **{"account.payment": payments}))
    assert (found["entry"]["liquidity"], found["entry"]["other"]) == (100_000, 736_600)


def test_a_bank_journal_s_own_account_is_money_whatever_its_type() -> None:
    lines = [
        line(20, 7, [70, "Shop till"], "asset_current", "83.66"),
        line(21, 7, RECEIVABLE, "asset_receivable", "-83.66"),
    ]
    journals = [{"id": 6, "default_account_id": [70, "Shop till"]}]
    (found,) = settlements(Books(lines, [partial(1, 21, "83.66")], **{"account.journal": journals}))
    assert (found["entry"]["has_liquidity"], found["entry"]["other"]) == (True, 0)
    (found,) = settlements(Books(lines, [partial(1, 21, "83.66")], **{"account.journal": []}))
    assert (found["entry"]["has_liquidity"], found["entry"]["other"]) == (False, 836_600)


def test_an_entry_that_the_user_cannot_read_is_identified_by_its_journal_item() -> None:
    (found,) = settlements(Books([], [partial(1, 77, "83.66")]))
    assert found["entry"] == {"id": 0, "name": "item 77", "move_type": "", "journal": ""}


def test_an_exchange_difference_is_classified_as_one() -> None:
    lines = [
        line(20, 7, [27, "Exchange loss"], "expense", "1.00"),
        line(21, 7, RECEIVABLE, "asset_receivable", "-1.00"),
    ]
    (found,) = settlements(Books(lines, [partial(1, 21, "0", exchange=[7, "EXCH/1"])]))
    assert found["entry"]["is_exchange"]


def test_an_open_document_asks_for_nothing_more() -> None:
    books = Books([], [])
    books.rows[0] |= {"payment_state": "not_paid", "amount_residual": books.rows[0]["amount_total"]}
    assert settlements(books) == []
    assert not [model for model, method, _ in books.calls if method == "search_read"]


def test_a_document_whose_settlement_cannot_be_read_is_quarantined_with_the_reason() -> None:
    books = Books([], [])
    books.models["account.partial.reconcile"] = FixDocument("KeyError: x", system="odoo", call="search_read")
    page = client_of(books).documents.by_ids("invoice", [1])
    assert page.rows == []
    assert page.quarantined[0].source_id == 1
    assert "what settled it" in page.quarantined[0].reason


def test_a_payment_without_a_journal_entry_is_read_with_the_residual_of_its_documents() -> None:
    payments = [{"id": 3, "name": "PAY3", "journal_id": [6, "Bank"], "amount": Decimal("83.66"), "currency_id": [1, "USD"], "invoice_ids": [1, 2]}]  # fmt: skip
    due = [{"id": 1, "amount_residual": Decimal("83.66")}, {"id": 2, "amount_residual": Decimal("10.00")}]
    books = Books([], [], **{"account.payment": payments, "account.move": due})
    linked = {**RECORDED["rows"]["invoice"][0]["matched_payment_ids"][0], "id": 3, "state": "in_process"}
    books.rows[0] |= {"matched_payment_ids": [linked], "amount_residual": Decimal("83.66")}
    page = client_of(books).documents.by_ids("invoice", [1])
    assert page.rows[0]["unbooked_payments"] == [
        {"id": 3, "name": "PAY3", "journal": "Bank", "amount": 836_600, "currency": "USD", "due": 936_600}
    ]
