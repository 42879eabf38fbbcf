"""Every byte that can arrive wrong from Odoo does so here: nothing crashes, nothing is lost, nothing passes as sound."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from odoo_double import Answer, Asked, OdooDouble
from odoo_table import RECORDED

from magodoo import errors
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.deliveries import Delivery
from magodoo.connectors.odoo.record_kinds import READINGS
from magodoo.errors import MagodooError
from magodoo.money import dump_json

EVER = datetime(2020, 1, 1, tzinfo=UTC)
PROPERTY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def odoo() -> Iterator[OdooDouble]:
    double = OdooDouble()
    yield double
    double.close()


@pytest.fixture
def client(odoo: OdooDouble) -> OdooClient:
    return client_of(odoo)


def client_of(odoo: OdooDouble, **options: Any) -> OdooClient:
    values = {"url": odoo.url, "database": "shop", "api_key": "key", "company_id": 1, "attempts": 1, **options}
    return OdooClient.connect(OdooConnection.from_mapping(values))


# Bytes

BAD_BODIES = {
    "empty": b"",
    "truncated JSON": b'{"length": 2, "records": [{"id": 1, "na',
    "a wrong charset": '{"length": 1, "records": [{"name": "Müller"}]}'.encode("latin-1"),
    "not a number": b'{"length": 1, "records": [{"amount_total": NaN}]}',
    "nested without end": b"[" * 100_000,
    "a number of 5000 digits": b'{"length": ' + b"9" * 5000 + b"}",
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_damaged_body_is_unreadable_for_a_read_and_unknown_for_a_write(
    name: str, odoo: OdooDouble, client: OdooClient
) -> None:
    odoo.answers = [Answer(BAD_BODIES[name])]
    with pytest.raises(errors.Unreadable):
        client.rpc.call("sale.order", "web_search_read", domain=[])
    with pytest.raises(errors.OutcomeUnknown):
        client.rpc.write_call("account.move", "load", fields=["id"], data=[["m.a"]])


def test_html_with_status_200_is_never_taken_for_an_answer(odoo: OdooDouble, client: OdooClient) -> None:
    odoo.answers = [Answer("<!DOCTYPE html><html>sign in</html>", 200, "text/html; charset=utf-8")]
    with pytest.raises((errors.Unavailable, errors.FixConfiguration)):
        client.rpc.call("sale.order", "web_search_read", domain=[])
    with pytest.raises(errors.OutcomeUnknown):
        client.rpc.write_call("account.move", "action_post", ids=[1])


def test_a_page_of_100_mb_is_cut_off_at_the_limit_and_never_held_whole(odoo: OdooDouble, client: OdooClient) -> None:
    odoo.answers = [Answer(b'["' + b"x" * 100_000_000 + b'"]')]
    with pytest.raises(errors.Unreadable, match="more than 64 MB"):
        client.rpc.call("sale.order", "search", domain=[])


def test_a_page_that_is_too_long_is_read_in_parts_and_one_record_that_is_too_long_is_quarantined(
    odoo: OdooDouble, client: OdooClient
) -> None:
    client = OdooClient.connect(replace(client.connection, largest_body=30_000))
    rows = {number: row_of("order", number) for number in range(1, 9)}
    rows[5]["order_line"][0]["name"] = "x" * 40_000
    odoo.answers = [books(rows)]
    (page,) = client.documents.changed("order", EVER)
    assert [row["id"] for row in page.rows] == [1, 2, 3, 4, 6, 7, 8]
    assert [bad.source_id for bad in page.quarantined] == [5]


@PROPERTY
@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["id", "ids", "uid", "records", "length", "name", "type", "messages", "res_id"]),
                    inner,
                )
            ),
            max_leaves=8,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    st.sampled_from([200, 200, 200, 200, 302, 400, 401, 403, 404, 422, 429, 500, 503]),
)
@example(b'[{"id": 1}]', 200)
@example(b'{"length": "many", "records": []}', 200)
@example(b'{"uid": null}', 200)
@example(b"null", 200)
@example(b'{"name": 5, "message": []}', 500)
def test_whatever_bytes_arrive_the_error_is_one_of_ours(odoo: OdooDouble, body: bytes, status: int) -> None:
    for call in CALLS:
        odoo.answers = [Answer(body, status)]
        with contextlib.suppress(MagodooError):
            call(client_of(odoo))
        odoo.answers = [sound_fields_and(Answer(body, status))]
        with contextlib.suppress(MagodooError):
            call(client_of(odoo))


def sound_fields_and(damage: Answer) -> Callable[[Asked], Answer]:
    """The list of fields is answered correctly, the next call is not."""
    return lambda asked: (
        Answer(RECORDED_FIELDS.get(asked.path.split("/")[3], {})) if asked.path.endswith("/fields_get") else damage
    )


CALLS: tuple[Callable[[OdooClient], Any], ...] = (
    lambda odoo: list(odoo.documents.changed("order", EVER)),
    lambda odoo: odoo.documents.by_ids("invoice", [1, 2]),
    lambda odoo: odoo.documents.by_order_ids("payment", [1]),
    lambda odoo: odoo.documents.existing_ids("shipment", [1, 2]),
    lambda odoo: odoo.documents.count("order"),
    lambda odoo: odoo.external_ids.find(["m.a"]),
    lambda odoo: odoo.external_ids.find(["m.a", "m.b"]),
    lambda odoo: odoo.external_ids.of("sale.order", [1]),
    lambda odoo: odoo.master_data.products(["A"]),
    lambda odoo: odoo.master_data.taxes(),
    lambda odoo: odoo.master_data.currencies(),
    lambda odoo: odoo.master_data.journals(),
    lambda odoo: odoo.company.row(),
    lambda odoo: odoo.company.lock_dates(),
    lambda odoo: odoo.installation.modules(),
    lambda odoo: odoo.installation.e_invoicing(),
    lambda odoo: odoo.installation.user_and_rights(),
    lambda odoo: odoo.installation.key_expiry(),
    lambda odoo: odoo.installation.database_uuid(),
    lambda odoo: odoo.test_connection(),
    lambda odoo: odoo.invoices.create(["id"], [["m.a"], ["m.b"]]),
    lambda odoo: odoo.bulk_load.update("stock.move", [".id"], [["1"]]),
    lambda odoo: odoo.orders.confirm([1, 2]),
    lambda odoo: odoo.invoices.post([1]),
    lambda odoo: odoo.payments.post([1]),
    lambda odoo: odoo.payments.reconcile_one(1, 2),
    lambda odoo: odoo.deliveries.open_transfers([1]),
    lambda odoo: odoo.deliveries.set_tracking({1: Delivery("1Z", "key")}),
    lambda odoo: odoo.deliveries.validate([1]),
    lambda odoo: odoo.deliveries.create_return(1, {2: Decimal(1)}),
)
RECORDED_FIELDS: dict[str, Any] = json.loads(dump_json(RECORDED["fields"]))


# Documents


def row_of(kind: str, id: int) -> dict[str, Any]:
    return {**copy.deepcopy(RECORDED["rows"][kind][0]), "id": id}


def books(rows: dict[int, dict[str, Any]]) -> Callable[[Asked], Answer]:
    """An Odoo that holds these rows of one kind, and answers reads by id."""

    def answer(asked: Asked) -> Answer:
        _, _, _, model, method = asked.path.split("/")
        if method == "fields_get":
            return Answer(RECORDED_FIELDS.get(model, {}))
        if method == "get_external_id":
            return Answer({str(id): "" for id in asked.body["ids"]})
        if method in ("search_read", "formatted_read_group"):  # nothing settled a document, and no entry is unbalanced
            return Answer([])
        if method == "read":
            return Answer([{"id": id} for id in asked.body["ids"] if id in rows])
        chosen = next((term[2] for term in asked.body["domain"] if term[:2] == ["id", "in"]), list(rows))
        if method == "search":
            return Answer(chosen)
        if method == "search_count":
            return Answer(len(chosen))
        text = dump_json({"length": len(chosen), "records": [rows[id] for id in chosen]})
        return Answer(text.encode())

    return answer


def read(odoo: OdooDouble, client: OdooClient, kind: str, **changes: Any) -> tuple[list[int], list[tuple[Any, str]]]:
    """(ids read, what was set apart) of three documents of which the second is changed."""
    rows = {number: row_of(kind, number) for number in (1, 2, 3)}
    rows[2] |= changes
    odoo.answers = [books(rows)]
    (page,) = client.documents.changed(kind, EVER)
    return [row["id"] for row in page.rows], [(bad.source_id, bad.reason) for bad in page.quarantined]


@pytest.mark.parametrize(
    ("kind", "changes", "named"),
    [
        ("invoice", {"amount_total": "83.66"}, "amount_total"),
        ("invoice", {"amount_total": None}, "amount_total"),
        ("invoice", {"invoice_date": "0000-00-00"}, "invoice_date"),
        ("invoice", {"write_date": "0000-01-01 00:00:00"}, "write_date"),
        ("order", {"date_order": "2026-11-30T10:00:00Z"}, "date_order"),
        ("order", {"date_order": "2026-02-30 10:00:00"}, "date_order"),
        ("order", {"order_line": None}, "order_line"),
        ("order", {"partner_id": 7}, "partner_id"),
        ("shipment", {"move_ids": [7]}, "move_ids"),
        ("payment", {"amount": True}, "amount"),
        ("invoice", {"state": 5}, "state"),
    ],
)
def test_a_number_as_text_or_a_date_of_year_0_is_quarantined_and_named(
    kind: str, changes: dict[str, Any], named: str, odoo: OdooDouble, client: OdooClient
) -> None:
    good, bad = read(odoo, client, kind, **changes)
    assert good == [1, 3]
    assert [(id, named in reason) for id, reason in bad] == [(2, True)]


@pytest.mark.parametrize("kind", READINGS)
def test_a_document_without_one_of_its_keys_is_quarantined_and_the_others_are_read(
    kind: str, odoo: OdooDouble, client: OdooClient
) -> None:
    for key in sorted({*RECORDED["rows"][kind][0], "id"} - {"external_id"}):
        rows = {number: row_of(kind, number) for number in (1, 2, 3)}
        del rows[2][key]
        odoo.answers = [books(rows)]
        (page,) = client.documents.changed(kind, EVER)
        assert [row["id"] for row in page.rows] == [1, 3], key
        assert key in page.quarantined[0].reason


def test_an_unknown_state_is_data_and_no_error(odoo: OdooDouble, client: OdooClient) -> None:
    assert read(odoo, client, "invoice", state="geist", payment_state="nie gesehen") == ([1, 2, 3], [])


def test_two_lines_with_one_id_are_not_sound(odoo: OdooDouble, client: OdooClient) -> None:
    line = RECORDED["rows"]["invoice"][0]["invoice_line_ids"][0]
    good, bad = read(odoo, client, "invoice", invoice_line_ids=[line, {**line, "quantity": 99}])
    assert (good, [id for id, _ in bad]) == ([1, 3], [2])


def test_one_id_twice_on_a_page_with_other_content_is_not_taken_twice(odoo: OdooDouble, client: OdooClient) -> None:
    rows = {number: row_of("invoice", number) for number in (1, 2)}
    twin = {**row_of("invoice", 1), "amount_total": 999}
    whole = {"length": 3, "records": [rows[1], rows[2], twin]}
    sound = books(rows)
    odoo.answers = [
        lambda asked: Answer(dump_json(whole).encode()) if asked.path.endswith("web_search_read") else sound(asked)
    ]
    (page,) = client.documents.changed("invoice", EVER)
    assert [row["id"] for row in page.rows] == [1, 2]
    assert page.rows[0]["amount_total"] == rows[1]["amount_total"]
    assert "twice" in page.quarantined[0].reason
