"""Render values, pages and CSV files. Templates escape every value, since text from Magento is untrusted."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from fastapi.templating import Jinja2Templates
from sqlalchemy import RowMapping

from magodoo.characters import escaped, with_escapes
from magodoo.domain import labels
from magodoo.domain.vocabulary import Side
from magodoo.money import dump_json, plain
from magodoo.money import shown as in_currency
from magodoo.notifications.csv_export import neutral
from magodoo.timestamps import utc_now
from magodoo_airflow.pages.access import Reader, form_token
from magodoo_airflow.pages.lists import Column, Listing
from magodoo_airflow.pages.sales_lists import SALES_LISTS
from magodoo_airflow.pages.work_lists import WORK_LISTS

LISTS = {listing.name: listing for listing in (*SALES_LISTS, *WORK_LISTS)}
TABS = (
    ("", "Overview"),
    *((listing.path, listing.title) for listing in LISTS.values()),
    ("/statement", "Statement"),
    ("/preflight", "Preflight"),
)

# In a CSV file only these are labels; other values are as stored, so that a filter on them works in every version.
_IN_CSV = {**labels.DOCUMENT_STATES, **labels.OWNERS}
# The colours of values; the label itself is always shown too.
_GOOD = {
    "matched",
    "done",
    "released",
    "approved",
    "paid",
    "success",
    "refunded",
    "well",
    "posted",
    "ok",
    "complete",
    "info",
    "sale",
}
_BAD = {
    "missing in Odoo", "missing in Magento", "critical", "failed", "refused", "rejected", "held", "uncertain", "error", "not in Odoo",
    "not in Magento",
}  # fmt: skip
_WARN = {"differs", "warning", "waiting", "planned", "leased", "not_paid", "partial", "draft", "running", "holded"}

templates = Jinja2Templates(directory=Path(__file__).parent / "templates")
templates.env.finalize = with_escapes  # of every value that a template shows


def page(request: Request, reader: Reader, name: str, *, status: int = 200, **content: Any) -> Response:
    """Return a page for this reader. The templates get `root`, the path where the pages are mounted."""
    root = str(request.scope.get("root_path", ""))
    content |= {
        "root": root, "airflow": root.removesuffix("/magento"), "path": request.scope["path"].removeprefix(root),
        "query": request.query_params.multi_items(), "nonce": request.state.nonce, "token": form_token(request, reader.user), "reader": reader,
        "tabs": TABS, "instance": content.get("instance", request.query_params.get("instance", "")),
    }  # fmt: skip
    return templates.TemplateResponse(request, name, content, status_code=status)


def problem(request: Request, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the message as a page for a browser, as JSON for a script."""
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": message}, status, headers)
    content = {
        "root": request.scope.get("root_path", ""), "status": HTTPStatus(status).phrase, "message": message, "nonce": request.state.nonce,
    }  # fmt: skip
    return templates.TemplateResponse(request, "problem.html", content, status, headers)


