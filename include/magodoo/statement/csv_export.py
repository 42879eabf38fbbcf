"""The statement as CSV: one flat table that a spreadsheet can filter; no cell is a formula. Amounts are decimals."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from magodoo.money import plain
from magodoo.notifications.csv_export import neutral
from magodoo.statement import wording

COLUMNS = (
    "part", "instance", "month", "currency", "kind", "country", "tax_rate", "line", "number", "other_number", "order_number", "date", "net", "tax",
    "total", "open", "note",
)  # fmt: skip
_NAMED = ("currency", "kind", "number", "order_number", "net", "tax", "total", "open")
DOCUMENT_COLUMNS = ("line", "side", "kind", "number", "order_number", "date", "currency", "net", "tax", "total")


def statement(body: Mapping[str, Any]) -> str:
    """Return the whole statement with its schedules as CSV, columns COLUMNS."""
    rows = [*_figures(body), *_ledger(body), *_schedules(body)]
    return "".join(_parts(COLUMNS, ({"instance": body["instance"], "month": body["month"], **row} for row in rows)))


def documents(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield, in parts, the documents behind the figures as CSV, one row per document with its statement line, columns DOCUMENT_COLUMNS."""
    worded = ({**row, "line": wording.label(row["line"]), "date": row["day"]} for row in rows)
    return _parts(DOCUMENT_COLUMNS, worded)


def _figures(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for row in body["rows"]:
        place = {"currency": row["currency"], "kind": row["kind"]}
        for line in wording.lines(row):
            yield {"part": "statement", **place, "line": line.label, **amounts(line)}
        for cell in row["cells"]:
            where = {"country": cell["country"], "tax_rate": cell["rate"]}
            for line in wording.cell_lines(cell):
                yield {"part": "by country and tax rate", **place, **where, "line": line.label, **amounts(line)}
        for name, label in wording.COMPANY_LINES.items():
            yield {
                "part": "in company currency", "kind": row["kind"], "currency": body["company_currency"], "line": label,
                "total": row["company"][name], "note": f"documents in {row['currency']}",
            }  # fmt: skip


def _ledger(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for row in body["unexplained"]:
        yield {
            "part": "unexplained", **_taken(row), "line": f"between {row['between']}", "other_number": row["counterpart"], "note": row["why"],
        }  # fmt: skip
    for row in body["accounts"]:
        yield {
            "part": "accounts", "currency": body["company_currency"], "number": row["code"], "line": row["name"], "total": row["balance"],
            "note": f"own journals {plain(row['own_journals'])}, other journals {plain(row['other_journals'])}",
        }  # fmt: skip
    for row in body["taxes"]:
        yield {
            "part": "taxes", **_taken(row), "tax_rate": row["rate"], "line": row["tax_name"],
            "note": f"documents: net {plain(row['documents_net'])}, tax {plain(row['documents_tax'])}",
        }  # fmt: skip
    for row in body["clearing"]:
        place = {
            "part": "clearing accounts",
            "currency": row["currency"],
            "number": row["account"],
            "note": ", ".join(row["providers"]),
        }
        for name in ("opening", "captured", "refunded", "others", "closing", "unexplained"):
            yield {**place, "line": name, "total": row[name]}
        for item in row["old"]:
            yield {
                **place, "line": "open for more than 14 days", "other_number": item["number"], "date": item["day"],
                "total": item["amount"], "open": item["open"], "note": item["reference"],
            }  # fmt: skip


def _schedules(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name in wording.SCHEDULES:
        for row in body["annexes"].get(name, ()):
            known = {
                "order_number",
                "number",
                "currency",
                "kind",
                "day",
                "net",
                "tax",
                "total",
                "open",
                "magento_number",
                "country",
                "rate",
            }
            rest = [
                f"{heading.lower()} {wording.value(row[key], kind)}"
                for heading, key, kind in wording.COLUMNS[name]
                if key not in known and row[key] not in (None, "")
            ]
            yield {
                "part": wording.SCHEDULES[name], **_taken(row), "country": row.get("country"), "tax_rate": row.get("rate"),
                "date": row.get("day"), "other_number": row.get("magento_number"),
                "note": ", ".join(rest),
            }  # fmt: skip


def _taken(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _NAMED if name in row}


def amounts(line: wording.Line) -> dict[str, int]:
    """Return the amounts of a line by name, in units of 1/10000."""
    return {"net": line.net, "tax": line.tax, "total": line.total}


def _parts(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([neutral(_cell(name, row.get(name))) for name in columns])
        if out.tell() > 64_000:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _cell(name: str, value: Any) -> Any:
    return plain(value) if name in ("net", "tax", "total", "open") and value is not None else value
