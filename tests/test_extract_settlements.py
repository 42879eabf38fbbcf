"""What money settled of an Odoo document, from its partial reconciliations as `magodoo.connectors.odoo.settlements` gives them."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
import recorded_documents as recorded
from hypothesis import given
from hypothesis import strategies as st
from staged import instance

from magodoo.errors import Unreadable
from magodoo.extract import odoo_documents
from magodoo.extract.canonical import CanonicalDocument
from magodoo.money import from_units

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOTAL = 836_600
MONEY = {"payment": {"is_payment": True}, "statement": {"is_statement": True}, "bank": {"has_liquidity": True}, "exchange": {"is_exchange": True}}  # fmt: skip
NO_MONEY = {
    "write-off": {"is_result": True}, "clearing": {}, "note": {"move_type": "out_refund"}, "bill": {"move_type": "in_invoice"},
    "hidden": {"move_type": ""},
}  # fmt: skip


def part(how: dict[str, Any], amount: int, id: int = 1, **more: Any) -> dict[str, Any]:
    """A partial reconciliation of so much with an entry that holds nothing else, unless `more` says so."""
    plain = {
        "id": id,
        "name": f"E/{id}",
        "move_type": "entry",
        "journal": "Bank",
        "gross": amount,
        "liquidity": amount,
        "other": 0,
    }
    return {"id": id, "amount": amount, "entry": {**plain, "accounts": ["640000 Loss"], **how, **more}}


def invoice(
    parts: list[dict[str, Any]], open_: int | None = None, kind: str = "invoice", **more: Any
) -> CanonicalDocument:
    """The recorded invoice of 83.66 with these settlements; what they leave is open."""
    row = copy.deepcopy(recorded.odoo_row("invoice"))
    open_ = max(TOTAL - sum(one["amount"] for one in parts), 0) if open_ is None else open_
    row |= {
        "state": "posted",
        "payment_state": "paid",
        "amount_residual": from_units(open_),
        "settlements": parts,
        **more,
    }
    return odoo_documents.read(instance(), kind, row, NOON)


def words(document: CanonicalDocument) -> str:
    return str(document.details.get("settlement", {}).get("words", ""))


@pytest.mark.parametrize("how", MONEY.values(), ids=MONEY)
def test_settlement_by_an_entry_with_money_is_paid(how: dict[str, Any]) -> None:
    document = invoice([part(how, TOTAL)])
    assert (document.captured_amount, document.details["was_paid"]) == (TOTAL, True)


@pytest.mark.parametrize("how", NO_MONEY.values(), ids=NO_MONEY)
def test_settlement_by_anything_else_is_named_and_not_paid(how: dict[str, Any]) -> None:
    document = invoice([part(how, TOTAL)])
    assert document.captured_amount == 0
    assert "was_paid" not in document.details
    assert "83.66 USD" in words(document)
    assert "E/1" in words(document)


@given(
    parts=st.lists(st.tuples(st.sampled_from([*MONEY, *NO_MONEY]), st.integers(1, 200_000)), max_size=6),
    open_=st.integers(0, 10_000),
)
def test_the_paid_amount_is_the_sum_settled_by_money_in_any_order(parts: list[tuple[str, int]], open_: int) -> None:
    made = [part({**MONEY, **NO_MONEY}[how], amount, id) for id, (how, amount) in enumerate(parts, 1)]
    settled = sum(amount for _, amount in parts)
    total = from_units(settled + open_)
    amounts = {"amount_total": total, "amount_untaxed": total, "amount_tax": 0}
    document, turned = (invoice(each, open_, **amounts) for each in (made, made[::-1]))
    paid = sum(amount for how, amount in parts if how in MONEY)
    credited = sum(amount for how, amount in parts if how == "note")
    assert document.captured_amount == turned.captured_amount == paid
    within = settled + open_ - paid - credited <= 200  # the tolerance of the settings
    assert ("was_paid" in document.details) == (paid > 0 and within)


@given(gross=st.integers(1, 10**9), kept=st.integers(-(10**9), 10**9), share=st.integers(1, 10**9))
def test_other_lines_of_a_money_entry_are_shared_and_never_counted_twice(gross: int, kept: int, share: int) -> None:
    amounts = {"amount_total": from_units(share), "amount_untaxed": from_units(share), "amount_tax": 0}
    more = {"gross": gross, "other": kept, "is_expense": True}
    payment = invoice([part(MONEY["payment"], share, **more)], 0, **amounts).captured_amount
    line = invoice([part(MONEY["statement"], share, **more)], 0, **amounts).captured_amount
    if kept <= 0:
        assert payment == line == share
        return
    assert payment == share - min(share, -(-share * kept // gross))
    assert line == (share if kept * 100 <= 3 * gross else payment)


@pytest.mark.parametrize(
    ("kept", "how", "paid"),
    [
        (25_000, {"is_expense": True}, TOTAL),
        (25_200, {"is_expense": True}, TOTAL - 25_200),
        (25_000, {"is_expense": False}, TOTAL - 25_000),
    ],
    ids=["charges", "more than charges are", "not on expenses"],
)
def test_bank_charges_are_amounts_on_expense_accounts_within_the_limit(
    kept: int, how: dict[str, Any], paid: int
) -> None:
    document = invoice([part(MONEY["statement"], TOTAL, other=kept, date="2026-11-20", **how)])
    assert document.captured_amount == paid
    listed = document.details["settlement"].get("deductions", [])
    charges = [{"what": "bank_charges", "amount": kept, "entry": "E/1", "day": "2026-11-20"}]
    assert listed == (charges if paid == TOTAL else [])
    assert ("kept by the bank" in words(document)) == (paid == TOTAL)


def test_what_a_journal_entry_wrote_off_is_kept_apart() -> None:
    document = invoice([part(NO_MONEY["write-off"], 100_000), part(NO_MONEY["clearing"], 200_000)])
    assert document.details["settlement"]["written_off"] == 100_000


def test_a_payment_without_an_entry_is_in_payment_for_its_share_of_what_is_due() -> None:
    payment = {"id": 3, "name": "PAY00003", "journal": "Bank", "amount": TOTAL, "currency": "USD", "due": TOTAL}
    alone = invoice([], TOTAL, unbooked_payments=[payment])
    assert (alone.captured_amount, alone.details["settlement"]["in_payment"]) == (0, TOTAL)
    shared = invoice([], TOTAL, unbooked_payments=[{**payment, "due": 2 * TOTAL}])
    assert shared.details["settlement"]["in_payment"] == TOTAL // 2
    foreign = invoice([], TOTAL, unbooked_payments=[{**payment, "currency": "EUR"}])
    assert foreign.details["settlement"]["in_payment"] == 0
    assert "83.66 EUR of payment PAY00003" in words(foreign)
    twice = invoice([], TOTAL, unbooked_payments=[payment, {**payment, "id": 4}])
    assert twice.details["settlement"]["in_payment"] == TOTAL


def test_a_settlement_without_evidence_is_named() -> None:
    document = invoice([part(MONEY["payment"], 500_000)], 0)
    assert document.captured_amount == 500_000
    assert "33.66 USD that cannot be traced to an entry" in words(document)


def test_a_draft_has_no_evidence() -> None:
    document = invoice([part(MONEY["payment"], TOTAL)], 0, state="draft")
    assert (document.captured_amount, document.details) == (0, {})


@pytest.mark.parametrize("damage", [True, "12", 1.5, -(2**70), [], {}])
def test_a_damaged_amount_makes_the_document_unreadable(damage: Any) -> None:
    with pytest.raises(Unreadable):
        invoice([{**part(MONEY["payment"], TOTAL), "amount": damage}], 0)
