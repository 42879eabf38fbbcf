"""The workbook of a statement: typed cells, no formula, and every line of the totals opens its documents."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from unittest import mock

import openpyxl
import pytest
from pages_sales import FORMULA, keep_statement, staged_sales
from sqlalchemy import Connection

from magodoo.money import from_units
from magodoo.settings import Instance
from magodoo.statement import store, workbook
from magodoo.statement.periods import Month

INSTANCE = Instance(id="us", magento_connection="m", odoo_connection="o")
OCTOBER = Month.read("2026-10", INSTANCE.zone)


@pytest.fixture(scope="module")
def connection(module_staging_url: str) -> Iterator[Connection]:
    """The sales of October, and their statement."""
    with staged_sales(module_staging_url) as engine, engine.begin() as connection:
        keep_statement(connection, datetime(2026, 11, 2, tzinfo=UTC))
        yield connection


@pytest.fixture(scope="module")
def kept(connection: Connection) -> store.Kept:
    found = store.latest(connection, "us", OCTOBER.first)
    assert found is not None
    return found


def opened(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))


def rows(sheet: Any) -> list[dict[str, Any]]:
    """The rows below the heading, which is the first row with more than one cell."""
    table = list(sheet.iter_rows(values_only=True))
    start = next(number for number, row in enumerate(table) if sum(cell is not None for cell in row) > 1)
    return [dict(zip(table[start], row, strict=True)) for row in table[start + 1 :]]


@pytest.fixture(scope="module")
def book(connection: Connection, kept: store.Kept) -> Any:
    return opened(workbook.workbook(kept, store.documents_by_line(connection, kept.id)))


def test_amounts_are_numbers_and_days_are_days(book: Any, connection: Connection, kept: store.Kept) -> None:
    stored = list(store.documents_by_line(connection, kept.id))
    listed = rows(book["Documents"])
    assert [row["Number"] for row in listed] == [one["number"] for one in stored]
    for row, one in zip(listed, stored, strict=True):
        assert Decimal(str(row["Total"])) == from_units(one["total"])
        assert row["Date"] == datetime.combine(one["day"], datetime.min.time())
    assert {cell.number_format for cell in book["Documents"]["F"][1:]} == {"yyyy-mm-dd"}


def test_each_line_of_the_totals_opens_its_documents(book: Any) -> None:
    documents = book["Documents"]
    counted: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in rows(documents):
        counted[row["Currency"], row["Kind"], row["Line"]] += 1
    totals = book["Totals"]
    linked = 0
    for line, row in zip(totals.iter_rows(min_row=2), rows(totals), strict=True):
        link = line[2].hyperlink
        if link is None:
            continue
        sheet, cell = link.location.split("!")
        first = book[sheet.strip("'")][int(cell.removeprefix("A"))]
        place = (row["Currency"], row["Kind"], row["Line"])
        assert (first[6].value, first[2].value, first[0].value) == place
        assert row["Documents"] == counted.pop(place)
        linked += 1
    assert linked == 3
    # Equal documents need no step; what is ambiguous is in both systems, so that its step is zero.
    assert {line for _, _, line in counted} == {"Agrees", "Open finding: Ambiguous"}


def test_no_text_is_a_formula_or_a_link(connection: Connection, kept: store.Kept) -> None:
    hostile = [FORMULA, "{=1+1}", "http://evil.example", "mailto:a@b", "+1", "x\0\x1b\ud800y" + "z" * 40_000]
    body = {**kept.body, "title": FORMULA, "annexes": {**kept.body["annexes"], "gaps": [
        {"side": "odoo", "kind": "invoice", "series": text, "first": text, "last": "1", "count": 1} for text in hostile
    ]}}  # fmt: skip
    book = opened(workbook.workbook(store.Kept(**{**vars(kept), "body": body}), []))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert not [cell for cell in cells if cell.hyperlink and cell.hyperlink.target]
    assert FORMULA in [row["Series"] for row in rows(book["Gaps in the numbers"])]


def test_more_documents_than_a_sheet_holds_go_on_in_the_next(connection: Connection, kept: store.Kept) -> None:
    with mock.patch.object(workbook, "MOST_ROWS", 50):
        book = opened(workbook.workbook(kept, store.documents_by_line(connection, kept.id)))
    sheets = [name for name in book.sheetnames if name.startswith("Documents")]
    assert len(sheets) > 1
    assert sum(len(rows(book[name])) for name in sheets) == len(list(store.documents(connection, kept.id)))


def test_the_documents_of_a_figure_add_up_to_it(connection: Connection, kept: store.Kept) -> None:
    for row in kept.body["rows"]:
        for side in ("magento", "odoo"):
            found = store.documents_of(connection, kept.id, row["currency"], row["kind"], side)
            assert sum(one["total"] for one in found) == row[side]["total"]
