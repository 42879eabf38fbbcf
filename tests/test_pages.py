"""The sales pages: what they show, how lists are filtered, sorted and paged, what a person may decide, and who may not."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pages_double
import pytest
from pages_double import Person
from pages_sales import FORMULA, HOSTILE, staged_sales
from sqlalchemy import Engine, text

from magodoo.notifications import outbox
from magodoo.staging import sales_lines
from magodoo.timestamps import utc_now

NAMES = ("orders", "invoices", "shipments", "credit_memos")
WORK = ("/findings", "/changes", "/quarantine", "/runs")
PAGES = (
    "/", *(f"/list/{name}" for name in NAMES), *WORK, "/statement", "/preflight", "/document/us/odoo/invoice/is5", "/document/us/magento/invoice/i7",
    "/finding/1", "/change/1", "/quarantine/1", "/data-docs/us",
)  # fmt: skip


@pytest.fixture(scope="module")
def sales(module_staging_url: str) -> Iterator[Engine]:
    """Staged sales that no test changes."""
    with staged_sales(module_staging_url) as engine:
        yield engine


@pytest.fixture(scope="module")
def reader(sales: Engine, module_staging_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A viewer's browser on them."""
    with pages_double.client(tmp_path_factory.mktemp("pages"), module_staging_url, "viewer") as browser:
        yield browser


@pytest.fixture
def fresh(staging_url: str) -> Iterator[Engine]:
    """Staged sales of one test's own."""
    with staged_sales(staging_url) as engine:
        yield engine


@pytest.fixture
def person(fresh: Engine, staging_url: str, tmp_path: Path) -> Iterator[Person]:
    with pages_double.client(tmp_path, staging_url, "user") as browser:
        yield Person(browser, fresh)


def _cells(page: str) -> list[list[str]]:
    """The rows of the first table body, as text."""
    body = page.split("<tbody>")[1].split("</tbody>")[0]
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    return [
        [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)]
        for row in rows
    ]


def _headers(page: str) -> list[str]:
    return [
        re.sub(r"<[^>]*>", "", head).strip()
        for head in re.findall(r"<th scope=\"col\".*?</th>", page.split("<tbody>")[0], re.DOTALL)
    ]


def test_every_page_answers(reader: Any) -> None:
    for page in PAGES:
        assert reader.get(page).status_code == 200, page


def test_lists_have_the_columns_that_the_connector_documents(reader: Any) -> None:
    assert _headers(reader.get("/list/invoices").text)[:6] == [
        "Number",
        "Bill-to Name",
        "Invoice Date",
        "Due Date",
        "Tax Excluded",
        "Status",
    ]
    shipments = [
        "Shipment",
        "Ship Date",
        "Order #",
        "Order Date",
        "Ship-to Name",
        "Customer Email",
        "Customer Phone",
        "Total Quantity",
    ]
    assert _headers(reader.get("/list/shipments").text) == [*shipments, "Match", "View"]
    memos = [
        "Credit Memo",
        "Created",
        "Order #",
        "Order Date/Time",
        "Bill-to Name",
        "Refund Status",
        "Currency",
        "Refunded",
    ]
    assert _headers(reader.get("/list/credit_memos").text) == [*memos, "Match", "View"]


def test_a_row_shows_odoos_number_and_labels(reader: Any) -> None:
    row = _cells(reader.get("/list/invoices?search=inv/2026/4 ").text)
    assert [
        "INV/2026/4",
        "Customer 4",
        "2026-10-02",
        "2026-11-01",
        "105.04 USD",
        "Not Paid",
        "000000004",
        "matched",
        "View",
    ] in row
    assert _cells(reader.get("/list/credit_memos?search=000000006").text)[0][5] == "Refunded"


def test_match_states_say_what_reconciling_found(reader: Any) -> None:
    def numbers(query: str) -> list[str]:
        return [row[0] for row in _cells(reader.get(f"/list/invoices?{query}").text)]

    assert numbers("match=differs") == ["INV/2026/5"]
    assert numbers("match=missing+in+Odoo") == ["1000000009", "1000000007"]
    assert numbers("match=excluded") == ["1000000008"]
    assert numbers("match=not+expected") == ["INV/2026/9"]


def test_a_rounding_is_no_difference(reader: Any) -> None:
    assert "INV/2026/6" in [row[0] for row in _cells(reader.get("/list/invoices?match=matched&search=000000006").text)]


