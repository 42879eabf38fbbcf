"""One hostile alphabet from the shop to everything that people read: pages, CSV, PDF, emails, Data Docs, logs, what tasks return.

Strangers write names, addresses, SKUs and tracking numbers. The orders go through both HTTP servers, PostgreSQL and the whole chain; then
every output is read as its reader would, and searched.
"""

from __future__ import annotations

import csv
import html
import io
import json
import logging
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pages_double
import pytest
from shop_and_books import ShopAndBooks, shop_and_books
from sqlalchemy import text

from magodoo.notifications import alerts, email, outbox
from magodoo.pipeline import extract, load, quality, reconcile, sales_lists, statement
from magodoo.reconcile import repository
from magodoo.statement import csv_export, pdf, store
from magodoo.statement.periods import Month
from magodoo.timestamps import utc_now
from magodoo_sandbox.magento import Address, Line

MARK = "zqx"  # in every text of a stranger, to find what became of it
ALPHABET = {
    "html": f"<script>{MARK}()</script><img src={MARK} onerror={MARK}()>\"'><b>{MARK}</b>{{{{ 7 * 7 }}}}",
    "formula": f'=HYPERLINK("http://{MARK}.example","{MARK}")',
    "full-width formula": f"\u200b \uff1dcmd|{MARK}!A1",
    "separators": f"{MARK}\nBcc: a@b.example\r\n\x0b\x0c\x85\u2028\u2029{MARK}",
    "bidi": f"{MARK}\u202egpj.exe\u2066\u2069\u200f{MARK}",
    "no width": f"{MARK}\u200b\u200d\u2060\ufeff\xad\u3164\U000e0041{MARK}",
    "controls": f"{MARK}\x01\x07\x1b[31m\x7f\x9b{MARK}",
    "long": f"{MARK}{'W' * 10_000}",
}
UNSTORABLE = {"nul": f"{MARK}\0{MARK}", "half a character": f"{MARK}\ud800{MARK}"}
DRAWN = set(map(chr, (*range(0x600, 0x606), 0x6DD, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD)))


def hidden(shown: str) -> list[str]:
    """The characters of a text that nobody sees; line feeds and tabs lay out pages and emails."""
    return sorted(
        {
            hex(ord(each))
            for each in shown
            if each not in "\n\r\t"
            and each not in DRAWN
            and unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        }
    )


class Tags(HTMLParser):
    """Collects what a browser would run of a stranger's text."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        self.ran += [
            f"{tag} {name}" for name, value in attrs if name.startswith("on") or (name == "src" and value == MARK)
        ]
        self.ran += [tag for name, value in attrs if name == "href" and (value or "").lower().startswith("javascript:")]

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside in ("script", "b") and MARK in data:
            self.ran.append(f"{self.inside}: {data}")


def complaints_of_html(page: str) -> list[str]:
    tags = Tags()
    tags.feed(page)
    return tags.ran + hidden(html.unescape(page))


def complaints_of_csv(content: str) -> list[str]:
    found = []
    for row in csv.reader(io.StringIO(content.removeprefix("\ufeff"))):
        for cell in row:
            found += hidden(cell)
            first = unicodedata.normalize("NFKC", cell.strip())[:1]
            if (first and first in "=+@") or (first == "-" and not re.fullmatch(r"-[\d.]+", cell)):
                found.append(f"a formula: {cell[:60]}")
    return found


@dataclass
class Seen:
    """Everything that came out."""

    pair: ShopAndBooks
    docs: Path
    returned: list[Any]
    logged: list[str]
    mails: list[outbox.Mail]


@pytest.fixture(scope="module")
def seen(module_staging_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    docs = tmp_path_factory.mktemp("data_docs")
    with shop_and_books(module_staging_url, docs) as pair:
        sell(pair)
        logged: list[str] = []
        handler = Collecting(logged)
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            returned = [one_round(pair), one_round(pair)]
        finally:
            root.removeHandler(handler)
            root.setLevel(level)
        with pair.engine.begin() as connection:
            alerts.queue_findings(connection, pair.instance, "http://airflow.example", utc_now())
        with pair.engine.connect() as connection:
            mails = outbox.waiting(connection, "us")
        yield Seen(pair, docs, returned, logged, mails)


class Collecting(logging.Handler):
    """Keeps each record as a line of Airflow's log file is written: one JSON object."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.split(".")[0].startswith("magodoo") and not record.name.startswith("magodoo_sandbox"):
            self.lines.append(record.getMessage())


def sell(pair: ShopAndBooks) -> None:
    """Sell to strangers: each writes one of the texts wherever the shop takes one."""
    shop = pair.shop
    for number, written in enumerate((*ALPHABET.values(), *UNSTORABLE.values())):
        short = written[:200]
        sku = f"{short[:60]}-{number}"
        shop.add_product(sku, name=written, price=10, stock=100)
        person = Address(
            firstname=written, lastname=short, street=(written, short), city=short, company=written, telephone=short,
            vat_id=short[:30], email=f"stranger{number}@example.com",
        )  # fmt: skip
        known = pair.order({"SKU-001": 2}, billing=person, shipping_description=written)
        unknown = pair.order([Line(sku, 1), Line("SKU-002", 1)], billing=person)
        for order in (known, unknown):
            shop.invoice(order)
        track = {"track_number": f"1Z{number}{short[:100]}", "title": short, "carrier_code": "custom"}
        shop.ship(known, tracks=[track])
        shop.order(known)["items"][0]["name"] = written
        shop.order(unknown)["items"][1]["name"] = written


