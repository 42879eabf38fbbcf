"""docs/business-rules.md#cut-over: the first day of a shop with ten years of history. `make cutover` runs the same with 2,000 orders."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cutover.checker import check
from cutover.first_day import FirstDay
from cutover.history import WAYS, Fate, Way
from shop_and_books import shop_and_books

ORDERS = 200


@pytest.fixture(scope="module")
def first_day(module_staging_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirstDay]:
    with shop_and_books(module_staging_url, tmp_path_factory.mktemp("data_docs")) as pair:
        day = FirstDay(pair, ORDERS)
        day.run()
        yield day


def test_after_the_first_day_every_document_is_correct(first_day: FirstDay) -> None:
    assert first_day.day.wrong == []
    assert sum(first_day.day.met.values()) == len(first_day.old.ledger.documents)


def test_the_history_contains_all_six_origins_and_every_outcome(first_day: FirstDay) -> None:
    ways = first_day.day.ways
    assert len(WAYS) == 6
    assert all(ways[way.name.lower()] >= 10 for way in WAYS)
    assert 0.4 * ORDERS <= ways[Way.ABSENT.name.lower()] <= 0.6 * ORDERS
    assert {fate.name.lower() for fate in Fate} == set(first_day.day.met)


def test_the_first_writes_of_each_kind_were_approved(first_day: FirstDay) -> None:
    assert first_day.day.approved >= 20


def test_the_checker_detects_a_duplicated_and_a_modified_document(first_day: FirstDay) -> None:
    pair, book = first_day.pair, first_day.old.ledger
    doubled = next(each for each in book.documents if each.way is Way.NO_NUMBER and each.kind == "invoice")
    adopted = next(
        each
        for each in book.documents
        if each.fate is Fate.ADOPTED and each.kind == "invoice" and each.order not in book.live
    )
    with first_day.watch.pipeline():
        pair.books.invoice(pair.histories[doubled.order], doubled.magento_id, linked=True, with_order=False)
        pair.call("account.move", "write", [adopted.odoo_id], vals={"ref": "changed"})
    _, lines = check(pair, book, first_day.watch)
    told = "\n".join(lines)
    assert f"invoice {doubled.magento_id} of order {doubled.order}" in told
    assert f"account.move {adopted.odoo_id} was touched: ['ref'" in told