def test_filters_narrow_and_keep_each_other(reader: Any) -> None:
    page = reader.get("/list/invoices?status=not_paid&since=2026-10-10&until=2026-10-12&sort=untaxed").text
    assert {row[5] for row in _cells(page)} == {"Not Paid"}
    assert all("2026-10-10" <= row[2] <= "2026-10-12" for row in _cells(page))
    again = re.search(r'<a class="button" href="([^"]*csv[^"]*)"', page)
    assert again
    assert all(
        part in again.group(1) for part in ("status=not_paid", "since=2026-10-10", "until=2026-10-12", "sort=untaxed")
    )


def test_search_finds_number_order_name_and_email_and_takes_nothing_as_a_pattern(reader: Any) -> None:
    for search in ("INV/2026/33", "000000033", "customer 33", "CUSTOMER33@EXAMPLE.COM"):
        assert [row[0] for row in _cells(reader.get("/list/invoices", params={"search": search}).text)] == [
            "INV/2026/33"
        ], search
    for search in ("%", "_", "\\", "'; drop table listed; --"):
        rows = _cells(reader.get("/list/invoices", params={"search": search}).text)
        assert len(rows) <= 1, search
    assert reader.get("/list/invoices", params={"search": "\0"}).status_code == 400


@pytest.mark.parametrize("path", [*(f"/list/{name}" for name in NAMES), *WORK])
def test_every_sort_walks_through_all_rows_once(reader: Any, path: str) -> None:
    from magodoo_airflow.pages import rows
    from magodoo_airflow.pages.rendering import LISTS

    listing = LISTS[path.rsplit("/", 1)[1]]
    everything = list(csv.reader(io.StringIO(reader.get(f"{path}.csv?tab=all").text)))[1:]
    with mock.patch.object(rows, "PAGE", 25):
        for n, column in enumerate(column for column in listing.columns if column.sortable):
            direction = ("asc", "desc")[n % 2]
            assert _walk(reader, f"{path}?sort={column.key}&direction={direction}&tab=all") == len(everything), (
                column.key
            )


def _walk(reader: Any, address: str) -> int:
    """How many rows all pages have together; a row that came twice fails."""
    seen: list[str] = []
    while address:
        page = reader.get(address).text
        found = re.findall(
            r'<tr[^>]*>(?:<td.*?)?<a href="/magento(/[^"]*)"', page.split("<tbody>")[1].split("</tbody>")[0], re.DOTALL
        )
        rows = _cells(page)
        seen += found or ["".join(row) for row in rows]
        following = re.search(r'<a href="([^"]*)" rel="next"', page)
        address = address.split("?")[0] + following.group(1).replace("&amp;", "&") if following else ""
    assert len(seen) == len(set(seen))
    return len(seen)


def test_sums_are_per_currency_and_cover_every_filtered_row(reader: Any, sales: Engine) -> None:
    foot = reader.get("/list/invoices?match=matched").text.split("<tfoot>")[1]
    with sales.connect() as connection:
        rows = connection.execute(
            text(
                "select currency, count(*), sum(untaxed) from listed where kind = 'invoice' and match = 'matched' group by 1"
            )
        ).all()
    assert {row[0] for row in rows} == {"EUR", "USD"}
    for currency, number, untaxed in rows:
        assert f"{number} in all, {currency}" in foot
        assert f"{int(untaxed) / 10000:,.2f} {currency}" in foot


def test_columns_for_accountants_are_switched_on_and_always_in_the_csv(reader: Any) -> None:
    assert "Journal" not in _headers(reader.get("/list/invoices").text)
    assert "Journal" in _headers(reader.get("/list/invoices?columns=journal&columns=difference").text)
    header, *rows = csv.reader(io.StringIO(reader.get("/list/invoices.csv?match=differs").text.lstrip("\ufeff")))
    row = dict(zip(header, rows[0], strict=True))
    assert len(rows) == 1
    assert (row["Difference"], row["Journal"], row["Currency"], row["Total"], row["Who acts"]) == (
        "1.00",
        "INV",
        "USD",
        "114.05",
        "accounting",
    )


def test_hostile_names_are_text_on_pages_and_in_csv(reader: Any) -> None:
    for page in ("/list/orders?search=000000002", "/document/us/magento/order/2"):
        shown = reader.get(page).text
        assert HOSTILE not in shown
        assert "&lt;script&gt;" in shown
    cells = list(csv.reader(io.StringIO(reader.get("/list/orders.csv?search=000000013").text)))[1]
    assert f"'{FORMULA}" in cells


