"""A month of shops in four countries with the taxes of their charts of accounts: all to the cent, and a statement that agrees.

tests/odoo/test_odoo_country_shops.py lives it with the charts themselves, and in two countries more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import country_month
import pytest
import samples
from country_books import CountryPair, on_the_sandbox
from country_month import CountryMonth
from country_shops import SAMPLES, SHOPS, CountryShop

from magodoo.domain.vocabulary import Kind
from magodoo.statement import store, summary

Open = Callable[[CountryShop, str, Path], AbstractContextManager[CountryPair]]


@pytest.fixture(scope="module")
def open_pair() -> Open:
    return on_the_sandbox


@pytest.fixture(scope="module", params=SAMPLES)
def country(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def month(
    country: str, open_pair: Open, new_staging: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CountryMonth]:
    """The month of a shop, lived once for all tests."""
    with open_pair(SHOPS[country], new_staging(), tmp_path_factory.mktemp("data_docs")) as pair:
        yield country_month.sell(pair)


@pytest.fixture(scope="module")
def kept(month: CountryMonth) -> store.Kept:
    return country_month.made(month)


def test_orders_invoices_and_credit_memos_are_equal_to_the_cent(month: CountryMonth) -> None:
    assert country_month.differences(month) == []
    assert [more for order in month.orders.values() if (more := month.pair.unfinished(order))] == []


def test_every_line_has_the_tax_of_its_rule(month: CountryMonth) -> None:
    used = country_month.used(month)
    assert used.other == []
    assert set(used.revenue) == {tax.name for tax in month.pair.own.taxes}


def test_the_run_after_it_writes_nothing(month: CountryMonth) -> None:
    assert month.pair.find_more_to_do() == {}


def test_the_statement_agrees_and_no_line_needs_an_explanation(kept: store.Kept) -> None:
    assert (kept.body["unexplained"], kept.unexplained) == ([], False)
    assert summary.verdict(kept.body) == "agrees"
    assert {row["kind"] for row in kept.body["rows"]} == {Kind.INVOICE, Kind.CREDIT_MEMO}
    assert {line for row in kept.body["rows"] for cell in row["cells"] for line in cell["lines"]} == {"magento", "odoo"}


def test_the_samples_are_those_that_the_code_makes(month: CountryMonth, kept: store.Kept) -> None:
    """If not: `make samples`, and look at them."""
    with month.pair.engine.connect() as connection:
        made = samples.files(kept, connection)
    for name in ("statement.csv", "documents.csv"):
        file = samples.FOLDER / month.pair.own.id / name
        assert made[name].decode() == file.read_bytes().decode(), f"{file.name} of {month.pair.own.title}"
