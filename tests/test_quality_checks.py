"""Every check finds its damage, names the damaged document, and says nothing about clean data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from magodoo.errors import InvariantError
from magodoo.pipeline import data_docs
from magodoo.quality import suites
from magodoo.quality.catalogue import ALL_CHECKS
from magodoo.settings import Instance
from magodoo.staging import connect
from magodoo.timestamps import utc_now

INSTANCE = Instance(id="us", magento_connection="m", odoo_connection="o")
NOW = "2026-11-20 10:00:00+00"


@pytest.fixture(scope="module")
def engine(module_staging_url: str) -> Iterator[Engine]:
    made = connect(module_staging_url)
    with made.begin() as connection:
        _clean(connection)
    yield made
    made.dispose()


@dataclass(frozen=True)
class Damage:
    """A damage to staged data, the checks that must fail for it, and the document that they must name."""

    name: str
    statement: str
    checks: tuple[str, ...]
    document: str = ""


def _document(
    side: str,
    kind: str,
    source: str,
    number: str,
    order: str = "1",
    total: int = 1_190_000,
    tax: int = 190_000,
    **more: object,
) -> str:
    values = {
        "instance": "us", "side": side, "kind": kind, "source_id": source, "order_key": order, "own_order_id": order, "number": number,
        "state": "2" if kind == "invoice" and side == "magento" else "posted", "currency": "EUR", "subtotal": total - tax - 50_000, "shipping": 50_000,
        "tax": tax, "untaxed": total - tax, "grand_total": total, "store_id": 1, "created_at": NOW, "updated_at": NOW, "request_began_at": NOW, "version": 1,
    } | more  # fmt: skip
    columns = ", ".join(values)
    return f"insert into document ({columns}) values ({', '.join(repr(value) for value in values.values())})"


def _line(
    side: str, kind: str, source: str, line: str, untaxed: int, tax: int, item: str = "11", role: str = "item"
) -> str:
    return (
        "insert into line (instance, side, kind, source_id, line_id, item_key, role, sku, quantity, untaxed, tax) values"
        f" ('us', '{side}', '{kind}', '{source}', '{line}', '{item}', '{role}', 'A', 10000, {untaxed}, {tax})"
    )


def _clean(connection: Connection) -> None:
    """One order with an invoice and a credit memo on both sides, matched, reconciled; both sides read just now."""
    statements = []
    for side in ("magento", "odoo"):
        statements.append(_document(side, "order", "1" if side == "magento" else "s1", "000000001", state="complete"))
        for kind, source, number in (("invoice", "7", "000000007"), ("credit_memo", "9", "000000009")):
            own = source if side == "magento" else f"o{source}"
            statements += [
                _document(side, kind, own, number if side == "magento" else f"INV/{source}"),
                _line(side, kind, own, "1", 950_000, 190_000),
                _line(side, kind, own, "shipping", 50_000, 0, role="shipping"),
            ]
        for kind in ("order", "invoice", "shipment", "credit_memo"):
            statements.append(
                f"insert into watermark (instance, side, kind, stamp, last_success_at, rows_read, source_count) values ('us', '{side}', '{kind}', '{NOW}', now(), 1, 1)"
            )
    for kind, magento, odoo in (("order", "1", "s1"), ("invoice", "7", "o7"), ("credit_memo", "9", "o9")):
        statements.append(
            f"insert into pair (instance, kind, order_key, magento_id, odoo_id, rule) values ('us', '{kind}', '1', '{magento}', '{odoo}', 'external_id')"
        )
    statements.append(
        "insert into order_work (instance, order_key, staged_version, reconciled_version) values ('us', '1', 1, 1)"
    )
    for statement in statements:
        connection.exec_driver_sql(statement)


_INVOICE = "instance = 'us' and side = 'magento' and kind = 'invoice' and source_id = '7'"
_ODOO_INVOICE = "instance = 'us' and side = 'odoo' and kind = 'invoice' and source_id = 'o7'"

DAMAGES = (
    Damage("column of another type", "alter table line alter quantity type numeric", ("columns_as_expected",), "line.quantity"),
    Damage("column renamed", "alter table change rename verdict to judgement", ("columns_as_expected",), "change.verdict"),
    Damage("number removed", f"update document set number = '' where {_INVOICE}", ("number_present",), "7"),
    Damage("state removed", f"update document set state = '' where {_INVOICE}", ("state_present",), "7"),
    Damage("currency removed", f"update document set currency = '' where {_INVOICE}", ("currency_present",), "7"),
    Damage("currency in small letters", f"update document set currency = 'eur' where {_INVOICE}", ("currency_present",), "7"),
    Damage("currency a sign", f"update document set currency = '€' where {_ODOO_INVOICE}", ("currency_present",), "o7"),
    Damage("total raised", f"update document set grand_total = grand_total + 10000 where {_INVOICE}", ("parts_add_up", "untaxed_and_tax", "lines_equal_header", "difference_explained"), "7"),
    Damage("total raised by a cent", f"update document set grand_total = grand_total + 100 where {_INVOICE}", ("parts_add_up", "untaxed_and_tax", "lines_equal_header", "difference_explained"), "7"),
    Damage("total negated", f"update document set grand_total = -grand_total where {_INVOICE}", ("parts_add_up", "untaxed_and_tax", "lines_equal_header", "difference_explained"), "7"),
    Damage("Odoo total raised", f"update document set grand_total = grand_total + 10000 where {_ODOO_INVOICE}", ("parts_add_up", "untaxed_and_tax", "difference_explained"), "7"),
    Damage("both sides' parts shifted", f"update document set subtotal = subtotal + 1 where {_INVOICE}", ("parts_add_up",), "7"),
    Damage("shipping removed", f"update document set shipping = 0 where {_INVOICE}", ("parts_add_up",), "7"),
    Damage("discount invented", f"update document set discount = -500 where {_INVOICE}", ("parts_add_up",), "7"),
    Damage("adjustment invented", f"update document set adjustment = 500 where {_INVOICE}", ("parts_add_up",), "7"),
    Damage("tax shifted", f"update document set tax = tax + 100 where {_INVOICE}", ("parts_add_up", "untaxed_and_tax"), "7"),
    Damage("untaxed shifted", f"update document set untaxed = untaxed + 100 where {_INVOICE}", ("untaxed_and_tax",), "7"),
    Damage("own arithmetic wrong", f"update document set sound = false where {_INVOICE}", ("own_arithmetic",), "7"),
    Damage("Odoo's own arithmetic wrong", f"update document set sound = false where {_ODOO_INVOICE}", ("own_arithmetic",), "o7"),
    Damage("lines removed", f"delete from line where {_INVOICE}", ("has_lines",), "7"),
    Damage("Odoo lines removed", f"delete from line where {_ODOO_INVOICE}", ("has_lines",), "o7"),
    Damage("one line removed", f"delete from line where {_INVOICE} and role = 'shipping'", ("lines_equal_header",), "7"),
    Damage("line doubled", f"insert into line select instance, side, kind, source_id, 'twin' as line_id, item_key, own_item_id, parent_item_key, role, product_type, sku, name, is_money, is_virtual, quantity, price, discount_percent, gross, discount, untaxed, tax, base_untaxed, base_tax, tax_percent, qty_ordered, qty_invoiced, qty_shipped, qty_refunded, qty_canceled, qty_open from line where {_INVOICE} and role = 'item'", ("lines_equal_header",), "7"),
    Damage("line's tax changed", f"update line set tax = tax + 100 where {_INVOICE} and role = 'item'", ("lines_equal_header",), "7"),
    Damage("line's amount changed", f"update line set untaxed = untaxed - 100 where {_INVOICE} and role = 'item'", ("lines_equal_header",), "7"),
    Damage("order item removed from a line", f"update line set item_key = null where {_INVOICE} and role = 'item'", ("line_amounts",), "7"),
    Damage("quantity negative", f"update line set quantity = -10000 where {_INVOICE} and role = 'item'", ("quantities_not_negative",), "7"),
    Damage("line without its document", _line("magento", "invoice", "777", "1", 0, 0), ("line_has_document",), "777"),
    Damage("order removed", "delete from document where side = 'magento' and kind = 'order'", ("order_staged", "pair_documents_exist"), "7"),
    Damage("order of another number", f"update document set own_order_id = '404' where {_INVOICE}", ("order_staged",), "7"),
    Damage("creation time removed", f"update document set created_at = null where {_INVOICE}", ("stamped",), "7"),
    Damage("change time removed", f"update document set updated_at = null where {_ODOO_INVOICE}", ("stamped",), "o7"),
    Damage("made in the future", f"update document set created_at = now() + interval '3 days' where {_INVOICE}", ("not_in_the_future",), "7"),
    Damage("absurd amount", f"update document set subtotal = subtotal + 20000000000000, grand_total = grand_total + 20000000000000, untaxed = untaxed + 20000000000000 where {_INVOICE}", ("amount_plausible", "lines_equal_header", "difference_explained"), "7"),
    Damage("number doubled", _document("magento", "invoice", "8", "000000007", state="3", active=False) + "; " + _line("magento", "invoice", "8", "1", 1_000_000, 190_000), ("number_unique",), "8"),
    Damage("extract too old", "update watermark set last_success_at = now() - interval '5 hours' where side = 'odoo'", ("extract_recent",), "invoice"),
    Damage("extract incomplete", "update watermark set complete = false, source_count = 9 where side = 'magento' and kind = 'invoice'", ("extract_complete",), "invoice"),
    Damage("quarantined", "insert into quarantine (instance, side, kind, source_id, reason) values ('us', 'magento', 'invoice', '66', 'not an amount')", ("quarantine_empty",), "66"),
    Damage("match of nothing", "update pair set odoo_id = 'gone' where kind = 'invoice'", ("pair_documents_exist", "every_document_answered", "totals_explained"), "7"),
    Damage("match across orders", f"update document set order_key = '2' where {_ODOO_INVOICE}", ("pair_same_order",), "7"),
    Damage("match ended and nobody says so", "update pair set ended_at = now() where kind = 'invoice'", ("every_document_answered", "totals_explained"), "7"),
    Damage("open status mismatch", "insert into finding (instance, type, severity, kind, order_key, magento_id, magento_number, message) values ('us', 'status_mismatch', 'warning', 'invoice', '1', '7', '000000007', 'open')", ("statuses_agree",), "7"),
    Damage("open total mismatch", "insert into finding (instance, type, severity, kind, order_key, magento_id, magento_number, message) values ('us', 'total_mismatch', 'critical', 'invoice', '1', '7', '000000007', '1.00')", ("totals_agree",), "7"),
    Damage("finding about nothing", "insert into finding (instance, type, severity, kind, order_key, magento_id, magento_number, message) values ('us', 'missing_in_odoo', 'warning', 'invoice', '1', '55', '000000055', 'missing')", ("finding_has_document",), "55"),
    Damage("change with another amount", "insert into change (instance, kind, target, step, order_key, source_id, document_kind, amount, request_hash) values ('us', 'odoo_invoice', 'odoo', 2, '1', '7', 'invoice', 1, 'h')", ("change_equals_source",), "7"),
    Damage("change without its source", "insert into change (instance, kind, target, step, order_key, source_id, document_kind, amount, request_hash) values ('us', 'odoo_invoice', 'odoo', 2, '1', '70', 'invoice', 1, 'h')", ("change_has_source",), "70"),
)  # fmt: skip


def test_a_clean_window_raises_nothing(engine: Engine) -> None:
    assert suites.run(engine, INSTANCE, None, utc_now()) == []


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_exactly_the_right_checks_fail_and_name_the_document(engine: Engine, damage: Damage) -> None:
    with engine.connect() as connection:
        transaction = connection.begin()
        connection.exec_driver_sql(damage.statement)
        failures = suites.found(connection, INSTANCE, ALL_CHECKS, utc_now())
        transaction.rollback()
    assert {failure.check.name for failure in failures} == set(damage.checks)
    named = {row["source_id"] for failure in failures for row in failure.rows}
    assert damage.document in named


def test_great_expectations_fails_the_same_checks_and_builds_the_data_docs(engine: Engine, tmp_path) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"update document set sound = false where {_INVOICE}")
    try:
        failures = suites.run(engine, INSTANCE, tmp_path, utc_now())
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"update document set sound = true where {_INVOICE}")
    assert [failure.check.name for failure in failures] == ["own_arithmetic"]
    assert "magento invoice 000000007 of order 000000001" in failures[0].line
    assert (tmp_path / "index.html").exists()
    assert not list(tmp_path.rglob("*.yml"))


def test_the_data_docs_of_a_task_that_runs_again_take_the_place_of_the_older_ones(
    engine: Engine, tmp_path: Path
) -> None:
    one = [check for check in ALL_CHECKS if check.name == "own_arithmetic"]
    for _ in range(2):
        assert suites.run(engine, INSTANCE, tmp_path, utc_now(), one) == []
    assert (tmp_path / "index.html").exists() and not (tmp_path / "gx").exists()


def test_a_check_that_cannot_run_stops_the_gate_and_says_which(engine: Engine) -> None:
    broken = replace(ALL_CHECKS[0], name="broken", select="select nothing from {batch} as b")
    with pytest.raises(InvariantError, match="check broken could not run"):
        suites.run(engine, INSTANCE, None, utc_now(), [broken])


def test_data_docs_go_when_they_are_old(tmp_path: Path) -> None:
    for name, days in (("old", 40), ("young", 1)):
        (tmp_path / name / "part").mkdir(parents=True)
        moment = (datetime.now(UTC) - timedelta(days=days)).timestamp()
        os.utime(tmp_path / name, (moment, moment))
    (tmp_path / "a file").write_text("not a run")
    assert data_docs.prune(tmp_path, utc_now() - timedelta(days=30)) == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a file", "young"]