def test_nothing_but_our_own_script_and_style_may_run(reader: Any) -> None:
    for page in PAGES:
        answer = reader.get(page)
        policy = answer.headers["content-security-policy"]
        nonce = re.search(r"script-src 'nonce-([^']+)'", policy)
        assert nonce
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        scripts = re.findall(r"<script[^>]*>", answer.text)
        assert scripts == [f'<script nonce="{nonce.group(1)}" src="/magento/static/page.js">']
        assert not re.search(r"<[^>]+\s(style|on\w+)=", answer.text), page


def test_a_malformed_url_gets_an_error_page(reader: Any) -> None:
    assert reader.get("/list/invoices?after=odoo|1|us|never").status_code == 400
    for address in (
        "?after=nonsense",
        "?since=someday",
        "?sort=nothing",
        "?tab=nothing",
        "?direction=sideways",
        "?instance=none",
    ):
        assert reader.get(f"/list/invoices{address}").status_code == 200, address
    for address in (
        "/list/nothing",
        "/document/us/magento/invoice/none",
        "/document/none/magento/invoice/i1",
        "/finding/999999",
        "/change/999999",
    ):
        assert reader.get(address).status_code == 404, address


def test_a_document_page_holds_both_sides_line_by_line(reader: Any) -> None:
    page = reader.get("/document/us/magento/invoice/i5").text
    parts = {row[0]: row[1:] for row in _cells(page)}
    assert parts["Total"] == ["113.05 USD", "114.05 USD", "1.00 USD"]
    assert parts["Tax"] == ["8.00 USD", "8.00 USD", ""]
    assert parts["State"][:2] == ["marked paid", "Posted"]
    assert "our external id" in page
    assert "total mismatch" in page
    assert "https://shop.example/admin/sales/invoice/view/invoice_id/i5/" in page
    assert "https://books.example/odoo/account.move/is5" in page
    assert "What Magento sent" in page
    assert page.count('class="differs"') == 2  # the total, and the line of the shipping


def test_the_overview_counts_what_agrees_and_what_waits(reader: Any) -> None:
    page = reader.get("/?instance=us").text
    assert "Demo &lt;shop&gt;" in page
    assert re.search(r"Orders that agree</h3><div class=\"big\">98.3 %", page)
    assert re.search(r"wait for approval</a><span class=\"number\">2<", page)
    assert re.search(r"held by the gate</a><span class=\"number\">1<", page)
    assert re.search(r"Oldest open finding</h3><div class=\"big\">9 days", page)
    assert page.count("<polyline") == 5


def test_the_overview_names_the_mails_that_were_given_up(person: Person, fresh: Engine) -> None:
    mail = outbox.Mail("t", ("gone@example.com",), "figures <b>", "<p>h</p>", "p", instance="us")
    assert "Mails not delivered" not in person.browser.get("/?instance=us").text
    with fresh.begin() as connection:
        outbox.queue(connection, mail, utc_now())
        mail = next(each for each in outbox.waiting(connection, "us") if each.subject == mail.subject)
        outbox.unknown(connection, mail, {"gone@example.com": "550 no such mailbox"}, utc_now())
    page = person.browser.get("/?instance=us").text
    assert 'Mails not delivered</h3><div class="big">1</div>' in page
    assert "to gone@example.com: figures &lt;b&gt; (550 no such mailbox)" in page


def test_an_incomplete_page_is_never_shown_as_complete() -> None:
    from magodoo_airflow.pages.rendering import percent

    assert percent(100.0) == "100 %"
    assert percent(99.99) == "99.9 %"


def test_runs_show_what_was_counted(reader: Any) -> None:
    rows = _cells(reader.get("/runs").text)
    assert [row[4] for row in rows] == ["invoice: read 7", "orders 60"]


def test_an_anonymous_browser_goes_to_the_login_and_a_script_gets_401(staging_url: str, tmp_path: Path) -> None:
    with pages_double.client(tmp_path, staging_url, "") as browser:
        answer = browser.get("/list/invoices?match=differs")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/api/v2/auth/login?next=%2Fmagento%2Flist%2Finvoices%3Fmatch%3Ddiffers"
        assert browser.get("/static/style.css").status_code == 200
        for page in (*PAGES, "/list/orders.csv", "/findings.csv", "/data-docs/us/run/index.html"):
            assert browser.get(page, headers={"accept": "*/*"}).status_code == 401, page
        for path in POSTS:
            assert browser.post(path).status_code == 401, path


