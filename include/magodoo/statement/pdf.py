"""The statement as PDF, to be signed, printed and filed.

Long schedules are cut at MOST_ROWS with a note, long texts at MOST_LINES with CUT: the CSV has every row and the whole text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from magodoo.characters import escaped
from magodoo.domain import labels
from magodoo.statement import store, summary, wording

if TYPE_CHECKING:
    from fpdf import FPDF

MOST_ROWS = 100
ONE_PERSON = "not separate: by the settings, one person may prepare and sign"
MOST_LINES = 12  # of a cell: a row that is higher than a page cannot be printed
CUT = " …"  # at the end of a text that goes on in the CSV
_MOST_CHARACTERS = 2000  # of a text, before its lines are measured
_SMALL, _LARGE = 7.5, 14
_LINE = 4.6
_PADDING = 0.6
_SIDE = 0.9  # mm on the left and right of a cell
_WIDEST_WORD = 45  # mm: a longer one may be broken
_ROW = 6  # height of a table row in mm
_WIDTHS = {
    "number": 5, "reason": 6, "payment_method": 5, "tax_name": 7, "rate": 2, "grids": 6, "country": 3, "currency": 3, "missing": 9, "span": 6,
    "kind": 5, "what": 5,
}  # fmt: skip
_TOGETHER = 24  # a table with at most this number of rows is kept on one page
_LINES = (205, 210, 216)
Cells = Sequence[Sequence[str]]


def pdf(kept: store.Kept, moved: Sequence[Mapping[str, Any]] = ()) -> bytes:
    """Return the statement as PDF; the same statement gives the same bytes. `moved`: what it changed of the version before."""
    body = kept.body
    document = new_document(body)
    _head(document, kept)
    _short(document, body)
    _moved(document, kept, moved)
    _notes(document, kept)
    _unexplained(document, body)
    for row in body["rows"]:
        _figures(document, row, body["company_currency"])
    for row in body["rows"]:
        _cells(document, row)
    _accounts(document, body)
    _clearing(document, body)
    for name in wording.SCHEDULES:
        add_schedule(document, name, body["annexes"].get(name, ()))
    document.set_creation_date(kept.made_at.astimezone(UTC))
    return bytes(document.output())


def new_document(body: Mapping[str, Any]) -> FPDF:
    """Return an empty document with its fonts, margins and footer."""
    from fpdf import FPDF
    from matplotlib import get_data_path

    class Document(FPDF):
        def footer(self) -> None:
            self.set_y(-12)
            self.set_font("DejaVu", size=_SMALL)
            self.cell(0, 6, f"{body['instance']} {body['month']}, page {self.page_no()} of {{nb}}", align="R")

    # The core fonts of PDF cover Latin-1 only; matplotlib ships DejaVu, which covers more.
    fonts = Path(get_data_path()) / "fonts" / "ttf"
    document = Document(format="A4")
    document.add_font("DejaVu", fname=fonts / "DejaVuSans.ttf")
    document.add_font("DejaVu", style="B", fname=fonts / "DejaVuSans-Bold.ttf")
    document.set_title(f"Statement {body['instance']} {body['month']}")
    document.set_creator("magodoo")
    document.set_margins(15, 14)
    document.c_margin = _SIDE  # text is aligned with the cells of tables
    document.set_auto_page_break(True, 16)
    document.add_page()
    return document


def _head(document: FPDF, kept: store.Kept) -> None:
    body = kept.body
    document.set_font("DejaVu", "B", _LARGE)
    document.multi_cell(0, 8, f"Monthly statement {body['month']}", new_x="LMARGIN", new_y="NEXT")
    facts = [
        ("Instance", f"{body['title']} ({body['instance']})" if body["title"] else body["instance"]),
        ("Month", f"{body['month']} in {body['zone']}" + ("" if body["over"] else ", not over when this was made")),
        (
            "Odoo",
            f"company {body['company']}, {body['company_currency']}, journals {', '.join(body['journals']) or 'none'}",
        ),
        ("Cut-over", body["books_from"] or "not set"),
        ("Made", _moment(kept.made_at)),
        ("SHA-256", kept.hash),
        ("Prepared", f"{kept.prepared_by}, {_moment(kept.prepared_at)}" if kept.prepared and kept.prepared_at else "not prepared"),
        ("Signed", f"{kept.signed_by}, {_moment(kept.signed_at)}" if kept.signed_at else "not signed"),
    ]  # fmt: skip
    facts += [("Version", f"{kept.version}")] if kept.version > 1 else []
    facts += [] if body.get("separate_duties", True) else [("Duties", ONE_PERSON)]
    facts += [("Note", kept.note)] if kept.note else []
    _table(document, facts, (1, 6))


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _moved(document: FPDF, kept: store.Kept, moved: Sequence[Mapping[str, Any]]) -> None:
    """Add what a revision changed of the version before."""
    if not moved:
        return
    add_heading(document, f"What version {kept.version} changed", len(moved))
    rows = [
        (f"{wording.title(row)}: {wording.label(row['line'])}", wording.amount(row["before"]), wording.amount(row["after"]))
        for row in moved
    ]  # fmt: skip
    _table(document, rows, (6, 2, 2), head=("Line", "Before", "Now"), numbers=(1, 2))


def _notes(document: FPDF, kept: store.Kept) -> None:
    """Add what the person who signed said of each open critical finding and unreadable record."""
    if not kept.notes:
        return
    add_heading(document, "Notes of the signature", len(kept.notes))
    rows = [(about, kept.notes[key]) for key, about in store.to_note(kept.body).items()]
    _table(document, _cut(rows), (4, 6), head=("About", "Note"))


def _short(document: FPDF, body: Mapping[str, Any]) -> None:
    """Add the summary: whether the month agrees, and one row of totals per currency and kind."""
    words = summary.verdict(body)
    add_heading(document, f"{words[0].upper()}{words[1:]}")
    document.set_font("DejaVu", size=_SMALL)
    document.multi_cell(0, _LINE, summary.sentence(body), align="L", new_x="LMARGIN", new_y="NEXT")
    rows = [(one.title, *map(wording.amount, one.amounts)) for one in summary.table(body)]
    if rows:
        document.ln(1)
        columns = len(summary.COLUMNS)
        _table(
            document,
            rows,
            (4, *[2] * columns),
            head=("Totals with tax", *summary.COLUMNS),
            numbers=range(1, columns + 1),
        )


def _unexplained(document: FPDF, body: Mapping[str, Any]) -> None:
    named = body["unexplained"]
    if named:
        add_heading(document, f"Unexplained: {len(named)}")
        head = ("Between", "Document", "Counterpart", "Total", "Why")
        rows = [
            (row["between"], f"{labels.in_sentence(row['kind'])} {row['number']}", row["counterpart"],
             f"{wording.amount(row['total'])} {row['currency']}", row["why"])
            for row in named
        ]  # fmt: skip
        _table(document, _cut(rows), (2, 3, 3, 2, 4), head=head)


def _figures(document: FPDF, row: Mapping[str, Any], company_currency: str) -> None:
    counted = f"{row['counts']['magento']} in Magento, {row['counts']['odoo']} in Odoo"
    rows = [(line.label, *_amounts(line)) for line in wording.lines(row)]
    strong = [place for place, line in enumerate(wording.lines(row)) if line.strong or line.bad]
    company = row["company"]
    for label, name in (
        ("Odoo's total", "odoo"),
        ("Not of this instance", "others"),
        ("Balance of the accounts", "ledger"),
        ("Unexplained", "unexplained"),
    ):
        rows.append((f"In {company_currency}: {label}", "", "", wording.amount(company[name])))
    add_heading(document, f"{wording.title(row)} ({counted})", len(rows))
    _table(document, rows, (6, 2, 2, 2), head=("Line", "Net", "Tax", "Total"), numbers=(1, 2, 3), strong=strong)


def _cells(document: FPDF, row: Mapping[str, Any]) -> None:
    rows: list[tuple[str, ...]] = []
    strong: list[int] = []
    for cell in row["cells"]:
        strong.append(len(rows))
        rows.append((_place(cell), "", "", ""))
        rows += [(line.label, *_amounts(line)) for line in wording.cell_lines(cell)]
    add_heading(document, f"{wording.title(row)} by country and tax rate", len(rows))
    _table(
        document, rows, (6, 2, 2, 2), head=("Country and rate", "Net", "Tax", "Total"), numbers=(1, 2, 3), strong=strong
    )


def _accounts(document: FPDF, body: Mapping[str, Any]) -> None:
    add_heading(
        document,
        f"Revenue and tax accounts in Odoo, {body['company_currency']}, credit positive",
        len(body["accounts"]),
    )
    rows = [
        (
            f"{row['code']} {row['name']}",
            *(wording.amount(row[name]) for name in ("own_journals", "other_journals", "balance")),
        )
        for row in body["accounts"]
    ]
    _table(
        document, rows, (6, 2, 2, 2), head=("Account", "Own journals", "Other journals", "Balance"), numbers=(1, 2, 3)
    )
    add_heading(document, "Taxes in Odoo's ledger, beside the lines of the documents", 1 + len(body["taxes"]))
    rows = [
        (
            f"{wording.title(row)} {row['tax_name']}".strip(),
            row["rate"],
            *(wording.amount(row[name]) for name in ("net", "tax", "documents_net", "documents_tax")),
        )
        for row in body["taxes"]
    ]
    head = ("Tax", "Rate", "Base", "Tax", "Documents: base", "Documents: tax")
    _table(document, rows, (5, 1, 2, 2, 2, 2), head=head, numbers=(1, 2, 3, 4, 5))


def _clearing(document: FPDF, body: Mapping[str, Any]) -> None:
    add_heading(document, "Clearing accounts of the providers", 1 + len(body["clearing"]))
    names = ("opening", "captured", "refunded", "others", "closing")
    rows = [
        (
            f"{row['account']} {row['name']} ({', '.join(row['providers'])}), {row['currency']}",
            *(wording.amount(row[name]) for name in names),
        )
        for row in body["clearing"]
    ]
    head = ("Account", "Opening", "Captured", "Refunded", "Booked by others", "Closing")
    _table(document, rows, (5, 2, 2, 2, 2, 2), head=head, numbers=(1, 2, 3, 4, 5))
    items = [
        (row["account"], item["number"], item["day"], item["reference"], f"{wording.amount(item['open'])} {row['currency']}")
        for row in body["clearing"] for item in row["old"]
    ]  # fmt: skip
    if items:
        add_heading(document, f"Open on them for more than 14 days: {len(items)}", len(items))
        _table(
            document, _cut(items), (2, 4, 2, 4, 3), head=("Account", "Entry", "Date", "Reference", "Open"), numbers=(4,)
        )


def add_schedule(document: FPDF, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add a schedule: its heading, its note, and a table of its first MOST_ROWS rows."""
    add_heading(
        document, f"{wording.SCHEDULES[name]}: {wording.counted(name, rows)}", len(rows), wording.NOTES.get(name, "")
    )
    if name in wording.NOTES:
        document.set_font("DejaVu", size=_SMALL)
        document.multi_cell(0, _LINE, wording.NOTES[name], align="L", new_x="LMARGIN", new_y="NEXT")
    if not rows:
        return
    columns = wording.COLUMNS[name]
    cells = [[wording.value(row[key], kind) for _, key, kind in columns] for row in rows]
    numbers = tuple(place for place, (_, _, kind) in enumerate(columns) if kind in ("money", "quantity"))
    widths = tuple(_WIDTHS.get(key, 4) for _, key, _ in columns)
    _table(document, _cut(cells), widths, head=[heading for heading, _, _ in columns], numbers=numbers)


