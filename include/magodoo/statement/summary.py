"""Summarize a statement: whether the month agrees, and the totals and differences of each currency and kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from magodoo.statement import explanation, wording
from magodoo.statement.general_ledger import UNEXPLAINED as LEDGER_UNEXPLAINED

AGREES, UNEXPLAINED = "agrees", "unexplained"
COLUMNS = (
    "Magento", "Settings, timing, rounding", "Open findings", "Not explained", "Odoo", "Booked by others", "Ledger: not explained", "Ledger",
)  # fmt: skip


@dataclass(frozen=True)
class Short:
    """One currency and kind in one row: `amounts` in units of 1/10000, in the order of COLUMNS; each total is the sum of those before it."""

    title: str
    amounts: tuple[int, ...]


def table(body: Mapping[str, Any]) -> list[Short]:
    """Return one row per currency and kind."""
    return [_short(row) for row in body["rows"]]


def verdict(body: Mapping[str, Any]) -> str:
    """Return the verdict in a few words, for a subject or a heading.

    "incomplete: 2 unreadable", "unexplained", "agrees except for uncorrected differences of 28.27 USD", or AGREES; the first that is true.
    """
    if unreadable := _unreadable(body):
        return f"incomplete: {unreadable} unreadable"
    if not body["explained"]:
        return UNEXPLAINED
    left = _uncorrected(body)
    return f"agrees except for uncorrected differences of {left}" if left else AGREES


def sentence(body: Mapping[str, Any]) -> str:
    """Return the verdict in sentences: what it means, what is to be done, and which documents are not counted."""
    return _sentence(body) + _left_out(body)


def _left_out(body: Mapping[str, Any]) -> str:
    """Return a sentence on documents that every instance ignores; "" for none, and for statements of earlier versions."""
    count = len(body["annexes"].get("without_store", ()))
    if not count:
        return ""
    are = "One document is" if count == 1 else f"{count} documents are"
    return f" {are} not counted here: without a store, as the store view was deleted, and ignored by every instance; listed below."


def _sentence(body: Mapping[str, Any]) -> str:
    month = "" if body["over"] else "The month was not over when this was made. "
    if unreadable := _unreadable(body):
        records = "One record" if unreadable == 1 else f"{unreadable} records"
        return (
            f"{month}Incomplete: {unreadable} unreadable. {records} of Magento or Odoo cannot be read, so that nobody can tell whether"
            " the month agrees; they are listed below."
        )
    if not body["rows"]:
        return f"{month}There was nothing in this month."
    if not body["explained"]:
        count = len(body["unexplained"])
        which = {0: "no document is named", 1: "one document is named"}.get(count, f"{count} documents are named")
        return f"{month}Magento, Odoo and Odoo's ledger do not agree: part of the difference has no cause that is known; {which} below."
    left = _uncorrected(body)
    if left:
        return (
            f"{month}Magento, Odoo and Odoo's ledger agree except for {left}, added up without regard to the sign. Open or muted findings"
            f" name these differences, and nobody has corrected them: {', '.join(_findings(body))}."
        )
    return f"{month}Magento, Odoo and Odoo's ledger agree; what differs is by the settings, in time or rounding."


def _short(row: Mapping[str, Any]) -> Short:
    steps = {name: step["total"] for name, step in row["steps"].items()}
    findings = sum(total for name, total in steps.items() if explanation.is_uncorrected(name))
    unexplained = steps[explanation.UNEXPLAINED]
    left = row["ledger_steps"][LEDGER_UNEXPLAINED]["total"]
    amounts = (
        row["magento"]["total"],
        sum(steps.values()) - findings - unexplained,
        findings,
        unexplained,
        row["odoo"]["total"],
        sum(step["total"] for step in row["ledger_steps"].values()) - left,
        left,
        row["ledger"]["total"],
    )
    return Short(wording.title(row), amounts)


def _unreadable(body: Mapping[str, Any]) -> int:
    """Return the number of records that could not be read; 0 for statements of earlier versions."""
    return len(body["annexes"].get("unreadable", ()))


def _uncorrected(body: Mapping[str, Any]) -> str:
    """Return the uncorrected differences by currency, as text; "" for none.

    A statement of an earlier version holds them by line only, where equal amounts of opposite sign cancel each other.
    """
    sums = dict(body.get("uncorrected", {}))
    if "uncorrected" not in body:
        for row in body["rows"]:
            for line in filter(explanation.is_uncorrected, row["steps"]):
                sums[row["currency"]] = sums.get(row["currency"], 0) + abs(row["steps"][line]["total"])
    return ", ".join(f"{wording.amount(total)} {currency}" for currency, total in sorted(sums.items()))


def _findings(body: Mapping[str, Any]) -> list[str]:
    """Return the lines of uncorrected differences with their amounts: "Missing in Odoo -28.27 USD"."""
    return [
        f"{wording.label(line).removeprefix(wording.OPEN_FINDING)} {wording.amount(row['steps'][line]['total'])} {row['currency']}"
        for row in body["rows"] for line in wording.in_order(row["steps"]) if explanation.is_uncorrected(line)
    ]  # fmt: skip
