"""docs/business-rules.md#periods-and-numbers: closed periods, numbers, journals. The company's periods are closed up to ten days ago."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from shop_and_books import ShopAndBooks, amount
from stories import Story, run_chain, story

from magodoo.pipeline import load

INSIDE, OUTSIDE = 15.0, 5.0  # days ago
IN_OPEN_PERIOD: dict[str, Any] = {"closed_period": "post_in_open_period"}
OWN_JOURNAL: dict[str, Any] = {"odoo": {"sales_journal": "WEB"}}


def locked() -> date:
    return (datetime.now(UTC) - timedelta(days=10)).date()


@pytest.fixture(scope="module", autouse=True)
def closed_periods(pair: ShopAndBooks, request: pytest.FixtureRequest) -> None:
    pair.call("account.journal", "create", vals_list=[{"name": "Web shop", "code": "WEB", "type": "sale"}])
    pair.call("res.company", "write", [1], vals={"sale_lock_date": f"{locked()}"})
    request.getfixturevalue("telling")


def invoiced(pair: ShopAndBooks, days_ago: float, payment: str = "banktransfer") -> int:
    order = pair.order(payment=payment, days_ago=days_ago)
    pair.at(days_ago)
    pair.shop.invoice(order)
    pair.at(0)
    pair.touch(order)
    return order


def entered(pair: ShopAndBooks, payment: str = "banktransfer") -> tuple[int, int]:
    """An order that is invoiced in Magento inside the closed period and is in Odoo; order and invoice."""
    order = pair.order(payment=payment, days_ago=INSIDE)
    pair.at(INSIDE)
    invoice = pair.shop.invoice(order)
    pair.enter_order(order)
    return order, invoice


def booked(pair: ShopAndBooks, order: int, invoice: int) -> None:
    """The clerk enters the invoice outside the closed period."""
    pair.at(OUTSIDE)
    pair.books.invoice(pair.histories[order], invoice)


@story()
def test_inside_a_closed_period_nothing_is_posted(pair: ShopAndBooks) -> Story:
    order = invoiced(pair, INSIDE)
    yield run_chain()
    assert pair.moves(order) == []
    assert {("closed_period", "invoice", ""), ("missing_in_odoo", "invoice", "")} <= pair.findings(order)


@story()
def test_outside_a_closed_period_a_document_is_posted_with_its_own_date(pair: ShopAndBooks) -> Story:
    order = invoiced(pair, OUTSIDE)
    yield run_chain()
    (entry,) = pair.moves(order)
    day = f"{(datetime.now(UTC) - timedelta(days=OUTSIDE)).date()}"
    assert (entry["state"], entry["invoice_date"], entry["date"]) == ("posted", day, day)


@story(**IN_OPEN_PERIOD)
def test_posting_in_the_open_period_needs_approval(pair: ShopAndBooks) -> Story:
    order = invoiced(pair, INSIDE)
    yield run_chain()
    assert pair.moves(order) == []
    assert ("odoo_invoice", "planned") in [change[:2] for change in pair.unfinished(order)]
    pair.approve(order)
    yield run_chain()
    (entry,) = pair.moves(order)
    assert entry["state"] == "posted"
    assert entry["invoice_date"] <= f"{locked()}" < entry["date"], (
        "the accounting date is moved, the invoice date stays"
    )
    assert amount(entry["amount_total"]) == amount(pair.invoices(order)[0]["grand_total"])


@story()
def test_a_credit_memo_inside_a_closed_period_is_held_too(pair: ShopAndBooks) -> Story:
    order, invoice = entered(pair)
    booked(pair, order, invoice)
    pair.at(INSIDE - 1)
    pair.shop.refund(order)
    pair.at(0)
    pair.touch(order)
    yield run_chain()
    assert pair.notes(order) == []
    assert ("closed_period", "credit_memo", "") in pair.findings(order)


@story()
def test_a_payment_inside_a_closed_period_is_held_too(pair: ShopAndBooks) -> Story:
    order, invoice = entered(pair, "card")
    booked(pair, order, invoice)
    pair.at(0)
    pair.touch(order)
    yield run_chain()
    (entry,) = pair.moves(order)
    assert pair.payments(entry) == [], "its date lies inside"
    (finding,) = pair.reported(order)
    assert (finding["type"], finding["part"]) == ("status_mismatch", "payment")
    assert "closed" in finding["no_change_reason"]


@story()
def test_a_provider_s_refund_inside_a_closed_period_is_held_too(pair: ShopAndBooks) -> Story:
    order, invoice = entered(pair, "card")
    memo = pair.shop.refund_invoice(invoice, None, online=True)
    booked(pair, order, invoice)
    pair.books.pay(pair.histories[order], f"inv_{invoice}", amount(pair.invoices(order)[0]["grand_total"]), "USD")
    pair.books.credit_note(pair.histories[order], memo)
    pair.at(0)
    pair.touch(order)
    yield run_chain()
    (note,) = pair.notes(order)
    assert pair.payments(note) == []
    (finding,) = pair.reported(order, type="status_mismatch")
    assert (finding["kind"], finding["part"]) == ("credit_memo", "payment")
    assert "closed" in finding["no_change_reason"]


@story(**IN_OPEN_PERIOD)
def test_a_captured_payment_follows_its_invoice_into_the_open_period_with_approval(pair: ShopAndBooks) -> Story:
    order = invoiced(pair, INSIDE, "card")
    yield run_chain()
    assert {(kind, state) for kind, state, _ in pair.unfinished(order)} == {
        ("odoo_invoice", "planned"),
        ("odoo_payment", "planned"),
    }
    pair.approve(order)
    yield run_chain()
    (entry,) = pair.moves(order)
    assert entry["payment_state"] == "paid"


@story()
def test_the_invoice_number_is_odoo_s_and_magento_s_number_is_in_ref(pair: ShopAndBooks) -> Story:
    order = invoiced(pair, OUTSIDE)
    yield run_chain()
    (entry,) = pair.moves(order)
    assert entry["name"].startswith("INV/")
    assert (entry["ref"], pair.invoices(order)[0]["increment_id"] in entry["name"]) == (
        pair.invoices(order)[0]["increment_id"],
        False,
    )


@story(**OWN_JOURNAL)
def test_an_instance_posts_in_its_own_sales_journal(pair: ShopAndBooks) -> Story:
    order = invoiced(pair, OUTSIDE)
    yield run_chain()
    (entry,) = pair.moves(order)
    (row,) = pair.rows("account.move", [["id", "=", entry["id"]]], "journal_id")
    assert row["journal_id"][1] == "Web shop"


# Lock dates, last: each test closes and opens the company's books itself.


@contextmanager
def closed(pair: ShopAndBooks, lock: str, day: date) -> Iterator[None]:
    """Nothing else is locked meanwhile. A hard lock stays, as Odoo has it."""
    pair.call("res.company", "write", [1], vals={"sale_lock_date": False})
    pair.call("res.company", "write", [1], vals={lock: f"{day}"})
    yield
    if lock != "hard_lock_date":
        pair.call("res.company", "write", [1], vals={lock: False})
    pair.call("res.company", "write", [1], vals={"sale_lock_date": f"{locked()}"})


def test_a_lock_date_of_purchases_closes_nothing_for_sales(pair: ShopAndBooks) -> None:
    order = invoiced(pair, INSIDE)
    with closed(pair, "purchase_lock_date", locked()):
        pair.chain()
        assert [entry["state"] for entry in pair.moves(order)] == ["posted"]


@pytest.mark.parametrize("lock", ["sale_lock_date", "fiscalyear_lock_date"])
@pytest.mark.parametrize("policy", [{}, IN_OPEN_PERIOD], ids=["hold", "open_period"])
def test_a_document_is_not_written_into_a_period_closed_after_the_plan(
    pair: ShopAndBooks, lock: str, policy: dict[str, Any]
) -> None:
    """Two cards: one's invoice and payment are planned, the other's invoice exists and its payment is planned."""
    order, standing = invoiced(pair, OUTSIDE, "card"), invoiced(pair, OUTSIDE, "card")
    pair.enter_order(standing)
    pair.books.invoice(pair.histories[standing], pair.invoices(standing)[0]["entity_id"])
    with pair.policy(**policy):
        pair.look()
        pair.release()
        with closed(pair, lock, (datetime.now(UTC) - timedelta(days=1)).date()):
            load.run(pair.context())
            (entry,) = pair.moves(standing)
            assert (pair.moves(order), pair.payments(entry)) == ([], []), "nobody was asked"
        pair.chain()
    assert [entry["payment_state"] for each in (order, standing) for entry in pair.moves(each)] == ["paid", "paid"]


@pytest.mark.parametrize("lock", ["tax_lock_date", "fiscalyear_lock_date", "hard_lock_date"])
def test_every_lock_date_of_sales_holds_the_documents_inside(pair: ShopAndBooks, lock: str) -> None:
    order = invoiced(pair, INSIDE)
    with closed(pair, lock, locked()):
        pair.chain()
        assert pair.moves(order) == []
        assert ("closed_period", "invoice", "") in pair.findings(order)
