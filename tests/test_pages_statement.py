"""The pages of the monthly statement: read, downloaded, signed by name, and not by a viewer."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import openpyxl
import pages_double
import pytest
from pages_double import Person
from pages_sales import keep_statement, staged_sales
from sqlalchemy import Engine, text

from magodoo.money import parse_json
from magodoo.statement import store, workbook

NOTED = {"for_the_others": "known"}


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
        "Prepared by the user",
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


def test_every_figure_of_a_statement_opens_its_documents(october: Engine, person: Person) -> None:
    page = person.browser.get("/statement/us/2026-10").text
    links = [
        html.unescape(found)
        for found in re.findall(r'<a href="/magento(/statement/us/2026-10/documents\?[^"]*)"', page)
    ]
    assert len(links) > 6
    for link in links:
        shown = person.browser.get(link)
        assert shown.status_code == 200
        assert "Magento invoice" in shown.text or "Odoo invoice" in shown.text or "credit memo" in shown.text.lower()
    assert (
        "No document stands behind"
        in person.browser.get("/statement/us/2026-10/documents?currency=USD&kind=invoice&line=x").text
    )
    anchors = set(re.findall(r'<a href="#([a-z_]+)"', page))
    assert all(f'<h2 id="{one}"' in page for one in anchors)


def test_the_workbook_is_downloaded(october: Engine, person: Person) -> None:
    file = person.browser.get("/statement/us/2026-10/statement.xlsx")
    assert file.headers["content-type"] == workbook.TYPE
    assert "Documents" in openpyxl.load_workbook(io.BytesIO(file.content)).sheetnames


def test_a_statement_is_signed_by_name_once_and_only_as_it_was_seen(october: Engine, person: Person) -> None:
    statement, seen = person.one("select id, hash from statement")
    sent = {"statement": statement, "seen": seen}
    assert person.send("/statement/us/2026-10/sign", **sent, note="as agreed").status_code == 409, "nobody prepared it"
    prepared_by_another(october)
    assert person.send("/statement/us/2026-10/sign", **sent).status_code == 409, "unexplained: a note is needed"
    assert person.send("/statement/us/2026-10/sign", **{**sent, "seen": "another"}, note="as agreed").status_code == 409
    assert person.browser.post("/statement/us/2026-10/sign", data={**sent, "note": "as agreed"}).status_code == 403, (
        "no token"
    )
    assert person.send("/statement/us/2026-10/sign", **sent, note="as agreed", **NOTED).status_code == 303
    assert tuple(person.one("select signed_by, note from statement")) == ("the user", "as agreed")
    page = person.browser.get("/statement/us/2026-10").text
    assert "Signed by" in page
    assert "/sign" not in page
    assert person.send("/statement/us/2026-10/sign", **sent, note="as agreed").status_code == 409


def test_a_change_after_sign_off_is_shown_on_every_visit(october: Engine, person: Person) -> None:
    statement, seen = person.one("select id, hash from statement")
    path = "/statement/us/2026-10"
    prepared_by_another(october)
    assert person.send(f"{path}/sign", statement=statement, seen=seen, note="as agreed", **NOTED).status_code == 303
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


def prepared_by_another(engine: Engine) -> None:
    with engine.begin() as connection:
        statement, seen = connection.execute(text("select id, hash from statement where signed_at is null")).one()
        store.prepare(connection, statement, seen, "another", datetime.now(UTC))


def test_who_prepared_a_statement_does_not_sign_it(october: Engine, person: Person) -> None:
    statement, seen = person.one("select id, hash from statement")
    path = "/statement/us/2026-10"
    page = person.browser.get(path).text
    assert "Prepared by the user" in page and "Nobody has prepared it yet" in page and "Sign as" not in page
    assert person.send(f"{path}/prepare", statement=statement, seen="another").status_code == 409
    assert person.send(f"{path}/prepare", statement=statement, seen=seen).status_code == 303
    page = person.browser.get(path).text
    assert "prepared by the user" in page and "You prepared it" in page and "Sign as" not in page
    refused = person.send(f"{path}/sign", statement=statement, seen=seen, note="as agreed")
    assert (refused.status_code, "another person" in refused.text) == (409, True)
    assert "prepared by the user" in person.browser.get("/statement").text


def test_one_person_prepares_and_signs_where_the_settings_say_so(fresh: Engine, person: Person) -> None:
    with fresh.begin() as connection:
        keep_statement(connection, datetime(2026, 11, 2, tzinfo=UTC), separate_duties=False)
    statement, seen = person.one("select id, hash from statement")
    path = "/statement/us/2026-10"
    assert "one person may prepare and sign" in person.browser.get(path).text
    assert person.send(f"{path}/sign", statement=statement, seen=seen, note="as agreed", **NOTED).status_code == 303


def test_each_open_critical_finding_and_unreadable_record_needs_a_note(fresh: Engine, person: Person) -> None:
    unreadable = {"side": "odoo", "kind": "invoice", "source_id": "77", "day": "2026-10-09"}
    with fresh.begin() as connection:
        connection.execute(text("update finding set severity = 'critical' where type = 'total_mismatch'"))
        keep_statement(connection, datetime(2026, 11, 2, tzinfo=UTC), unreadable=[unreadable])
    prepared_by_another(fresh)
    statement, seen, body = person.one("select id, hash, body from statement")
    keys = list(store.to_note(parse_json(body)))
    assert keys[-1] == "unreadable odoo invoice 77" and len(keys) > 1
    path, sent = "/statement/us/2026-10", {"statement": statement, "seen": seen, "note": "as agreed"}
    page = person.browser.get(path).text
    assert all(f'name="about" value="{key}"' in page for key in keys)
    for left in keys:
        said = ["" if key == left else "known" for key in keys]
        refused = person.send(f"{path}/sign", **sent, about=keys, said=said)
        assert (refused.status_code, "in spite of" in refused.text) == (409, True)
    first = {"about": keys[:1], "said": ["a wrong price, corrected in November"]}
    assert person.send(f"{path}/sign", **sent, **first, **{"for_the_others": "known"}).status_code == 303
    page = person.browser.get(path).text
    assert "a wrong price, corrected in November" in page and "known" in page
    (notes,) = person.one("select notes from statement")
    assert notes == {key: "known" for key in keys} | {keys[0]: "a wrong price, corrected in November"}
    assert person.browser.get(f"{path}/statement.pdf").content[:5] == b"%PDF-"


def test_a_signed_month_is_revised_and_filed(october: Engine, person: Person) -> None:
    path = "/statement/us/2026-10"
    prepared_by_another(october)
    statement, seen = person.one("select id, hash from statement")
    assert person.send(f"{path}/sign", statement=statement, seen=seen, note="as agreed", **NOTED).status_code == 303
    assert "Revise" not in person.browser.get(path).text
    with october.begin() as connection:
        changed = text(
            "update document set grand_total = grand_total + 10000 where (side, kind, source_id) in (select side, kind, source_id from statement_document limit 1)"
        )
        connection.execute(changed)
        keep_statement(connection, datetime(2026, 12, 2, tzinfo=UTC))
    prepared_by_another(october)
    page = person.browser.get(path).text
    assert "becomes version 2" in page and "changes after sign-off" in page
    again, now = person.one("select id, hash from statement where signed_at is null")
    refused = person.send(f"{path}/sign", statement=again, seen=now)
    assert (refused.status_code, "version 2" in refused.text) == (409, True)
    assert person.send(f"{path}/sign", statement=again, seen=now, note="a late price", **NOTED).status_code == 303
    page = person.browser.get(path).text
    assert "What version 2 changed" in page and f'{path}?version=1">1</a>' in page
    old = person.browser.get(f"{path}?version=1").text
    assert "revised since" in old and "What version" not in old
    assert person.browser.get(f"{path}?version=3").status_code == 404
    assert person.browser.get(f"{path}/statement.pdf?version=1").status_code == 200
    assert "revised by the user" in person.browser.get("/statement").text
    assert person.send(f"{path}/file", statement=again, reference=" ").status_code == 409
    assert person.send(f"{path}/file", statement=again, reference="VAT return, receipt 4711").status_code == 303
    assert "receipt 4711" in person.browser.get(path).text
    assert "filed" in person.browser.get("/statement").text


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
