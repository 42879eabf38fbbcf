"""The pages of the monthly statement: read, downloaded, signed by name, and not by a viewer."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import pages_double
import pytest
from pages_double import Person
from pages_sales import keep_statement, staged_sales
from sqlalchemy import Engine, text


@pytest.fixture
def fresh(staging_url: str) -> Iterator[Engine]:
    """Staged sales of one test's own."""
    with staged_sales(staging_url) as engine:
        yield engine


@pytest.fixture
def person(fresh: Engine, staging_url: str, tmp_path: Path) -> Iterator[Person]:
    with pages_double.client(tmp_path, staging_url, "user") as browser:
        yield Person(browser, fresh)


@pytest.fixture
def october(fresh: Engine) -> Engine:
    """The statement of October, whose ledger was empty."""
    with fresh.begin() as connection:
        keep_statement(connection, datetime(2026, 11, 2, tzinfo=UTC))
    return fresh


def test_a_statement_is_read_as_page_pdf_and_csv(october: Engine, person: Person) -> None:
    page = person.browser.get("/statement/us/2026-10")
    assert page.status_code == 200
    for words in (
        "Invoices in USD",
        "Magento&#39;s total",
        "Open finding: Totals differ",
        "Excluded by the settings",
        "Sign as the user",
    ):
        assert words in page.text
    assert '<a href="/magento/statement/us/2026-10">2026-10</a>' in person.browser.get("/statement").text
    pdf = person.browser.get("/statement/us/2026-10/statement.pdf")
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    rows = list(
        csv.DictReader(
            io.StringIO(person.browser.get("/statement/us/2026-10/statement.csv").content.decode("utf-8-sig"))
        )
    )
    assert {"statement", "by country and tax rate", "in company currency"} <= {row["part"] for row in rows}
    listed = list(
        csv.DictReader(
            io.StringIO(person.browser.get("/statement/us/2026-10/documents.csv").content.decode("utf-8-sig"))
        )
    )
    assert {row["line"] for row in listed} >= {"Agrees", "Open finding: Totals differ", "Rounding"} or len(listed) > 50
    assert person.browser.get("/statement/us/2026-09").status_code == 404
    assert person.browser.get("/statement/us/2026-13").status_code == 404


def test_a_statement_is_signed_by_name_once_and_only_as_it_was_seen(october: Engine, person: Person) -> None:
    statement, seen = person.one("select id, hash from statement")
    sent = {"statement": statement, "seen": seen}
    assert person.send("/statement/us/2026-10/sign", **sent).status_code == 409, "unexplained: a note is needed"
    assert person.send("/statement/us/2026-10/sign", **{**sent, "seen": "another"}, note="as agreed").status_code == 409
    assert person.browser.post("/statement/us/2026-10/sign", data={**sent, "note": "as agreed"}).status_code == 403, (
        "no token"
    )
    assert person.send("/statement/us/2026-10/sign", **sent, note="as agreed").status_code == 303
    assert tuple(person.one("select signed_by, note from statement")) == ("the user", "as agreed")
    page = person.browser.get("/statement/us/2026-10").text
    assert "Signed by" in page
    assert "/sign" not in page
    assert person.send("/statement/us/2026-10/sign", **sent, note="as agreed").status_code == 409


def test_a_change_after_sign_off_is_shown_on_every_visit(october: Engine, person: Person) -> None:
    statement, seen = person.one("select id, hash from statement")
    path = "/statement/us/2026-10"
    assert person.send(f"{path}/sign", statement=statement, seen=seen, note="as agreed").status_code == 303
    assert "Changes after sign-off" not in person.browser.get(path).text
    document = person.one(
        "select number, source_id from statement_document where side = 'odoo' and kind = 'invoice' order by number limit 1"
    )
    with october.begin() as connection:
        connection.execute(
            text("update document set grand_total = grand_total + 10000 where side = 'odoo' and kind = 'invoice' and source_id = :id"),
            {"id": document.source_id},
        )  # fmt: skip
    page = person.browser.get(path).text
    assert "Changes after sign-off" in page
    assert f"Odoo invoice {document.number}</a>" in page
    assert "changed since the last look" in page
    assert "The lines are made again by the next run" in page


def test_a_viewer_reads_a_statement_and_cannot_sign_it(october: Engine, staging_url: str, tmp_path: Path) -> None:
    with october.connect() as connection:
        statement, seen = connection.execute(text("select id, hash from statement")).one()
    with pages_double.client(tmp_path, staging_url, "viewer") as browser:
        from magodoo_airflow.pages.access import form_token

        page = browser.get("/statement/us/2026-10")
        assert (page.status_code, "Sign as" in page.text) == (200, False)
        token = form_token(mock.Mock(headers={}, cookies={}), mock.Mock(get_id=lambda: "the viewer"))
        answer = browser.post(
            "/statement/us/2026-10/sign", data={"statement": statement, "seen": seen, "note": "let me", "token": token}
        )
        assert answer.status_code == 403
    with october.connect() as connection:
        assert connection.execute(text("select signed_by from statement")).scalar() is None
