"""The sales pages of an Airflow that a reverse proxy serves below a path: no link, form, file or redirect leaves that path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urljoin, urlsplit

import pages_double
import pytest
from pages_sales import staged_sales
from sqlalchemy import Engine

from magodoo_airflow.links import DataDocsLink, SalesPageLink
from magodoo_airflow.pages.navigation import external_views

BELOW = "/airflow"


@pytest.fixture
def sales(staging_url: str) -> Iterator[Engine]:
    with staged_sales(staging_url) as engine:
        yield engine


@pytest.fixture
def person(sales: Engine, staging_url: str, tmp_path: Path) -> Iterator[Any]:
    with pages_double.client(tmp_path, staging_url, "user", below=BELOW) as browser:
        yield browser


def _addresses(page: str, text: str) -> set[str]:
    """What a page links to, loads and sends forms to, on our own host."""
    found = {urljoin(page, one.replace("&amp;", "&")) for one in re.findall(r'(?:href|src|action)="([^"#]*)"', text)}
    return {urlsplit(one)._replace(scheme="", netloc="").geturl() for one in found if "//testserver/" in one}


def test_every_link_that_a_person_can_follow_stays_below_the_path_and_answers(person: Any) -> None:
    known, todo = set(), ["/"]
    while todo and len(known) < 150:
        path = todo.pop(0)
        if path in known:
            continue
        known.add(path)
        answer = person.get(path)
        assert answer.status_code == 200, path
        if "text/html" not in answer.headers["content-type"]:
            continue
        addresses = _addresses(str(answer.request.url), answer.text)
        assert addresses and all(one.startswith(f"{BELOW}/") for one in addresses), (path, addresses)
        ours = sorted(one.removeprefix(f"{BELOW}/magento") for one in addresses if one.startswith(f"{BELOW}/magento/"))
        ours = [
            one for one in ours if not re.search(r"/(mute|unmute|match|undo|approve|reject|release|reopen|sign)\b", one)
        ]
        # One page of each kind is enough: a list has a link per row and column.
        kinds = {re.sub(r"\d+|sort=\w+|direction=\w+|after=[^&]*", "", one): one for one in ours}
        todo += [one for one in kinds.values() if one not in known]
    assert {"/list/invoices", "/findings", "/statement", "/static/style.css", "/static/page.js"} <= known
    assert any(path.startswith("/document/") for path in known)
    assert any(path.split("?")[0].endswith(".csv") for path in known)


def test_a_form_is_sent_and_leads_back_below_the_path(person: Any) -> None:
    page = person.get("/finding/1").text
    assert f'action="{BELOW}/magento/finding/1/mute"' in page
    until = f"{datetime.now(UTC) + timedelta(days=5):%Y-%m-%d}"
    answer = person.post(
        "/finding/1/mute", data={"token": pages_double.token_of(page), "reason": "agreed", "until": until}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"{BELOW}/magento/finding/1")


def test_an_anonymous_browser_goes_to_the_login_below_the_path_and_back(
    sales: Engine, staging_url: str, tmp_path: Path
) -> None:
    with pages_double.client(tmp_path, staging_url, "", below=BELOW) as browser:
        answer = browser.get("/list/invoices?match=differs")
    wanted = "/airflow/api/v2/auth/login?next=%2Fairflow%2Fmagento%2Flist%2Finvoices%3Fmatch%3Ddiffers"
    assert (answer.status_code, answer.headers["location"]) == (303, wanted)


@pytest.mark.parametrize(
    "base", ["", "http://localhost:8080", "https://host.example/airflow", "https://host.example/a/b/"]
)
def test_the_navigation_and_the_links_of_tasks_lead_below_the_path(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base)
    root = urlsplit(base).path.rstrip("/")
    assert {view["href"].split("/magento/")[0] for view in external_views()} == {root}
    task, key = SimpleNamespace(instance="us"), SimpleNamespace(run_id="manual 1")
    assert SalesPageLink().get_link(task, ti_key=key) == f"{root}/magento/?instance=us"
    assert DataDocsLink().get_link(task, ti_key=key) == f"{root}/magento/data-docs/us/manual%201/index.html"
