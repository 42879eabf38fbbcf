"""The lines of the sales lists follow the findings: later, by themselves, and never older than what was written before."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from staged import emptied, instance, magento_document, magento_order, put, rows, value

from magodoo.context import Context
from magodoo.pipeline import reconcile, sales_lists
from magodoo.settings import Settings
from magodoo.staging import sales_lines
from magodoo.staging.work_queue import WorkQueue

ORDERS = ("1", "2", "3")
ALL = "select * from listed order by kind, source_id"


@pytest.fixture
def engine(module_staging_url: str) -> Iterator[Engine]:
    """Three orders with an invoice each, both sides completed, nothing reconciled."""
    with emptied(module_staging_url) as engine:
        for order in map(int, ORDERS):
            put(engine, magento_order(order, f"00000000{order}"), magento_document("invoice", order + 10, order))
        with engine.begin() as connection:
            queue = WorkQueue(connection, "us")
            queue.completed(queue.versions(ORDERS))
        yield engine


def context(engine: Engine) -> Context:
    return Context(Settings(instances={"us": instance()}), instance(), engine)


def invoices(engine: Engine) -> list[tuple[str, str]]:
    return rows(engine, "select source_id, match from listed where kind = 'invoice' order by 1")


def test_a_run_that_ends_before_the_lists_leaves_them_to_the_next(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_: Context) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(sales_lists, "run", killed)
        reconcile.run(context(engine))
    assert reconcile.due(context(engine)) == []
    assert sales_lists.due(context(engine))
    assert invoices(engine) == []

    reconcile.run(context(engine), [])
    assert not sales_lists.due(context(engine))
    assert invoices(engine) == [("11", "missing in Odoo"), ("12", "missing in Odoo"), ("13", "missing in Odoo")]


def test_lists_are_written_in_batches_and_twice_is_the_same_as_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sales_lists, "BATCH", 2)
    reconcile.reconcile_orders(context(engine), list(ORDERS))
    assert sales_lists.run(context(engine)) == 3
    first = rows(engine, ALL)
    assert sales_lists.run(context(engine)) == 0
    with engine.begin() as connection:
        sales_lines.note_due(connection, "us", [*ORDERS, *ORDERS])
    assert sales_lists.run(context(engine)) == 3
    assert rows(engine, ALL) == first


def test_an_order_marked_while_the_lists_are_written_stays_marked(engine: Engine) -> None:
    reconcile.reconcile_orders(context(engine), list(ORDERS))
    with engine.begin() as writing:
        assert sales_lines.refresh_due(writing, "us", 10) == 3
        with engine.begin() as meanwhile:
            sales_lines.note_due(meanwhile, "us", ["2"])
    assert value(engine, "select string_agg(order_key, ',') from unlisted") == "2"


def test_a_list_row_never_replaces_one_read_later(engine: Engine) -> None:
    """As when a customer is erased while the lists are written."""
    reconcile.run(context(engine))

    def erase() -> None:
        with engine.begin() as connection:
            connection.execute(text("update document set number = 'erased' where kind = 'invoice' and order_key = '1'"))
            sales_lines.refresh(connection, "us", ["1"])

    with engine.begin() as connection:
        sales_lines.refresh(connection, "us", ["1"])
        erasing = threading.Thread(target=erase)
        erasing.start()
        erasing.join(1)
        assert erasing.is_alive()
    erasing.join(60)
    assert value(engine, "select number from listed where source_id = '11'") == "erased"
