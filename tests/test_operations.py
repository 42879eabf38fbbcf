"""What an operations team does: restore an old backup, watch the runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from shop_and_books import ShopAndBooks
from sqlalchemy import Engine, text

from magodoo.pipeline import load, quality
from magodoo_devstack.postgres import Cluster
from magodoo_sandbox.magento import Line

CART = [Line("SKU-001", 2), Line("SKU-002", 1)]


def test_a_restored_old_database_writes_nothing_twice(
    pair: ShopAndBooks, postgres: Cluster, new_staging: Callable[[], str]
) -> None:
    """The backup was taken when all was planned and nothing written: the worst moment for a ledger to be put back to."""
    orders = [pair.shop.place_order(CART, payment="banktransfer") for _ in range(5)]
    for order in orders:
        pair.shop.invoice(order)
        pair.shop.ship(order)
    pair.look()
    pair.release()
    name = str(pair.engine.url.database)
    pair.engine.dispose()
    postgres.create_database("backup", template=name)

    pair.chain()
    written = _documents(pair)
    assert (len(written["sale.order"]), len(written["account.move"])) == (5, 5)
    pair.engine.dispose()
    postgres.drop_database(name)
    postgres.create_database(name, template="backup")  # the restore

    assert (
        load.run(pair.context())["applied"] > 0
    )  # the old plan is carried out at once: each probe finds what is there
    assert _documents(pair) == written
    pair.chain()
    pair.chain()
    assert _documents(pair) == written
    with pair.engine.connect() as connection:
        open_ones = connection.execute(
            text(
                "select kind, state from change where state in ('planned', 'approved', 'leased', 'uncertain', 'failed')"
            )
        ).all()
    assert open_ones == []
    postgres.drop_database("backup")


def test_quality_and_load_are_listed_among_the_runs(
    pair: ShopAndBooks, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("MAGODOO_DATA_DOCS", str(tmp_path))
    pair.look()
    quality.run(pair.context())
    load.run(pair.context())
    stages = _stages(pair.engine)
    assert stages["quality"][0] is True and "released" in stages["quality"][1]
    assert stages["load"][0] is True and "applied" in stages["load"][1]


def test_a_failing_load_is_listed_among_the_runs_as_failed(pair: ShopAndBooks, monkeypatch: pytest.MonkeyPatch) -> None:
    order = pair.shop.place_order(CART, payment="banktransfer")
    pair.shop.invoice(order)
    pair.look()
    pair.release()
    monkeypatch.setattr("magodoo.pipeline.load.Run", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        load.run(pair.context())
    ok, _, message = _stages(pair.engine)["load"]
    assert ok is False and "ZeroDivisionError" in message


def _documents(pair: ShopAndBooks) -> dict[str, list[Any]]:
    found = {}
    for model, fields in (
        ("sale.order", ["client_order_ref", "amount_total", "state"]),
        ("account.move", ["ref", "amount_total", "state"]),
        ("stock.picking", ["origin", "state"]),
        ("res.partner", ["email", "name"]),
    ):
        rows = pair.odoo.db.call(model, "search_read", domain=[], fields=fields)
        found[model] = sorted([str(row) for row in rows])
    return found


def _stages(engine: Engine) -> dict[str, Any]:
    with engine.connect() as connection:
        rows = connection.execute(text("select stage, ok, counts, message from run order by id")).all()
    return {row.stage: (row.ok, row.counts, row.message) for row in rows}