def _cut(rows: Cells) -> Cells:
    """Return the first MOST_ROWS rows, with a last row that gives the number of the others."""
    if len(rows) <= MOST_ROWS:
        return rows
    return [*rows[:MOST_ROWS], [f"{len(rows) - MOST_ROWS} more: see the CSV", *[""] * (len(rows[0]) - 1)]]


def add_heading(document: FPDF, text: str, rows: int = 2, note: str = "") -> None:
    """Add a heading on the same page as its note and the `rows` of its table, or as the first of them when they are more than _TOGETHER."""
    document.set_font("DejaVu", size=_SMALL)
    of_note = _LINE * line_count(document, note, document.epw) if note else 0
    of_table = _ROW * (2 + rows if rows <= _TOGETHER else 4) if rows else 0
    if document.will_page_break(15 + of_note + of_table):
        document.add_page()
    document.ln(3)
    document.set_font("DejaVu", "B", 10)
    document.multi_cell(0, 6, fitting(document, text, document.epw), align="L", new_x="LMARGIN", new_y="NEXT")


def fitting(document: FPDF, text: str, width: float) -> str:
    """Return the text as one paragraph that has at most MOST_LINES lines of `width` mm in the present font; CUT stands where it was cut."""
    plain = " ".join(escaped(text).split())
    whole = plain if len(plain) <= _MOST_CHARACTERS else plain[:_MOST_CHARACTERS] + CUT
    # Two lines that follow each other hold together more than one line's width, so that most texts need no measuring.
    if (
        2 * document.get_string_width(whole) <= (MOST_LINES - 1) * width
        or line_count(document, whole, width) <= MOST_LINES
    ):
        return whole
    fits, too_long = 0, min(len(plain), _MOST_CHARACTERS)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if line_count(document, plain[:middle] + CUT, width) <= MOST_LINES:
            fits = middle
        else:
            too_long = middle
    return plain[:fits].rstrip() + CUT


