"""The statement as an Excel workbook: numbers are numbers, days are days, and each line of the totals opens its documents.

Amounts are cells of double precision, which is exact to the cent up to 9,999,999,999,999.99; the CSV has the decimals as text.
No text is taken for a formula or a link.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from magodoo.characters import escaped
from magodoo.money import from_units
from magodoo.statement import csv_export, store, summary, wording
from magodoo.statement.figures import AS_CHARGED

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 1_000_000  # of a sheet: Excel opens 1,048,576
_LONGEST_TEXT = 32_767  # of a cell, by Excel
_LONGEST_NAME = 31  # of a sheet, by Excel
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_NEVER_IN_A_NAME = re.compile(r"[\[\]:*?/\\']")
_DOCUMENTS = (
    ("Line", "line", "line"), ("Side", "side", "word"), ("Kind", "kind", "word"), ("Number", "number", "text"), ("Order", "order_number", "text"),
    ("Date", "day", "text"), ("Currency", "currency", "text"), ("Net", "net", "money"), ("Tax", "tax", "money"), ("Total", "total", "money"),
)  # fmt: skip
_TOTALS = (
    ("Currency", "currency", "text"), ("Kind", "kind", "word"), ("Line", "label", "text"), ("Net", "net", "money"), ("Tax", "tax", "money"),
    ("Total", "total", "money"), ("Documents", "documents", "count"),
)  # fmt: skip
_CELLS = (
    ("Currency", "currency", "text"), ("Kind", "kind", "word"), ("Country", "country", "text"), ("Rate", "rate", "rate"), ("Line", "label", "text"),
    ("Net", "net", "money"), ("Tax", "tax", "money"), ("Total", "total", "money"),
)  # fmt: skip
_COMPANY = (
    ("Documents in", "currency", "text"), ("Kind", "kind", "word"), ("Line", "label", "text"), ("Total", "total", "money"),
    ("Currency", "company_currency", "text"),
)  # fmt: skip
_UNEXPLAINED = (
    ("Between", "between", "text"), ("Kind", "kind", "word"), ("Number", "number", "text"), ("Order", "order_number", "text"),
    ("Counterpart", "counterpart", "text"), ("Net", "net", "money"), ("Tax", "tax", "money"), ("Total", "total", "money"),
    ("Currency", "currency", "text"), ("Why", "why", "text"),
)  # fmt: skip
_ACCOUNTS = (
    ("Account", "code", "text"), ("Name", "name", "text"), ("Own journals", "own_journals", "money"), ("Other journals", "other_journals", "money"),
    ("Balance", "balance", "money"),
)  # fmt: skip
_TAXES = (
    ("Kind", "kind", "word"), ("Currency", "currency", "text"), ("Tax name", "tax_name", "text"), ("Rate", "rate", "rate"), ("Base", "net", "money"),
    ("Tax amount", "tax", "money"), ("Documents: net", "documents_net", "money"), ("Documents: tax", "documents_tax", "money"),
)  # fmt: skip
_CLEARING = (
    ("Account", "account", "text"), ("Name", "name", "text"), ("Currency", "currency", "text"), ("Opening", "opening", "money"),
    ("Captured", "captured", "money"), ("Refunded", "refunded", "money"), ("Booked by others", "others", "money"), ("Closing", "closing", "money"),
    ("Unexplained", "unexplained", "money"),
)  # fmt: skip
_OLD = (
    ("Account", "account", "text"), ("Currency", "currency", "text"), ("Date", "day", "text"), ("Number", "number", "text"),
    ("Reference", "reference", "text"), ("Amount", "amount", "money"), ("Open", "open", "money"),
)  # fmt: skip
Columns = Sequence[tuple[str, str, str]]
Row = Mapping[str, Any]
Place = tuple[str, str, str]  # currency, kind, line


def workbook(kept: store.Kept, documents: Iterable[Row]) -> bytes:
    """Return the workbook of a statement with the documents behind it, ordered by currency, kind and line (`store.documents_by_line`)."""
    return _Workbook(kept, documents).content()


class _Workbook:
    def __init__(self, kept: store.Kept, documents: Iterable[Row]) -> None:
        from xlsxwriter import Workbook

        self.kept, self.body = kept, kept.body
        self.documents = documents
        self.file = io.BytesIO()
        # In constant memory a row is on disk as soon as the next one begins: rows are written from top to bottom.
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self.book: Workbook = Workbook(self.file, options)
        self.book.set_properties(
            {"title": f"Statement {self.body['month']}, instance {self.body['instance']}", "created": kept.made_at}
        )
        self.names: set[str] = set()

    def content(self) -> bytes:
        sheets = {name: self.sheet(name) for name in ("Statement", "Totals")}
        first = self.write_documents()
        self.write_facts(sheets["Statement"])
        self.write_totals(sheets["Totals"], first)
        self.table("By country and rate", _CELLS, self.cells())
        self.table("In company currency", _COMPANY, self.company())
        for name, columns, rows in (
            ("Unexplained", _UNEXPLAINED, self.body["unexplained"]), ("Accounts", _ACCOUNTS, self.body["accounts"]),
            ("Taxes", _TAXES, self.body["taxes"]), ("Clearing accounts", _CLEARING, self.body["clearing"]),
            ("Open over 14 days", _OLD, [{**account, **item} for account in self.body["clearing"] for item in account["old"]]),
        ):  # fmt: skip
            self.table(name, columns, rows)
        for schedule, title in wording.SCHEDULES.items():
            self.table(
                title,
                wording.COLUMNS[schedule],
                self.body["annexes"].get(schedule, ()),
                note=wording.NOTES.get(schedule, ""),
            )
        self.book.close()
        return self.file.getvalue()

    # Sheets

    def sheet(self, title: str) -> Worksheet:
        """Add a sheet; its name is the title without what Excel refuses, cut to its length and unique."""
        plain = _NEVER_IN_A_NAME.sub(" ", title.split(":")[0]).strip()
        name, number = plain[:_LONGEST_NAME].strip(), 1
        while name.lower() in self.names:
            number += 1
            name = f"{plain[: _LONGEST_NAME - 4].strip()} {number}"
        self.names.add(name.lower())
        return self.book.add_worksheet(name)

    def table(self, title: str, columns: Columns, rows: Iterable[Row], note: str = "") -> None:
        """Add a sheet with a heading and one line per row, when there is any."""
        listed = list(rows)
        if not listed:
            return
        sheet = self.sheet(title)
        start = 0
        if note or title != sheet.get_name():
            sheet.write_string(0, 0, f"{title}. {note}" if note else title)
            start = 2
        self.head(sheet, columns, start)
        for number, row in enumerate(listed, start + 1):
            self.row(sheet, number, columns, row)
        sheet.autofilter(start, 0, start + len(listed), len(columns) - 1)

    def head(self, sheet: Worksheet, columns: Columns, at: int) -> None:
        for column, (heading, _, kind) in enumerate(columns):
            sheet.set_column(column, column, 16 if kind in ("money", "quantity", "count", "rate") else 24)
            sheet.write_string(at, column, heading, self.formats["head"])
        sheet.freeze_panes(at + 1, 0)

    def row(self, sheet: Worksheet, at: int, columns: Columns, row: Row) -> None:
        for column, (_, key, kind) in enumerate(columns):
            self.cell(sheet, at, column, row.get(key), kind)

    def cell(self, sheet: Worksheet, row: int, column: int, value: Any, kind: str) -> None:
        """Write a value by its kind; None and "" leave the cell empty."""
        if value is None or value == "":
            return
        if kind in ("money", "quantity"):
            sheet.write_number(row, column, float(from_units(value)), self.formats[kind])
        elif kind == "rate" and value != AS_CHARGED:
            sheet.write_number(row, column, float(Decimal(value)), self.formats["quantity"])
        elif isinstance(value, int) and not isinstance(value, bool):
            sheet.write_number(row, column, value)
        elif isinstance(value, date) or _DAY.fullmatch(f"{value}"):
            sheet.write_datetime(row, column, date.fromisoformat(f"{value}"), self.formats["day"])
        else:
            sheet.write_string(row, column, escaped(wording.value(value, kind))[:_LONGEST_TEXT])

    @cached_property
    def formats(self) -> dict[str, Format]:
        made = {
            "head": {"bold": True, "bottom": 1},
            "bold": {"bold": True},
            "link": {"font_color": "#0b57d0", "underline": 1},
        }
        numbers = {"money": "#,##0.00##", "quantity": "0.####", "day": "yyyy-mm-dd"}
        return {
            **{name: self.book.add_format(of) for name, of in made.items()},
            **{name: self.book.add_format({"num_format": pattern}) for name, pattern in numbers.items()},
        }

    # Content

    def write_documents(self) -> dict[Place, tuple[str, int, int]]:
        """Write every document; return, by currency, kind and line, the sheet and row of the first, and how many there are."""
        found: dict[Place, tuple[str, int, int]] = {}
        sheet, number = None, 0
        for row in self.documents:
            if sheet is None or number == MOST_ROWS:
                sheet, number = self.sheet("Documents"), 0
                self.head(sheet, _DOCUMENTS, 0)
                sheet.autofilter(0, 0, MOST_ROWS, len(_DOCUMENTS) - 1)
            number += 1
            self.row(sheet, number, _DOCUMENTS, row)
            place = (row["currency"], row["kind"], row["line"])
            name, first, count = found.get(place, (sheet.get_name(), number, 0))
            found[place] = (name, first, count + 1)
        return found

    def write_facts(self, sheet: Worksheet) -> None:
        kept, body = self.kept, self.body
        facts = {
            "Instance": f"{body['title']} ({body['instance']})" if body["title"] else body["instance"], "Month": body["month"],
            "Days": f"local days in {body['zone']}", "Company": body["company"], "Company currency": body["company_currency"],
            "Journals": ", ".join(body["journals"]), "Cut-over": body["books_from"] or "not set", "Verdict": summary.verdict(body),
            "In words": summary.sentence(body), "Made": f"{kept.made_at.isoformat(timespec='seconds')}", "SHA-256": kept.hash, "Version": kept.version,
            "Prepared by": kept.prepared_by if kept.prepared else "not prepared", "Signed by": kept.signed_by or "not signed",
            "Signed at": kept.signed_at.isoformat(timespec="seconds") if kept.signed_at else "", "Note": kept.note or "",
        }  # fmt: skip
        sheet.set_column(0, 0, 20)
        sheet.set_column(1, 1, 100)
        for number, (name, value) in enumerate(facts.items()):
            sheet.write_string(number, 0, name, self.formats["bold"])
            self.cell(sheet, number, 1, value, "text")

    def write_totals(self, sheet: Worksheet, first: Mapping[Place, tuple[str, int, int]]) -> None:
        """Write the totals; the line of a step opens the first of its documents, and its number of documents stands beside it."""
        self.head(sheet, _TOTALS, 0)
        number = 0
        for row in self.body["rows"]:
            for line in wording.lines(row):
                number += 1
                place = (row["currency"], row["kind"], line.key)
                name, at, count = first.get(place, ("", 0, 0))
                count = row["counts"].get(line.key, count)
                self.row(
                    sheet,
                    number,
                    _TOTALS,
                    {**csv_export.amounts(line), "currency": row["currency"], "kind": row["kind"], "documents": count},
                )
                if name:
                    sheet.write_url(
                        number, 2, f"internal:'{name}'!A{at + 1}", self.formats["link"], escaped(line.label)
                    )
                else:
                    sheet.write_string(number, 2, escaped(line.label), self.formats["bold"] if line.strong else None)

    def cells(self) -> Iterator[Row]:
        for row in self.body["rows"]:
            for cell in row["cells"]:
                for line in wording.cell_lines(cell):
                    yield {
                        **cell,
                        "currency": row["currency"],
                        "kind": row["kind"],
                        "label": line.label,
                        **csv_export.amounts(line),
                    }

    def company(self) -> Iterator[Row]:
        for row in self.body["rows"]:
            for name, label in wording.COMPANY_LINES.items():
                yield {
                    **row,
                    "label": label,
                    "total": row["company"][name],
                    "company_currency": self.body["company_currency"],
                }
