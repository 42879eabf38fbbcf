"""Schedules of the statement over staged documents: gaps in the numbers, what a person muted, rounding that adds up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pages_sales import keep_statement, staged_sales
from sqlalchemy import Engine, text

from magodoo.settings import Instance
from magodoo.statement import explanation, schedules, store
from magodoo.statement.figures import Amount, Cell, Figures
from magodoo.statement.periods import Month

INSTANCE = Instance(id="us", magento_connection="m", odoo_connection="o")
OCTOBER = Month.read("2026-10", INSTANCE.zone)
AFTERWARDS = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
def sales(staging_url: str) -> Iterator[Engine]:
    with staged_sales(staging_url) as engine:
        yield engine


@pytest.mark.parametrize("side", ["magento", "odoo"])
def test_numbers_that_are_missing_are_a_gap_in_the_month_of_the_number_after_them(sales: Engine, side: str) -> None:
    """The last invoice has a number three higher than it had."""
    last = """select source_id, number from document where side = :side and kind = 'invoice'
        order by regexp_replace(number, '.*[^0-9]', '')::bigint desc limit 1"""
    with sales.begin() as connection:
        id_, number = connection.execute(text(last), {"side": side}).one()
        before = schedules.number_gaps(connection, INSTANCE, OCTOBER)
        moved = {"side": side, "id": id_, "number": f"{number[:-2]}{int(number[-2:]) + 3}"}
        connection.execute(
            text("update document set number = :number where side = :side and source_id = :id and kind = 'invoice'"),
            moved,
        )
        found = [gap for gap in schedules.number_gaps(connection, INSTANCE, OCTOBER) if gap not in before]
    assert [(gap["side"], gap["kind"], gap["count"]) for gap in found] == [(side, "invoice", 3)]


def test_a_muted_finding_is_listed_with_the_documents_of_the_month_that_it_covers(sales: Engine) -> None:
    mute = "update finding set muted_until = '2027-01-01', muted_by = 'anna', muted_reason = 'agreed' where type = 'total_mismatch'"
    with sales.begin() as connection:
        keep_statement(connection, AFTERWARDS)
        loud = _schedules(connection)
        connection.execute(text(mute))
        keep_statement(connection, AFTERWARDS)
        muted = _schedules(connection)
    assert (loud["muted"], loud["muted_steps"]) == ([], [])
    assert [(row["type"], row["muted_by"], row["reason"]) for row in muted["muted"]] == [
        ("total_mismatch", "anna", "agreed")
    ]
    assert muted["muted_steps"] == [
        {"line": "finding:total_mismatch", "kind": "invoice", "currency": "USD", "total": 10_000}
    ]


def _schedules(connection: Any) -> dict[str, Any]:
    kept = store.latest(connection, "us", OCTOBER.first)
    assert kept is not None
    return dict(kept.body["annexes"])


@pytest.mark.parametrize(("cents", "notable"), [(100, False), (101, True)])
def test_rounding_is_notable_above_one_of_the_currency(cents: int, notable: bool) -> None:
    """So many documents are a cent dearer in Odoo; in euro one is a cent dearer and one a cent cheaper."""
    signs = [("USD", 1)] * cents + [("EUR", 1), ("EUR", -1)]
    steps = [
        explanation.Step(
            explanation.ROUNDING,
            currency,
            "invoice",
            Figures({Cell("US", "0"): Amount(sign * explanation.CENT, 0)}),
            (),
        )
        for currency, sign in signs
    ]
    assert schedules.rounding(steps) == [
        {"currency": "EUR", "count": 2, "net": 0, "absolute": 200, "notable": False},
        {"currency": "USD", "count": cents, "net": cents * 100, "absolute": cents * 100, "notable": notable},
    ]
