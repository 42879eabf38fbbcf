"""The last dates of a journal, whose numbers begin anew each year or go on."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from test_odoo_client_reads import Table, client_of


@pytest.mark.parametrize(
    ("old", "new", "last"),
    [("INV/2025/", "INV/2026/", "2025-12-30"), ("INV/25-26/", "INV/25-26/", "2026-01-02"), ("INV/", "INV/", "2026-01-02")],
    ids=["each year", "a fiscal year", "never anew"],
)  # fmt: skip
def test_a_numbering_that_goes_on_into_the_next_year_has_its_last_date_there(old: str, new: str, last: str) -> None:
    posted = [
        {"id": 1, "invoice_date": "2025-12-30", "sequence_prefix": old},
        {"id": 2, "invoice_date": "2026-01-02", "sequence_prefix": new},
    ]
    table = Table([])

    def search_read(ids: Any, domain: list[Any], **_: Any) -> list[dict[str, Any]]:
        if ["code", "=", "INV"] in domain:
            return [{"id": 7, "refund_sequence": True}]
        (first,) = [term[2] for term in domain if term[:2] == ["invoice_date", ">="]]
        (end,) = [term[2] for term in domain if term[:2] == ["invoice_date", "<="]]
        invoices = [["move_type", "in", ["out_invoice"]]]
        return [row for row in posted if first <= row["invoice_date"] <= end] if invoices[0] in domain else []

    table.answers["search_read"] = search_read
    assert client_of(table).last_posted("INV", [2025]) == {"out_invoice": {2025: date.fromisoformat(last)}}
