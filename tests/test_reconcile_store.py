"""Findings and pairs live in the database: first seen, last seen, resolved, reopened, muted; pairs begin and end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from reconcile_sales import Sales
from sqlalchemy import Connection, text

from magodoo.domain.vocabulary import FindingType, Kind
from magodoo.pipeline import reconcile as pipeline_reconcile
from magodoo.reconcile import repository
from magodoo.reconcile.finding import Finding
from magodoo.reconcile.repository import Findings, Pairs
from magodoo.timestamps import utc_now

DAY = timedelta(days=1)
FIRST = datetime(2026, 11, 20, tzinfo=UTC)


def found(order: str | None = "1", type_: FindingType = FindingType.ROUNDING, **more: Any) -> Finding:
    return Finding(type_, Kind.INVOICE, order_key=order, magento_id="7", magento_number="000000007", **more)


def rows(connection: Connection, table: str = "finding") -> list[Any]:
    return list(connection.execute(text(f"select * from {table} order by id")).all())


def test_a_finding_lives_from_seen_to_resolved_to_reopened(connection: Connection) -> None:
    assert Findings(connection, "us").write(["1"], [found()], {}, FIRST)["new"] == 1
    assert Findings(connection, "us").write(["1"], [found()], {}, FIRST + DAY)["seen"] == 1
    assert Findings(connection, "us").write(["1"], [], {}, FIRST + 2 * DAY)["resolved"] == 1
    assert Findings(connection, "us").write(["1"], [found()], {}, FIRST + 3 * DAY)["reopened"] == 1
    (row,) = rows(connection)
    assert (row.first_seen, row.last_seen) == (FIRST, FIRST + 3 * DAY)
    assert (row.resolved_at, row.reopened_at, row.reopened) == (None, FIRST + 3 * DAY, 1)


def test_only_findings_of_reconciled_orders_are_resolved(connection: Connection) -> None:
    Findings(connection, "us").write(["1", "2"], [found("1"), found("2")], {}, FIRST)
    Findings(connection, "us").write(["2"], [], {}, FIRST + DAY)
    assert [(row.order_key, row.resolved_at is None) for row in rows(connection)] == [("1", True), ("2", False)]


def test_findings_without_an_order_are_reconciled_in_every_run(connection: Connection) -> None:
    Findings(connection, "us").write([], [found(None, FindingType.QUARANTINED)], {}, FIRST)
    Findings(connection, "us").write(["9"], [], {}, FIRST + DAY)
    assert rows(connection)[0].resolved_at == FIRST + DAY


def test_another_instances_findings_are_left_alone(connection: Connection) -> None:
    Findings(connection, "us").write(["1"], [found()], {}, FIRST)
    Findings(connection, "de").write(["1"], [], {}, FIRST + DAY)
    assert rows(connection)[0].resolved_at is None


def test_a_mute_is_kept_by_the_next_run(connection: Connection) -> None:
    Findings(connection, "us").write(["1"], [found()], {}, FIRST)
    repository.mute(connection, rows(connection)[0].id, "ann", "known", FIRST + 30 * DAY)
    Findings(connection, "us").write(["1"], [found()], {}, FIRST + DAY)
    row = rows(connection)[0]
    assert (row.muted_by, row.muted_reason, row.muted_until) == ("ann", "known", FIRST + 30 * DAY)
    repository.unmute(connection, row.id, "anna")
    assert rows(connection)[0].muted_until is None


def test_a_reopened_finding_is_mailed_again(connection: Connection) -> None:
    Findings(connection, "us").write(["1"], [found()], {}, FIRST)
    connection.execute(text("update finding set mailed_at = now()"))
    Findings(connection, "us").write(["1"], [found()], {}, FIRST + DAY)
    assert rows(connection)[0].mailed_at is not None
    Findings(connection, "us").write(["1"], [], {}, FIRST + 2 * DAY)
    Findings(connection, "us").write(["1"], [found()], {}, FIRST + 3 * DAY)
    assert rows(connection)[0].mailed_at is None


def test_a_finding_updates_its_amounts_and_links_the_change_that_resolves_it(connection: Connection) -> None:
    missing = found(type_=FindingType.MISSING_IN_ODOO, magento_amount=5, change=("odoo_invoice", "7"))
    Findings(connection, "us").write(["1"], [missing], {("odoo_invoice", "7"): 42}, FIRST)
    row = rows(connection)[0]
    assert (row.change_id, row.no_change_reason, row.severity, row.magento_amount) == (42, None, "info", 5)
    missing.magento_amount, missing.change, missing.no_change_reason = 6, None, "refused"
    Findings(connection, "us").write(["1"], [missing], {}, FIRST + DAY)
    row = rows(connection)[0]
    assert (row.change_id, row.no_change_reason, row.severity, row.magento_amount) == (None, "refused", "warning", 6)


def test_text_from_a_shop_is_stored_as_it_came(connection: Connection) -> None:
    hostile = "'); drop table finding; -- :now \\ \\u0000 \" <b> äöü 漢"
    made = found(detail=hostile, magento_value="a\0b", odoo_value="\\u0000")
    Findings(connection, "us").write(["1"], [made], {}, FIRST)
    row = rows(connection)[0]
    assert hostile in row.message
    assert (row.magento_value, row.odoo_value) == ("a\ufffdb", "\\u0000"), "NUL becomes what staging makes of it"


def pairs(*rows_: tuple[str, str, str]) -> pd.DataFrame:
    made = [{"kind": "invoice", "order_key": order, "magento_id": one, "odoo_id": two} for order, one, two in rows_]
    return pd.DataFrame(made, columns=["kind", "order_key", "magento_id", "odoo_id"]).assign(rule="assignment")


def active(connection: Connection) -> list[tuple[str, str]]:
    return [(row.magento_id, row.odoo_id) for row in rows(connection, "pair") if row.ended_at is None]


def test_pairs_begin_stay_and_end(connection: Connection) -> None:
    Pairs(connection, "us").write(["1"], pairs(("1", "7", "70"), ("1", "8", "80")), utc_now())
    before = rows(connection, "pair")
    Pairs(connection, "us").write(["1"], pairs(("1", "7", "70")), utc_now())
    assert active(connection) == [("7", "70")]
    assert rows(connection, "pair")[0].id == before[0].id


def test_a_counterpart_may_be_exchanged(connection: Connection) -> None:
    Pairs(connection, "us").write(["1"], pairs(("1", "7", "70"), ("1", "8", "80")), utc_now())
    Pairs(connection, "us").write(["1"], pairs(("1", "7", "80"), ("1", "8", "70")), utc_now())
    assert sorted(active(connection)) == [("7", "80"), ("8", "70")]


def test_a_document_moved_to_another_order_keeps_its_match(connection: Connection) -> None:
    Pairs(connection, "us").write(["1"], pairs(("1", "7", "70")), utc_now())
    Pairs(connection, "us").write(["2"], pairs(("2", "7", "70")), utc_now())
    assert [row.order_key for row in rows(connection, "pair") if row.ended_at is None] == ["2"]


def test_pairs_of_other_orders_are_left_alone(connection: Connection) -> None:
    Pairs(connection, "us").write(["1"], pairs(("1", "7", "70")), utc_now())
    Pairs(connection, "us").write(["2"], pairs(), utc_now())
    assert active(connection) == [("7", "70")]


def test_a_match_confirmed_by_a_person_is_read_back_and_kept(connection: Connection) -> None:
    Pairs(connection, "us").write(["1"], pairs(("1", "7", "70")), utc_now())
    Pairs(connection, "us").confirm(Kind.INVOICE, "1", "7", "71", "ann", utc_now())
    read = Pairs(connection, "us").read(["1"])
    assert read[["magento_id", "odoo_id", "rule"]].to_numpy().tolist() == [["7", "71", "confirmed"]]
    Pairs(connection, "us").write(["1"], pairs(("1", "7", "71")).assign(rule="confirmed"), utc_now())
    assert [row.confirmed_by for row in rows(connection, "pair") if row.ended_at is None] == ["ann"]


def test_a_person_separates_a_wrong_match(connection: Connection) -> None:
    Pairs(connection, "us").write(["1"], pairs(("1", "7", "70")), utc_now())
    repository.separate(connection, rows(connection, "pair")[0].id, "anna", utc_now())
    assert active(connection) == []


def test_a_result_is_written_twice_and_is_the_same(connection: Connection) -> None:
    sales = Sales().sold()
    sales.invoice(1)
    sales.order(2)
    result = sales.reconcile().result
    for day in (FIRST, FIRST + DAY):
        Pairs(connection, "us").write(["1", "2"], result.pairs, utc_now())
        Findings(connection, "us").write(["1", "2"], result.findings, {}, day)
    assert len(rows(connection, "pair")) == 1
    assert [row.last_seen for row in rows(connection)] == [FIRST + DAY] * 2


def document(connection: Connection, side: str, kind: str, source_id: str, order: str, details: str = "{}") -> None:
    connection.execute(
        text(
            """insert into document (instance, side, kind, source_id, order_key, number, state, details, request_began_at, version)
            values ('us', :side, :kind, :id, :order, :id, 'x', cast(:details as jsonb), now(), 1)"""
        ),
        {"side": side, "kind": kind, "id": source_id, "order": order, "details": details},
    )


def test_an_edited_order_is_reconciled_with_the_orders_that_it_replaces(connection: Connection) -> None:
    document(connection, "magento", "order", "1", "1")
    document(connection, "magento", "order", "2", "2", '{"edit_of": 1}')
    document(connection, "magento", "order", "3", "3", '{"edit_of": 2}')
    assert pipeline_reconcile.with_families(connection, "us", ["3"]) == ["3", "1", "2"]
    assert pipeline_reconcile.with_families(connection, "us", ["1"]) == ["1"]


def test_orders_that_share_an_odoo_invoice_are_reconciled_together(connection: Connection) -> None:
    for order in ("1", "2", "3"):
        document(connection, "odoo", "order", f"9{order}", order)
    document(connection, "odoo", "invoice", "50", "1", '{"consolidated": true, "sale_orders": [91, 92]}')
    assert pipeline_reconcile.with_families(connection, "us", ["2"]) == ["2", "1"]
    assert pipeline_reconcile.with_families(connection, "us", ["3"]) == ["3"]