POSTS = (
    "/finding/1/mute",
    "/finding/1/unmute",
    "/match",
    "/match/1/undo",
    "/changes/approve",
    "/change/1/approve",
    "/change/2/release",
)
FIELDS = {
    "reason": "because", "until": "2099-01-01", "instance": "us", "kind": "invoice", "magento_id": "i9", "odoo_id": "is9", "change": "1",
}  # fmt: skip


def test_a_viewer_may_read_and_not_write(fresh: Engine, staging_url: str, tmp_path: Path) -> None:
    with pages_double.client(tmp_path, staging_url, "viewer") as browser:
        from magodoo_airflow.pages.access import form_token

        token = form_token(mock.Mock(headers={}, cookies={}), mock.Mock(get_id=lambda: "the viewer"))
        for path in POSTS:
            if "undo" not in path:
                answer = browser.post(path, data={**FIELDS, "token": token})
                assert (answer.status_code, "needs the right to" in answer.text or "within" in answer.text) in (
                    (403, True),
                    (400, True),
                ), path
        assert 'name="token"' not in browser.get("/change/1").text
    with fresh.connect() as connection:
        assert connection.execute(text("select count(*) from change where approval = 'approved'")).scalar_one() == 0


def test_a_form_of_another_page_or_person_is_refused(person: Person) -> None:
    assert person.browser.post("/change/1/approve", data={}).status_code == 403
    assert person.browser.post("/change/1/approve", data={"token": "0" * 64}).status_code == 403
    foreign = person.browser.post(
        "/change/1/approve", data={"token": person.token}, headers={"sec-fetch-site": "cross-site"}
    )
    assert foreign.status_code == 403
    assert person.one("select approval from change where id = 1").approval == "waiting"


def test_a_form_of_another_login_is_refused(person: Person) -> None:
    def in_login(cookie: str) -> dict[str, str]:
        return {"cookie": f"_token={cookie}"}

    first, second = (
        pages_double.token_of(person.browser.get("/finding/1", headers=in_login(each)).text) for each in ("one", "two")
    )
    assert len({first, second, person.token}) == 3
    for token, login, status in ((first, "two", 403), (person.token, "two", 403), (first, "one", 303)):
        form = {"token": token, "until": (utc_now().date() + timedelta(days=3)).isoformat(), "reason": "known"}
        assert person.browser.post("/finding/1/mute", data=form, headers=in_login(login)).status_code == status, login


def test_an_instance_without_permission_is_hidden(reader: Any) -> None:
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    def only_eu(_: Any, *, details: Any, **__: Any) -> bool:
        return bool(details.id == "sales_load__eu")

    with mock.patch.object(SimpleAuthManager, "is_authorized_dag", only_eu):
        assert "INV/2026" not in reader.get("/list/invoices").text
        assert "INV/2026" not in reader.get("/list/invoices?instance=us").text
        assert len(reader.get("/list/invoices.csv").text.splitlines()) == 1
        for page in ("/document/us/odoo/invoice/is5", "/finding/1", "/change/1", "/quarantine/1", "/data-docs/us"):
            assert reader.get(page).status_code == 404, page


@pytest.mark.parametrize(
    "address",
    ["/list/orders?search=a%00b", "/list/orders?instance=%00", "/findings?type=%00", "/list/orders?after=%00", "/list/a%00b",
     "/document/us/magento/invoice/%00", "/document/us/magento/%00/1", "/data-docs/us/%00.html", "/data-docs/%00", "/statement/us/%00",
     "/changes.csv?kind=%00"],
)  # fmt: skip
def test_an_address_with_a_nul_is_answered_with_400(reader: Any, address: str) -> None:
    answer = reader.get(address, headers={"accept": "text/html"})
    assert answer.status_code == 400
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "address",
    [
        "/document/us/magento/invoice/",
        "/document/us/magento/",
        "/data-docs/us/",
        "/data-docs/",
        "/statement/us/",
        "/list/",
    ],
)
@pytest.mark.parametrize("name", ["n" * 256, "\u20ac" * 100, "n/" * 1500], ids=["long", "many bytes", "deep"])
def test_an_address_longer_than_any_name_is_answered_with_404(reader: Any, address: str, name: str) -> None:
    assert reader.get(f"{address}{name}").status_code == 404


