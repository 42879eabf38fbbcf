"""What an operations team does: upgrade from each earlier schema, restore an old backup, watch the runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from shop_and_books import GOODS, ShopAndBooks
from sqlalchemy import Engine, text

from magodoo import staging
from magodoo.pipeline import load, quality, reconcile
from magodoo.sandbox.magento import Line
from magodoo.sandbox.seed.shop import CARD
from magodoo.stack.postgres import Cluster
from magodoo.staging.engine import MIGRATIONS, SCHEMA

CONFIG = Config()
CONFIG.set_main_option("script_location", str(MIGRATIONS))
CART = [Line("SKU-001", 2), Line("SKU-002", 1)]
REVISIONS = [script.revision for script in reversed(list(ScriptDirectory.from_config(CONFIG).walk_revisions()))]
SHAPE = """
    select 'column', table_name, column_name, data_type, is_nullable, column_default from information_schema.columns where table_schema = :schema
    union all
    select 'index', tablename, indexname, indexdef, '', '' from pg_indexes where schemaname = :schema
    order by 1, 2, 3"""
ROWS = (  # what an installation of the first release holds
    "insert into payload values ('us', 'magento', 'invoice', '7', '{\"a\": 1}', 'h', now())",
    """insert into document (instance, side, kind, source_id, order_key, number, state, grand_total, request_began_at, version)
        values ('us', 'magento', 'invoice', '7', '3', '000000007', '2', 123400, now(), 1)""",
    "insert into order_work (instance, order_key, staged_version, reconciled_version) values ('us', '3', 1, 1)",
    """insert into change (instance, kind, target, step, order_key, source_id, document_kind, state, request_hash, amount)
        values ('us', 'odoo_invoice', 'odoo', 2, '3', '7', 'invoice', 'done', 'r', 123400)""",
    "insert into watermark values ('us', 'magento', 'invoice', now(), now(), 1, 1, true)",
    "insert into mail (topic, recipients, subject, html, plain) values ('findings', '{a@example.com}', 's', 'h', 'p')",
)


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_an_earlier_schema_is_brought_forward_with_its_data(revision: str, postgres: Cluster, staging_url: str) -> None:
    name = f"from_{revision}"
    postgres.create_database(name)
    engine = staging.connect(postgres.url(name))
    with engine.begin() as connection:
        connection.execute(text(f"create schema {SCHEMA}"))
        CONFIG.attributes["connection"] = connection
        command.upgrade(CONFIG, revision)
        for row in ROWS:
            connection.execute(text(row.replace(":", "\\:")))

    staging.migrate(postgres.url(name))
    staging.migrate(postgres.url(name))  # again changes nothing

    fresh = staging.connect(staging_url)
    with engine.connect() as old, fresh.connect() as new:
        assert old.execute(text(SHAPE), {"schema": SCHEMA}).all() == new.execute(text(SHAPE), {"schema": SCHEMA}).all()
        assert old.execute(text("select number, grand_total from document")).all() == [("000000007", 123400)]
        assert old.execute(text("select kind, state, amount from change")).all() == [("odoo_invoice", "done", 123400)]
        assert old.execute(text("select version_num from alembic_version")).scalar_one() == REVISIONS[-1]
    engine.dispose()
    fresh.dispose()
    postgres.drop_database(name)


def test_what_was_paid_before_the_evidence_was_kept_is_known_as_paid(postgres: Cluster) -> None:
    postgres.create_database("from_paid")
    engine = staging.connect(postgres.url("from_paid"))
    facts = {"301": ("paid", 0, 100), "302": ("partial", 40, 60), "303": ("reversed", 0, 0), "304": ("paid", 0, 60)}
    with engine.begin() as connection:
        connection.execute(text(f"create schema {SCHEMA}"))
        CONFIG.attributes["connection"] = connection
        command.upgrade(CONFIG, "0014")
        for id, (status, open_, captured) in facts.items():
            connection.execute(
                text(
                    "insert into document (instance, side, kind, source_id, number, state, status, grand_total, open_amount, captured_amount,"
                    " request_began_at, version) values ('us', 'odoo', 'invoice', :id, '', 'posted', :status, 100, :open, :captured, now(), 1)"
                ),
                {"id": id, "status": status, "open": open_, "captured": captured},
            )
        command.upgrade(CONFIG, "0015")
        paid = connection.scalars(text("select source_id from document where details ? 'was_paid' order by 1")).all()
    engine.dispose()
    postgres.drop_database("from_paid")
    assert paid == ["301"]


BEFORE_KINDS_WERE_MENDED = "0012"
"""The last schema before records that cannot be read named their orders and documents carried what settled them."""
SINCE_THEN = "{settlement,addressed,foreign_units,was_paid,set_aside,tendered,tendered_base,flaw,deleted_store}"
OPEN = """select id, kind, source_id, state, verdict, approval, request_hash from change
    where state in ('planned', 'approved', 'leased', 'uncertain') order by id"""


def test_an_upgrade_plans_nothing_anew_and_loses_no_approval_or_verdict(pair: ShopAndBooks) -> None:
    orders = [pair.order(GOODS, payment) for payment in ("banktransfer", "cashondelivery", CARD) for _ in range(2)]
    for order in orders:
        pair.shop.invoice(order)
        pair.shop.ship(order)
    pair.look()
    pair.release()
    with pair.engine.begin() as connection:
        for place, state in enumerate(("approved", "leased", "uncertain")):
            connection.execute(
                text("""update change set state = :state, attempts = 1, lease_until = now() + interval '1 hour', approval = 'approved',
                    approved_hash = request_hash, approved_by = 'clerk', approved_at = now() where id % 4 = :place"""),
                {"state": state, "place": place},
            )
        before = connection.execute(text(OPEN)).all()
        CONFIG.attributes["connection"] = connection
        command.downgrade(CONFIG, BEFORE_KINDS_WERE_MENDED)
        connection.execute(text(f"update document set details = details - '{SINCE_THEN}'\\:\\:text[]"))
    staging.migrate(pair.engine.url.render_as_string(hide_password=False))
    with pair.engine.begin() as connection:
        connection.execute(text("update order_work set staged_version = staged_version + 1"))
    assert reconcile.run(pair.context())["orders"] >= len(orders)
    with pair.engine.connect() as connection:
        assert connection.execute(text(OPEN)).all() == before
    for order in orders:
        pair.touch(order)
    pair.look()
    with pair.engine.connect() as connection:
        assert connection.execute(text(OPEN)).all() == before, "nor does what is read again by the new release"


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


def test_quality_and_load_stand_among_the_runs(
    pair: ShopAndBooks, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("MAGODOO_DATA_DOCS", str(tmp_path))
    pair.look()
    quality.run(pair.context())
    load.run(pair.context())
    stages = _stages(pair.engine)
    assert stages["quality"][0] is True and "released" in stages["quality"][1]
    assert stages["load"][0] is True and "applied" in stages["load"][1]


def test_a_load_that_breaks_stands_among_the_runs_as_failed(
    pair: ShopAndBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = pair.shop.place_order(CART, payment="banktransfer")
    pair.shop.invoice(order)
    pair.look()
    pair.release()
    monkeypatch.setattr("magodoo.pipeline.load.Run", lambda context: 1 / 0)
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
