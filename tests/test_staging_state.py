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
from magodoo.staging import completeness, deletion, quarantine, runs
from magodoo.staging.master_data import MasterData
from magodoo.staging.watermarks import Watermarks
from magodoo.staging.work_queue import WorkQueue
from magodoo.timestamps import utc_now


@pytest.fixture
def engine(module_staging_url: str) -> Iterator[Engine]:
    with emptied(module_staging_url) as engine:
        yield engine


LATER = NOON + timedelta(minutes=5)
PRODUCT = {"id": 5, "default_code": "A", "active": True}


def test_an_order_staged_again_while_it_is_reconciled_stays_due(engine: Engine) -> None:
    put(engine, magento_order(1, "000000001"))
    with engine.begin() as connection:
        seen = WorkQueue(connection, "us").versions(["1"])
    put(engine, magento_order(1, "000000001", state="complete", request_began_at=LATER))
    with engine.begin() as connection:
        WorkQueue(connection, "us").reconciled(seen)
        assert WorkQueue(connection, "us").due() == ["1"]
        queue = WorkQueue(connection, "us")
        queue.reconciled(queue.versions(["1"]))
        assert WorkQueue(connection, "us").due() == []


def test_an_order_is_completed_up_to_a_version(engine: Engine) -> None:
    put(engine, magento_order(1, "000000001"))
    with engine.begin() as connection:
        queue = WorkQueue(connection, "us")
        assert [key for key, _, completed in queue.to_complete(["1", "2"])] == ["1"]
        queue.completed(queue.versions(["1"]))
        assert WorkQueue(connection, "us").to_complete(["1"]) == []
        WorkQueue(connection, "us").bump(["1"])
        assert [key for key, _, completed in WorkQueue(connection, "us").to_complete(["1"])] == ["1"]


def test_active_orders_are_open_or_recently_changed(engine: Engine) -> None:
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
        assert WorkQueue(connection, "us").may_change(NOON - timedelta(days=1)) == ["1", "3", "4"]


def test_a_watermark_only_moves_forward_and_starts_at_the_cut_over(engine: Engine) -> None:
    overlap, cut_over = timedelta(minutes=1), datetime(2026, 1, 1, tzinfo=UTC)
    with engine.begin() as connection:
        assert Watermarks(connection, "us", "magento").since("order", overlap, cut_over) == cut_over
        Watermarks(connection, "us", "magento").advance("order", LATER, 3)
        Watermarks(connection, "us", "magento").advance("order", NOON, 5)
        assert Watermarks(connection, "us", "magento").since("order", overlap, cut_over) == LATER - overlap


def test_success_is_noted_only_at_the_end_and_says_whether_all_was_read(engine: Engine) -> None:
    kinds = ["order", "invoice"]
    with engine.begin() as connection:
        Watermarks(connection, "us", "magento").advance("order", NOON, 3)
        assert Watermarks(connection, "us", "magento").last_success(kinds) is None
        Watermarks(connection, "us", "magento").succeeded("order", LATER, 3, 3)
        Watermarks(connection, "us", "magento").succeeded("invoice", NOON, 2, 4)
        assert Watermarks(connection, "us", "magento").last_success(kinds) == NOON
    assert rows(engine, "select kind, complete from watermark order by kind") == [("invoice", False), ("order", True)]


def test_a_refused_record_stays_until_it_can_be_read(engine: Engine) -> None:
    with engine.begin() as connection:
        quarantine.put(
            connection, "us", "magento", [Unread("invoice", "7", "grand_total\0", '{"a": "\ud800\0"}')], utc_now()
        )
        quarantine.put(connection, "us", "magento", [Unread("invoice", "7", "still", "{}")], utc_now())
    assert rows(engine, "select source_id, reason, resolved_at is null from quarantine") == [("7", "still", True)]
    with engine.begin() as connection:
        assert quarantine.release(connection, "us", "magento", "invoice", ["7", "8"], utc_now()) == ["7"]
        quarantine.put(connection, "us", "magento", [Unread("invoice", "7", "again", "{}")], utc_now())
    assert value(engine, "select resolved_at from quarantine") is None


