"""Documents into staging: content decides, later reads win, hostile text is stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, text
from staged import NOON, emptied, instance, item, magento_order, put, rows, value, versions

from magodoo import staging
from magodoo.staging.documents import stage
from magodoo.staging.work_queue import WorkQueue
from magodoo.timestamps import utc_now

LATER = NOON + timedelta(minutes=5)
HOSTILE = "a\tb\nc\\.\n\\N\r\0\ud800'\"{}, =1+1 <b>ü😀 \\u0000 \\"


@pytest.fixture
def engine(module_staging_url: str) -> Iterator[Engine]:
    with emptied(module_staging_url) as engine:
        yield engine


def test_migrating_twice_changes_nothing(module_staging_url: str, engine: Engine) -> None:
    put(engine, magento_order(1, "000000001"))
    staging.migrate(module_staging_url)
    assert value(engine, "select count(*) from document") == 1


def test_json_fractions_come_back_exact(engine: Engine) -> None:
    put(engine, magento_order(1, "000000001", details={"a": Decimal("0.1")}))
    assert value(engine, "select details from document") == {"a": Decimal("0.1")}


def test_unchanged_content_moves_only_the_time_of_the_read(engine: Engine) -> None:
    first = magento_order(1, "000000001")
    first.payload = {
        "id": 1,
        "items": [{"updated_at": "2026-11-20 12:00:00", "sku": "A"}],
        "write_date": "2026-11-20 12:00:00",
    }
    put(engine, first)
    before = rows(engine, "select version, staged_version from document join order_work using (instance, order_key)")
    again = magento_order(1, "000000001", request_began_at=LATER, updated_at=LATER)
    again.payload = {
        "id": 1,
        "items": [{"updated_at": "2026-11-20 12:05:00", "sku": "A"}],
        "write_date": "2026-11-20 12:05:00",
    }
    staged = put(engine, again)
    assert (staged.changed, staged.unchanged) == (0, 1)
    assert (
        rows(engine, "select version, staged_version from document join order_work using (instance, order_key)")
        == before
    )
    assert value(engine, "select request_began_at from document") == LATER


def test_changed_content_makes_its_order_due(engine: Engine) -> None:
    put(engine, magento_order(1, "000000001"))
    with engine.begin() as connection:
        WorkQueue(connection, "us").reconciled(versions(connection))
        assert WorkQueue(connection, "us").due() == []
    put(engine, magento_order(1, "000000001", state="complete", request_began_at=LATER))
    with engine.connect() as connection:
        assert WorkQueue(connection, "us").due() == ["1"]


def test_a_changed_payload_is_a_change_though_the_row_is_equal(engine: Engine) -> None:
    put(engine, magento_order(1, "000000001"))
    other = magento_order(1, "000000001", request_began_at=LATER)
    other.payload = {"id": 1, "billing_address": {"city": "Austin"}}
    assert put(engine, other).changed == 1


def test_an_earlier_read_never_replaces_a_later_one(engine: Engine) -> None:
    put(
        engine,
        magento_order(1, "000000001", state="complete", request_began_at=LATER, lines=[item(1, "A"), item(2, "B")]),
    )
    staged = put(engine, magento_order(1, "000000001", state="new", lines=[item(1, "A")]))
    assert staged.stale == 1
    assert value(engine, "select state from document") == "complete"
    assert value(engine, "select count(*) from line") == 2


def test_deleted_lines_are_removed(engine: Engine) -> None:
    put(engine, magento_order(1, "000000001", lines=[item(1, "A"), item(2, "B")]))
    put(engine, magento_order(1, "000000001", request_began_at=LATER, lines=[item(2, "B", 3)]))
    assert rows(engine, "select line_id, quantity from line") == [("2", 30_000)]


def test_a_document_listed_twice_on_a_page_is_staged_once_in_its_latest_version(engine: Engine) -> None:
    staged = put(
        engine,
        magento_order(1, "000000001", state="complete", request_began_at=LATER),
        magento_order(1, "000000001", state="new"),
    )
    assert staged.read == 1
    assert value(engine, "select state from document") == "complete"


def test_a_deleted_document_that_reappears_is_active_again(engine: Engine) -> None:
    put(engine, magento_order(1, "000000001"))
    with engine.begin() as connection:
        connection.execute(text("update document set deleted_at = now()"))
        before = versions(connection)
    assert put(engine, magento_order(1, "000000001", request_began_at=LATER)).changed == 1
    assert value(engine, "select deleted_at from document") is None
    with engine.connect() as connection:
        assert versions(connection)["1"] > before["1"]


def test_hostile_text_is_stored_and_stops_nothing(engine: Engine) -> None:
    order = magento_order(
        1, "000000001", customer_name=HOSTILE, tracking=(HOSTILE, "1Z"), lines=[item(1, "A", name=HOSTILE)]
    )
    order.payload = {"name": HOSTILE, HOSTILE: [HOSTILE]}
    put(engine, order)
    expected = HOSTILE.replace("\0", "\ufffd").replace("\ud800", "\ufffd")
    assert value(engine, "select customer_name from document") == expected
    assert value(engine, "select tracking from document") == [expected, "1Z"]
    assert value(engine, "select name from line") == expected
    assert "\\u0000 \\" in value(engine, "select payload ->> 'name' from payload")


def test_two_writers_of_one_instance_take_turns(engine: Engine) -> None:
    with engine.connect() as first:
        first.begin()
        stage(first, instance(), [magento_order(1, "000000001")], utc_now())
        with engine.connect() as second:
            free = text("select pg_try_advisory_xact_lock(hashtext('magodoo staging'), hashtext(:of))")
            assert second.execute(free, {"of": "us"}).scalar_one() is False
            assert second.execute(free, {"of": "eu"}).scalar_one() is True


def test_nothing_is_staged_before_the_commit(engine: Engine) -> None:
    with engine.connect() as connection:
        stage(connection, instance(), [magento_order(1, "000000001")], utc_now())
        connection.rollback()
    assert rows(engine, "select 1 from document union select 1 from payload union select 1 from order_work") == []


def test_a_thousand_orders_are_one_page(engine: Engine) -> None:
    orders = [
        magento_order(n, f"{n:09}", lines=[item(n * 10 + k, f"SKU-{k}") for k in range(3)]) for n in range(1, 1001)
    ]
    assert put(engine, *orders).changed == 1000
    assert value(engine, "select count(*) from line") == 3000
