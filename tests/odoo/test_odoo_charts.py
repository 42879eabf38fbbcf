"""The tables of tax on the charts of accounts of four countries, as Odoo's own modules make them: their grids, and the sums of their items."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from country_books import charts
from sandbox_backend import LIVE
from tax_month import Sold, TaxMonth, rows

from magodoo.connectors.odoo.client import OdooClient
from magodoo.settings import Instance
from magodoo.statement import tax_tables
from magodoo.statement.periods import MONTH, Month
from magodoo_devstack.live_odoo import LiveOdoo

pytestmark = LIVE
INSTANCE = Instance(id="eu", magento_connection="m", odoo_connection="o")
OCTOBER = Month.read("2026-10", INSTANCE.zone)
# Country: tax at home, 0 % abroad; the grids of each with what 100.00 less a credit of 20.00 and an export of 50.00 put into them.
CHARTS = {
    "DE": ("EUR", "19%", "0% EX", {"81_BASE": 800_000, "81_TAX": 152_000, "43": 500_000}),
    "CH": ("CHF", "8.1%", "0% EX", {"303a": 800_000, "303b": 64_800, "220": 500_000}),
    "GB": ("GBP", "20%", "0% EX", {"1": 160_000, "6": 1_300_000}),
    "US": ("USD", "6.25%", "0%", {}),
}


@pytest.fixture(scope="module")
def companies(odoo: LiveOdoo) -> Iterator[tuple[str, dict[str, int]]]:
    """A database with a company and its chart for each country, and the companies by country."""
    with charts(odoo, *CHARTS) as made:
        yield made


@pytest.mark.parametrize("country", CHARTS)
def test_the_tables_have_the_grids_of_the_country_s_return(
    odoo: LiveOdoo, companies: tuple[str, dict[str, int]], country: str
) -> None:  # fmt: skip
    database, ids = companies
    currency, at_home, export, grids = CHARTS[country]
    with OdooClient.connect(odoo.connection("admin", database, ids[country])) as admin:
        own = ["company_id", "=", admin.rpc.company_id]
        taxes = {
            row["name"]: row["id"] for row in rows(admin, "account.tax", [own, ["type_tax_use", "=", "sale"]], "name")
        }
        (journal, *_) = rows(admin, "account.journal", [own, ["type", "=", "sale"]], "code")
        places = {
            row["code"]: row["id"] for row in rows(admin, "res.country", [["code", "in", [*CHARTS, "AU"]]], "code")
        }
        month = TaxMonth(admin, {}, taxes, journal["id"], places)
        month.sell([
            Sold(Decimal(100), (at_home,), country, date(2026, 10, 2)),
            Sold(Decimal(20), (at_home,), country, date(2026, 10, 3), refund=True),
            Sold(Decimal(50), (export,), "AU", date(2026, 10, 31)),
        ])  # fmt: skip
        found = tax_tables.read(admin, INSTANCE, OCTOBER, [journal["id"]], lambda ids: {}, currency)
        table = {
            (row["tax_name"], row["country"]): (row["net"], row["tax"])
            for row in found["tax_by_country"]
            if row["span"] == MONTH
        }
        assert table == month.expected(OCTOBER.first, OCTOBER.last)
        sums: dict[str, int] = {}
        for row in found["tax_grids"]:
            if row["span"] == MONTH:
                sums[row["grid"]] = sums.get(row["grid"], 0) + row["total"]
        assert sums == grids
