"""Payments into Odoo are compared with their document before anything is posted; what ends half way says what is posted."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from interruptions import later
from load_lab import Lab
from sqlalchemy import text

from magodoo.connectors.odoo.document_steps import Done
from magodoo.connectors.odoo.payments import Payments
from magodoo.connectors.odoo.rpc import Row

Lines = dict[int, list[Row]]


def captured(made: Lab) -> int:
    """The last change of an order with its captured invoice: the payment, planned."""
    order = made.order(payment="card")
    invoice = made.shop.invoice(order)
    made.read()
    return made.plan(*made.whole_order(order, invoice, paid=True))[-1]


def test_an_invoice_settled_by_others_before_matching_leaves_a_partial_change_that_a_later_run_completes(
    made: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = captured(made)
    usual = Payments.post

    def post(payments: Payments, ids: list[int]) -> Done:
        done = usual(payments, ids)
        if len(made.records("account.payment", "name")) == 1:
            context = {"active_model": "account.move", "active_ids": [made.moves()[0]["id"]]}
            (wizard,) = made.db.call("account.payment.register", "create", vals_list=[{}], context=context)
            made.db.call("account.payment.register", "action_create_payments", ids=[wizard], context=context)
        return done

    monkeypatch.setattr(Payments, "post", post)
    made.load()
    ours, theirs = made.records("account.payment", "name state is_reconciled invoice_ids")
    assert (ours["state"], ours["is_reconciled"], theirs["is_reconciled"]) == ("in_process", False, True)
    state, reason = made.state(change)
    assert state == "planned"
    assert ours["name"] in reason and "was settled by others meanwhile" in reason
    line = made.records(
        "account.move.line", "id", [["move_id", "=", ours["invoice_ids"][0]], ["display_type", "=", "payment_term"]]
    )
    made.db.call("account.move.line", "remove_move_reconcile", ids=[row["id"] for row in line])
    with made.engine.begin() as connection:
        connection.execute(text("update change set not_before = null"))
    made.load()
    assert made.state(change)[0] == "done"
    assert [row["is_reconciled"] for row in made.records("account.payment", "is_reconciled")] == [True, False]


@pytest.mark.parametrize(
    ("change_of_lines", "words"),
    [
        (lambda lines: [], "no open receivable line"),
        (lambda lines: [*lines, {**lines[0], "account_id": [0, "Receivable abroad"]}], "is on several accounts"),
        (lambda lines: [{**lines[0], "amount_residual_currency": 1}], "only 1.00 of"),
    ],
)
def test_a_document_that_one_account_does_not_bear_gets_no_payment(
    made: Lab, monkeypatch: pytest.MonkeyPatch, change_of_lines: Any, words: str
) -> None:
    change = captured(made)
    usual = Payments.open_receivables

    def other(payments: Payments, moves: Collection[int]) -> Lines:
        return {move: change_of_lines(lines) for move, lines in usual(payments, moves).items()}

    monkeypatch.setattr(Payments, "open_receivables", other)
    made.load()
    state, reason = made.state(change)
    assert state == "refused" and words in reason
    assert made.records("account.payment", "name") == []


def test_a_draft_payment_of_ours_that_somebody_changed_is_not_posted(
    made: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = captured(made)
    usual = Payments.heads

    def changed(payments: Payments, ids: Collection[int]) -> dict[int, Row]:
        made.db.call("account.payment", "write", ids=list(ids), vals={"amount": 1})
        return usual(payments, list(ids))

    monkeypatch.setattr(Payments, "heads", changed)
    made.load()
    state, reason = made.state(change)
    assert state == "planned" and "has another amount than" in reason
    assert [row["state"] for row in made.records("account.payment", "state")] == ["draft"]
    made.db.call("account.payment", "unlink", ids=[row["id"] for row in made.records("account.payment", "state")])
    monkeypatch.setattr(Payments, "heads", usual)
    later(made)
    made.load()
    assert [row["state"] for row in made.records("account.payment", "state")] == ["paid"], (
        "deleted as advised, it is made anew"
    )


def test_a_payment_that_would_be_posted_without_a_journal_entry_is_not_posted(made: Lab) -> None:
    change = captured(made)
    for line in made.records("account.payment.method.line", "id"):
        made.db.call("account.payment.method.line", "write", ids=[line["id"]], vals={"payment_account_id": False})
    for account in made.records("account.account", "id", [["name", "ilike", "Outstanding"]]):
        made.db.call("account.account", "write", ids=[account["id"]], vals={"account_type": "asset_cash"})
    made.load()
    state, reason = made.state(change)
    assert state == "failed" and "without a journal entry" in reason
    assert [row["state"] for row in made.records("account.payment", "state")] == ["draft"]
