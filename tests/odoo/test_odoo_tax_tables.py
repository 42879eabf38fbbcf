"""The statement's tables of tax: the sums of Odoo, by country, are those of its journal items one by one; of the sandbox and of a live 19."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tax_month import Sold, TaxMonth

from magodoo.connectors.odoo.client import OdooClient
from magodoo.settings import Instance
from magodoo.statement import general_ledger, tax_tables, zero_rated
from magodoo.statement.periods import MONTH, QUARTER, WEEKS, Month

INSTANCE = Instance(
    id="us",
    magento_connection="m",
    odoo_connection="o",
    time_zone="America/Chicago",
    fiscal_years_in_weeks=(date(2026, 2, 1),),
)
OCTOBER = Month.read("2026-10", INSTANCE.zone)
NOVEMBER = OCTOBER.next
SOLD = (
    Sold(Decimal("100"), ("VAT",), "DE", date(2026, 10, 1)),
    Sold(Decimal("33.35"), ("VAT",), "FR", date(2026, 10, 31)),
    Sold(Decimal("40"), ("VAT",), "DE", date(2026, 10, 15), refund=True),
    Sold(Decimal("200"), ("State", "City"), "US", date(2026, 10, 16)),
    Sold(Decimal("12.34"), ("Export",), "FR", date(2026, 10, 17)),
    Sold(Decimal("7"), (), "US", date(2026, 10, 18)),
    Sold(Decimal("55"), ("VAT",), "", date(2026, 10, 20)),
    Sold(Decimal("80"), ("VAT",), "DE", date(2026, 10, 21), currency="EUR"),
    Sold(Decimal("11"), ("VAT",), "DE", date(2026, 9, 30)),
    Sold(Decimal("60"), ("VAT",), "DE", date(2026, 11, 2)),
)


@pytest.fixture
def month(admin: OdooClient) -> TaxMonth:
    return TaxMonth.made(admin)


def tables(
    client: OdooClient, of: TaxMonth, month: Month, countries: Callable[[Any], Any] = lambda ids: {}
) -> dict[str, list[dict[str, Any]]]:
    return tax_tables.read(client, INSTANCE, month, [of.journal], countries, "USD")


def by_tax(rows: list[dict[str, Any]], span: str = MONTH) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (row["tax_name"] if not row["what"] else "", row["country"]): (row["net"], row["tax"])
        for row in rows if row["span"] == span and row["what"] != tax_tables.SEVERAL_TAXES
    }  # fmt: skip


def test_net_tax_and_grids_are_those_of_the_journal_items(client: OdooClient, month: TaxMonth) -> None:
    month.sell(SOLD)
    found = tables(client, month, OCTOBER)
    assert by_tax(found["tax_by_country"]) == month.expected(OCTOBER.first, OCTOBER.last)
    grids = {(row["grid"], row["country"]): row["total"] for row in found["tax_grids"] if row["span"] == MONTH}
    assert grids == month.in_grids(OCTOBER.first, OCTOBER.last)
    assert grids["VAT_BASE", "FR"] == 333_500
    assert grids["VAT_TAX", "FR"] == 66_700
    known = {row["tax_name"]: row["grids"] for row in found["tax_by_country"]}
    assert (known["VAT"], known["State"], known["City"]) == ("VAT_BASE, VAT_TAX", "STATE_TAX", "")


def test_they_add_up_to_the_accounts_of_the_statement(client: OdooClient, month: TaxMonth) -> None:
    month.sell(SOLD)
    ledger = general_ledger.read(client, INSTANCE, OCTOBER, {"INV"})
    own = sum(row["own_journals"] for row in ledger.accounts)
    rows = [row for row in tables(client, month, OCTOBER)["tax_by_country"] if row["span"] == MONTH]
    assert sum(row["net"] + row["tax"] for row in rows) == own
    (again,) = (row["net"] for row in rows if row["what"] == tax_tables.SEVERAL_TAXES)
    assert again == -2_000_000, "the sale under two taxes is counted once"


def test_the_quarter_and_the_weeks_that_end_in_the_month_have_their_own_rows(
    client: OdooClient, month: TaxMonth
) -> None:
    month.sell(SOLD)
    rows = tables(client, month, NOVEMBER)["tax_by_country"]
    assert by_tax(rows) == month.expected(NOVEMBER.first, NOVEMBER.last)
    assert by_tax(rows, QUARTER) == month.expected(OCTOBER.first, NOVEMBER.last)
    (weeks,) = {(row["first"], row["last"]) for row in rows if row["span"] == WEEKS}
    assert weeks == ("2026-11-01", "2026-11-28")
    assert by_tax(rows, WEEKS) == month.expected(date(2026, 11, 1), date(2026, 11, 28))


def test_an_entry_without_a_country_has_the_one_that_the_order_was_sent_to(client: OdooClient, month: TaxMonth) -> None:
    asked: list[int] = []

    def countries(ids: list[int]) -> dict[int, str]:
        asked.extend(ids)
        return {ids[0]: "FR"}

    first, _ = month.sell(
        [Sold(Decimal(10), ("VAT",), "", date(2026, 10, 5)), Sold(Decimal(20), ("VAT",), "", date(2026, 10, 6))]
    )
    found = tables(client, month, OCTOBER, countries)
    assert by_tax(found["tax_by_country"]) == {("VAT", "FR"): (100_000, 20_000), ("VAT", ""): (200_000, 40_000)}
    assert first in asked


def test_sales_without_tax_are_the_journal_items_without_tax(client: OdooClient, month: TaxMonth) -> None:
    month.sell(SOLD)
    found = zero_rated.tables(
        zero_rated.read(client, OCTOBER, [month.journal]), {}, client.company.fiscal_country(), "USD"
    )
    rows = {(row["reason"], row["country"], row["tax_name"]): row["net"] for row in found["zero_rated"]}
    assert rows == {("export", "FR", "Export"): 123_400, ("no_tax_at_home", "US", "no tax"): 70_000}
    assert [(row["missing"], row["vat"]) for row in found["zero_rated_lacking"]] == [
        ("shipment", False), ("a tax that names the reason", False),
    ]  # fmt: skip
    by_country = [row for row in tables(client, month, OCTOBER)["tax_by_country"] if row["span"] == MONTH]
    free = [row["net"] for row in by_country if row["rate"] == "0" or row["what"] == tax_tables.WITHOUT_TAX]
    assert sum(row["net"] for row in found["zero_rated"]) == sum(free)