def one_round(pair: ShopAndBooks) -> dict[str, Any]:
    """One round of the chain as its tasks run it; returns what they return, which is what Airflow keeps as XCom and renders into fields."""
    counts = {side: extract.run(pair.context(), side) for side in ("magento", "odoo")}
    due = reconcile.due(pair.context())
    return {
        **counts, "due": due, "reconcile": reconcile.run(pair.context(), due), "sales_lists": sales_lists.due(pair.context()),
        "quality": quality.run(pair.context()), "load": load.run(pair.context()),
    }  # fmt: skip


def test_the_strangers_orders_went_all_the_way(seen: Seen) -> None:
    with seen.pair.engine.connect() as connection:
        quarantined = connection.execute(
            text("select count(distinct order_key) from quarantine where resolved_at is null")
        ).scalar_one()
        done = connection.execute(
            text("select count(*) from change where state = 'done' and kind = 'odoo_invoice'")
        ).scalar_one()
        found = connection.execute(
            text("select count(*) from finding where part like '%zqx%' or message like '%zqx%'")
        ).scalar_one()
    assert quarantined == 2 * len(UNSTORABLE)
    assert done >= len(ALPHABET) - 1
    assert found >= len(ALPHABET)
    assert seen.mails


def test_pages_and_their_csv_show_it_harmless(seen: Seen, module_staging_url: str, tmp_path: Path) -> None:
    complaints, marks, pages = {}, 0, set()
    with pages_double.client(tmp_path, module_staging_url) as browser:
        assert hasattr(browser, "get")
        waiting = ["/", "/findings", "/changes", "/quarantine", "/runs", "/preflight", "/data-docs/us",
                   *(f"/list/{name}" for name in ("orders", "invoices", "shipments", "credit_memos"))]  # fmt: skip
        while waiting:
            address = waiting.pop()
            if address in pages:
                continue
            pages.add(address)
            answer = browser.get(address)
            # A finding may name a document that could not be read: its page says so.
            assert answer.status_code in ((200, 404) if "/document/" in address else (200,)), address
            bad = complaints_of_csv(answer.text) if ".csv" in address else complaints_of_html(answer.text)
            complaints |= {address: bad} if bad else {}
            marks += answer.text.count(MARK)
            if ".csv" not in address:
                linked = {html.unescape(each) for each in re.findall(r'href="/magento(/[^"]*)"', answer.text)}
                wanted = r"/(document|finding|change|quarantine)/|.*\.csv(\?|$)"
                waiting += [each for each in linked if re.match(wanted, each) and "/data-docs/" not in each]
    assert complaints == {}
    assert marks > 100
    assert {"document", "finding", "change", "quarantine"} <= {page.split("/")[1] for page in pages}
    assert any(".csv" in page for page in pages)


def test_emails_show_it_harmless(seen: Seen) -> None:
    complaints, marks = {}, 0
    for mail in seen.mails:
        message = email.as_message(mail, "magodoo@example.com")
        assert message["Bcc"] is None
        assert hidden(str(message["Subject"])) == []
        for part in message.walk():
            if part.get_content_maintype() != "text":
                continue
            content = str(part.get_content())
            marks += content.count(MARK)
            check = {"html": complaints_of_html, "csv": complaints_of_csv}.get(part.get_content_subtype(), hidden)
            bad = check(content)
            complaints |= {f"{mail.subject} {part.get_content_type()}": bad} if bad else {}
    assert complaints == {}
    assert marks > 10


def test_the_statement_shows_it_harmless(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    from fpdf import FPDF

    month = Month.of(datetime.now(UTC), seen.pair.instance.zone)
    written = list(ALPHABET.values())
    with seen.pair.engine.begin() as connection:
        open_findings = connection.scalars(
            text("select id from finding where kind = 'invoice' and resolved_at is null order by id")
        ).all()
        for finding, reason in zip(open_findings, written, strict=False):
            repository.mute(connection, finding, "a clerk", reason, utc_now() + timedelta(days=3))
    made = statement.make(seen.pair.context(), month)
    drawn: list[str] = []
    draw = FPDF.normalize_text

    def drawing(self: FPDF, shown: str) -> str:
        drawn.append(shown)
        return str(draw(self, shown))

    monkeypatch.setattr(FPDF, "normalize_text", drawing)
    content = pdf.pdf(made)
    assert content.startswith(b"%PDF")
    assert sum(MARK in shown for shown in drawn) >= len(ALPHABET) - 1
    assert [shown for shown in drawn if hidden(shown)] == []
    with seen.pair.engine.connect() as connection:
        documents = "".join(csv_export.documents(store.documents(connection, made.id)))
    assert complaints_of_csv(documents) == []
    figures = "".join(csv_export.statement(made.body))
    assert figures.count(MARK) >= len(ALPHABET) - 1
    assert complaints_of_csv(figures) == []


def test_data_docs_logs_and_what_tasks_return_hold_none_of_it(seen: Seen) -> None:
    pages = [file for file in seen.docs.rglob("*") if file.suffix in (".html", ".json")]
    assert pages
    assert [file.name for file in pages if MARK in file.read_text(encoding="utf-8")] == []
    returned = json.dumps(seen.returned)
    assert len(returned) > 200
    assert MARK not in returned
    assert [line for line in seen.logged if hidden(line) or "\n" in line] == []