def test_a_filter_of_any_length_is_no_fault(reader: Any) -> None:
    for name in ("search", "instance", "tab", "sort", "type", "order_number", "since"):
        assert reader.get(f"/findings?{name}={'n' * 5000}").status_code == 200


def test_a_form_with_a_nul_is_answered_with_400(person: Person) -> None:
    assert person.send("/change/1/approve", reason="a\0b").status_code == 400


def test_what_is_wrong_with_an_instance_is_shown_to_its_readers_only(
    sales: Engine, module_staging_url: str, tmp_path: Path
) -> None:
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    (tmp_path / "magodoo.yaml").write_text(pages_double.SETTINGS.format() + "smtp: {sendr: x}\n", encoding="utf-8")
    broken = (
        (tmp_path / "magodoo.yaml").read_text().replace("odoo_connection: odoo_us,", "odoo_connection: [secret_us],")
    )
    (tmp_path / "magodoo.yaml").write_text(broken)

    def only_eu(_: Any, *, details: Any, **__: Any) -> bool:
        return bool(details.id == "sales_load__eu")

    with pages_double.client(tmp_path, module_staging_url, "viewer") as browser:
        assert "instances.us.odoo_connection" in browser.get("/").text
        with mock.patch.object(SimpleAuthManager, "is_authorized_dag", only_eu):
            shown = browser.get("/").text
    assert "instances.us" not in shown and "secret_us" not in shown
    assert "smtp.sendr" in shown


def test_a_finding_is_muted_with_a_reason_and_an_end(person: Person) -> None:
    assert person.send("/finding/1/mute", until="2099-01-01", reason="known").status_code == 400
    until = person.one("select (current_date + 5)::text as day").day
    assert person.send("/finding/1/mute", until=until, reason=" ").status_code == 400
    assert person.send("/finding/1/mute", until=until, reason="agreed with the tax office").status_code == 303
    muted = person.one("select muted_by, muted_reason, muted_until::date::text as day from finding where id = 1")
    assert muted == ("the user", "agreed with the tax office", until)
    assert "agreed with the tax office" in person.browser.get("/finding/1").text
    assert "/finding/1" in person.browser.get("/findings?tab=muted").text
    assert "/finding/1" not in person.browser.get("/findings").text
    person.send("/finding/1/unmute")
    assert person.one("select muted_until from finding where id = 1").muted_until is None


def test_changes_are_approved_by_name_one_or_several(person: Person) -> None:
    assert person.send("/change/1/approve", reason="looked at it").status_code == 303
    assert person.one("select state, approved_by, approved_hash from change where id = 1") == (
        "approved",
        "the user",
        "h1",
    )
    assert person.send("/change/1/approve").status_code == 409
    assert person.send("/changes/approve", change=["1", "3"]).status_code == 303
    assert person.one("select count(*) as n from change where approval = 'approved'").n == 2


def test_a_held_change_is_released_with_a_reason_that_keeps_what_held_it(person: Person) -> None:
    assert person.send("/change/2/release").status_code == 400
    assert person.send("/change/2/release", reason="the books are right").status_code == 303
    released = person.one("select verdict, checked_hash, held_by, reason from change where id = 2")
    assert released == (
        "released",
        "h2",
        None,
        "released by the user: the books are right (was held by totals_explained)",
    )
    assert person.send("/change/1/release", reason="not held at all").status_code == 409


def test_a_change_is_rejected_with_a_reason_and_planned_once_more(person: Person) -> None:
    assert person.send("/change/1/reject").status_code == 400
    assert person.send("/change/1/reject", reason="already booked").status_code == 303
    assert person.one("select state, reason from change where id = 1") == (
        "refused",
        "rejected by the user: already booked",
    )
    assert person.send("/change/1/reopen").status_code == 303
    assert person.one("select state, approval from change where id = 1") == ("planned", "waiting")


