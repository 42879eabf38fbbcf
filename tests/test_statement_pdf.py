"""The statement as PDF takes whatever text a document carries: a cell has a bounded height, and what was cut bears a mark."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from magodoo.characters import escaped
from magodoo.statement import explanation, general_ledger, pdf, store

MADE = datetime(2026, 11, 1, tzinfo=UTC)
TEXTS = {
    "300 line breaks": "a\n" * 300,
    "5,000 characters": "word " * 1000,
    "5,000 characters without a blank": "W" * 5000,
    "separators": "a\u2028b\u2029c\x85d\x0c" * 200,
    "control characters": "a\0\x01\x1b\u202e\u200b\ufeff\ud800b" * 500,
}


def amounts(units: int) -> dict[str, int]:
    return {"net": units, "tax": 0, "total": units}


def body(hostile: str) -> dict[str, Any]:
    """A statement that has the text in every column that comes from a system or a person."""
    row = {
        "kind": "invoice", "currency": "USD", "magento": amounts(100), "odoo": amounts(100), "ledger": amounts(100), "cells": [],
        "counts": {"magento": 1, "odoo": 1}, "steps": {explanation.UNEXPLAINED: amounts(0)},
        "ledger_steps": {general_ledger.UNEXPLAINED: amounts(0)},
        "company": dict.fromkeys(("odoo", "others", "ledger", "unexplained"), 100),
    }  # fmt: skip
    figures = dict.fromkeys(
        ("own_journals", "other_journals", "balance", "opening", "captured", "refunded", "others", "closing"), 0
    )
    return {
        "instance": "us", "title": hostile, "month": "2026-10", "zone": "UTC", "over": True, "company": 1, "company_currency": "USD",
        "journals": [hostile], "books_from": None, "explained": False, "rows": [row],
        "unexplained": [{"between": "Magento and Odoo", "kind": "invoice", "number": hostile, "counterpart": hostile, "currency": "USD",
                         "why": hostile, **amounts(100)}],
        "accounts": [{"code": "4000", "name": hostile, **figures}],
        "taxes": [{"kind": "invoice", "currency": "USD", "tax_name": hostile, "rate": "19", "net": 0, "tax": 0, "documents_net": 0, "documents_tax": 0}],
        "clearing": [{"account": "1200", "name": hostile, "providers": [hostile], "currency": "USD", **figures,
                      "old": [{"number": hostile, "day": "2026-10-01", "reference": hostile, "open": 100}]}],
        "annexes": {"muted": [{"type": "total_mismatch", "kind": "invoice", "order_number": hostile, "magento_number": hostile,
                               "odoo_number": hostile, "magento_amount": 1, "odoo_amount": 2, "currency": "USD", "muted_until": "2026-12-01",
                               "muted_by": hostile, "reason": hostile}]},
    }  # fmt: skip


def kept(hostile: str) -> store.Kept:
    """A signed revision whose people and notes have the text as well."""
    whole = body(hostile)
    whole["annexes"]["critical"] = [{"id": 1, "type": "total_mismatch", "kind": "invoice", "order_number": hostile, "magento_number": hostile,
                                     "odoo_number": hostile, "magento_amount": 1, "odoo_amount": 2, "currency": "USD"}]  # fmt: skip
    return store.Kept(
        id=1, instance="us", month=MADE.date(), made_at=MADE, body=whole, hash="0" * 64, figures_hash="", unexplained=True, mailed_hash=None,
        signed_by=hostile, signed_at=MADE, note=hostile, version=2, verdict="unexplained", prepared_by=hostile, prepared_at=MADE,
        prepared_hash="0" * 64, notes=dict.fromkeys(store.to_note(whole), hostile),
    )  # fmt: skip


def pages(content: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", content))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_no_text_ends_the_statement(text: str) -> None:
    made = pdf.pdf(kept(text))
    assert made.startswith(b"%PDF")
    assert made == pdf.pdf(kept(text))
    assert pages(made) <= 8


@cache
def measuring() -> Any:
    document = pdf.new_document(body(""))
    document.set_font("DejaVu", size=7.5)
    return document


WIDTHS = st.floats(min_value=8, max_value=180)


@settings(deadline=None, max_examples=40)
@given(
    st.text(st.one_of(st.sampled_from("aW \n\u2028"), st.characters(exclude_categories=("Cs",)))),
    st.integers(1, 200),
    WIDTHS,
)
def test_a_text_has_a_bounded_height_and_a_mark_where_it_was_cut(text: str, times: int, width: float) -> None:
    document = measuring()
    whole = text * times
    made = pdf.fitting(document, whole, width)
    assert pdf.line_count(document, made, width) <= pdf.MOST_LINES
    plain = pdf.fitting(document, " ".join(escaped(whole).split()), width)
    assert made == plain
    if made.endswith(pdf.CUT) and not whole.endswith(pdf.CUT):
        assert " ".join(escaped(whole).split()).startswith(made.removesuffix(pdf.CUT))
    else:
        assert made == " ".join(escaped(whole).split())


def test_a_text_that_fits_is_whole() -> None:
    document = measuring()
    assert pdf.fitting(document, "Ann\nBakery", 40) == "Ann Bakery"
    assert pdf.fitting(document, "W" * 5000, 20).endswith(pdf.CUT)


WORDS = st.lists(
    st.sampled_from(
        ["2026-10-15", "000000007", "INV/2026/00008", "EUR", "a b c", "Currency", "1,234.50", "W" * 60, ""]
    ),
    min_size=6,
    max_size=6,
)


@settings(deadline=None, max_examples=60)
@given(st.lists(WORDS, min_size=1, max_size=5), st.lists(st.integers(1, 9), min_size=6, max_size=6))
def test_a_column_holds_its_longest_word_wherever_the_page_is_wide_enough(
    rows: list[list[str]], widths: list[int]
) -> None:
    document = measuring()
    shares = pdf.column_widths(document, [(row, "") for row in rows], widths)
    assert sum(shares) == pytest.approx(document.epw)
    document.set_font("DejaVu", size=7.5)
    wide = [
        max(document.get_string_width(word) for row in rows for word in (row[place].split() or [""])) + 1.9
        for place in range(6)
    ]
    if sum(wide) <= document.epw and max(wide) <= 45:
        assert all(share >= own - 1e-6 for share, own in zip(shares, wide, strict=True))


def test_a_heading_stays_with_its_note_and_table(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {
        "reason": "export",
        "country": "CH",
        "tax_name": "0%",
        "count": 1,
        "net": 10,
        "lacking": 0,
        "without": 0,
        "currency": "USD",
    }
    plain_heading, pages_of_heading = pdf.add_heading, []

    def noted(document: Any, *others: Any) -> None:
        plain_heading(document, *others)
        pages_of_heading.append(document.page)

    monkeypatch.setattr(pdf, "add_heading", noted)
    document = pdf.new_document(body("x"))
    for _ in range(40):
        document.ln(7)  # so that it begins everywhere on a page
        pdf.add_schedule(document, "zero_rated", [row])
        assert document.page == pages_of_heading[-1]
    assert document.page > 5
