"""Each form of the pages needs one right, on a DAG of the instance, and nothing else gives it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pages_double
import pytest
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from pages_sales import keep_statement, staged_sales
from sqlalchemy import Engine

from magodoo.timestamps import utc_now

RUN = DagAccessEntity.RUN
LOOK, SETTLE, APPROVE = ("GET", RUN, "sales_load"), ("POST", RUN, "sales_quality"), ("POST", RUN, "sales_load")
RELEASE, SIGN = ("POST", RUN, "sales_approval"), ("POST", RUN, "sales_statement")
MUTED = {"until": f"{(utc_now() + timedelta(days=3)).date()}", "reason": "known"}
MATCH = {"instance": "us", "kind": "invoice", "magento_id": "i9", "odoo_id": "is9"}
SEEN = {"statement": "1", "seen": "x"}
FORMS: dict[str, tuple[str, dict[str, str], Any]] = {
    "/finding/{finding_id}/mute": ("/finding/1/mute", MUTED, SETTLE),
    "/finding/{finding_id}/unmute": ("/finding/1/unmute", {}, SETTLE),
    "/match": ("/match", MATCH, SETTLE),
    "/match/{pair_id}/undo": ("/match/1/undo", {}, SETTLE),
    "/changes/approve": ("/changes/approve", {"change": "1"}, APPROVE),
    "/change/{change_id}/approve": ("/change/1/approve", {}, APPROVE),
    "/change/{change_id}/reject": ("/change/1/reject", {"reason": "known"}, APPROVE),
    "/change/{change_id}/release": ("/change/2/release", {"reason": "known"}, RELEASE),
    "/change/{change_id}/reopen": ("/change/4/reopen", {}, APPROVE),
    "/statement/{instance}/{month}/prepare": ("/statement/us/2026-10/prepare", SEEN, SETTLE),
    "/statement/{instance}/{month}/sign": ("/statement/us/2026-10/sign", SEEN, SIGN),
    "/statement/{instance}/{month}/file": ("/statement/us/2026-10/file", {**SEEN, "reference": "the return"}, SIGN),
}


@pytest.fixture(scope="module")
def sales(module_staging_url: str) -> Iterator[Engine]:
    with staged_sales(module_staging_url) as engine:
        with engine.begin() as connection:
            keep_statement(connection, datetime(2026, 11, 2, tzinfo=UTC))
        yield engine


@pytest.fixture(scope="module")
def person(sales: Engine, module_staging_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pages_double.client(tmp_path_factory.mktemp("settings"), module_staging_url, "user") as browser:
        yield pages_double.Person(browser, sales)


def only(*rights: Any) -> Any:
    """A manager of rights that gives the user these, on the DAGs of the instance `us`."""
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    def answer(_: Any, *, method: str, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        return any((method, access_entity, details.id) == (of, on, f"{dag}__us") for of, on, dag in rights)

    return mock.patch.object(SimpleAuthManager, "is_authorized_dag", answer)


def test_every_form_is_in_this_table() -> None:
    from magodoo_airflow.pages.app import app

    posts = {route.path for route in app.routes if "POST" in getattr(route, "methods", ())}
    assert posts - {"/change/{change_id}/{verb}"} == {path for path in FORMS if not path.startswith("/change/")}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_needs_its_right_and_no_other_gives_it(person: Any, form: str) -> None:
    address, fields, right = FORMS[form]
    others = [one for one in (LOOK, SETTLE, APPROVE, RELEASE, SIGN) if one != right]
    if "undo" in address:
        with only(LOOK, SETTLE):
            person.send("/match", **MATCH)
        address = f"/match/{person.one('select max(id) as id from pair').id}/undo"
    with only(*others):
        refused = person.send(address, **fields)
        assert refused.status_code == 403
        assert f"{right[2]}__us" in refused.text, "it names the DAG"
    with only(LOOK, right):
        assert person.send(address, **fields).status_code in (303, 409), "not for a lack of rights"


@pytest.mark.parametrize(
    ("rights", "shown", "hidden"),
    [
        ((LOOK,), (), ("/approve", "/reject", "/release", "/mute", "/sign", "/prepare")),
        ((LOOK, SETTLE), ("/mute", "/prepare"), ("/approve", "/reject", "/release", "/sign")),
        ((LOOK, APPROVE), ("/approve", "/reject"), ("/release", "/mute", "/sign", "/prepare")),
        ((LOOK, RELEASE), ("/release",), ("/approve", "/reject", "/mute", "/sign", "/prepare")),
        ((LOOK, SIGN), ("Nobody has prepared it yet",), ("/approve", "/reject", "/release", "/mute", "/prepare")),
    ],
)
def test_a_page_shows_the_forms_that_its_reader_may_send(
    staging_url: str, tmp_path: Path, rights: Any, shown: Any, hidden: Any
) -> None:
    with staged_sales(staging_url) as engine, pages_double.client(tmp_path, staging_url, "user") as browser:
        with engine.begin() as connection:
            keep_statement(connection, datetime(2026, 11, 2, tzinfo=UTC))
        with only(*rights):
            pages = [browser.get(path) for path in ("/change/1", "/change/2", "/finding/1", "/statement/us/2026-10")]
    assert {page.status_code for page in pages} == {200}
    text = "".join(page.text for page in pages)
    for words in shown:
        assert words in text, words
    for words in hidden:
        assert words not in text, words
