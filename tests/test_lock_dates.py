"""Which periods are closed, by version of Odoo: the dates in force since 18, the company's and its parents' own before."""

from __future__ import annotations

from typing import Any

import pytest

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.versions import Version
from magodoo.errors import Forbidden, UnreadableRecord

CONNECTION = OdooConnection("https://odoo.example", "shop", "key", 3, attempts=1, parallel_reads=1)
DATE = {"type": "date"}
OLD = {
    "parent_path": {"type": "char"},
    **dict.fromkeys(("fiscalyear_lock_date", "tax_lock_date", "period_lock_date"), DATE),
}
NEW = {
    "parent_path": {"type": "char"},
    **{
        f"{whose}{name}_lock_date": DATE
        for name in ("fiscalyear", "tax", "sale", "purchase", "hard") for whose in ("", "user_")
    },
}  # fmt: skip


class Companies:
    """A transport over companies: company 3 is a branch of 1; 9 is unrelated."""

    name = "table"

    def __init__(
        self, major: int, fields: dict[str, Any], rows: dict[int, dict[str, Any]], *, may: bool = True
    ) -> None:
        self.version, self.known, self.rows, self.may = Version(major), fields, rows, may
        self.allowed: list[list[int]] = []

    def call(
        self,
        model: str,
        method: str,
        ids: Any,
        context: dict[str, Any],
        arguments: dict[str, Any],
        *,
        write: bool,
        until: float,
    ) -> Any:
        assert model == "res.company"
        if method == "fields_get":
            return self.known
        wanted = ids if method == "read" else [3]
        self.allowed.append(context["allowed_company_ids"])
        if not self.may and wanted != [3]:
            raise UnreadableRecord("top-secret", system="odoo")
        return [{"id": id, **{name: self.rows[id].get(name, False) for name in arguments["fields"]}} for id in wanted]


def days(transport: Companies) -> dict[str, str]:
    return {name: str(day) for name, day in OdooClient.connect(CONNECTION, transport).company.lock_dates().items()}


@pytest.mark.parametrize("major", [18, 19, 20])
def test_since_18_odoo_computes_the_lock_date_in_force(major: int) -> None:
    row = {"parent_path": "1/3/", "sale_lock_date": "2026-12-31", "user_sale_lock_date": "2026-10-31",
           "user_tax_lock_date": "1-01-01", "user_hard_lock_date": "0001-01-01", "user_purchase_lock_date": "2026-12-31"}  # fmt: skip
    assert days(Companies(major, NEW, {3: row})) == {"sale_lock_date": "2026-10-31"}, "an exception may reopen a period"


@pytest.mark.parametrize("major", [16, 17])
def test_before_18_the_latest_of_the_company_and_its_parents_counts_and_the_period_s_is_that_of_sales(
    major: int,
) -> None:
    rows = {
        3: {"parent_path": "1/3/", "period_lock_date": "2026-09-30", "tax_lock_date": "2026-08-31"},
        1: {"parent_path": "1/", "period_lock_date": "2026-10-31", "fiscalyear_lock_date": "2025-12-31"},
    }
    transport = Companies(major, OLD, rows)
    assert days(transport) == {
        "sale_lock_date": "2026-10-31", "tax_lock_date": "2026-08-31", "fiscalyear_lock_date": "2025-12-31",
    }  # fmt: skip
    assert transport.allowed[-1] == [3, 1], "a parent is read among the companies of the call"


def test_unreadable_parent_companies_stop_the_run_because_their_lock_dates_apply_to_the_branch() -> None:
    transport = Companies(17, OLD, {3: {"parent_path": "1/3/"}}, may=False)
    with pytest.raises(Forbidden, match="above company 3"):
        days(transport)


def test_only_a_company_with_parents_reads_their_lock_dates() -> None:
    without = {name: kind for name, kind in OLD.items() if name != "parent_path"}
    transport = Companies(16, without, {3: {"period_lock_date": "2026-09-30"}})
    assert days(transport) == {"sale_lock_date": "2026-09-30"}
    assert transport.allowed == [[3]]
