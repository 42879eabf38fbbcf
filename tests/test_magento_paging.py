"""Reading lists of Magento: nothing lost, nothing twice, a poisoned record set apart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from magento_double import (
    Answer,
    Asked,
    Shop,
    client_of,
    ids_of,
    invoice,
    json_answer,
    quarantined_of,
    recorded,
    served,
)

from magodoo.connectors.magento.pagination import in_order
from magodoo.connectors.magento.search import batches
from magodoo.domain.vocabulary import Kind
from magodoo.errors import InvariantError, Unavailable, UnknownField, Unreadable

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def timestamp(seconds: int) -> str:
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S")


@pytest.fixture
def shop() -> Iterator[Shop]:
    """60 invoices, many of them with one timestamp: three seconds of 7, one second of 25, the rest alone."""
    seconds = [1] * 7 + [2] * 7 + [3] * 7 + [5] * 25 + list(range(10, 24))
    rows = [invoice(number * 3, timestamp(second)) for number, second in enumerate(seconds, 1)]
    with served(Shop({"order": [], "invoice": rows, "shipment": [], "credit_memo": []})) as running:
        yield running


@pytest.mark.parametrize("size", [1, 2, 5, 7, 10, 24, 25, 26, 60, 100])
def test_every_row_is_read_once_whatever_the_page_size_and_the_ties(shop: Shop, size: int) -> None:
    pages = list(client_of(shop, page_size=size).changed("invoice", None))
    assert sorted(ids_of(pages)) == sorted(row["entity_id"] for row in shop.rows["invoice"])
    assert {page.total_count for page in pages} == {60}
    assert not quarantined_of(pages)


def test_the_window_is_half_open_and_in_utc(shop: Shop) -> None:
    berlin = datetime.fromisoformat("2026-11-22T10:00:02+01:00")
    rows = ids_of(client_of(shop).changed(Kind.INVOICE, berlin, START + timedelta(seconds=5)))
    assert rows == [
        row["entity_id"] for row in shop.rows["invoice"] if timestamp(2) <= row["updated_at"] < timestamp(5)
    ]


def test_a_bound_within_a_second_keeps_that_second(shop: Shop) -> None:
    half = timedelta(milliseconds=500)
    rows = ids_of(
        client_of(shop).changed("invoice", START + timedelta(seconds=2) + half, START + timedelta(seconds=3) + half)
    )
    assert rows == [
        row["entity_id"] for row in shop.rows["invoice"] if timestamp(2) <= row["updated_at"] <= timestamp(3)
    ]


def test_a_time_without_a_zone_is_refused_before_anything_is_sent(shop: Shop) -> None:
    with pytest.raises(InvariantError):
        list(client_of(shop).changed("invoice", datetime(2026, 11, 22)))  # noqa: DTZ001
    assert shop.asked == []


def test_only_the_stores_of_the_instance_are_read(shop: Shop) -> None:
    for row in shop.rows["invoice"][::2]:
        row["store_id"] = 4
    rows = ids_of(client_of(shop).changed("invoice", None, store_ids=[4, 5]))
    assert rows == [row["entity_id"] for row in shop.rows["invoice"][::2]]


def test_rows_that_change_while_they_are_read_come_again_and_no_other_is_lost(shop: Shop) -> None:
    moved = iter([3, 9, 60, 90, 120, 150])

    def touch(asked: Asked) -> None:
        number = next(moved, None)
        for row in shop.rows["invoice"]:
            if row["entity_id"] == number:
                row["updated_at"], row["state"] = timestamp(500 + number), 3

    shop.on_list = touch
    rows = [row for page in client_of(shop, page_size=10).changed("invoice", None) for row in page.rows]
    assert {row["entity_id"] for row in rows} == {row["entity_id"] for row in shop.rows["invoice"]}
    latest = {row["entity_id"]: row["state"] for row in rows}
    assert [latest[number] for number in (3, 9, 60, 90, 120, 150)] == [3] * 6


def test_a_second_write_with_an_equal_timestamp_is_read(shop: Shop) -> None:
    last_of_first_page = shop.rows["invoice"][7]

    def touch(asked: Asked) -> None:
        if len(shop.asked) == 2:
            last_of_first_page["state"] = 3

    shop.on_list = touch
    rows = [row for page in client_of(shop, page_size=8).changed("invoice", None) for row in page.rows]
    states = [row["state"] for row in rows if row["entity_id"] == last_of_first_page["entity_id"]]
    assert states == [2, 3]


def test_the_page_size_follows_the_limit_that_the_shop_names(shop: Shop) -> None:
    shop.most_rows = 11
    client = client_of(shop, page_size=100)
    assert len(ids_of(client.changed("invoice", None))) == 60
    sizes = [int(asked.parameters["searchCriteria[pageSize]"]) for asked in shop.asked]
    assert sizes[0] == 100 and set(sizes[1:]) == {11}


def test_a_server_that_silently_shortens_pages_loses_no_row(shop: Shop) -> None:
    shop.caps_at = 13
    assert len(set(ids_of(client_of(shop, page_size=50).changed("invoice", None)))) == 60


@pytest.mark.parametrize("size", [1, 10, 100])
@pytest.mark.parametrize("number", [3, 48, 75, 180])
def test_one_unreadable_record_is_named_and_quarantined_and_the_rest_is_read(
    shop: Shop, size: int, number: int
) -> None:
    shop.poison[number] = recorded("get_filter_unknown_field")
    pages = list(client_of(shop, page_size=size).changed("invoice", None))
    assert sorted(ids_of(pages)) == sorted(
        row["entity_id"] for row in shop.rows["invoice"] if row["entity_id"] != number
    )
    assert [entry.source_id for entry in quarantined_of(pages)] == [number]
    assert "Report ID" in quarantined_of(pages)[0].reason


def test_several_adjacent_unreadable_records_are_each_named(shop: Shop) -> None:
    for number in (60, 63, 66, 180):
        shop.poison[number] = Answer(200, b'{"items": [{"entity_id": ')
    pages = list(client_of(shop, page_size=20).changed("invoice", None))
    assert [entry.source_id for entry in quarantined_of(pages)] == [60, 63, 66, 180]
    assert len(ids_of(pages)) == 56
    assert quarantined_of(pages)[0].raw == '{"items": [{"entity_id": '


def test_an_unreadable_record_in_a_read_by_keys_is_named_too(shop: Shop) -> None:
    shop.poison[90] = recorded("write_invoice_set_transaction_id")
    pages = list(client_of(shop, page_size=10).by_ids("invoice", [3, 90, 93, 4]))
    assert ids_of(pages) == [3, 93]
    assert [entry.source_id for entry in quarantined_of(pages)] == [90]


def test_a_row_that_is_counted_but_not_sent_is_named(shop: Shop) -> None:
    shop.hidden.add(75)
    pages = list(client_of(shop, page_size=30).changed("invoice", None))
    assert len(ids_of(pages)) == 59
    assert [entry.source_id for entry in quarantined_of(pages)] == [75]


def test_a_search_that_fails_without_any_row_blames_no_record(shop: Shop) -> None:
    shop.rows["invoice"][0]["entity_id"] = 3
    shop.on_list = lambda asked: shop.faults.append(recorded("get_sort_unknown_field"))
    shop.faults = [recorded("get_sort_unknown_field")] * 30
    with pytest.raises(UnknownField):
        list(client_of(shop).changed("invoice", None))
    assert len(shop.asked) == 2


def test_a_shop_that_fails_at_every_record_is_not_emptied_into_the_quarantine(shop: Shop) -> None:
    for row in shop.rows["invoice"]:
        shop.poison[row["entity_id"]] = recorded("get_filter_unknown_field")
    with pytest.raises(UnknownField):
        list(client_of(shop, page_size=2).changed("invoice", None))


def test_a_server_that_ignores_filters_is_stopped_instead_of_read_for_ever(shop: Shop) -> None:
    rows = shop.rows["invoice"][:2]
    shop.writes = lambda asked: json_answer(0)
    shop.answer = lambda asked: json_answer({"items": rows, "total_count": 60})  # type: ignore[method-assign]
    with pytest.raises(InvariantError, match="same page"):
        list(client_of(shop, page_size=2).changed("invoice", None))


def test_rows_lost_on_the_way_are_noticed_by_the_count(shop: Shop) -> None:
    shop.sent_as = lambda row: row | {"updated_at": timestamp(9000)} if row["entity_id"] == 30 else row
    with pytest.raises(Unavailable, match="rows were read"):
        list(client_of(shop, page_size=10).changed("invoice", None))


def test_a_failing_row_does_not_affect_other_rows_of_its_page(shop: Shop) -> None:
    damage = {
        6: {"updated_at": "0000-00-00 00:00:00"},
        12: {"grand_total": "NaN"},
        18: {"items": 7},
        24: {"entity_id": "twenty-four"},
        36: {"updated_at": timestamp(9000)},
    }
    shop.sent_as = lambda row: row | damage.get(row["entity_id"], {})
    pages = list(client_of(shop, page_size=100).changed("invoice", None))
    assert len(ids_of(pages)) == 55
    assert {entry.source_id for entry in quarantined_of(pages)} == {6, 12, 18, None, 36}


def test_one_id_twice_with_different_content_is_not_taken_as_sound(shop: Shop) -> None:
    shop.rows["invoice"] = [
        invoice(1, timestamp(1)),
        invoice(2, timestamp(2)),
        invoice(2, timestamp(2), grand_total=Decimal("99.99")),
    ]
    pages = list(client_of(shop).changed("invoice", None))
    assert ids_of(pages) == [1]
    assert [entry.source_id for entry in quarantined_of(pages)] == [2, 2]


def test_one_row_twice_on_a_page_is_read_once(shop: Shop) -> None:
    shop.rows["invoice"] = [invoice(1, timestamp(1)), invoice(2, timestamp(2)), invoice(2, timestamp(2))]
    assert ids_of(client_of(shop).changed("invoice", None)) == [1, 2]


def test_many_keys_go_into_few_in_filters_that_fit_into_a_url(shop: Shop) -> None:
    wanted = range(1_000_001, 1_000_401)
    shop.rows["invoice"] = [invoice(number, timestamp(1)) for number in wanted]
    assert ids_of(client_of(shop).by_ids("invoice", wanted)) == list(wanted)
    assert len(shop.asked) == 4
    assert max(len(asked.query) for asked in shop.asked) < 4000


def test_keys_are_read_in_parallel_and_come_in_order(shop: Shop) -> None:
    numbers = [row["entity_id"] for row in shop.rows["invoice"]]
    assert ids_of(client_of(shop, page_size=7, parallel=3).by_ids("invoice", numbers)) == numbers


def test_existing_ids_leaves_out_deleted_documents(shop: Shop) -> None:
    shop.poison[9] = recorded("get_filter_unknown_field")
    assert client_of(shop).existing_ids("invoice", [3, 4, 6, 9, 10]) == {3, 6, 9}


def test_an_empty_list_may_be_null_and_still_gives_a_page(shop: Shop) -> None:
    shop.faults = [recorded("get_filter_invalid_condition")]
    pages = list(client_of(shop).changed("order", None))
    assert [(page.rows, page.total_count) for page in pages] == [([], 0)]


def test_no_page_without_keys(shop: Shop) -> None:
    assert list(client_of(shop).by_order("invoice", [])) == []
    assert shop.asked == []


def test_orders_are_found_by_number_and_a_text_with_a_comma_finds_nothing(shop: Shop) -> None:
    from magento_double import DOCUMENTS

    shop.rows["order"] = DOCUMENTS["order"]
    found, _ = client_of(shop).orders_by_increment(["000000002", "S1,S2", "", "000000004"], [1])
    assert [row["entity_id"] for row in found] == [2, 4]


def test_transient_failures_are_repeated_and_counted(shop: Shop) -> None:
    shop.faults = [recorded("err_php_down_502"), Answer(drop=True), recorded("rate_guest_put_order_2")]
    client = client_of(shop)
    assert len(ids_of(client.changed("invoice", None))) == 60
    assert client.stats.retries == 3
    assert client.stats.requests == 4


def test_a_long_answer_is_refused_and_the_page_made_smaller(shop: Shop) -> None:
    client = client_of(shop, largest_body=40_000)
    assert len(set(ids_of(client.changed("invoice", None)))) == 60


def test_a_record_that_is_too_long_alone_is_quarantined(shop: Shop) -> None:
    shop.sent_as = lambda row: row | {"note": "x" * 50_000} if row["entity_id"] == 15 else row
    pages = list(client_of(shop, largest_body=40_000).changed("invoice", None))
    assert len(ids_of(pages)) == 59
    assert [entry.source_id for entry in quarantined_of(pages)] == [15]


def test_an_answer_that_is_no_list_is_unreadable(shop: Shop) -> None:
    shop.answer = lambda asked: Answer(body=b"[]")  # type: ignore[method-assign]
    with pytest.raises(Unreadable):
        list(client_of(shop).changed("invoice", None))


def test_a_corrupted_key_affects_no_other_row() -> None:
    def key(seconds: int) -> tuple[datetime, int]:
        return START + timedelta(seconds=seconds), 1

    assert in_order([key(1), key(900), key(2), key(3), key(0)]) == [True, False, True, True, False]
    assert in_order([key(1), key(2), key(1), key(4)]) == [True, True, False, True]


def test_batches_keep_order_and_drop_repeats() -> None:
    assert list(batches([5, 3, 5, 9], 2)) == [[5, 3], [9]]