def line_count(document: FPDF, text: str, width: float) -> int:
    """Return the number of lines of `width` mm that the text takes in the present font."""
    made = document.multi_cell(width, _LINE, text, align="L", dry_run=True, output="LINES")
    assert isinstance(made, list)
    return len(made)


def _table(
    document: FPDF,
    rows: Cells,
    widths: tuple[int, ...],
    *,
    head: Sequence[str] = (),
    numbers: Iterable[int] = (),
    strong: Iterable[int] = (),
) -> None:
    from fpdf.fonts import FontFace

    right, bold = set(numbers), set(strong)
    shares = column_widths(
        document, [(head, "B"), *((cells, "B" if place in bold else "") for place, cells in enumerate(rows))], widths
    )
    inner = [share - 2 * _SIDE for share in shares]

    def all_fitting(cells: Sequence[str], style: Literal["", "B"]) -> list[str]:
        document.set_font("DejaVu", style, _SMALL)
        return [fitting(document, cell, width) for cell, width in zip(cells, inner, strict=True)]

    heading = all_fitting(head, "B") if head else []
    content = [all_fitting(cells, "B" if place in bold else "") for place, cells in enumerate(rows)]
    document.set_font("DejaVu", size=_SMALL)
    document.set_draw_color(*_LINES)
    with document.table(
        col_widths=tuple(shares), line_height=_LINE, first_row_as_headings=bool(head), borders_layout="HORIZONTAL_LINES",
        text_align=tuple("RIGHT" if place in right else "LEFT" for place in range(len(widths))),
        headings_style=FontFace(emphasis="BOLD", fill_color=(236, 239, 243)), padding=(_PADDING, _SIDE),
    ) as table:  # fmt: skip
        if heading:
            table.row(heading)
        for place, cells in enumerate(content):
            table.row(cells, style=FontFace(emphasis="BOLD") if place in bold else None)


