"""What an upgrade does: every earlier schema is brought forward, and nothing that is open is planned anew or loses its approval."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from shop_and_books import ShopAndBooks
from sqlalchemy import text
from upgrade_days import as_left, days, fill

from magodoo import staging
from magodoo.pipeline import load, reconcile
from magodoo.staging.db import MIGRATIONS, SCHEMA
from magodoo_devstack.postgres import Cluster

CONFIG = Config()
CONFIG.set_main_option("script_location", str(MIGRATIONS))
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
SINCE = {
    "0018": "insert into mail_recipient (mail_id, recipient) select id, 'a@example.com' from mail"
}  # what a later one holds as well


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_an_earlier_schema_is_brought_forward_with_its_data(revision: str, postgres: Cluster, staging_url: str) -> None:
    name = f"from_{revision}"
    postgres.create_database(name)
    engine = staging.connect(postgres.url(name))
    with engine.begin() as connection:
        connection.execute(text(f"create schema {SCHEMA}"))
        CONFIG.attributes["connection"] = connection
        command.upgrade(CONFIG, revision)
        for row in (*ROWS, *(row for first, row in SINCE.items() if revision >= first)):
            connection.execute(text(row.replace(":", "\\:")))

    staging.migrate(postgres.url(name))
    staging.migrate(postgres.url(name))  # again changes nothing

    fresh = staging.connect(staging_url)
    with engine.connect() as old, fresh.connect() as new:
        assert old.execute(text(SHAPE), {"schema": SCHEMA}).all() == new.execute(text(SHAPE), {"schema": SCHEMA}).all()
        assert old.execute(text("select number, grand_total from document")).all() == [("000000007", 123400)]
        assert old.execute(text("select kind, state, amount from change")).all() == [("odoo_invoice", "done", 123400)]
        assert old.execute(text("select recipient, attempts, sent_at from mail_recipient")).all() == [
            ("a@example.com", 0, None)
        ]
        assert old.execute(text("select version_num from alembic_version")).scalar_one() == REVISIONS[-1]
    engine.dispose()
    fresh.dispose()
    postgres.drop_database(name)


def test_invoices_paid_before_evidence_was_stored_count_as_paid(postgres: Cluster) -> None:
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


def test_the_state_of_a_mail_becomes_that_of_each_recipient_and_back(postgres: Cluster) -> None:
    postgres.create_database("from_mails")
    engine = staging.connect(postgres.url("from_mails"))
    rows = "select subject, recipient, attempts, sent_at is null, given_up_at is null, last_error from mail_recipient r join mail on id = mail_id order by 1, 2"
    one = "select subject, attempts, sent_at is null, last_error from mail order by 1"
    with engine.begin() as connection:
        connection.execute(text(f"create schema {SCHEMA}"))
        CONFIG.attributes["connection"] = connection
        command.upgrade(CONFIG, "0017")
        connection.execute(
            text(
                "insert into mail (topic, recipients, subject, html, plain, attempts, sent_at, last_error) values"
                " ('t', '{a,b,a}', 'sent', '', '', 1, now(), null), ('t', '{a,b}', 'waits', '', '', 3, null, 'no'),"
                " ('t', '{a}', 'worn', '', '', 50, null, 'gone')"
            )
        )
        before = connection.execute(text(one)).all()
        command.upgrade(CONFIG, "0018")
        moved = connection.execute(text(rows)).all()
        command.downgrade(CONFIG, "0017")
        after = connection.execute(text(one)).all()
    engine.dispose()
    postgres.drop_database("from_mails")
    assert moved == [
        ("sent", "a", 1, False, True, None),
        ("sent", "b", 1, False, True, None),
        ("waits", "a", 3, True, True, "no"),
        ("waits", "b", 3, True, True, "no"),
        ("worn", "a", 50, True, False, "gone"),
    ]
    assert after == before


RENEWED = {"0012": "6 15 16 23 30 31 32 35 36 39 40 41 44 45 53", "0017": "6 35"}
"""By schema, the orders whose requests later versions make otherwise on purpose: bundles, goods refunded before they left, cancelled orders,
tracking numbers, and amounts in company currency of documents in another one (see the changelog)."""
SPREAD = """
    update change set state = :state, attempts = 1, lease_until = now() + interval '1 hour', not_before = now(),
        approval = 'approved', approved_hash = request_hash, approved_by = 'clerk', approved_at = now()
    where id % 4 = :place and state = 'planned'"""
OPEN = """
    select id, kind, source_id, state, verdict, approval, request_hash, approved_hash, checked_hash from change
    where state in ('planned', 'approved', 'leased', 'uncertain') and order_key <> all(string_to_array(:renewed, ' '))
        and (:last = 0 or id <= :last) order by id"""
ENDS = "select distinct state from change where id = any(:ids)"
FORGET = """
    update change set state = 'uncertain', not_before = now(), target_id = null, finished_at = null where id = any(:ids)"""


@pytest.mark.parametrize("day", range(3))
@pytest.mark.parametrize("schema", RENEWED)
def test_what_a_version_left_open_is_kept_and_written_once(
    schema: str, day: int, postgres: Cluster, tmp_path: Path
) -> None:
    left, name = days(schema)[day], f"left_{schema}_{day}"
    postgres.create_database(name)
    engine = staging.connect(postgres.url(name))
    with engine.begin() as connection:
        connection.execute(text(f"create schema {SCHEMA}"))
        CONFIG.attributes["connection"] = connection
        command.upgrade(CONFIG, schema)
        fill(connection, left)
        for place, state in enumerate(("approved", "leased", "uncertain")):
            connection.execute(text(SPREAD), {"state": state, "place": place})
        last = max(row["id"] for row in left["staging"]["change"])
        renewed = {"renewed": RENEWED[schema], "last": last}
        before = connection.execute(text(OPEN), renewed).all()
    engine.dispose()
    staging.migrate(postgres.url(name))
    ids = {"ids": [row.id for row in before]}
    with as_left(postgres.url(name), tmp_path, left, day) as pair:
        _run(pair, "update order_work set staged_version = staged_version + 1")
        reconcile.run(pair.context())
        with pair.engine.connect() as connection:
            assert connection.execute(text(OPEN), renewed).all() == before
        pair.look()
        with pair.engine.connect() as connection:
            assert connection.execute(text(OPEN), renewed).all() == before, "nor does what is read again"
        _run(pair, "update change set lease_until = now() - interval '1 minute' where state = 'leased'")
        for _ in range(2):  # an order that replaces another waits until that one is cancelled
            load.run(pair.context())
            _run(pair, "update change set not_before = now() where not_before is not null")
        with pair.engine.connect() as connection:
            assert connection.scalars(text(ENDS), ids).all() == ["done"]
        written = pair.writes()
        _run(pair, FORGET, **ids)
        load.run(pair.context())
        assert pair.writes() == written, "what may have been written is found"
        with pair.engine.connect() as connection:
            assert connection.scalars(text(ENDS), ids).all() == ["done"]
    postgres.drop_database(name)


def _run(pair: ShopAndBooks, statement: str, **values: object) -> None:
    with pair.engine.begin() as connection:
        connection.execute(text(statement), values)
