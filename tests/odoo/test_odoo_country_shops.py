"""The months of tests/test_country_shops.py with companies of a live Odoo 19 that have the charts of accounts of its own modules.

Beside what is asked there: which accounts of the chart each tax uses, and that a secured journal's documents are sealed.
"""

# ruff: noqa: F403, F405, F821 - an imported test is a test of this module, and so is its fixture
from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import country_month
import pytest
from country_books import CountryPair, charts, on_a_live_odoo
from country_month import CountryMonth
from country_shops import SHOPS, CountryShop
from test_country_shops import *

from magodoo_devstack.live_odoo import LiveOdoo

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo_stories,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]

del test_the_samples_are_those_that_the_code_makes


@pytest.fixture(scope="module", params=SHOPS)
def country(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def open_pair(odoo: LiveOdoo) -> Iterator[Open]:
    """Opens a company of the one database that has them all."""
    with charts(odoo, *SHOPS) as (database, companies):

        def opened(own: CountryShop, staging_url: str, docs: Path) -> AbstractContextManager[CountryPair]:
            return on_a_live_odoo(odoo, database, companies[own.country], own, staging_url, docs)

        yield opened


def test_the_accounts_are_those_of_the_chart(month: CountryMonth) -> None:
    used = country_month.used(month)
    known = {tax.name: tax for tax in month.pair.own.taxes}
    assert {name: set(tax.revenue) for name, tax in known.items()} == dict(used.revenue)
    assert {name: {tax.account} for name, tax in known.items() if tax.account} == dict(used.tax)


def test_what_a_secured_journal_posts_is_sealed(month: CountryMonth) -> None:
    assert bool(country_month.unsecured(month)) is not month.pair.own.secured


def test_the_grids_are_those_of_the_chart_s_report(month: CountryMonth, kept: store.Kept) -> None:
    grids = {row["grid"] for row in kept.body["annexes"]["tax_grids"]}
    of_own = {grid for tax in month.pair.own.taxes if not tax.own_account for grid in (*tax.base, *tax.tax)}
    assert "OSS" not in grids, "no line of a report uses it"
    assert of_own <= grids