def column_widths(
    document: FPDF, rows: Sequence[tuple[Sequence[str], Literal["", "B"]]], widths: Sequence[int]
) -> list[float]:
    """Return the widths of the columns in mm: in these proportions, but none narrower than its longest word.

    What such a column needs is taken from those that have more than their words need.
    """
    least = [0.0] * len(widths)
    for cells, style in rows:
        document.set_font("DejaVu", style, _SMALL)
        for place, cell in enumerate(cells):
            words = escaped(cell[:_MOST_CHARACTERS]).split()
            longest = max((document.get_string_width(word[:_WIDEST_WORD]) for word in words), default=0.0)
            least[place] = max(least[place], min(longest, _WIDEST_WORD) + 2 * _SIDE + 0.1)
    shares = [document.epw * width / sum(widths) for width in widths]
    needed = sum(max(own - share, 0) for own, share in zip(least, shares, strict=True))
    spare = sum(max(share - own, 0) for own, share in zip(least, shares, strict=True))
    if needed > spare:
        return [document.epw * own / sum(least) for own in least]
    taken = needed / spare if spare else 0
    return [
        own if own > share else share - (share - own) * taken for own, share in zip(least, shares, strict=True)
    ]  # fmt: skip


def _amounts(line: wording.Line) -> tuple[str, str, str]:
    return wording.amount(line.net), wording.amount(line.tax), wording.amount(line.total)


def _place(cell: Mapping[str, Any]) -> str:
    return f"{cell['country'] or 'unknown country'}, {wording.rate(cell['rate'])}"
