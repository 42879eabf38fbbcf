"""Findings as rows for emails, pages and CSV files. Text that comes from Magento is untrusted and is escaped here."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from magodoo.money import shown

CSV_COLUMNS = (
    "type", "severity", "kind", "order_number", "magento_number", "odoo_number", "part", "magento_amount", "odoo_amount",
    "difference", "currency", "magento_value", "odoo_value", "message", "effect", "who", "next_step", "first_seen", "id",
)  # fmt: skip
_AMOUNTS = ("magento_amount", "odoo_amount", "difference")


def neutral(value: object) -> str:
    """Return the value as a cell that no spreadsheet evaluates as a formula: with an apostrophe before = + @ - tab or CR."""
    cell = "" if value is None else str(value)
    return f"'{cell}" if cell[:1] in ("=", "+", "@", "\t", "\r") or (cell[:1] == "-" and not _is_number(cell)) else cell


def to_csv(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = CSV_COLUMNS, amounts: Sequence[str] = _AMOUNTS
) -> str:
    """Return the rows as CSV with a header. The columns `amounts` are in units of 1/10000 and are written as decimals."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow(
            [neutral(money(row[name], row.get("currency")) if name in amounts else row[name]) for name in columns]
        )
    return out.getvalue()


def money(units: int | None, currency: str | None = None) -> str:
    """Return units of 1/10000 as text with the currency's decimals; "" for None."""
    return "" if units is None else shown(units, currency)


def _is_number(cell: str) -> bool:
    return cell[1:].replace(".", "", 1).isdigit()
