"""Print what each side holds of an order, what is matched by which rule, what differs, what will be done and why.

Run it as `python -m magodoo.reconcile.explain ORDER`. It reads what the last reconciliation wrote. The staging database
is taken from --url, else from the environment variable of the Airflow connection (AIRFLOW_CONN_MAGODOO_STAGING, as JSON
or URI).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url

from magodoo.domain import labels
from magodoo.domain.states import OdooMoveState
from magodoo.domain.vocabulary import NOT_BEGUN, Approval, ChangeState, FindingType, Kind, Side, Verdict
from magodoo.money import plain, shown
from magodoo.pg_sessions import seen_by_all
from magodoo.reconcile import catalogue, statuses

VARIABLE = "AIRFLOW_CONN_MAGODOO_STAGING"
KINDS = (Kind.ORDER, Kind.INVOICE, Kind.SHIPMENT, Kind.CREDIT_MEMO, Kind.RETURN)
STATES: dict[str, str] = {
    ChangeState.PLANNED: "planned",
    ChangeState.APPROVED: "approved by a person",
    ChangeState.LEASED: "being written now",
    ChangeState.UNCERTAIN: "the outcome is not known yet: it is looked up before anything else",
    ChangeState.DONE: "done",
    ChangeState.REFUSED: "refused",
    ChangeState.FAILED: "failed",
    ChangeState.SUPERSEDED: "superseded by a newer plan",
}
_WHY_NOT = "Its extract has not run yet, or it has not changed since the cut-over (`books_from`)."

Row = Any


def explain(connection: Connection, instance: str, order_number: str) -> str:
    """Return as text what is stored about the orders with this number (Magento's number, or Odoo's name).

    States so if no such order is staged.
    """
    keys = _order_keys(connection, instance, order_number)
    if not keys:
        return f"No order {order_number} of instance {instance} is staged. {_WHY_NOT}"
    return "\n\n".join(_one_order(connection, instance, key) for key in keys)


def _one_order(connection: Connection, instance: str, key: str) -> str:
    documents = _read(connection, "document", instance, key, "kind, side, length(source_id), source_id")
    pairs = [row for row in _read(connection, "pair", instance, key, "id") if row.ended_at is None]
    findings = [row for row in _read(connection, "finding", instance, key, "id") if row.resolved_at is None]
    changes = _read(connection, "change", instance, key, "step, id")
    parts = [
        *_header(documents, key, instance),
        *_work(connection, instance, key),
        *_documents(documents, pairs, _read(connection, "shipment_group", instance, key, "side, source_id")),
        *_quantities(connection, instance, key),
        *_findings(findings, {change.id: change for change in changes}),
        *_changes(changes),
    ]
    return "\n".join(parts)


def _order_keys(connection: Connection, instance: str, number: str) -> list[str]:
    return list(
        connection.execute(
            text(
                """select distinct order_key from document where instance = :instance and kind = 'order'
                and order_key is not null and (number = :number or source_id = :number and side = 'magento')
                union
                select order_key from quarantine where instance = :instance and side = 'magento' and kind = 'order'
                and order_key is not null and resolved_at is null and number = :number order by 1"""
            ),
            {"instance": instance, "number": number},
        ).scalars()
    )


def _read(connection: Connection, table: str, instance: str, key: str, order: str) -> list[Row]:
    statement = f"select * from {table} where instance = :instance and order_key = :key order by {order}"
    return list(connection.execute(text(statement), {"instance": instance, "key": key}).all())


def _header(documents: Sequence[Row], key: str, instance: str) -> Iterator[str]:
    orders = [row for row in documents if row.kind == Kind.ORDER and row.side == Side.MAGENTO]
    number = orders[0].number if orders else "without Magento order"
    placed = f", placed {orders[0].created_at:%Y-%m-%d %H:%M} UTC" if orders and orders[0].created_at else ""
    method = f", paid by {orders[0].payment_method}" if orders and orders[0].payment_method else ""
    yield f"Order {number} (Magento id {key}) of instance {instance}{placed}{method}"


def _work(connection: Connection, instance: str, key: str) -> Iterator[str]:
    for row in _read(connection, "order_work", instance, key, "order_key"):
        if row.staged_version > row.reconciled_version:
            yield "  Something changed since it was last reconciled: what follows is the state before."


def _documents(documents: Sequence[Row], pairs: Sequence[Row], groups: Sequence[Row]) -> Iterator[str]:
    """Yield the documents of each kind side by side: matched ones with their rule, then those without counterpart."""
    grouped = {(Kind.SHIPMENT, row.side, row.source_id): row for row in groups}
    for kind in KINDS:
        left = {row.source_id: row for row in documents if row.kind == kind and row.side == Side.MAGENTO}
        right = {row.source_id: row for row in documents if row.kind == kind and row.side == Side.ODOO}
        if not left and not right:
            continue
        yield f"\n{kind.words.capitalize()}s"
        for pair in pairs:
            if pair.kind == kind and pair.magento_id in left and pair.odoo_id in right:
                magento, odoo = left.pop(pair.magento_id), right.pop(pair.odoo_id)
                yield f"  {_document(magento)}  <->  {_document(odoo)}"
                yield f"      matched by {labels.spaced(pair.rule)}{f' ({pair.confirmed_by})' if pair.confirmed_by else ''}"
                yield from _meaning(kind, magento, odoo)
        for row in (*left.values(), *right.values()):
            yield f"  {_document(row)}{_alone(row, grouped.get((kind, row.side, row.source_id)))}"


def _alone(row: Row, group: Row | None) -> str:
    """Return what a document without a pair is compared with; `group` is its row of table shipment_group."""
    if not row.active:
        return "  (does not count)"
    other = labels.SIDES[Side(row.side).other]
    if group is None:
        return f"  <->  nothing in {other}"
    if group.same_goods:
        return f"  <->  the same goods in sum as {group.counterparts} in {other}, in whichever parcels"
    return f"  <->  compared in sum with {group.counterparts} in {other}"


def _document(row: Row) -> str:
    """Return a document in one line, such as `Magento 000000012 paid 20.00 USD`."""
    amount = (
        f" {shown(row.grand_total, row.currency)} {row.currency}"
        if row.kind not in (Kind.SHIPMENT, Kind.RETURN)
        else ""
    )
    tracks = f" tracks {', '.join(row.tracking)}" if row.tracking else ""
    gone = " DELETED" if row.deleted_at else ""
    sound = "" if row.sound else " (does not add up)"
    return f"{labels.SIDES[row.side]} {row.number} {_state(row)}{amount}{tracks}{sound}{gone}".replace("  ", " ")


def _state(row: Row) -> str:
    if row.side == Side.MAGENTO:
        return labels.magento_state(row.kind, row.state)
    payment = labels.payment_state(row.status or "")
    return f"{row.state}, {payment}" if row.state == OdooMoveState.POSTED else str(row.state)


def _meaning(kind: Kind, magento: Row, odoo: Row) -> Iterator[str]:
    if kind is not Kind.RETURN:
        found = statuses.meaning(
            kind.value, magento.state, odoo.state, odoo.status or "", magento.captured_amount > 0, bool(odoo.reference)
        )
        yield f"      {found.words}"


def _quantities(connection: Connection, instance: str, key: str) -> Iterator[str]:
    """Yield shipped and invoiced quantities item by item: the state `complete` of the order proves neither."""
    lines = connection.execute(
        text(
            """select * from line where instance = :instance and side = 'magento' and kind = 'order' and source_id = :key
            and role = 'item' and is_money order by length(line_id), line_id"""
        ),
        {"instance": instance, "key": key},
    ).all()
    if lines:
        yield "\nItems in Magento"
    for line in lines:
        quantities = (line.qty_ordered, line.qty_canceled, line.qty_refunded)
        yield (
            f"  {line.sku} x {plain(line.qty_ordered, 0)}: shipped {statuses.progress(*quantities, line.qty_shipped)}, "
            f"invoiced {statuses.progress(*quantities, line.qty_invoiced)}"
        )


def _findings(findings: Sequence[Row], changes: Mapping[int, Row]) -> Iterator[str]:
    yield "\nFindings" if findings else "\nNo open finding."
    for row in findings:
        yield f"  {row.severity}: {catalogue.of(FindingType(row.type)).title}, since {row.first_seen:%Y-%m-%d}"
        yield f"      {row.message}"
        if row.muted_until:
            yield f"      muted by {row.muted_by} until {row.muted_until:%Y-%m-%d}: {row.muted_reason}"
        change = changes.get(row.change_id) if row.change_id else None
        if change is not None:
            yield f"      settled by {_change(change)}"
        else:
            yield f"      nothing is written: {row.no_change_reason}"
            yield f"      next ({row.who}): {row.next_step}"


def _changes(changes: Sequence[Row]) -> Iterator[str]:
    standing = [row for row in changes if row.state != ChangeState.SUPERSEDED]
    by_state: dict[bool, list[Row]] = defaultdict(list)
    for row in standing:
        by_state[row.state in (ChangeState.DONE, ChangeState.REFUSED)].append(row)
    for ended, title in ((False, "What will be done"), (True, "What was done")):
        if by_state[ended]:
            yield f"\n{title}"
        for row in by_state[ended]:
            yield f"  {_change(row)}"


def _change(row: Row) -> str:
    words = [STATES.get(row.state, row.state)]
    if row.state in NOT_BEGUN:
        words += [f"held by {row.held_by}"] if row.verdict == Verdict.HELD else []
        words += ["not yet checked by the gate"] if row.verdict == Verdict.UNCHECKED else []
        words += ["waits for approval"] if row.approval == Approval.WAITING else []
    if row.reason:
        words.append(row.reason)
    if row.target_number or row.target_id:
        words.append(f"is {row.target_number or row.target_id}")
    return (
        f"{labels.in_sentence(row.kind)} of {row.source_number or row.source_id} (change {row.id}): {'; '.join(words)}"
    )


def staging_url(value: str) -> str:
    """Return the SQLAlchemy URL of a connection as Airflow writes it: JSON or URI."""
    if value.lstrip().startswith("{"):
        named = json.loads(value)
        login = f"{quote(named.get('login') or '', safe='')}:{quote(named.get('password') or '', safe='')}"
        value = (
            f"postgresql://{login}@{named.get('host')}:{named.get('port') or 5432}/{named.get('schema') or 'magodoo'}"
        )
    scheme, rest = value.split("://", 1)
    return f"postgresql+psycopg2://{rest}" if scheme.startswith("postgres") else value


def main(words: Sequence[str] | None = None) -> int:
    """Print the explanation and return the exit status: 0, or 1 if no instance has the order."""
    parser = argparse.ArgumentParser(prog="magodoo.reconcile.explain", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("order", help="the order's number in Magento, or its name in Odoo")
    parser.add_argument("--instance", help="needed only where several instances have such an order")
    parser.add_argument(
        "--url", default=os.environ.get(VARIABLE, ""), help=f"the staging database; default: {VARIABLE}"
    )
    chosen = parser.parse_args(words)
    if not chosen.url:
        parser.error(f"name the staging database with --url or in {VARIABLE}")
    engine = create_engine(seen_by_all(make_url(staging_url(chosen.url))))
    with engine.connect() as connection:
        known = connection.execute(text("select distinct instance from order_work order by 1")).scalars()
        names = (
            [chosen.instance]
            if chosen.instance
            else [name for name in known if _order_keys(connection, name, chosen.order)]
        )
        for name in names:
            print(explain(connection, name, chosen.order))
    if not names:
        print(f"No order {chosen.order} is staged. {_WHY_NOT}", file=sys.stderr)
    return 0 if names else 1


if __name__ == "__main__":
    sys.exit(main())
