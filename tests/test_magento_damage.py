"""Damaged documents of Magento: none crashes a run, loses another document, or passes as sound."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from magento_double import DOCUMENTS, Answer, Shop, client_of, ids_of, quarantined_of, served

from magodoo.connectors.magento.needed import SHAPES
from magodoo.connectors.magento.pagination import raw_text
from magodoo.connectors.magento.schema import SET_ASIDE, sound
from magodoo.connectors.magento.search import read_stamp
from magodoo.connectors.magento.writes import find_marker
from magodoo.domain.vocabulary import MATCHED_KINDS, Kind
from magodoo.errors import MagodooError, Unreadable
from magodoo.money import dump_json, parse_json, to_units

PROPERTY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at] * bool(at) + [path for key, part in inner for path in paths(part, (*at, key))]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", " ", "NaN", "1e999999", "12.5", "0000-00-00 00:00:00", "9999-12-31 23:59:59", "\x00", "\ud800"]
    ),
    st.sampled_from([Decimal("1E+5000"), Decimal("-1E+40"), 10**400, -1, 0, 2**63]),
    st.text(max_size=20),
    st.just([]),
    st.just({}),
    st.recursive(st.none(), st.lists, max_leaves=3),
)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Kind, dict[str, Any]]:
    """A recorded document in which up to three places were changed, removed or doubled."""
    kind = draw(st.sampled_from(MATCHED_KINDS))
    row = copy.deepcopy(draw(st.sampled_from(DOCUMENTS[kind])))
    for _ in range(draw(st.integers(1, 3))):
        places = paths(row)
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        holder = row
        for step in way:
            holder = holder[step]
        action = draw(st.sampled_from(["change", "remove", "double"]))
        if action == "change":
            holder[last] = draw(VALUES)
        elif action == "remove":
            del holder[last]
        elif isinstance(holder, list):
            holder.append(copy.deepcopy(holder[last]))
    return kind, row


AMOUNTS = (
    "grand_total",
    "subtotal",
    "tax_amount",
    "shipping_amount",
    "discount_amount",
    "base_grand_total",
)
QUANTITIES = ("qty", "qty_ordered", "qty_invoiced", "qty_shipped", "qty_refunded", "qty_canceled")


@PROPERTY
@given(damaged())
def test_a_damaged_document_is_unreadable_or_sound(document: tuple[Kind, dict[str, Any]]) -> None:
    kind, row = document
    try:
        clean = sound(SHAPES[kind], row)
    except Unreadable:
        return
    assert clean["entity_id"] > 0
    assert read_stamp(clean["updated_at"]) and read_stamp(clean["created_at"])
    assert clean["increment_id"]
    assert all(to_units(clean[name]) is not None for name in AMOUNTS if name in clean)
    for item in clean["items"]:
        assert all(to_units(item[name]) >= 0 for name in QUANTITIES if name in item)
        assert item["item_id" if kind is Kind.ORDER else "order_item_id"] > 0
    find_marker(clean)
    stored = dump_json(clean)
    stored.encode()
    assert "\0" not in stored and parse_json(stored)


@PROPERTY
@given(damaged())
def test_what_is_quarantined_can_always_be_stored(document: tuple[Kind, dict[str, Any]]) -> None:
    text = raw_text(document[1])
    assert "\0" not in text
    text.encode()


@pytest.mark.parametrize("kind", MATCHED_KINDS)
def test_every_recorded_document_is_sound_and_unchanged(kind: Kind) -> None:
    for row in DOCUMENTS[kind]:
        assert sound(SHAPES[kind], row) == row


def test_ids_and_amounts_that_come_as_text_are_read_as_numbers() -> None:
    row = copy.deepcopy(DOCUMENTS["invoice"][0])
    row |= {"entity_id": str(row["entity_id"]), "grand_total": str(row["grand_total"])}
    assert sound(SHAPES[Kind.INVOICE], row) == DOCUMENTS["invoice"][0]


def test_fields_without_a_value_are_left_out_and_not_missed() -> None:
    raw = {"entity_id": 9, "order_id": 11, "increment_id": "000000009", "items": None, "comments": []}
    stamps = {"created_at": "2026-11-22 09:14:51", "updated_at": "2026-11-22 09:14:51"}
    assert sound(SHAPES[Kind.CREDIT_MEMO], raw | stamps)["items"] == []


def test_unknown_states_and_statuses_are_data() -> None:
    order = DOCUMENTS["order"][0] | {"state": "geist_state", "status": "nie gesehen"}
    assert sound(SHAPES[Kind.ORDER], order)["state"] == "geist_state"
    assert sound(SHAPES[Kind.INVOICE], DOCUMENTS["invoice"][0] | {"state": 77})["state"] == 77


@pytest.mark.parametrize(
    ("kind", "change", "named"),
    [
        ("invoice", {"grand_total": "abc"}, "grand_total"),
        ("invoice", {"grand_total": [5]}, "grand_total"),
        ("invoice", {"grand_total": True}, "grand_total"),
        ("invoice", {"updated_at": "0000-00-00 00:00:00"}, "updated_at"),
        ("invoice", {"created_at": "2026-11-22T09:11:24+02:00"}, "created_at"),
        ("invoice", {"increment_id": 12}, "increment_id"),
        ("invoice", {"order_id": None}, "order_id"),
        ("invoice", {"order_currency_code": "dollars"}, "order_currency_code"),
        ("invoice", {"items": [{"qty": 1}]}, r"items\[0\]"),
        ("order", {"billing_address": "Main Street"}, "billing_address"),
        ("shipment", {"comments": "ours"}, "comments"),
        ("shipment", {"increment_id": "1\0"}, "stored"),
    ],
)
def test_an_unsound_field_is_named(kind: str, change: dict[str, Any], named: str) -> None:
    with pytest.raises(Unreadable, match=named):
        sound(SHAPES[Kind(kind)], DOCUMENTS[kind][0] | change)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("invoice", {"shipping_address_id": 0, "billing_address_id": "none", "global_currency_code": "dollars"}),
        (
            "invoice",
            {"comments": [{"entity_id": None, "parent_id": 0, "created_at": "never", "comment": None}, "text"]},
        ),
        ("shipment", {"extension_attributes": {"note": {"deep": ["\0"]}}}),
        ("shipment", {"customer_id": 0, "packages": "none"}),
        ("order", {"ext_order_id": "9" * 5000, "original_increment_id": [5], "status_histories": 5, "customer_id": 0}),
        ("order", {"quote_id": 10**40, "remote_ip": {"v": 6}}),
    ],
)
def test_a_field_that_nothing_reads_may_hold_anything(kind: str, change: dict[str, Any]) -> None:
    clean = sound(SHAPES[Kind(kind)], DOCUMENTS[kind][0] | change)
    assert SET_ASIDE not in clean
    assert clean["increment_id"] == DOCUMENTS[kind][0]["increment_id"]


@pytest.mark.parametrize(
    ("kind", "change", "noted"),
    [
        ("order", {"payment": None}, "payment is missing: no payment is registered"),
        ("order", {"payment": []}, "payment is missing: no payment is registered"),
        ("order", {"payment": {"method": ""}}, "payment.method is missing: no payment is registered"),
        ("order", {"payment": {"method": ["checkmo"]}}, "payment.method cannot be read: no payment is registered"),
        ("shipment", {"tracks": [{"track_number": None}]}, "tracks[0].track_number is missing: no tracking number"),
        ("shipment", {"tracks": ["1Z"]}, "tracks[0] cannot be read: no tracking number"),
        ("shipment", {"tracks": "1Z"}, "tracks cannot be read: no tracking number"),
        ("shipment", {"tracks": [{"track_number": "x" * 70_000}]}, "tracks[0].track_number cannot be read"),
        ("shipment", {"extension_attributes": {"source_code": []}}, "extension_attributes.source_code cannot be read"),
    ],
)
def test_a_document_is_read_without_an_invalid_optional_field_and_says_so(
    kind: str, change: dict[str, Any], noted: str
) -> None:
    (note,) = sound(SHAPES[Kind(kind)], DOCUMENTS[kind][0] | change)[SET_ASIDE]
    assert note.startswith(noted)


def test_a_note_does_not_quote_the_invalid_value() -> None:
    row = DOCUMENTS["order"][0] | {"customer_email": ["kim@example.com"]}
    assert "kim" not in str(sound(SHAPES[Kind.ORDER], row)[SET_ASIDE])


def test_two_items_with_one_id_are_not_sound() -> None:
    row = copy.deepcopy(DOCUMENTS["invoice"][0])
    row["items"].append(copy.deepcopy(row["items"][0]))
    with pytest.raises(Unreadable, match="twice"):
        sound(SHAPES[Kind.INVOICE], row)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with served(Shop()) as running:
        yield running


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damaged(), st.sampled_from([3, 100]))
def test_one_damaged_row_loses_no_other(shop: Shop, document: tuple[Kind, dict[str, Any]], size: int) -> None:
    kind, row = document
    number = next((old["entity_id"] for old in DOCUMENTS[kind] if old["increment_id"] == row.get("increment_id")), None)
    if number is None:
        return
    try:
        dump_json(row).encode()
    except (ValueError, ArithmeticError):
        return  # no server could send this text
    others = sorted(old["entity_id"] for old in DOCUMENTS[kind] if old["entity_id"] != number)
    shop.sent_as = lambda sent: row if sent["entity_id"] == number else sent
    pages = list(client_of(shop, page_size=size).by_ids(kind, [*others, number]))
    read = ids_of(pages)
    spared = [one for one in others if one != row.get("entity_id")]
    assert [one for one in sorted(read) if one in spared] == spared
    assert len(set(read)) + len(quarantined_of(pages)) >= len(others)


ODD_BODIES = [
    b"0",
    b"null",
    b'""',
    b"[]",
    b"{}",
    b"[1, 2]",
    b'[{"a": 1}]',
    b'{"items": {}}',
    b'{"items": [], "total_count": "5"}',
    b'{"items": [7], "total_count": 1}',
    b'{"items": [null, [], {}], "total_count": 3}',
    b'{"items": [{"entity_id": 1}], "total_count": 10}',
    b'{"items": [], "total_count": 10}',
    b'{"message": 5, "parameters": 7}',
    b'{"message": "The consumer isn\'t authorized to access %resources.", "parameters": []}',
    b'{"message": "Maximum SearchCriteria pageSize is %max", "parameters": {"max": 0}}',
    b'{"message": "Maximum SearchCriteria pageSize is %max", "parameters": {"max": 100000}}',
    b'{"message": "%1 %2 %x", "parameters": {"1": {"a": []}, "x": null}}',
]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.binary(max_size=300), st.sampled_from(ODD_BODIES)),
    st.sampled_from([200, 200, 200, 201, 302, 400, 401, 404, 500, 503]),
)
def test_whatever_bytes_arrive_the_error_is_one_of_ours(shop: Shop, body: bytes, status: int) -> None:
    client = client_of(shop, attempts=1)
    reads = (client.store_views, client.tax_rates, client.modules, client.ping, lambda: client.transactions([1]))
    for call in (*reads, lambda: list(client.changed("order", None)), lambda: client.comment_order(1, "x")):
        shop.faults = [Answer(status, body)] * 12
        try:
            call()
        except MagodooError:
            pass
        finally:
            shop.faults = []


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_list_that_is_cut_or_changed_in_one_byte_loses_nothing(shop: Shop, data: st.DataObject) -> None:
    rows = [row for row in DOCUMENTS["shipment"][:12]]
    shop.sent_as = lambda row: row
    shop.rows["shipment"] = copy.deepcopy(rows)
    whole = shop.list(
        shop.rows["shipment"], {"searchCriteria[pageSize]": "100", "searchCriteria[currentPage]": "1"}
    ).body
    place = data.draw(st.integers(0, len(whole) - 1))
    bent = (
        whole[:place]
        if data.draw(st.booleans())
        else whole[:place] + data.draw(st.binary(max_size=2)) + whole[place + 1 :]
    )
    shop.faults = [Answer(body=bent)]
    try:
        pages = list(client_of(shop).by_ids("shipment", [row["entity_id"] for row in rows]))
    except MagodooError:
        return
    finally:
        shop.faults = []
        shop.rows["shipment"] = copy.deepcopy(DOCUMENTS["shipment"])
    assert len(ids_of(pages)) + len(quarantined_of(pages)) >= len(rows)