def test_a_person_confirms_a_match_and_may_undo_it(person: Person) -> None:
    page = person.browser.get("/document/us/magento/invoice/i9").text
    assert "These belong together" in page
    match = {"instance": "us", "kind": "invoice", "magento_id": "i9", "odoo_id": "is9"}
    assert person.send("/match", **{**match, "odoo_id": "is10"}).status_code == 409
    assert person.send("/match", **match).status_code == 303
    pair = person.one(
        "select id, rule, confirmed_by from pair where kind = 'invoice' and magento_id = 'i9' and ended_at is null"
    )
    assert pair[1:] == ("confirmed", "the user")
    assert person.one("select staged_version > reconciled_version as due from order_work where order_key = '9'").due
    assert "confirmed by the user" in person.browser.get("/document/us/odoo/invoice/is9").text
    assert person.send("/match", **match).status_code == 409
    assert person.send(f"/match/{pair.id}/undo").status_code == 303
    assert person.send("/match/1/undo").status_code == 409
    assert (
        person.one("select count(*) as n from pair where magento_id = 'i9' and kind = 'invoice' and ended_at is null").n
        == 0
    )


def test_lines_of_lists_follow_what_is_staged(fresh: Engine) -> None:
    with fresh.begin() as connection:
        connection.exec_driver_sql("update finding set resolved_at = now() where kind = 'invoice' and order_key = '5'")
        connection.exec_driver_sql("update document set deleted_at = now() where kind = 'shipment' and order_key = '6'")
        connection.exec_driver_sql(
            "update document set customer_name = '', customer_email = null where order_key = '5'"
        )
        assert sales_lines.refresh(connection, "us", ["5", "6"]) == 6
        lines = connection.exec_driver_sql(
            "select kind, match, search from listed where order_key = '5' order by kind"
        ).all()
        assert [line[:2] for line in lines] == [("invoice", "matched"), ("order", "matched"), ("shipment", "matched")]
        assert "customer" not in "".join(line[2] for line in lines)
        assert (
            connection.exec_driver_sql(
                "select count(*) from listed where kind = 'shipment' and order_key = '6'"
            ).scalar()
            == 0
        )


def test_a_magento_document_without_order_is_listed(fresh: Engine) -> None:
    with fresh.begin() as connection:
        connection.exec_driver_sql(
            "update document set order_key = null where kind = 'invoice' and side = 'magento' and source_id = 'i7'"
        )
        connection.exec_driver_sql(
            "update finding set order_key = null, type = 'without_order' where magento_id = 'i7' and kind = 'invoice'"
        )
        sales_lines.refresh(connection, "us", ["7"], without_order=True)
        line = connection.exec_driver_sql(
            "select match, finding_type, order_number from listed where source_id = 'i7'"
        ).one()
    assert line == ("missing in Odoo", "without_order", "")


def test_without_settings_or_staging_the_page_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = "postgresql+psycopg2://nobody:secret-word@127.0.0.1:1/none"
    with pages_double.client(tmp_path, nowhere, "viewer") as browser:
        answer = browser.get("/list/orders")
        assert answer.status_code == 503
        assert "magodoo_staging" in answer.text
        assert "secret-word" not in answer.text
        monkeypatch.setenv("MAGODOO_SETTINGS", str(tmp_path / "absent.yaml"))
        answer = browser.get("/list/orders")
        assert answer.status_code == 503
        assert "absent.yaml" in answer.text


def test_data_docs_are_shown_without_our_rights_and_nothing_else_is(
    reader: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from magodoo.pipeline import data_docs

    (tmp_path / "us" / "run 1").mkdir(parents=True)
    (tmp_path / "us" / "run 1" / "index.html").write_text("<p>44 checks</p>")
    result = tmp_path / "us" / "run 1" / "validations" / "line" / "__none__" / "t" / "staging-line.html"
    result.parent.mkdir(parents=True)
    result.write_text("<script>top.location = '/'</script><p>7 of 8</p>")
    (tmp_path / "secret.txt").write_text("secret")
    monkeypatch.setattr(data_docs, "docs_root", lambda: tmp_path)
    assert "/data-docs/us/run%201/index.html" in reader.get("/data-docs/us").text
    answer = reader.get("/data-docs/us/run 1/index.html")
    assert "44 checks" in answer.text
    assert answer.headers["content-security-policy"].startswith("sandbox ")
    (link,) = re.findall(
        r'href="/magento(/data-docs/us/[^"]*/validations/[^"]*)"[^>]*>line<', reader.get("/data-docs/us").text
    )
    answer = reader.get(link)
    assert "7 of 8" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script" not in policy
    assert reader.get("/data-docs/us/..%2Fsecret.txt").status_code == 404