def test_a_refused_record_is_kept_whatever_its_id_is(engine: Engine) -> None:
    """A damaged id is no id that PostgreSQL must be able to hold; the page that it came with is staged all the same."""
    with engine.begin() as connection:
        quarantine.put(connection, "us", "magento", [Unread("invoice", "7\0\ud800", "not an id", "{}")], utc_now())
    assert rows(engine, "select source_id from quarantine") == [("7\ufffd?",)]


def test_a_run_is_noted_with_its_counts_or_its_error(engine: Engine) -> None:
    with runs.recorded(engine, "us", "odoo_extract", "manual__1", utc_now) as counts:
        counts["order"] = {"read": 3}
    with pytest.raises(Unavailable), runs.recorded(engine, "us", "odoo_extract", "manual__2", utc_now, (NOON, LATER)):
        raise Unavailable("503", system="odoo")
    found = rows(engine, "select ok, counts, message, window_to is null from run order by id")
    assert found == [(True, {"order": {"read": 3}}, None, True), (False, {}, "Unavailable: 503", False)]


def test_a_sku_missing_in_odoo_is_looked_up_once_a_day_and_again_for_each_newly_read_order(engine: Engine) -> None:
    put(engine, magento_order(1, "000000001", lines=[item(1, "A"), item(2, "B"), item(3, "C", is_money=False)]))
    with engine.begin() as connection:
        assert MasterData(connection, "us", utc_now()).missing_skus(["SHIPPING"]) == ["A", "B", "SHIPPING"]
        assert (
            MasterData(connection, "us", utc_now()).replace_products(
                ["A", "B", "SHIPPING"], [PRODUCT, PRODUCT | {"id": 6}]
            )
            == 2
        )
        assert MasterData(connection, "us", utc_now()).missing_skus(["SHIPPING"]) == []
        assert MasterData(connection, "us", utc_now()).missing_skus(["SHIPPING"], ["1"]) == ["B", "SHIPPING"]
    found = rows(
        engine, "select key, odoo_id, active from master where model = 'product.product' order by key, odoo_id"
    )
    assert found == [("A", 5, True), ("A", 6, True), ("B", 0, False), ("SHIPPING", 0, False)]


def test_master_lists_are_replaced_as_a_whole(engine: Engine) -> None:
    with engine.begin() as connection:
        MasterData(connection, "us", utc_now()).replace(
            "account.journal", "code", [{"id": 1, "code": "INV"}, {"id": 2, "code": "OLD"}]
        )
        MasterData(connection, "us", utc_now()).replace(
            "account.journal", "code", [{"id": 1, "code": "INV"}, {"id": 3, "code": False}]
        )
        MasterData(connection, "us", utc_now()).put_fact(
            "res.company", "lock_dates", {"hard_lock_date": date(2026, 1, 31).isoformat()}
        )
    assert rows(engine, "select key, odoo_id from master where model = 'account.journal'") == [("INV", 1)]
    assert value(engine, "select data from master where key = 'lock_dates'") == {"hard_lock_date": "2026-01-31"}


def test_only_what_a_later_reading_did_not_return_can_be_gone(engine: Engine) -> None:
    put(engine, magento_order(1, "000000001"), magento_document("invoice", 10, 1), magento_document("invoice", 11, 1))
    put(engine, magento_document("invoice", 11, 1, request_began_at=LATER))
    with engine.begin() as connection:
        unseen = deletion.not_seen_since(connection, "us", "magento", ["1"], LATER)
        assert unseen == {"order": ["1"], "invoice": ["10"]}
        assert deletion.mark_deleted(connection, instance(), "magento", "invoice", ["10", "11"], LATER, utc_now()) == 1
        assert deletion.count(connection, "us") == 1
    assert value(engine, "select source_id from document where deleted_at is not null") == "10"


def test_an_order_is_complete_once_its_totals_match_the_staged_documents(engine: Engine) -> None:
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


def test_an_odoo_order_lists_the_documents_that_must_be_staged(engine: Engine) -> None:
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
