"""Separate duties: who changes limits, taxes, accounts or mode does not approve what follows; who released large amounts does not sign."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pages_double
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages_sales import keep_statement, staged_sales
from sqlalchemy import Engine, text

from magodoo.ledger import duties
from magodoo.settings import Instance
from magodoo.settings.changes import concerns_duties, different, flat
from magodoo.timestamps import utc_now

HEAD = {"magento_connection": "m", "odoo_connection": "o"}
WHO = "the user"


def an_instance(**changes: Any) -> Instance:
    return Instance.model_validate({"id": "us", **HEAD, **changes})


@pytest.fixture
def sales(staging_url: str) -> Iterator[Engine]:
    with staged_sales(staging_url) as engine:
        yield engine


@pytest.fixture
def person(sales: Engine, staging_url: str, tmp_path: Path) -> Iterator[Any]:
    with pages_double.client(tmp_path, staging_url, "user") as browser:
        yield pages_double.Person(browser, sales)


def record(engine: Engine, instance: Instance, who: str) -> None:
    with engine.begin() as connection:
        duties.record_settings(connection, instance, who)


def recorded(engine: Engine) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        found = connection.execute(
            text("select who, before, after from decision where decision = 'settings' order by id")
        )
        return [tuple(row) for row in found]


def test_each_change_of_the_settings_is_recorded_once_with_old_and_new(sales: Engine) -> None:
    record(sales, an_instance(), "anna")
    record(sales, an_instance(), "anna")
    record(sales, an_instance(limits={"document_amount": 9000}), "ben")
    record(sales, an_instance(), "")
    assert recorded(sales) == [
        ("anna", {"id": None, "magento_connection": None, "odoo_connection": None}, {"id": '"us"', "magento_connection": '"m"', "odoo_connection": '"o"'}),
        ("ben", {"limits.document_amount": None}, {"limits.document_amount": '"9000"'}),
        (duties.UNKNOWN, {"limits.document_amount": '"9000"'}, {"limits.document_amount": None}),
    ]  # fmt: skip


def test_addresses_are_recorded_as_a_number_and_a_digest(sales: Engine) -> None:
    record(
        sales,
        an_instance(recipients={"it": ["ann@example.com"]}, exclude={"email_patterns": ["kim@example.com"]}),
        "anna",
    )
    record(
        sales,
        an_instance(recipients={"it": ["bob@example.com"]}, exclude={"email_patterns": ["kim@example.com"]}),
        "anna",
    )
    assert "example.com" not in f"{recorded(sales)}"
    assert list(recorded(sales)[1][2]) == ["recipients.it"]


SETUPS = st.fixed_dictionaries(
    {},
    optional={
        "limits": st.fixed_dictionaries({"document_amount": st.integers(0, 10**6)}),
        "mode": st.sampled_from([{"default": "apply"}, {"kinds": {"odoo_invoice": "apply"}}]),
        "taxes": st.lists(
            st.fixed_dictionaries({"rate": st.integers(1, 25), "odoo_tax": st.sampled_from(["A", "B"])}), max_size=2
        ),
        "payment_methods": st.dictionaries(st.sampled_from(["card", "a.b"]), st.just({"journal": "CARD"}), max_size=2),
        "time_zone": st.sampled_from(["UTC", "Europe/Berlin"]),
    },
)


@given(SETUPS, SETUPS)
def test_what_differs_leads_from_one_setup_to_the_other(one: dict[str, Any], two: dict[str, Any]) -> None:
    before, after = flat(an_instance(**one)), flat(an_instance(**two))
    was, is_ = different(before, after)
    moved = {key: value for key, value in {**before, **is_}.items() if value is not None}
    assert moved == after
    assert all(was[key] != is_[key] for key in was)
    assert any(map(concerns_duties, was)) is any(
        one.get(name) != two.get(name) for name in ("limits", "mode", "taxes", "payment_methods")
    )


CHANGES = (
    {"limits": {"changes_per_run": 60}}, {"taxes": [{"rate": 19, "odoo_tax": "DE 19%"}]}, {"payment_methods": {"card": {"journal": "BNK1"}}},
    {"mode": {"default": "apply"}}, {"odoo": {"sales_journal": "WEB"}}, {"adjustment_tax": "none"},
)  # fmt: skip


@pytest.mark.parametrize("changed", CHANGES, ids=lambda changed: next(iter(changed)))
@pytest.mark.parametrize("path", ["/changes/approve", "/change/1/approve", "/change/2/release"])
def test_who_changed_them_last_decides_on_nothing_planned_since(
    sales: Engine, person: Any, path: str, changed: dict[str, Any]
) -> None:
    record(sales, an_instance(), "anna")
    record(sales, an_instance(**changed), WHO)
    with sales.begin() as connection:
        connection.execute(text("update change set planned_at = now() + interval '1 second'"))
    refused = person.send(path, change="1", reason="as agreed")
    assert refused.status_code == 403
    assert f"You changed {next(iter(changed))} of us last" in refused.text
    record(sales, an_instance(), "anna")
    assert person.send(path, change="1", reason="as agreed").status_code in (200, 303)


def test_they_decide_on_what_was_planned_before_and_on_all_in_a_house_of_one(sales: Engine, person: Any) -> None:
    with sales.begin() as connection:
        connection.execute(text("update change set planned_at = now() - interval '1 hour'"))
    record(sales, an_instance(limits={"changes_per_run": 60}), WHO)
    assert person.send("/change/1/approve").status_code in (200, 303)
    with sales.begin() as connection:
        connection.execute(text("update change set planned_at = now() + interval '1 hour'"))
    assert person.send("/change/2/release", reason="as agreed").status_code == 403
    assert person.send("/change/2/reject", reason="not now").status_code in (200, 303), "to refuse is always allowed"
    with sales.connect() as connection:
        assert duties.why_not_decide(connection, an_instance(separate_duties=False), [3], WHO) is None


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/change/2/release", {"reason": "as agreed"}),
        ("/finding/1/mute", {"until": f"{(utc_now() + timedelta(days=3)).date()}", "reason": "known to us"}),
    ],
)
def test_who_released_or_muted_a_large_amount_of_the_month_does_not_sign(
    sales: Engine, person: Any, path: str, fields: dict[str, str]
) -> None:
    with sales.begin() as connection:
        keep_statement(connection, datetime(2026, 11, 2, tzinfo=UTC))
        for table in ("document", "change"):
            column = "base_grand_total" if table == "document" else "company_amount"
            connection.execute(text(f"update {table} set {column} = 60000000"))
        connection.execute(text("update document set document_date = '2026-10-20', accounting_date = '2026-10-20'"))
    assert person.send(path, **fields).status_code in (200, 303)
    statement, seen = person.one("select id, hash from statement")
    with sales.begin() as connection:
        connection.execute(text("update statement set prepared_by = 'anna', prepared_at = now(), prepared_hash = hash"))
    sent = {"statement": statement, "seen": seen, "note": "as agreed", "for_the_others": "known"}
    refused = person.send("/statement/us/2026-10/sign", **sent)
    assert refused.status_code == 409
    assert "above the limit 5000: another person has to sign" in refused.text
    with sales.begin() as connection:
        for table in ("document", "change"):
            column = "base_grand_total" if table == "document" else "company_amount"
            connection.execute(text(f"update {table} set {column} = 40000000"))
    assert person.send("/statement/us/2026-10/sign", **sent).status_code in (200, 303)