def spreadsheet(rows: Iterable[RowMapping], listing: Listing) -> Iterator[bytes]:
    """Yield the rows as a CSV with every column, in parts; no cell is a formula. Amounts are decimals, their currency beside them."""
    beside = listing.has_currency and not any(column.key == "currency" for column in listing.columns)
    out = io.StringIO()
    writer = csv.writer(out)
    out.write("\ufeff")  # byte order mark: spreadsheets then read UTF-8
    writer.writerow([*(column.label for column in listing.columns), *(["Currency"] if beside else [])])
    for row in rows:
        currency = str(row["currency_of_row"] or "")
        cells = [neutral(_cell(row[column.key], column, currency)) for column in listing.columns]
        writer.writerow([*cells, *([row["currency_of_row"]] if beside else [])])
        if out.tell() > 64_000:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def _cell(value: Any, column: Column, currency: str) -> object:
    if value is None:
        return ""
    if column.type in ("money", "quantity"):
        return plain(int(value), 0) if column.type == "quantity" else in_currency(int(value), currency)
    if column.type == "counts":
        return counts(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return _IN_CSV.get(str(value), str(value)) if column.type == "state" else value


def shown(value: Any, type_: str = "text", currency: str = "") -> str:
    """Return a cell as text: amounts with thousands separators and their currency, times in UTC."""
    if value is None or value == "":
        return ""
    if type_ == "money":
        return f"{money(value, currency)} {currency}".strip()
    if type_ == "quantity":
        return plain(int(value), 0)
    if type_ == "moment" and isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if type_ == "state":
        return labels.label(value)
    return counts(value) if type_ == "counts" else str(value)


def counts(value: Mapping[str, Any]) -> str:
    """Return the counts of a run as text without zeros: `orders 208, invoice: read 167, changed 167`."""
    shown_counts = []
    for name, number in value.items():
        inner = counts(number) if isinstance(number, Mapping) else ""
        if inner or (not isinstance(number, Mapping | list) and number):
            shown_counts.append(f"{labels.label(name)}: {inner}" if inner else f"{labels.label(name)} {number}")
    return ", ".join(shown_counts)


def money(units: Any, currency: str = "") -> str:
    """Return units of 1/10000 as `1,234.50` with the currency's decimals and a true minus sign."""
    if units is None:
        return ""
    whole, point, fraction = in_currency(abs(int(units)), currency).partition(".")
    return f"{'−' if int(units) < 0 else ''}{int(whole):,}{point}{fraction}"


def stated(row: Mapping[str, Any]) -> str:
    """Return a document's state as its own system names it; Magento numbers those of invoices and credit memos."""
    numbered = labels.MAGENTO_STATES_ON_PAGES.get(row["kind"], {}) if row["side"] == Side.MAGENTO else {}
    return numbered.get(row["state"]) or labels.label(row["state"])


def colour(value: Any) -> str:
    """Return the style class of a persisted value: good, bad, warn or plain."""
    known = str(value)
    return "good" if known in _GOOD else "bad" if known in _BAD else "warn" if known in _WARN else "plain"


def address(path: str, query: Iterable[tuple[str, str]], **changed: Any) -> str:
    """Return the path with the query, some parameters changed; empty ones are left out."""
    kept = [(key, value) for key, value in query if key not in changed and value]
    kept += [(key, str(value)) for key, value in changed.items() if value]
    return f"{path}?{urlencode(kept)}" if kept else path


def ago(since: datetime | date | None, now: datetime | None = None) -> str:
    """Return the time since in its largest unit: `3 days`; "" without a time."""
    if not isinstance(since, datetime):
        return ""
    seconds = ((now or utc_now()) - since).total_seconds()
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {word}{'s' if number > 1 else ''}"
    return "a moment"


def percent(share: float) -> str:
    """Return a percentage, truncated to one decimal: `99.9 %`; less than the whole is never shown as 100."""
    cut = int(share * 10) / 10
    return f"{cut:.0f} %" if cut == int(cut) else f"{cut:.1f} %"


def pretty(value: Any) -> str:
    """Return a value as indented JSON, with escapes for characters that nobody sees; "" for None."""
    if value is None:
        return ""
    return escaped(json.dumps(json.loads(dump_json(value)), indent=2, ensure_ascii=False, sort_keys=True))


def record_address(row: Mapping[str, Any], side: str = "", source_id: Any = None) -> str:
    """Return the path of a document's page below the pages' root."""
    parts = (
        row["instance"],
        side or row["side"],
        row["kind"],
        source_id if source_id is not None else row["source_id"],
    )
    return "/document/" + "/".join(quote(str(part), safe="") for part in parts)


templates.env.filters |= {
    "shown": shown, "money": money, "label": labels.label, "colour": colour, "json": pretty, "ago": ago, "percent": percent,
    "moment": lambda value: shown(value, "moment"), "record": record_address,
    "stated": stated,
}  # fmt: skip
templates.env.globals |= {"address": address, "rules": labels.MATCHING_RULES}
