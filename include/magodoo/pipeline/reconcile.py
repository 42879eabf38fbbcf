"""Reconcile: complete the orders on both sides, match and compare them, write pairs, findings and planned changes.

The orders that are due are stored in the work list (table order_work), independent of what triggered the run. Chunks are independent:
concurrent runs wait for each other order by order and end in the same state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from more_itertools import chunked
from psycopg2 import errors as postgres_errors
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random

from magodoo.flows import planner
from magodoo.ledger import duties
from magodoo.ledger.changes import Changes, Recorded
from magodoo.ledger.checkpoints import checkpoint
from magodoo.pipeline import extract, sales_lists
from magodoo.pipeline.pages import rarely_collected
from magodoo.staging import db, runs, sales_lines
from magodoo.staging import frames as staged
from magodoo.staging.work_queue import WorkQueue

if TYPE_CHECKING:
    from magodoo.context import Context
    from magodoo.ledger.planned import PlannedChange
    from magodoo.reconcile.finding import Finding

CHUNK = 20_000


def run(context: Context, order_keys: Sequence[str] | None = None, limit: int | None = None) -> dict[str, int]:
    """Reconcile the orders that are due (at most `limit`), or the given ones regardless of their versions. Returns counts."""
    with context.engine.begin() as connection:
        duties.record_settings(connection, context.instance, context.settings.changed_by)
    orders = list(order_keys) if order_keys is not None else due(context)[:limit]
    with runs.recorded(context.engine, context.instance.id, "reconcile", context.dag_run, context.now) as counts:
        counts.update(reconcile_orders(context, orders))
        sales_lists.run(context)
    return dict(counts)


def reconcile_orders(context: Context, orders: list[str]) -> dict[str, int]:
    """Write pairs, findings and planned changes of these orders, chunk by chunk, and mark their sales-list rows as due. Returns counts."""
    counts: Counter[str] = Counter(orders=len(orders))
    with rarely_collected():
        # One chunk at least: records without an order are compared in every run.
        for chunk in list(chunked(orders, CHUNK)) or [[]]:
            context.go_on()
            extract.complete(context, chunk)
            counts.update(_reconcile(context, chunk))
    return dict(counts)


def due(context: Context) -> list[str]:
    """Return the keys of orders whose staged version is newer than their reconciled one."""
    with context.engine.connect() as connection:
        return WorkQueue(connection, context.instance.id).due()


def _reconcile(context: Context, order_keys: list[str]) -> dict[str, int]:
    """Reconcile a chunk in one transaction; retry after a deadlock or serialization failure."""
    again = Retrying(
        stop=stop_after_attempt(4), wait=wait_random(0.1, 1), retry=retry_if_exception(_is_conflict), reraise=True
    )
    for attempt in again:
        with attempt, context.engine.begin() as connection:
            return _one_chunk(connection, context, order_keys)
    raise AssertionError("Retrying ends by success or by raising")


def _is_conflict(problem: BaseException) -> bool:
    clashes = (postgres_errors.DeadlockDetected, postgres_errors.SerializationFailure)
    return isinstance(problem, OperationalError) and isinstance(problem.orig, clashes)


def _one_chunk(connection: Connection, context: Context, order_keys: list[str]) -> dict[str, int]:
    from magodoo.reconcile.orders import reconcile
    from magodoo.reconcile.repository import Findings, Pairs

    instance = context.instance
    order_keys = with_families(connection, instance.id, order_keys)
    _one_at_a_time(connection, instance.id, order_keys)
    queue = WorkQueue(connection, instance.id)
    versions = queue.versions(order_keys)
    frames = staged.read_frames(connection, instance, order_keys)
    result = reconcile(frames, instance, context.now())
    pairs = Pairs(connection, instance.id)
    pairs.write(order_keys, result.pairs, context.now())
    pairs.write_groups(order_keys, result.groups)
    findings, changes = planner.plan(result.situation, result.findings)
    findings.sort(key=lambda finding: finding.key)
    recorded = _record(connection, context, order_keys, findings, changes)
    checkpoint("planned")
    outcomes = Findings(connection, instance.id).write(order_keys, findings, recorded.ids, context.now())
    db.keep(connection, "pair", "finding", "change", "order_work")
    sales_lines.note_due(connection, instance.id, order_keys)
    queue.reconciled(versions, result.excluded, result.not_expected)
    return {
        **result.counts,
        "findings": len(findings),
        **{f"findings_{name}": number for name, number in outcomes.items()},
        "changes": len(recorded.ids),
        "changes_new": recorded.inserted,
        "changes_refused": len(recorded.refused),
        "changes_superseded": recorded.superseded,
    }


def with_families(connection: Connection, instance: str, order_keys: list[str]) -> list[str]:
    """Return the orders with those that they replace and those that share an Odoo invoice with them: these are compared together."""
    related = connection.execute(text(_FAMILIES), {"instance": instance, "orders": order_keys}).scalars()
    return [*order_keys, *sorted(set(related) - set(order_keys))]


# An edited order is imported only if nothing of the replaced one was written; an invoice over several orders is compared order by order.
_FAMILIES = """
    with recursive replaced (id) as (
        select d.details ->> 'edit_of' from document d where d.instance = :instance and d.side = 'magento'
            and d.kind = 'order' and d.source_id = any(:orders) and d.details ->> 'edit_of' is not null
        union
        select d.details ->> 'edit_of' from replaced r join document d on d.instance = :instance and d.side = 'magento'
            and d.kind = 'order' and d.source_id = r.id where d.details ->> 'edit_of' is not null),
    invoiced (invoice, order_key) as (
        select c.source_id, o.order_key from document c
        cross join lateral jsonb_array_elements_text(c.details -> 'sale_orders') as sold (id)
        join document o on o.instance = c.instance and o.side = 'odoo' and o.kind = 'order' and o.source_id = sold.id
        where c.instance = :instance and c.details ? 'consolidated' and o.order_key is not null)
    select id from replaced
    union
    select other.order_key from invoiced mine join invoiced other using (invoice) where mine.order_key = any(:orders)"""


def _one_at_a_time(connection: Connection, instance: str, order_keys: list[str]) -> None:
    """Lock the orders' rows, so that concurrent runs wait; in a fixed order, so that they do not deadlock."""
    connection.execute(
        text(
            "select 1 from order_work where instance = :instance and order_key = any(:orders) order by order_key for update"
        ),
        {"instance": instance, "orders": order_keys},
    )


def _record(
    connection: Connection,
    context: Context,
    order_keys: list[str],
    findings: list[Finding],
    planned: list[PlannedChange],
) -> Recorded:
    """Record the complete requests in the ledger.

    A request that cannot be built becomes a finding; changes that depend on it are left out.
    """
    prepared = planner.prepare(connection, context, planned)
    problems = {item.key: item.problems for item in prepared if item.problems}
    unready = [item.key for item in prepared if item.request is None]
    left_out = planner.without_problems(planned, problems, unready, findings)
    ready = [item for item in prepared if item.key not in left_out]
    ledger = Changes(connection, context.instance.id)
    refused = ledger.refused_before(ready)
    waiting = planner.waiting_for(planned, refused)
    ready = [item for item in ready if item.key not in waiting]
    planner.give_reasons(findings, waiting | {key: f"Refused before: {why}" for key, why in refused.items()})
    recorded = ledger.record(ready, context.dag_run, order_keys, now=context.now())
    planner.name_half_done(findings, ledger.half_done(order_keys))
    return recorded
