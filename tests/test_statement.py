"""The monthly statement over both systems: every line against numbers added up apart from it, and damage that nothing explains."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import statement_month
from shop_and_books import ShopAndBooks
from statement_month import ZONE, Sold

from magodoo.money import from_units
from magodoo.pipeline import statement
from magodoo.statement import store
from magodoo.statement.months import Month

Row = dict[str, Any]


@pytest.fixture(scope="module")
def sold(pair: ShopAndBooks) -> Iterator[Sold]:
    """The month, under its policy for all tests of this module."""
    month = Month.of(datetime.now(UTC), ZONE).before
    with pair.policy(**statement_month.policy(month)):
        yield statement_month.sell(pair)


@pytest.fixture(scope="module")
def kept(sold: Sold) -> store.Kept:
    return statement.make(sold.pair.context(), sold.month)


@pytest.fixture(scope="module")
def body(kept: store.Kept) -> Row:
    return kept.body


def figures(body: Row) -> dict[tuple[str, str, str], Decimal]:
    """Totals of all lines that are not zero, by currency, kind and line."""
    found = {}
    for row in body["rows"]:
        lines = {name: row[name] for name in ("magento", "odoo", "ledger")} | row["steps"]
        lines |= {f"ledger:{name}": one for name, one in row["ledger_steps"].items()}
        found |= {
            (row["currency"], row["kind"], line): from_units(one["total"])
            for line, one in lines.items()
            if one["total"]
        }
    return found


def test_every_line_is_what_happened(sold: Sold, body: Row) -> None:
    wanted = {place: total for place, total in sold.expected.items() if total}
    assert figures(body) == wanted


def test_nothing_is_unexplained(kept: store.Kept) -> None:
    assert (kept.body["unexplained"], kept.unexplained) == ([], False)
