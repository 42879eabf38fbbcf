"""What people decide is recorded: who, when, what, before and after, in the transaction that carries it out, and for good."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pages_double
import pytest
from pages_sales import keep_statement, staged_sales
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from magodoo.decision_log import Decision
from magodoo.statement import store
from magodoo.timestamps import utc_now

MUTED = {"until": f"{(utc_now() + timedelta(days=3)).date()}", "reason": "known to Ann Baker"}
MATCH = {"instance": "us", "kind": "invoice", "magento_id": "i9", "odoo_id": "is9"}


@pytest.fixture
def sales(staging_url: str) -> Iterator[Engine]:
    with staged_sales(staging_url) as engine:
        with engine.begin() as connection:
            keep_statement(connection, datetime(2026, 11, 2, tzinfo=UTC), separate_duties=False)
        yield engine


@pytest.fixture
def person(sales: Engine, staging_url: str, tmp_path: Path) -> Iterator[Any]:
    with pages_double.client(tmp_path, staging_url, "user") as browser:
        yield pages_double.Person(browser, sales)


def log(engine: Engine) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [
            tuple(row)
            for row in connection.execute(
                text("select decision, who, about, number, before, after from decision order by id")
            )
        ]


def test_every_decision_on_the_pages_is_recorded_with_before_and_after(sales: Engine, person: Any) -> None:
    person.send("/finding/1/mute", **MUTED)
    person.send("/finding/1/unmute")
    person.send("/match", **MATCH)
    person.send(f"/match/{person.one('select max(id) as id from pair').id}/undo")
    person.send("/changes/approve", change="1")
    person.send("/change/2/release", reason="as agreed")
    person.send("/change/3/reject", reason="not now")
    person.send("/change/4/reopen")
    statement, seen = person.one("select id, hash from statement")
    sent = {"statement": statement, "seen": seen}
    person.send("/statement/us/2026-10/prepare", **sent)
    person.send("/statement/us/2026-10/sign", **sent, note="as agreed", for_the_others="known")
    person.send("/statement/us/2026-10/file", statement=statement, reference="the return")
    found = log(sales)
    assert [row[0] for row in found] == [
        "mute", "unmute", "match", "undo", "approve", "release", "reject", "reopen", "prepare", "sign", "file",
    ]  # fmt: skip
    commands = {
        "erase",
        "provision",
        "settings",
    }  # tests/test_erasure.py, tests/test_provisioning.py, tests/test_duties.py
    assert {row[0] for row in found} | commands == set(Decision), "a new decision is tried here too"
    assert {row[1] for row in found} == {"the user"}
    by_name = {row[0]: row for row in found}
    assert by_name["mute"][4]["muted_until"] is None
    assert by_name["mute"][5]["muted_until"].startswith(MUTED["until"])
    assert (by_name["approve"][4]["approval"], by_name["approve"][5]["approval"]) == ("waiting", "approved")
    assert (by_name["release"][4]["verdict"], by_name["release"][5]["verdict"]) == ("held", "released")
    assert by_name["release"][4]["held_by"] == "totals_explained"
    assert (by_name["reject"][5]["state"], by_name["reopen"][5]["state"]) == ("refused", "planned")
    assert (by_name["sign"][4]["signed_by"], by_name["sign"][5]["signed_by"]) == (None, "the user")
    assert "Ann Baker" not in f"{found}", "a reason stands with the finding, where erasure reaches it"


def test_what_was_not_carried_out_is_not_recorded(sales: Engine, person: Any) -> None:
    assert person.send("/change/1/release", reason="as agreed").status_code == 409
    assert person.send("/change/4/approve").status_code == 409
    assert person.send("/statement/us/2026-10/sign", statement=1, seen="another").status_code == 409
    assert log(sales) == []


def test_a_decision_and_its_record_are_one_transaction(sales: Engine) -> None:
    statement, seen = sales.connect().execute(text("select id, hash from statement")).one()
    with sales.connect() as connection:
        store.prepare(connection, statement, seen, "anna", utc_now())
        assert connection.execute(text("select count(*) from decision")).scalar_one() == 1
        connection.rollback()
    assert log(sales) == []


@pytest.mark.parametrize("damage", ["update decision set who = 'x'", "delete from decision", "truncate decision"])
def test_the_log_is_only_added_to(sales: Engine, person: Any, damage: str) -> None:
    person.send("/finding/1/mute", **MUTED)
    with pytest.raises(DBAPIError, match="stays recorded"), sales.begin() as connection:
        connection.execute(text(damage))
    assert len(log(sales)) == 1


def test_the_log_is_a_list_and_a_csv(person: Any) -> None:
    person.send("/finding/1/mute", **MUTED)
    person.send("/changes/approve", change="1")
    page = person.browser.get("/decisions").text
    assert "Decisions" in page and "the user" in page and "/finding/1" in page and "/change/1" in page
    rows = list(csv.DictReader(io.StringIO(person.browser.get("/decisions.csv").content.decode("utf-8-sig"))))
    assert [row["Decision"] for row in rows] == ["approve", "mute"]
    assert "approved" in rows[0]["After"]
