"""The numberings of a journal, which begin anew each month, year or fiscal year, or never."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo_table import Table, client_of

from magodoo.domain.numbering import Numbering, last_posted

APRIL, CALENDAR = (3, 31), (12, 31)


def numberings(*posted: tuple[str, str], year_end: tuple[int, int] = CALENDAR) -> list[Numbering]:
    """Of (prefix of the number, date) of posted documents, as Odoo groups them."""
    by_prefix: dict[str, list[date]] = {}
    for prefix, day in posted:
        by_prefix.setdefault(prefix, []).append(date.fromisoformat(day))
    return [Numbering.of(prefix, min(days), max(days), year_end) for prefix, days in by_prefix.items()]


@pytest.mark.parametrize(
    ("prefix", "day", "first", "last"),
    [
        ("INV/2026/", "2026-05-20", "2026-01-01", "2026-12-31"),
        ("F26-", "2026-05-20", "2026-01-01", "2026-12-31"),
        ("INV/2026/05/", "2026-05-20", "2026-05-01", "2026-05-31"),
        ("INV/202602/", "2026-02-20", "2026-02-01", "2026-02-28"),
        ("INV/26/12-", "2026-12-31", "2026-12-01", "2026-12-31"),
        ("SHOP03/2026/", "2026-03-20", "2026-01-01", "2026-12-31"),
        ("INV/2025-2026/", "2026-02-20", "2025-04-01", "2026-03-31"),
        ("INV/26-27/", "2026-04-01", "2026-04-01", "2027-03-31"),
        ("INV/26-27/04/", "2026-04-01", "2026-04-01", "2026-04-30"),
        ("INV/", "2026-05-20", "0001-01-01", "9999-12-31"),
        ("F1999-", "2026-05-20", "0001-01-01", "9999-12-31"),
    ],
)  # fmt: skip
def test_the_prefix_of_a_number_defines_the_period_of_its_series(prefix: str, day: str, first: str, last: str) -> None:
    found = Numbering.of(prefix, date.fromisoformat(day), date.fromisoformat(day), APRIL)
    assert (f"{found.first}", f"{found.last}") == (first, last)


@pytest.mark.parametrize(
    ("posted", "year_end", "day", "last"),
    [
        ([("INV/2026/03/", "2026-03-02"), ("INV/2026/04/", "2026-04-02")], CALENDAR, "2026-03-31", "2026-03-02"),
        ([("INV/2026/03/", "2026-03-02"), ("INV/2026/04/", "2026-04-02")], CALENDAR, "2026-02-28", None),
        ([("INV/2025/12/", "2025-12-30"), ("INV/2026/01/", "2026-01-02")], CALENDAR, "2025-12-31", "2025-12-30"),
        ([("INV/2025/", "2025-12-30"), ("INV/2026/", "2026-01-02")], CALENDAR, "2025-12-31", "2025-12-30"),
        ([("INV/25-26/", "2025-12-30"), ("INV/25-26/", "2026-01-02")], APRIL, "2025-12-31", "2026-01-02"),
        ([("INV/25-26/", "2026-03-30"), ("INV/26-27/", "2026-04-02")], APRIL, "2026-03-31", "2026-03-30"),
        ([("INV/", "2025-12-30"), ("INV/", "2026-01-02")], CALENDAR, "2025-12-31", "2026-01-02"),
    ],
    ids=["a month", "a month before", "months at new year", "years", "a fiscal year at new year", "fiscal years", "never anew"],
)  # fmt: skip
def test_a_date_is_compared_within_its_own_numbering(
    posted: list[tuple[str, str]], year_end: tuple[int, int], day: str, last: str | None
) -> None:
    found = last_posted(numberings(*posted, year_end=year_end), date.fromisoformat(day))
    assert found == (date.fromisoformat(last) if last else None)


STYLES = {
    "month": lambda day: f"INV/{day:%Y/%m}/",
    "year": lambda day: f"INV/{day:%Y}/",
    "never": lambda day: "INV/",
}


@given(
    style=st.sampled_from(sorted(STYLES)),
    posted=st.lists(st.integers(0, 800), min_size=1, max_size=8),
    asked=st.integers(0, 800),
)
def test_the_last_date_is_that_of_the_documents_that_share_the_number_s_beginning(
    style: str, posted: list[int], asked: int
) -> None:
    days = [date(2025, 1, 1) + timedelta(days=each) for each in posted]
    day, prefix = date(2025, 1, 1) + timedelta(days=asked), STYLES[style]
    same = [each for each in days if prefix(each) == prefix(day)]
    assert last_posted(numberings(*((prefix(each), f"{each}") for each in days)), day) == max(same, default=None)


def test_the_numberings_of_the_journal_are_read_in_one_call_for_each_type() -> None:
    """Without a journal in the settings those of the one that Odoo takes: its first of sales."""
    table = Table([])
    asked: list[list[Any]] = []

    def search_read(ids: Any, domain: list[Any], **_: Any) -> list[dict[str, Any]]:
        if ["type", "=", "sale"] in domain:
            return [
                {"id": 5, "code": "B2B", "sequence": 9, "refund_sequence": True, "active": True},
                {"id": 7, "code": "INV", "sequence": 5, "refund_sequence": True, "active": True},
            ]
        return [{"id": 1, "fiscalyear_last_month": "3", "fiscalyear_last_day": 31}]

    def grouped(ids: Any, domain: list[Any], **_: Any) -> list[dict[str, Any]]:
        asked.append(domain)
        if ["move_type", "in", ["out_refund"]] in domain:
            return []
        return [{"sequence_prefix": "INV/26-27/", "date:min": "2026-04-02", "invoice_date:max": "2026-05-04"}]

    table.answers |= {"search_read": search_read, "formatted_read_group": grouped}
    found = client_of(table).company.last_posted(None, date(2025, 1, 1))
    assert found["out_refund"] == [] and len(asked) == 2
    (numbering,) = found["out_invoice"]
    assert numbering.posted == date(2026, 5, 4)
    assert all(["journal_id", "in", [7]] in domain for domain in asked)
