"""The words and numbers of a statement by themselves: what a month is called, how a value is read, what the ledger's entries mean."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from magodoo.errors import FixConfiguration
from magodoo.settings import Instance
from magodoo.statement import csv_export, explanation, general_ledger, summary, wording
from magodoo.statement.documents import Document
from magodoo.statement.figures import Amount, Cell, Figures
from magodoo.statement.general_ledger import Entry
from magodoo.statement.periods import Month

BERLIN = ZoneInfo("Europe/Berlin")
NOTHING = {"net": 0, "tax": 0, "total": 0}


def amounts(net: int, tax: int = 0) -> dict[str, int]:
    return {"net": net, "tax": tax, "total": net + tax}


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "2026-00", "10-2026", "1999-12", "2200-01", "2026-10-01"])
def test_an_invalid_month_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(FixConfiguration, match="not a month") as problem:
        Month.read(text, BERLIN)
    assert "2026-10" in str(problem.value.hint)
    assert Month.read(" 2026-10 ", BERLIN).first == date(2026, 10, 1)


@pytest.mark.parametrize(
    ("line", "label"),
    [
        (explanation.AGREES, "Agrees"),
        ("finding:missing_in_odoo", "Open finding: Missing in Odoo"),
        ("ledger:unexplained", f"Ledger: {wording.LEDGER_STEPS['unexplained']}"),
        ("magento", wording.FIRST),
        ("odoo", wording.LAST),
        ("something_new", "something new"),
    ],
)
def test_every_line_has_a_name(line: str, label: str) -> None:
    assert wording.label(line) == label


@pytest.mark.parametrize(
    ("raw", "kind", "read"),
    [
        (None, "money", ""),
        (12_345_000, "money", "1,234.50"),
        (12_345, "money", "1.2345"),  # Magento's credit memos have four decimals
        (25_000, "quantity", "2.5"),
        (True, "flag", "yes"),
        (False, "flag", ""),
        ("odoo", "line", wording.LAST),
        ("credit_memo", "word", "credit memo"),
        ("S_1", "text", "S_1"),
    ],
)
def test_a_value_is_written_as_it_is_read(raw: Any, kind: str, read: str) -> None:
    assert wording.value(raw, kind) == read


def test_a_cell_of_one_side_names_no_total_of_the_other() -> None:
    missing = {"finding:missing_in_odoo": amounts(-100), "magento": amounts(100)}
    assert [line.label for line in wording.cell_lines({"lines": missing})] == [
        wording.FIRST,
        "Open finding: Missing in Odoo",
    ]
    foreign = {explanation.UNEXPLAINED: amounts(100), "odoo": amounts(100)}
    assert [(line.label, line.bad) for line in wording.cell_lines({"lines": foreign})] == [
        (wording.STEPS[explanation.UNEXPLAINED], True),
        (wording.LAST, False),
    ]


def test_a_schedule_has_a_total_for_each_currency() -> None:
    name, key = next(iter(wording.SUMMED.items()))
    rows = [{"currency": "USD", key: 10_000}, {"currency": "EUR", key: 5_000}, {"currency": "USD", key: None}]
    assert wording.counted(name, rows) == f"3, {key} 0.50 EUR, 1.00 USD"
    assert wording.counted(name, []) == "none"
    assert wording.counted("without a sum", rows) == "3"


def body(**parts: Any) -> dict[str, Any]:
    row = {
        "kind": "invoice", "currency": "USD", "magento": amounts(100), "odoo": amounts(100), "ledger": amounts(100), "cells": [],
        "steps": {explanation.UNEXPLAINED: NOTHING}, "ledger_steps": {general_ledger.UNEXPLAINED: NOTHING},
        "company": dict.fromkeys(("odoo", "others", "ledger", "unexplained"), 100),
    }  # fmt: skip
    nothing: dict[str, Any] = {"unexplained": [], "accounts": [], "taxes": [], "clearing": [], "annexes": {}}
    return {"instance": "us", "month": "2026-10", "over": True, "explained": True, "rows": [row], "company_currency": "USD"} | nothing | parts  # fmt: skip


def test_a_month_without_documents_says_so() -> None:
    assert summary.sentence(body(rows=[])) == "There was nothing in this month."
    assert summary.sentence(body(rows=[], over=False)).startswith("The month was not over when this was made.")


def test_a_month_without_differences_says_so() -> None:
    assert summary.verdict(body()) == summary.AGREES
    assert "agree" in summary.sentence(body()) and "findings" not in summary.sentence(body())


@pytest.mark.parametrize(
    ("named", "words"), [(0, "no document is named"), (1, "one document is named"), (3, "3 documents are named")]
)
def test_a_month_that_is_not_explained_says_how_many_documents_are_named(named: int, words: str) -> None:
    assert words in summary.sentence(body(explained=False, unexplained=[{}] * named))


def test_an_unexplained_amount_is_in_the_csv_file_with_its_reason() -> None:
    row = {"between": "Magento and Odoo", "kind": "invoice", "number": "=000000007", "counterpart": "INV/7", "currency": "USD",
           "order_number": "7", "why": "it has no counterpart", **amounts(-70_000, -5_000)}  # fmt: skip
    (line,) = (
        line for line in csv_export.statement(body(unexplained=[row])).splitlines() if line.startswith("unexplained")
    )
    assert "between Magento and Odoo" in line and "it has no counterpart" in line and "-7.5" in line
    assert ",=000" not in line, "no cell is a formula"


# What the ledger's entries mean


def invoice(total: int, base: int, kind: str = "invoice") -> Document:
    figures = Figures({Cell("US", "0"): Amount(total, 0)})
    return Document(side="odoo", kind=kind, id="7", number="INV/7", order_key="1", order_number="1", currency="USD", figures=figures,
                    day=date(2026, 10, 5), base_total=base)  # fmt: skip


def entry(net: int, company: int, currency: str = "USD") -> Entry:
    return Entry("7", currency, Amount(net, 0), Amount(company, 0))


def test_a_journal_entry_equal_to_its_document_is_no_step() -> None:
    assert general_ledger.changed(invoice(100, 90), entry(100, 90), again=False) == []


def test_an_entry_that_differs_only_in_company_currency_is_named_with_that_difference() -> None:
    (step,) = general_ledger.changed(invoice(100, 90), entry(100, 95), again=False)
    assert (step.amount, step.company, "in company currency" in step.why) == (Amount(), 5, True)


def test_a_second_currency_of_a_document_is_all_of_it_unexplained() -> None:
    (step,) = general_ledger.changed(invoice(100, 90), entry(30, 30, "EUR"), again=True)
    assert (step.amount, step.company, step.currency) == (Amount(30, 0), 30, "EUR")


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ({"instance": "us", "kind": "invoice", "of_orders": False, "number": "INV/7"}, general_ledger.NOT_MAGENTO),
        ({"instance": "eu", "kind": "invoice", "of_orders": True, "number": "INV/7"}, general_ledger.OTHER_INSTANCE),
        ({"instance": "us", "kind": "credit_memo", "of_orders": True, "number": "RINV/7"}, general_ledger.UNEXPLAINED),
    ],
)
def test_a_journal_entry_of_another_month_s_document_names_the_document(row: dict[str, Any], line: str) -> None:
    step = general_ledger.of_others(row, entry(100, 100), "us")
    sign = -1 if row["kind"] == "credit_memo" else 1
    assert (step.line, step.amount) == (line, Amount(sign * 100, 0))


@pytest.mark.parametrize(
    ("row", "quarantined", "line", "number"),
    [
        ({"move_type": "out_invoice", "name": "INV/8"}, False, general_ledger.UNEXPLAINED, "INV/8"),
        ({"move_type": "out_refund", "name": "RINV/8"}, True, general_ledger.QUARANTINED, "RINV/8"),
        ({"move_type": "entry", "name": "MISC/1"}, False, general_ledger.ENTRY, "MISC/1"),
        ({}, False, general_ledger.UNEXPLAINED, "* 7"),  # gone between two reads
    ],
)
def test_an_entry_that_was_never_read_says_why(row: dict[str, Any], quarantined: bool, line: str, number: str) -> None:
    step = general_ledger.unread(row, entry(100, 100), quarantined)
    assert (step.line, step.number) == (line, number)


def test_an_instance_without_a_journal_posts_in_the_company_s_first() -> None:
    rows = [{"id": 1, "code": "INV"}, {"id": 2, "code": "SHOP"}]
    any_, own = (Instance(id="us", magento_connection="m", odoo_connection="o", **more) for more in ({}, {"odoo": {"sales_journal": "SHOP"}}))  # fmt: skip
    assert general_ledger.journals_of(rows, any_, []) == {1: "INV"}
    assert general_ledger.journals_of(rows, own, []) == {2: "SHOP"}
    assert general_ledger.journals_of(rows, own, ["INV"]) == {1: "INV", 2: "SHOP"}
    assert general_ledger.journals_of([], any_, []) == {}
