"""Reconcile runs on a seeded shop and its Odoo: what was planted is found, twice is the same as once, and it explains itself."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pair import Pair, seeded_pair
from sqlalchemy import text

from magodoo.money import from_units
from magodoo.pipeline import reconcile
from magodoo.reconcile.explain import explain, staging_url
from magodoo.staging.work_queue import WorkQueue
from magodoo_devstack.demo.shop import take_apart
from magodoo_sandbox.seed.manifest import Planted, amount

ORDERS = 60


@pytest.fixture(scope="module")
def pair(new_staging: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with seeded_pair(tmp_path_factory.mktemp("seed"), new_staging(), orders=ORDERS) as pair:
        pair.look()
        yield pair


def rows(pair: Pair, statement: str, **where: Any) -> list[Any]:
    with pair.engine.connect() as connection:
        return list(connection.execute(text(statement), where).all())


def state(pair: Pair) -> list[Any]:
    """Everything that a reconciliation decides, without ids and times."""
    return [
        rows(pair, "select kind, magento_id, odoo_id, rule from pair where ended_at is null order by 1, 2"),
        rows(
            pair,
            """select type, kind, order_key, magento_id, odoo_id, part, message, no_change_reason, reopened from finding
            where resolved_at is null order by 1, 2, 3, 4, 5, 6""",
        ),
        rows(pair, "select kind, source_id, state, request_hash from change order by 1, 2, 3, id"),
    ]


def units(value: int | None) -> str:
    return amount(None if value is None else from_units(value))


def test_every_planted_finding_is_found_and_no_other(pair: Pair) -> None:
    found = Counter(
        Planted(
            row.type,
            row.kind,
            row.magento_number if row.magento_id else row.odoo_number,
            units(row.magento_amount),
            units(row.odoo_amount),
        )
        for row in rows(pair, "select * from finding where resolved_at is null")
    )
    planted = Counter(pair.manifest.planted)
    assert {"not found": planted - found, "not planted": found - planted} == {
        "not found": Counter(),
        "not planted": Counter(),
    }


def test_every_order_is_reconciled_up_to_what_was_staged(pair: Pair) -> None:
    assert rows(pair, "select 1 from order_work where reconciled_version < staged_version") == []


def test_every_open_finding_carries_a_change_or_a_reason(pair: Pair) -> None:
    bare = "select type, message from finding where resolved_at is null and (change_id is null) = (no_change_reason is null)"
    assert rows(pair, bare) == []


def test_a_second_reconcile_run_changes_nothing(pair: Pair) -> None:
    before = state(pair)
    orders = [row.order_key for row in rows(pair, "select order_key from order_work")]
    counts = reconcile.run(pair.context(), orders)
    assert state(pair) == before
    assert (counts["findings_new"], counts["findings_resolved"], counts["changes_new"]) == (0, 0, 0)


def test_two_runs_at_once_end_in_the_same_state(pair: Pair) -> None:
    before = state(pair)
    orders = [row.order_key for row in rows(pair, "select order_key from order_work")]
    failures: list[BaseException] = []

    def reconcile_orders(keys: list[str]) -> None:
        try:
            reconcile.run(pair.context(), keys)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=reconcile_orders, args=(keys,)) for keys in (orders, orders[::-1], orders[::2])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert state(pair) == before


def test_explain_shows_both_sides_of_an_order(pair: Pair) -> None:
    (finding,) = rows(pair, "select * from finding where type = 'total_mismatch'")
    with pair.engine.connect() as connection:
        told = explain(connection, pair.instance.id, finding.order_number)
    for words in (
        finding.order_number,
        finding.magento_number,
        finding.odoo_number,
        "matched by",
        "Totals differ",
        "next (accounting)",
    ):
        assert words in told, told


def test_explain_shows_the_planned_changes_of_an_order(pair: Pair) -> None:
    (change, *_) = rows(pair, "select * from change where kind = 'odoo_order_import' order by id")
    with pair.engine.connect() as connection:
        told = explain(connection, pair.instance.id, change.order_number)
    assert "What will be done" in told and f"change {change.id}" in told
    assert "nothing in Odoo" in told


def test_explain_says_that_an_order_is_not_staged(pair: Pair) -> None:
    with pair.engine.connect() as connection:
        assert "is staged" in explain(connection, pair.instance.id, "no such order")


def test_a_connection_is_read_as_airflow_writes_it() -> None:
    assert staging_url("postgres://a:b@h:1/d") == "postgresql+psycopg2://a:b@h:1/d"
    written = '{"conn_type": "postgres", "host": "h", "port": 1, "login": "a", "password": "p/w", "schema": "d"}'
    assert staging_url(written) == "postgresql+psycopg2://a:p%2Fw@h:1/d"


def test_time_alone_makes_an_order_due(pair: Pair) -> None:
    """A refund without return is a finding after so many days, though nothing has changed."""
    (finding,) = rows(pair, "select * from finding where type = 'refunded_not_returned'")
    (memo,) = rows(pair, "select * from document where kind = 'credit_memo' and source_id = :id", id=finding.magento_id)
    with pair.engine.begin() as connection:
        assert WorkQueue(connection, pair.instance.id).bump_aged(memo.document_date) == 0
        assert WorkQueue(connection, pair.instance.id).bump_aged(memo.document_date + timedelta(days=1), days=1) >= 1
    assert finding.order_key in reconcile.due(pair.context())
    reconcile.run(pair.context())
    assert reconcile.due(pair.context()) == []


def test_what_the_demo_unlinks_between_two_runs_is_found_by_the_second(pair: Pair) -> None:
    """Money that came back: one finding, with what is still to ship, and nothing is written for it."""
    take_apart(pair.context().odoo, pair.manifest.unmatched)
    pair.look()
    (planted,) = [entry for entry in pair.manifest.later if entry.type == "payment_reversed"]
    (found,) = rows(pair, "select * from finding where type = 'payment_reversed' and resolved_at is null")
    assert (found.kind, found.magento_number, units(found.magento_amount), units(found.odoo_amount)) == (
        planted.kind,
        planted.document,
        planted.magento_amount,
        planted.odoo_amount,
    )
    assert found.severity == "critical" and "Still to ship: " in found.message and found.change_id is None
    others = "select type from finding where order_key = :order and resolved_at is null"
    assert rows(pair, others, order=found.order_key) == [("payment_reversed",)]
