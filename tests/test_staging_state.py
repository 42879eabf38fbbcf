"""Work list, watermarks, quarantine, runs, master data, deletions: each has one owner and survives being asked twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine
from staged import (
    NOON,
    emptied,
    instance,
    item,
    magento_document,
    magento_order,
    odoo_document,
    odoo_order,
    put,
    rows,
    value,
)

from magodoo.errors import Unavailable
from magodoo.extract.canonical import Unread
from magodoo.staging import completeness, deletion, master_data, quarantine, runs, watermarks, work_queue


@pytest.fixture
def engine(module_staging_url: str) -> Iterator[Engine]:
    with emptied(module_staging_url) as engine:
        yield engine


LATER = NOON + timedelta(minutes=5)
PRODUCT = {"id": 5, "default_code": "A", "active": True}


def test_what_is_staged_while_an_order_is_reconciled_stays_due(engine: Engine) -> None:
    put(engine, magento_order(1, "000000001"))
    with engine.begin() as connection:
        seen = work_queue.versions(connection, "us", ["1"])
    put(engine, magento_order(1, "000000001", state="complete", request_began_at=LATER))
    with engine.begin() as connection:
        work_queue.reconciled(connection, "us", seen)
        assert work_queue.due(connection, "us") == ["1"]
        work_queue.reconciled(connection, "us", work_queue.versions(connection, "us", ["1"]))
        assert work_queue.due(connection, "us") == []


def test_an_order_is_completed_up_to_a_version(engine: Engine) -> None:
    put(engine, magento_order(1, "000000001"))
    with engine.begin() as connection:
        assert [key for key, _, completed in work_queue.to_complete(connection, "us", ["1", "2"])] == ["1"]
        work_queue.completed(connection, "us", work_queue.versions(connection, "us", ["1"]))
        assert work_queue.to_complete(connection, "us", ["1"]) == []
        work_queue.bump(connection, "us", ["1"])
        assert [key for key, _, completed in work_queue.to_complete(connection, "us", ["1"])] == ["1"]


def test_lively_orders_are_open_or_touched_lately(engine: Engine) -> None:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    put(
        engine,
        magento_order(1, "000000001", updated_at=old),
        magento_order(2, "000000002", updated_at=old, state="complete"),
        magento_order(3, "000000003", updated_at=NOON, state="closed"),
        magento_order(4, "000000004", updated_at=old, state="complete"),
        odoo_order(40, reference="magodoo.order_us_4", updated_at=NOON),
    )
    with engine.connect() as connection:
        assert work_queue.may_change(connection, "us", NOON - timedelta(days=1)) == ["1", "3", "4"]


def test_a_watermark_only_moves_forward_and_starts_at_the_cut_over(engine: Engine) -> None:
    overlap, cut_over = timedelta(minutes=1), datetime(2026, 1, 1, tzinfo=UTC)
    with engine.begin() as connection:
        assert watermarks.since(connection, "us", "magento", "order", overlap, cut_over) == cut_over
        watermarks.advance(connection, "us", "magento", "order", LATER, 3)
        watermarks.advance(connection, "us", "magento", "order", NOON, 5)
        assert watermarks.since(connection, "us", "magento", "order", overlap, cut_over) == LATER - overlap


def test_success_is_noted_only_at_the_end_and_says_whether_all_was_read(engine: Engine) -> None:
    kinds = ["order", "invoice"]
    with engine.begin() as connection:
        watermarks.advance(connection, "us", "magento", "order", NOON, 3)
        assert watermarks.last_success(connection, "us", "magento", kinds) is None
        watermarks.succeeded(connection, "us", "magento", "order", LATER, 3, 3)
        watermarks.succeeded(connection, "us", "magento", "invoice", NOON, 2, 4)
        assert watermarks.last_success(connection, "us", "magento", kinds) == NOON
    assert rows(engine, "select kind, complete from watermark order by kind") == [("invoice", False), ("order", True)]


def test_a_refused_record_stays_until_it_can_be_read(engine: Engine) -> None:
    with engine.begin() as connection:
        quarantine.put(connection, "us", "magento", [Unread("invoice", "7", "grand_total\0", '{"a": "\ud800\0"}')])
        quarantine.put(connection, "us", "magento", [Unread("invoice", "7", "still", "{}")])
    assert rows(engine, "select source_id, reason, resolved_at is null from quarantine") == [("7", "still", True)]
    with engine.begin() as connection:
        assert quarantine.release(connection, "us", "magento", "invoice", ["7", "8"]) == ["7"]
        quarantine.put(connection, "us", "magento", [Unread("invoice", "7", "again", "{}")])
    assert value(engine, "select resolved_at from quarantine") is None


def test_a_refused_record_is_kept_whatever_its_id_is(engine: Engine) -> None:
    """A damaged id is no id that PostgreSQL must be able to hold; the page that it came with is staged all the same."""
    with engine.begin() as connection:
        quarantine.put(connection, "us", "magento", [Unread("invoice", "7\0\ud800", "not an id", "{}")])
    assert rows(engine, "select source_id from quarantine") == [("7\ufffd?",)]


def test_a_run_is_noted_with_its_counts_or_its_error(engine: Engine) -> None:
    with runs.recorded(engine, "us", "odoo_extract", "manual__1") as counts:
        counts["order"] = {"read": 3}
    with pytest.raises(Unavailable), runs.recorded(engine, "us", "odoo_extract", "manual__2", (NOON, LATER)):
        raise Unavailable("503", system="odoo")
    found = rows(engine, "select ok, counts, message, window_to is null from run order by id")
    assert found == [(True, {"order": {"read": 3}}, None, True), (False, {}, "Unavailable: 503", False)]


def test_a_sku_is_asked_for_once_a_day_and_again_for_an_order_that_is_read_while_odoo_lacks_it(engine: Engine) -> None:
    put(engine, magento_order(1, "000000001", lines=[item(1, "A"), item(2, "B"), item(3, "C", is_money=False)]))
    with engine.begin() as connection:
        assert master_data.missing_skus(connection, "us", ["SHIPPING"]) == ["A", "B", "SHIPPING"]
        assert (
            master_data.replace_products(connection, "us", ["A", "B", "SHIPPING"], [PRODUCT, PRODUCT | {"id": 6}]) == 2
        )
        assert master_data.missing_skus(connection, "us", ["SHIPPING"]) == []
        assert master_data.missing_skus(connection, "us", ["SHIPPING"], ["1"]) == ["B", "SHIPPING"]
    found = rows(
        engine, "select key, odoo_id, active from master where model = 'product.product' order by key, odoo_id"
    )
    assert found == [("A", 5, True), ("A", 6, True), ("B", 0, False), ("SHIPPING", 0, False)]


def test_master_lists_are_replaced_as_a_whole(engine: Engine) -> None:
    with engine.begin() as connection:
        master_data.replace(
            connection, "us", "account.journal", "code", [{"id": 1, "code": "INV"}, {"id": 2, "code": "OLD"}]
        )
        master_data.replace(
            connection, "us", "account.journal", "code", [{"id": 1, "code": "INV"}, {"id": 3, "code": False}]
        )
        master_data.put_fact(
            connection, "us", "res.company", "lock_dates", {"hard_lock_date": date(2026, 1, 31).isoformat()}
        )
    assert rows(engine, "select key, odoo_id from master where model = 'account.journal'") == [("INV", 1)]
    assert value(engine, "select data from master where key = 'lock_dates'") == {"hard_lock_date": "2026-01-31"}


def test_only_what_a_later_reading_did_not_return_can_be_gone(engine: Engine) -> None:
    put(engine, magento_order(1, "000000001"), magento_document("invoice", 10, 1), magento_document("invoice", 11, 1))
    put(engine, magento_document("invoice", 11, 1, request_began_at=LATER))
    with engine.begin() as connection:
        unseen = deletion.not_seen_since(connection, "us", "magento", ["1"], LATER)
        assert unseen == {"order": ["1"], "invoice": ["10"]}
        assert deletion.mark_deleted(connection, instance(), "magento", "invoice", ["10", "11"], LATER) == 1
        assert deletion.count(connection, "us") == 1
    assert value(engine, "select source_id from document where deleted_at is not null") == "10"


def test_nothing_is_lacking_of_an_order_whose_own_sums_are_staged(engine: Engine) -> None:
    totals = {"totals": {"invoiced": 100, "refunded": 0}}
    shipped = item(5, "A", qty_shipped=10_000)
    put(
        engine,
        magento_order(1, "000000001", details=totals, lines=[shipped]),
        magento_order(2, "000000002", details=totals),
    )
    put(
        engine,
        magento_document("invoice", 10, 1, grand_total=100),
        magento_document("shipment", 11, 1, lines=[item(1, "A")]),
    )
    with engine.connect() as connection:
        assert completeness.of_magento(connection, "us", ["1", "2", "3"]) == ["2", "3"]


def test_an_odoo_order_lists_what_must_be_staged_of_it(engine: Engine) -> None:
    put(engine, magento_order(1, "000000001"), magento_order(2, "000000002"), magento_order(3, "000000003"))
    put(
        engine,
        odoo_order(10, reference="magodoo.order_us_1", details={"invoice_ids": [5], "picking_ids": [6]}),
        odoo_order(20, reference="magodoo.order_us_2", details={"invoice_ids": [], "picking_ids": [7]}),
        odoo_document("invoice", 5, 10),
        odoo_document("shipment", 6, 10),
    )
    with engine.connect() as connection:
        assert completeness.of_odoo(connection, "us", ["1", "2", "3"]) == ["2", "3"]
