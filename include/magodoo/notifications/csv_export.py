"""Findings as rows for emails, pages and CSV files. Text that comes from Magento is untrusted and is escaped here."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from magodoo.characters import escaped
from magodoo.money import shown

CSV_COLUMNS = (
    "type", "severity", "kind", "order_number", "magento_number", "odoo_number", "part", "magento_amount", "odoo_amount",
    "difference", "currency", "magento_value", "odoo_value", "message", "effect", "who", "next_step", "first_seen", "id",
)  # fmt: skip
_SIGNS = {
    form: sign
    for sign, forms in {
        "=": "=\uff1d\ufe66",
        "+": "+\uff0b\ufe62",
        "@": "@\uff20\ufe6b",
        "-": "-\uff0d\ufe63\u2212",
    }.items()
    for form in forms
}
_AMOUNTS = ("magento_amount", "odoo_amount", "difference")


def neutral(value: object) -> str:
    """Return the value as a cell that no spreadsheet evaluates as a formula: with an apostrophe before = + @ - tab or line feed.

    What nobody sees is written as an escape. Spreadsheets drop blanks that lead a cell, and read full-width and small signs as the plain ones.
    """
    cell = "" if value is None else escaped(str(value))
    if cell[:1] in ("\t", "\n"):
        return f"'{cell}"
    sign = _SIGNS.get(cell.lstrip()[:1])
    return f"'{cell}" if sign and not (sign == "-" and _is_number(cell)) else cell


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
    return re.fullmatch(r"-[0-9]+(\.[0-9]*)?|-\.[0-9]+", cell) is not None
