"""The tables of tax for any sales: they add up to the ledger's items, and no day is in two spans of a kind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sandbox_backend import SandboxBackend
from tax_month import Sold, TaxMonth

from magodoo.connectors.odoo.client import OdooClient
from magodoo.settings import Instance
from magodoo.settings.tax_rules import TaxRule
from magodoo.statement import documents, tax_tables
from magodoo.statement.figures import AS_CHARGED, Amount, Cell, Figures
from magodoo.statement.periods import MONTH, QUARTER, WEEKS, Month, Span, spans

INSTANCE = Instance(id="us", magento_connection="m", odoo_connection="o")
MONTHS = st.builds(
    lambda year, month: Month(date(year, month, 1), INSTANCE.zone), st.integers(2020, 2034), st.integers(1, 12)
)
SOLD = st.builds(
    Sold,
    st.integers(1, 10**7).map(lambda cents: Decimal(cents) / 100),
    st.sampled_from([(), ("VAT",), ("Export",), ("State", "City"), ("VAT", "State", "City")]),
    st.sampled_from(["", "DE", "FR", "US"]),
    st.dates(date(2026, 7, 1), date(2026, 8, 31)),
    st.booleans(),
    st.sampled_from(["", "", "EUR"]),
)


@pytest.fixture(scope="module")
def odoo() -> Iterator[SandboxBackend]:
    with SandboxBackend() as backend:
        yield backend


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SOLD, max_size=8))
def test_the_tables_add_up_to_the_items_of_the_ledger(odoo: SandboxBackend, sold: list[Sold]) -> None:
    database = odoo.clone()
    with (
        OdooClient.connect(odoo.connection("admin", database)) as admin,
        OdooClient.connect(odoo.connection("sync", database)) as client,
    ):
        month = TaxMonth.made(admin)
        month.sell(sold)
        august = Month.read("2026-08", INSTANCE.zone)
        found = tax_tables.read(client, INSTANCE, august, [month.journal], lambda ids: {}, "USD")
        for span in (Span(MONTH, august.first, august.last), Span(QUARTER, date(2026, 7, 1), august.last)):
            rows = [row for row in found["tax_by_country"] if row["span"] == span.name]
            items = month.items(span.first, span.last)
            assert sum(row["net"] + row["tax"] for row in rows) == -sum(item["balance"] for item in items)
            named = [row for row in rows if row["what"] != tax_tables.SEVERAL_TAXES]
            assert {
                (row["tax_name"] if not row["what"] else "", row["country"]): (row["net"], row["tax"]) for row in named
            } == month.expected(span.first, span.last)
            grids = {
                (row["grid"], row["country"]): row["total"] for row in found["tax_grids"] if row["span"] == span.name
            }
            assert grids == month.in_grids(span.first, span.last)
    odoo.drop(database)


@given(st.lists(st.sampled_from([52, 53]), max_size=5), st.dates(date(2024, 1, 1), date(2026, 1, 1)))
def test_every_day_is_in_one_4_4_5_period_that_ends_in_one_month(years: list[int], first: date) -> None:
    starts = [first]
    for weeks in years:
        starts.append(starts[-1] + timedelta(weeks=weeks))
    month = Month(first.replace(day=1), INSTANCE.zone)
    found: list[Span] = []
    while month.first.year < 2034:
        found += [span for span in spans(month, starts) if span.name == WEEKS]
        month = month.next
    assert found[0].first == first
    for before, after in pairwise(found):
        assert after.first == before.last + timedelta(days=1)
    lengths = [(span.last - span.first).days // 7 + 1 for span in found]
    assert lengths[:12] == [4, 4, 5] * 3 + [4, 4, 5 if not years or years[0] == 52 else 6]
    assert {span.first for span in found} >= set(starts)


@given(MONTHS)
def test_the_quarter_to_date_ends_with_the_month(month: Month) -> None:
    own, quarter = spans(month)
    assert own == Span(MONTH, month.first, month.last)
    assert quarter.last == month.last
    assert quarter.first in (month.first, month.before.first, month.before.before.first)
    assert quarter.first.month in (1, 4, 7, 10)


def test_fiscal_years_that_are_no_52_or_53_weeks_apart_are_refused() -> None:
    with pytest.raises(ValidationError, match="52 or 53 weeks"):
        INSTANCE.model_validate({**INSTANCE.model_dump(), "fiscal_years_in_weeks": ["2026-01-04", "2027-01-04"]})


def test_tax_as_charged_is_in_one_cell_whatever_the_rate_that_each_side_names() -> None:
    texas = TaxRule(rate="any", amount="as charged", odoo_tax="Texas", country="US", region="TX")
    exact = TaxRule(rate=Decimal("5.6"), odoo_tax="Arizona", country="US", region="AZ")
    rules = INSTANCE.model_copy(update={"taxes": (texas, exact)})
    magento = Figures(
        {Cell("US", "8.25"): Amount(10_000, 825), Cell("US", "6.75"): Amount(100, 7), Cell("US", "0"): Amount(50, 0)}
    )
    odoo = Figures({Cell("US", "6.25"): Amount(10_100, 832), Cell("US", "0"): Amount(50, 0)})
    assert documents.as_charged_cells(rules, magento) == documents.as_charged_cells(rules, odoo)
    assert documents.as_charged_cells(rules, odoo).cells == {
        Cell("US", AS_CHARGED): Amount(10_100, 832),
        Cell("US", "0"): Amount(50, 0),
    }
    for kept in (Figures({Cell("US", "5.6"): Amount(100, 6)}), Figures({Cell("DE", "19"): Amount(100, 19)})):
        assert documents.as_charged_cells(rules, kept) == kept
    assert documents.as_charged_cells(INSTANCE, magento) == magento
