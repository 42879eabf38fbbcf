"""Extraction, completion and refresh against both systems: what is read, how far the watermark moves, what a failure leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from pair import Pair, seeded_pair
from sqlalchemy import Engine, text
from staged import emptied, odoo_document, put, rows, value

from magodoo.context import Context
from magodoo.errors import BadSettings, FixConfiguration, InvariantError, TransientError, Unavailable
from magodoo.pipeline import extract, pages, refresh
from magodoo.pipeline.window import Window, from_conf, from_partition
from magodoo.staging.work_queue import WorkQueue

KINDS = ("order", "invoice", "shipment", "credit_memo")


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory, module_staging_url: str) -> Iterator[Pair]:
    with seeded_pair(tmp_path_factory.mktemp("seed"), module_staging_url, orders=12) as pair:
        yield pair


@pytest.fixture
def pair(systems: Pair, module_staging_url: str) -> Iterator[Pair]:
    """Both systems as seeded, staging empty; what a test changes in the shop is taken back."""
    tables, books = systems.shop.shop.tables, systems.books
    before = systems.shop.shop.copy().tables
    with emptied(module_staging_url):
        yield systems
    systems.shop.shop.tables = before
    assert books is systems.books and tables is not before


def changed(counts: dict[str, Any]) -> int:
    return sum(counts[kind]["changed"] for kind in KINDS)


def table(engine: Engine, name: str, columns: str, order: str) -> list[Any]:
    return rows(engine, f"select {columns} from {name} order by {order}")


def everything(engine: Engine) -> list[Any]:
    """What is in staging, without times and versions."""
    return [
        table(
            engine,
            "document",
            "side, kind, source_id, order_key, number, grand_total, sound, details::text, deleted_at is null",
            "1, 2, 3",
        ),
        table(
            engine,
            "line",
            "side, kind, source_id, line_id, item_key, role, quantity, untaxed, tax, qty_open",
            "1, 2, 3, 4",
        ),
        table(engine, "quarantine", "side, kind, source_id, reason", "1, 2, 3"),
    ]


class Broken:
    """A client whose list of one kind ends after its first page."""

    def __init__(self, client: Any, kind: str) -> None:
        self._client, self._kind = client, kind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def changed(self, kind: str, *arguments: Any, **named: Any) -> Iterator[Any]:
        pages = self._client.changed(kind, *arguments, **named)
        yield next(pages)
        if kind == self._kind:
            raise Unavailable("502", system="magento")
        yield from pages


def test_everything_since_the_cut_over_is_read_and_the_watermark_is_the_sources(pair: Pair) -> None:
    counts = extract.run(pair.context(), "magento")
    since = pair.instance.books_from_utc
    tables = pair.shop.shop.tables
    for kind, rows_there in zip(
        KINDS, (tables.orders, tables.invoices, tables.shipments, tables.creditmemos), strict=True
    ):
        stamps = [datetime.fromisoformat(row["updated_at"]).replace(tzinfo=UTC) for row in rows_there.values()]
        wanted = [stamp for stamp in stamps if since is None or stamp >= since]
        assert counts[kind]["read"] + counts[kind]["quarantined"] == len(wanted)
        if wanted and not counts[kind]["quarantined"]:
            assert value(
                pair.engine, "select stamp from watermark where side = 'magento' and kind = :kind", kind=kind
            ) == max(wanted)
    assert rows(pair.engine, "select distinct complete from watermark") == [(True,)]


def test_a_document_dated_tomorrow_hides_nothing_that_is_written_until_then(pair: Pair) -> None:
    ahead, later, *_ = pair.shop.shop.tables.orders.values()
    ahead["updated_at"] = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d %H:%M:%S}"
    extract.run(pair.context(), "magento")
    later["updated_at"] = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
    assert extract.run(pair.context(), "magento")["order"]["read"] == 2


def test_a_second_run_finds_nothing_new(pair: Pair) -> None:
    for side in ("magento", "odoo"):
        extract.run(pair.context(), side)
    before, works = everything(pair.engine), table(pair.engine, "order_work", "order_key, staged_version", "1")
    assert [changed(extract.run(pair.context(), side)) for side in ("magento", "odoo")] == [0, 0]
    assert everything(pair.engine) == before
    assert table(pair.engine, "order_work", "order_key, staged_version", "1") == works


def asked(pair: Pair, side: str) -> list[str]:
    """The calls that a scheduled extract of one side makes, without the discovery of the version."""
    log = pair.books.app.log if side == "odoo" else pair.shop.app.log
    before = len(log)
    extract.run(pair.context(), side)
    paths = [str(entry["path"]).split("/json/2/")[-1] for entry in list(log)[before:]]
    return [path for path in paths if path != "/web/version"]


def grow_old(engine: Engine) -> None:
    """What is staged was first read an hour earlier."""
    with engine.begin() as connection:
        connection.execute(text("update payload set request_began_at = request_began_at - interval '1 hour'"))


def test_a_run_that_finds_nothing_changed_asks_each_side_once_for_each_kind(pair: Pair) -> None:
    for side in ("magento", "odoo"):
        extract.run(pair.context(), side)
    grow_old(pair.engine)
    for contact in pair.books.db.tables["res.partner"].values():
        contact["write_date"] = "2026-01-01 00:00:00"
    assert len(asked(pair, "magento")) == 4
    assert sorted(asked(pair, "odoo")) == [
        "account.move/search_read", "account.move/search_read", "sale.order/search", "sale.order/search_read",
        "stock.picking/search_read", "stock.picking/search_read",
    ], "and once for orders whose contacts were edited"  # fmt: skip
    assert rows(pair.engine, "select distinct complete from watermark") == [(True,)]


def test_a_record_that_changes_again_within_its_second_is_read_as_long_as_the_overlap_lasts(pair: Pair) -> None:
    extract.run(pair.context(), "odoo")
    orders = pair.books.db.tables["sale.order"]
    last = max(orders.values(), key=lambda row: (str(row["write_date"]), row["id"]))
    before, last["state"] = last["state"], "cancel"
    try:
        counts = extract.run(pair.context(), "odoo")
    finally:
        last["state"] = before
    assert before != "cancel" and counts["order"]["changed"] == 1


def test_a_record_that_changed_is_read_however_old_the_others_are(pair: Pair) -> None:
    extract.run(pair.context(), "odoo")
    grow_old(pair.engine)
    order = max(pair.books.db.tables["sale.order"])
    pair.books.db.call("sale.order", "write", [order], vals={"client_order_ref": "ANOTHER"})
    assert extract.run(pair.context(), "odoo")["order"]["changed"] == 1


@pytest.mark.parametrize("sides", [("magento", "odoo"), ("odoo", "magento")])
def test_the_order_of_reading_the_sides_does_not_matter(pair: Pair, sides: tuple[str, str]) -> None:
    for side in sides:
        extract.run(pair.context(), side)
    found = table(pair.engine, "document", "kind, source_id, order_key", "side, 1, 2")
    keys = {
        (kind, source_id): key
        for kind, source_id, key in rows(
            pair.engine, "select kind, source_id, order_key from document where side = 'odoo'"
        )
    }
    ours = rows(
        pair.engine,
        "select source_id, reference from document where side = 'odoo' and kind = 'order' and reference is not null",
    )
    assert found and ours
    assert all(keys["order", source_id] == reference.rsplit("_", 1)[1] for source_id, reference in ours)
    inherited = rows(
        pair.engine,
        """select count(*) from document d join document o on o.side = 'odoo' and o.kind = 'order' and o.source_id = d.own_order_id
            where d.side = 'odoo' and d.order_key is distinct from o.order_key""",
    )
    assert inherited == [(0,)]


def test_a_window_reads_exactly_itself_and_moves_no_watermark(pair: Pair) -> None:
    stamps = sorted(
        datetime.fromisoformat(row["updated_at"]).replace(tzinfo=UTC) for row in pair.shop.shop.tables.orders.values()
    )
    window = Window(stamps[2], stamps[-3])
    counts = extract.run(pair.context(), "magento", window)
    assert counts["order"]["read"] == sum(window.begin <= stamp < window.end for stamp in stamps)
    assert rows(pair.engine, "select 1 from watermark") == []
    assert value(pair.engine, "select window_to from run") == window.end


def test_windows_side_by_side_read_what_one_does(pair: Pair) -> None:
    begin, middle, end = (datetime.now(UTC) - timedelta(days=days) for days in (60, 9, -1))
    extract.run(pair.context(), "magento", Window(begin, end))
    whole = everything(pair.engine)
    with emptied(str(pair.engine.url.render_as_string(hide_password=False))):
        for window in (Window(middle, end), Window(begin, middle)):
            extract.run(pair.context(), "magento", window)
        assert everything(pair.engine) == whole


def test_rows_staged_before_a_failure_are_kept_and_the_next_run_continues(pair: Pair) -> None:
    context = pair.context()
    small = replace(context.magento.connection, page_size=3)
    slow = type(context.magento)(small)
    with pytest.raises(Unavailable):
        extract.run(replace(context, magento_client=Broken(slow, "invoice")), "magento")  # type: ignore[arg-type]
    assert value(pair.engine, "select count(*) from document where kind = 'invoice'") > 0
    assert value(pair.engine, "select ok from run") is False
    assert value(pair.engine, "select last_success_at = '-infinity' from watermark where kind = 'invoice'") is True
    extract.run(replace(context, magento_client=slow), "magento")
    interrupted = everything(pair.engine)
    with emptied(str(pair.engine.url.render_as_string(hide_password=False))):
        extract.run(context, "magento")
        assert everything(pair.engine) == interrupted


def test_a_row_committed_after_its_timestamp_is_still_read(pair: Pair) -> None:
    extract.run(pair.context(), "magento")
    watermark = value(pair.engine, "select stamp from watermark where kind = 'order'")
    late = pair.shop.shop.place_order([("SKU-001", 1)])
    stamp = f"{watermark - timedelta(seconds=30):%Y-%m-%d %H:%M:%S}"
    pair.shop.shop.order(late)["updated_at"] = stamp
    extract.run(pair.context(), "magento")
    assert (
        value(pair.engine, "select count(*) from document where kind = 'order' and source_id = :id", id=str(late)) == 1
    )


def test_an_unreadable_document_is_quarantined_until_it_is_fixed(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    labels: list[str] = []
    monkeypatch.setattr(
        pages.log, "warning", lambda *_: labels.append(structlog.contextvars.get_contextvars()["document"])
    )
    extract.run(pair.context(), "magento")
    ((kind, source_id, reason),) = rows(
        pair.engine, "select kind, source_id, reason from quarantine where resolved_at is null"
    )
    assert (kind, reason) == ("invoice", "grand_total: not an amount: 'abc'")
    assert labels == [f"invoice {source_id}"]  # the line in the log carries its document
    invoice = pair.shop.shop.tables.invoices[int(source_id)]
    invoice.update(grand_total=invoice["base_grand_total"], updated_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}")
    extract.run(pair.context(), "magento")
    assert value(pair.engine, "select resolved_at is not null from quarantine") is True
    assert (
        value(pair.engine, "select count(*) from document where kind = 'invoice' and source_id = :id", id=source_id)
        == 1
    )


def test_a_stop_ends_the_run_after_the_page_in_hand(pair: Pair) -> None:
    context = pair.context()
    context.stop()
    with pytest.raises(TransientError, match="stopped on request"):
        extract.run(context, "magento")
    assert rows(pair.engine, "select 1 from document") == []


def test_master_data_of_the_company_is_there_after_an_odoo_run(pair: Pair) -> None:
    for side in ("magento", "odoo"):
        extract.run(pair.context(), side)
    found = dict(rows(pair.engine, "select model, count(*) from master where active group by 1"))
    assert {
        "account.tax",
        "res.currency",
        "account.journal",
        "product.product",
        "res.country",
        "res.company",
    } <= found.keys()
    assert (
        value(pair.engine, "select data ->> 'value' from master where key = 'database.uuid'")
        == pair.context().odoo.installation.database_uuid()
    )
    assert "sale_lock_date" in value(pair.engine, "select data from master where key = 'lock_dates'")
    assert value(pair.engine, "select data from master where key = 'e_invoicing'") == {"found": []}
    assert rows(pair.engine, "select distinct company_currency from document where side = 'odoo'") == [("USD",)]


def test_completing_brings_the_other_side_and_costs_nothing_twice(pair: Pair) -> None:
    context = pair.context()
    extract.run(context, "magento")
    keys = [key for (key,) in rows(pair.engine, "select order_key from order_work")]
    extract.complete(context, keys)
    by_key = table(pair.engine, "document", "kind, source_id, order_key", "side, 1, 2")
    assert {kind for kind, _, _ in by_key} >= set(KINDS)

    calls = len(pair.books.app.log) + len(pair.shop.app.log)
    extract.complete(context, keys)
    assert len(pair.books.app.log) + len(pair.shop.app.log) == calls

    extract.run(context, "odoo")
    missed = rows(
        pair.engine,
        """select d.kind, d.number from document d join order_work w on w.order_key = d.order_key
            where d.side = 'odoo' and d.version > w.completed_version and d.order_key = any(:keys)""",
        keys=keys,
    )
    assert missed == [], "the Odoo run brought documents of orders that were complete"


def test_an_odoo_order_whose_magento_order_was_not_read_is_completed_by_its_number(pair: Pair) -> None:
    shop = pair.shop.shop.tables
    newest = max(row["updated_at"] for row in shop.orders.values())
    moment = datetime.fromisoformat(newest).replace(tzinfo=UTC)
    context = pair.context()
    extract.run(context, "magento", Window(moment, moment + timedelta(seconds=1)))
    extract.run(context, "odoo")
    strangers = [key for (key,) in rows(pair.engine, "select order_key from order_work where order_key like 'odoo-%'")]
    assert strangers
    extract.complete(context, strangers)
    left = rows(
        pair.engine,
        "select number, other_references from document where side = 'odoo' and kind = 'order' and order_key like 'odoo-%' and not details ? 'without_order'",
    )
    assert left == []


def test_documents_whose_order_does_not_exist_are_reported(pair: Pair) -> None:
    planted = {entry.document for entry in pair.manifest.planted if entry.type == "without_order"}
    context = pair.context()
    for side in ("magento", "odoo"):
        extract.run(context, side)
    with pair.engine.connect() as connection:
        due = WorkQueue(connection, "us").due()
    extract.complete(context, due)
    found = {number for (number,) in rows(pair.engine, "select number from document where details ? 'without_order'")}
    assert planted and planted <= found


def test_later_documents_of_an_order_that_does_not_exist_are_reported(pair: Pair) -> None:
    context = pair.context()
    for side in ("magento", "odoo"):
        extract.run(context, side)
    orphan = value(pair.engine, "select order_key from document where source_id = '990001'")
    extract.complete(context, [orphan])
    put(pair.engine, odoo_document("invoice", 990_002, reference="magodoo.inv_us_990001"))
    extract.run(context, "magento")
    extract.complete(context, [orphan])
    later = rows(pair.engine, "select order_key, details ? 'without_order' from document where source_id = '990002'")
    assert later == [(orphan, True)]


def test_the_refresh_finds_a_late_track_and_a_deletion(pair: Pair) -> None:
    context = pair.context()
    for side in ("magento", "odoo"):
        extract.run(context, side)
    tables = pair.shop.shop.tables
    _, _, first, second, *_ = sorted(tables.shipments.values(), key=lambda row: row["updated_at"], reverse=True)
    first["tracks"].append(
        {
            "entity_id": 990,
            "parent_id": first["entity_id"],
            "order_id": first["order_id"],
            "track_number": "LATE-1",
            "title": "UPS",
            "carrier_code": "ups",
        }
    )
    tables.delete("shipments", second["entity_id"])
    assert changed(extract.run(context, "magento")) == 0

    counts = refresh.run(context)

    assert counts["deleted"] == 1
    tracks = value(
        pair.engine,
        "select tracking from document where side = 'magento' and kind = 'shipment' and source_id = :id",
        id=str(first["entity_id"]),
    )
    assert "LATE-1" in tracks
    gone = rows(pair.engine, "select source_id, order_key from document where deleted_at is not null")
    assert gone == [(str(second["entity_id"]), str(second["order_id"]))]
    with pair.engine.connect() as connection:
        assert {str(first["order_id"]), str(second["order_id"])} <= set(WorkQueue(connection, "us").due())
    assert refresh.run(context)["deleted"] == 0


def test_a_system_that_seems_to_have_lost_everything_deletes_nothing(pair: Pair) -> None:
    context = pair.context()
    for side in ("magento", "odoo"):
        extract.run(context, side)
    tables = pair.shop.shop.tables
    for name in ("orders", "invoices", "shipments", "creditmemos"):
        for number in list(getattr(tables, name)):
            tables.delete(name, number)
    with pytest.raises(FixConfiguration, match="seem to be deleted"):
        refresh.run(context)
    assert rows(pair.engine, "select 1 from document where deleted_at is not null") == []


def test_a_run_without_a_connection_names_the_missing_system(pair: Pair) -> None:
    with pytest.raises(InvariantError, match="without Odoo"):
        extract.run(replace(pair.context(), odoo_client=None), "odoo")


def test_a_window_comes_from_a_form_or_from_a_partition() -> None:
    window = from_conf({"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T01:00:00+01:00"})
    assert window == Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
    assert from_partition("2026-11-22T10:15", "*/15 * * * *") == Window(
        datetime(2026, 11, 22, 10, 15, tzinfo=UTC), datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    "conf",
    [
        {"from": "2026-11-02", "to": "2026-11-01"},
        {"from": "yesterday", "to": "2026-11-01"},
        {"from": "0001-01-01T00:00:00+05:00", "to": "2026-11-01"},
        {"from": "2026-11-01"},
        {},
    ],
)
def test_an_invalid_window_is_refused(conf: dict[str, str]) -> None:
    with pytest.raises(BadSettings):
        from_conf(conf)


def test_a_window_needs_zones() -> None:
    naive: Callable[[], Window] = lambda: Window(datetime(2026, 1, 1), datetime(2026, 1, 2))  # noqa: DTZ001, E731
    with pytest.raises(BadSettings, match="zone"):
        naive()


def test_the_context_is_plain(pair: Pair) -> None:
    context: Context = pair.context()
    with context.engine.connect() as connection:
        assert connection.execute(text("show timezone")).scalar_one() == "UTC"
