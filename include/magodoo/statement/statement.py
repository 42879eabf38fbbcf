"""Build the statement as JSON: numbers, amounts in units of 1/10000, and keys; no personal data.

The same staging and the same general ledger give the same text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from magodoo.domain.vocabulary import Side
from magodoo.money import dump_json
from magodoo.settings import Instance
from magodoo.statement import explanation
from magodoo.statement.documents import Document, Sales
from magodoo.statement.explanation import Explanation, Step
from magodoo.statement.figures import AS_CHARGED, NOTHING, Amount, Cell, Figures, added
from magodoo.statement.general_ledger import ENTRY, NOT_MAGENTO, OTHER_INSTANCE, QUARANTINED, GeneralLedger, LedgerStep
from magodoo.statement.general_ledger import UNEXPLAINED as LEDGER_UNEXPLAINED
from magodoo.statement.schedules import rate_differences, rounding

Row = dict[str, Any]
MAGENTO, ODOO, LEDGER = "magento", "odoo", "ledger"


@dataclass(frozen=True)
class Statement:
    """One statement: its canonical text with its hash, the documents behind it, and whether any of it is unexplained.

    `figures_hash` leaves the schedules out: a receivable that was paid since changes no figure of the month.
    """

    body: Row
    text: str
    hash: str
    figures_hash: str
    unexplained: bool
    documents: tuple[Row, ...]


@dataclass(frozen=True)
class Sources:
    """The inputs of a statement."""

    instance: Instance
    sales: Sales
    explanation: Explanation
    ledger: GeneralLedger
    ledger_steps: Sequence[LedgerStep]
    by_rate: Mapping[tuple[str, str, str], Amount]
    clearing: Sequence[Row]
    gaps: Sequence[Row]
    schedules: Mapping[str, Sequence[Row]]
    unread_stores: Sequence[Row]
    without_store: Sequence[Row]
    unreadable: Sequence[Row]
    over: bool


def statement(sources: Sources) -> Statement:
    """Build the statement of a month."""
    documents = _documents(sources)
    rows = [_row(sources, currency, kind) for currency, kind in _places(sources)]
    named = _named(sources)
    instance, month = sources.instance, sources.sales.month
    left = any(_is_open(row) for row in rows) or any(row["unexplained"] for row in sources.clearing)
    explained = not named and not left and not sources.unreadable
    body: Row = {
        "instance": instance.id, "title": instance.title, "month": f"{month}", "zone": instance.time_zone, "over": sources.over,
        "company": instance.odoo.company_id, "company_currency": sources.ledger.company_currency,
        "books_from": instance.books_from.isoformat(sep=" ") if instance.books_from else None,
        "journals": sorted(sources.ledger.journals.values()), "rows": rows, "unexplained": named, "explained": explained,
        "uncorrected": uncorrected(sources.explanation.steps), "separate_duties": instance.separate_duties,
        "accounts": sources.ledger.accounts, "taxes": _taxes(sources), "clearing": list(sources.clearing),
        "annexes": {
            **{name: list(found) for name, found in sources.schedules.items()}, "gaps": list(sources.gaps), "unread_stores": list(sources.unread_stores),
            "without_store": list(sources.without_store), "unreadable": list(sources.unreadable),
            "rate_differences": rate_differences(sources.sales, sources.ledger.company_currency),
            "rounding": rounding(sources.explanation.steps), "muted_steps": _muted(sources.explanation.steps),
            "entries_by_hand": _others(sources, ENTRY), "booked_by_others": _others(sources, NOT_MAGENTO, OTHER_INSTANCE, QUARANTINED),
        },
        "documents": {"count": len(documents), "hash": hash_of(dump_json(documents))},
    }  # fmt: skip
    text = dump_json(body)
    figures = hash_of(dump_json([rows, named, body["documents"]]))
    return Statement(body, text, hash_of(text), figures, not explained, tuple(documents))


def hash_of(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _places(sources: Sources) -> list[tuple[str, str]]:
    """Return the (currency, kind) pairs of the month, invoices first."""
    sales = sources.sales
    places = {(one.currency, one.kind) for side in Side for one in sales.in_month(side)}
    places |= {(step.currency, step.kind) for step in sources.explanation.steps}
    places |= {(currency, kind) for kind, currency in sources.ledger.totals}
    places |= {(step.currency, step.kind) for step in sources.ledger_steps}
    return sorted(places, key=lambda place: (place[0], place[1] != "invoice"))


def _row(sources: Sources, currency: str, kind: str) -> Row:
    """Return the row of one currency and kind, from Magento's total to the ledger's balance."""
    magento, odoo = (
        _total(sources.sales, Side.MAGENTO, currency, kind),
        _total(sources.sales, Side.ODOO, currency, kind),
    )
    lines = explanation.sums(sources.explanation.steps, currency, kind)
    lines.pop(explanation.UNEXPLAINED, None)
    # Computed as the remainder, not as the sum of unexplained steps, so that a missing step shows here.
    lines[explanation.UNEXPLAINED] = odoo - added([magento, *lines.values()])
    ledger, company = sources.ledger.totals.get((kind, currency), (NOTHING, 0))
    steps = [step for step in sources.ledger_steps if (step.currency, step.kind) == (currency, kind)]
    accounted = _ledger_lines(steps)
    whole = odoo.sum
    left = Amount(
        ledger.net - whole.net - sum(one["net"] for one in accounted.values()),
        ledger.tax - whole.tax - sum(one["tax"] for one in accounted.values()),
    )
    base = sum(
        one.base_total for one in sources.sales.in_month(Side.ODOO) if (one.currency, one.kind) == (currency, kind)
    )
    known = sum(step.company for step in steps if step.line != LEDGER_UNEXPLAINED)
    place = (currency, kind)
    return {
        "currency": currency, "kind": kind,
        "counts": {side.value: sum((one.currency, one.kind) == place for one in sources.sales.in_month(side)) for side in Side},
        MAGENTO: _written(magento.sum), ODOO: _written(odoo.sum), LEDGER: _written(ledger),
        "steps": {line: _written(figures.sum) for line, figures in lines.items() if figures or line == explanation.UNEXPLAINED},
        "ledger_steps": {**accounted, LEDGER_UNEXPLAINED: _written(left)},
        "company": {ODOO: base, "others": known, LEDGER: company, "unexplained": company - base - known},
        "cells": _cells({MAGENTO: magento, **lines, ODOO: odoo}),
    }  # fmt: skip


def _total(sales: Sales, side: Side, currency: str, kind: str) -> Figures:
    return added(one.figures for one in sales.in_month(side) if (one.currency, one.kind) == (currency, kind))


def _ledger_lines(steps: Iterable[LedgerStep]) -> Row:
    """Return the amounts that others booked in the same journals, by line."""
    found: dict[str, Amount] = {}
    for step in steps:
        if step.line != LEDGER_UNEXPLAINED:
            known = found.get(step.line, NOTHING)
            found[step.line] = Amount(known.net + step.amount.net, known.tax + step.amount.tax)
    return {line: _written(one) for line, one in sorted(found.items())}


def _cells(lines: Mapping[str, Figures]) -> list[Row]:
    """Return the same figures by country and tax rate."""
    places: list[Cell] = sorted({cell for figures in lines.values() for cell in figures.cells})
    return [
        {
            "country": cell.country, "rate": cell.rate,
            "lines": {line: _written(figures.cells[cell]) for line, figures in lines.items() if cell in figures.cells},
        }
        for cell in places
    ]  # fmt: skip


def _written(amount: Amount) -> Row:
    return {"net": amount.net, "tax": amount.tax, "total": amount.total}


def _is_open(row: Row) -> bool:
    parts = (row["steps"][explanation.UNEXPLAINED], row["ledger_steps"][LEDGER_UNEXPLAINED])
    in_cells = any(explanation.UNEXPLAINED in cell["lines"] for cell in row["cells"])
    return in_cells or any(part["net"] or part["tax"] for part in parts) or bool(row["company"]["unexplained"])


def _named(sources: Sources) -> list[Row]:
    """Return one row per unexplained document, between Magento and Odoo and between Odoo and its ledger."""
    found = []
    for step in explanation.unexplained(sources.explanation.steps):
        first, *others = step.documents
        found.append({
            "between": "magento and odoo", "side": first.side, "kind": first.kind, "source_id": first.id, "number": first.number,
            "order_number": first.order_number, "counterpart": ", ".join(one.number for one in others), "currency": step.currency,
            **_written(step.figures.sum), "why": step.why,
        })  # fmt: skip
    for one in sources.ledger_steps:
        if one.line == LEDGER_UNEXPLAINED:
            found.append({
                "between": "odoo and its ledger", "side": Side.ODOO.value, "kind": one.kind, "source_id": one.id, "number": one.number,
                "order_number": "", "counterpart": "", "currency": one.currency, **_written(one.amount), "why": one.why,
            })  # fmt: skip
    return sorted(found, key=lambda row: (row["between"], row["kind"], row["number"], row["source_id"]))


def uncorrected(steps: Iterable[Step]) -> dict[str, int]:
    """Return by currency what open and muted findings name as different: the sum over the documents, without regard to the sign.

    Units of 1/10000: of each step its total, or its tax where that is larger.
    """
    sums: dict[str, int] = {}
    for step in steps:
        if explanation.is_uncorrected(step.line):
            amount = step.figures.sum
            sums[step.currency] = sums.get(step.currency, 0) + max(abs(amount.total), abs(amount.tax))
    return {currency: total for currency, total in sorted(sums.items()) if total}


def _muted(steps: Iterable[Step]) -> list[Row]:
    """Return the sum of the steps with muted findings, by line, kind and currency."""
    sums: dict[tuple[str, str, str], int] = {}
    for step in steps:
        if step.muted:
            place = (step.line, step.kind, step.currency)
            sums[place] = sums.get(place, 0) + step.figures.total
    return [
        {"line": line, "kind": kind, "currency": currency, "total": total}
        for (line, kind, currency), total in sorted(sums.items())
    ]


def _others(sources: Sources, *lines: str) -> list[Row]:
    """Return the entries of these lines of the ledger, by number."""
    return [
        {"line": f"ledger:{step.line}", "number": step.number, "kind": step.kind, "currency": step.currency, **_written(step.amount)}
        for step in sorted(sources.ledger_steps, key=lambda step: (step.number, step.id)) if step.line in lines
    ]  # fmt: skip


def _taxes(sources: Sources) -> list[Row]:
    """Return the ledger's taxes by rate (several taxes may share one) beside the sums of the staged documents' lines of that rate."""
    names: dict[tuple[str, str, str], list[str]] = {}
    ledger: dict[tuple[str, str, str], Amount] = {}
    for tax in sources.ledger.taxes:
        place = (tax["kind"], tax["currency"], tax["rate"])
        names.setdefault(place, []).append(tax["tax_name"])
        known = ledger.get(place, NOTHING)
        ledger[place] = Amount(known.net + tax["net"], known.tax + tax["tax"])
    documents = {place: one for place, one in sources.by_rate.items() if one != NOTHING}
    charged = {rule.odoo_tax for rule in sources.instance.taxes if rule.as_charged}
    rows = [
        {
            "kind": kind, "currency": currency, "tax_name": ", ".join(names.get((kind, currency, rate), [])),
            "rate": AS_CHARGED if charged.issuperset(names.get((kind, currency, rate), [rate])) else rate,
            "net": ledger.get((kind, currency, rate), NOTHING).net, "tax": ledger.get((kind, currency, rate), NOTHING).tax,
            "documents_net": documents.get((kind, currency, rate), NOTHING).net,
            "documents_tax": documents.get((kind, currency, rate), NOTHING).tax,
        }
        for kind, currency, rate in ledger.keys() | documents.keys()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row["currency"], row["kind"], row["rate"], row["tax_name"]))


def _documents(sources: Sources) -> list[Row]:
    """Return every document of the month with its line."""
    rows = [one for side in Side for one in sources.sales.in_month(side)]
    return [_document(one, sources.explanation.lines[one.key]) for one in sorted(rows, key=lambda one: one.key)]


def _document(one: Document, line: str) -> Row:
    return {
        "side": one.side, "kind": one.kind, "source_id": one.id, "number": one.number, "order_number": one.order_number,
        "day": one.day.isoformat() if one.day else None, "currency": one.currency, "net": one.figures.sum.net,
        "tax": one.figures.sum.tax, "line": line,
    }  # fmt: skip
