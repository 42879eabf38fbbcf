"""Load: write released changes to Odoo and Magento, effectively once, and read them back.

The ledger decides which changes are written, independent of what triggered the run.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.log_labels import labelled
from magodoo.domain.vocabulary import RunOutcome, Side
from magodoo.errors import BadSettings, FixConfiguration
from magodoo.flows import registry
from magodoo.ledger import approvals, changes
from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.checkpoints import checkpoint
from magodoo.ledger.executor import Run
from magodoo.ledger.heartbeat import alive
from magodoo.ledger.leases import Leases, alive_seconds
from magodoo.ledger.redaction import redacted
from magodoo.money import dump_json
from magodoo.notifications import alerts
from magodoo.preflight import results as preflights
from magodoo.settings.model import Mode
from magodoo.staging import runs

if TYPE_CHECKING:
    from magodoo.context import Context

log = logging.getLogger(__name__)

ORDERS_AT_ONCE = 50


def run(
    context: Context,
    targets: Collection[Side] | None = None,
    kinds: Collection[ChangeKind] | None = None,
    order_keys: Collection[str] | None = None,
    limit: int | None = None,
    dry_run: bool = False,
) -> dict[str, int]:
    """Write the due changes of these targets and kinds (all when None), at most about `limit` changes.

    Returns counts: applied, refused, failed, uncertain, put_back, changed, and of the remaining changes waiting_approval, held, observe.
    A dry run logs the exact calls and writes nothing. Raises FixConfiguration when `books_from`, a credential or a right is missing,
    and when the last preflight does not let this instance write.
    """
    wanted = [kind for kind in kinds or ChangeKind if kind.target in set(targets or Side)]
    if not dry_run and context.instance.mode.any_apply:
        _may_write(context)
    with context.engine.begin() as connection:
        approvals.review(connection, context.instance, context.now())
    if dry_run:
        return {"would_write": _show(context, wanted, order_keys, limit), **_unwritten(context)}
    with runs.recorded(context.engine, context.instance.id, "load", context.dag_run, context.now) as counted:
        counts: Counter[str] = Counter()
        # Odoo first, because an order import precedes everything else.
        for target in (Side.ODOO, Side.MAGENTO):
            if of_target := [kind for kind in wanted if kind.target is target]:
                counts.update(_one_target(context, target, of_target, order_keys, limit))
        found: dict[str, int] = {
            **dict.fromkeys((RunOutcome.APPLIED, RunOutcome.REFUSED, RunOutcome.FAILED, RunOutcome.UNCERTAIN), 0),
            **counts,
            **_unwritten(context),
        }
        counted.update(found)
        if kinds:  # one task per kind: each has its own row in table run
            counted["kinds"] = ", ".join(kind.value for kind in ChangeKind if kind in kinds)
    return found


def due_kinds(context: Context) -> list[str]:
    """Return the kinds of change that may be written now, in step order, and queue the emails about changes that need approval."""
    with context.engine.begin() as connection:
        approvals.review(connection, context.instance, context.now())
        alerts.queue_changes(connection, context.instance, context.settings.ui_url, context.now())
    applied = [kind.value for kind in ChangeKind if context.instance.mode.of(kind) is Mode.APPLY]
    with context.engine.connect() as connection:
        kinds = set(Leases(connection, context.instance).due_kinds(applied, context.now()))
    return [kind.value for kind in ChangeKind if kind.value in kinds]


def queue_mails(context: Context) -> int:
    """Queue the emails about changes that failed, were refused or wait for a person. Returns the number of emails."""
    with context.engine.begin() as connection:
        return alerts.queue_changes(connection, context.instance, context.settings.ui_url, context.now())


def _may_write(context: Context) -> None:
    """Raise FixConfiguration unless a preflight of these settings and kinds passed; also for an operator used on its own."""
    if context.instance.books_from is None:
        raise BadSettings(f"instances.{context.instance.id}: `apply` needs `books_from`", hint="set the cut-over")
    with context.engine.connect() as connection:
        why_not = preflights.why_not(connection, context.instance)
    if why_not is not None:
        raise FixConfiguration(f"nothing is written: {why_not}", hint="run the DAG `preflight` and mend what it shows")


def _one_target(
    context: Context,
    target: Side,
    kinds: Collection[ChangeKind],
    order_keys: Collection[str] | None,
    limit: int | None,
) -> Counter[str]:
    """Lease orders and write their changes until nothing is due, the target is unavailable, or the limit is reached."""
    counts: Counter[str] = Counter()
    taken, seen, tried = 0, set[str](), set[int]()
    while limit is None or taken < limit:
        orders = ORDERS_AT_ONCE if limit is None else min(ORDERS_AT_ONCE, limit - taken)
        with context.engine.begin() as connection:
            changes = Leases(connection, context.instance).claim(
                target,
                orders,
                _holder(context),
                alive_seconds(context.instance),
                order_keys,
                kinds,
                seen,
                tried,
                now=context.now(),
            )
        if not changes:
            break
        checkpoint("claimed")
        taken += len(changes)
        tried |= {change.id for change in changes}
        outcome = Run(context, registry.writers())
        try:
            with alive(context, changes):
                outcome.carry_out(changes)
        finally:
            _give_back(context, changes)
            counts += outcome.counts
        with context.engine.connect() as connection:
            later = Leases(connection, context.instance).left(target, changes, tried, kinds, now=context.now())
        seen |= {change.order_key for change in changes} - later
        if outcome.unavailable is not None:
            log.warning("%s is unavailable: the remaining changes stay in the ledger", target.value)
            break
    return counts


def _give_back(context: Context, changes: Sequence[LeasedChange]) -> None:
    with context.engine.begin() as connection:
        Leases(connection, context.instance).release({change.order_key: change.token for change in changes})


def _holder(context: Context) -> str:
    return f"{context.dag_run} {socket.gethostname()} {os.getpid()}"


def _unwritten(context: Context) -> dict[str, int]:
    """Return counts of planned changes that are not written: waiting for approval, held by the gate, only observed."""
    observed = [kind.value for kind in ChangeKind if context.instance.mode.of(kind) is not Mode.APPLY]
    statement = (
        "select count(*) filter (where kind = any(:observed)) as observe,"
        " count(*) filter (where kind <> all(:observed) and verdict = 'held') as held,"
        " count(*) filter (where kind <> all(:observed) and verdict <> 'held' and approval = 'waiting') as waiting_approval"
        " from change where instance = :instance and state in ('planned', 'approved')"
    )
    with context.engine.connect() as connection:
        row = (
            connection.execute(text(statement), {"instance": context.instance.id, "observed": observed})
            .mappings()
            .one()
        )
    return dict(row)


def _show(
    context: Context, kinds: Collection[ChangeKind], order_keys: Collection[str] | None, limit: int | None
) -> int:
    """Log the calls of every planned change, unreleased and observed ones included, and return their number.

    Personal data is redacted; the page of the change shows it.
    """
    statement = (
        "select id, kind, order_number, document_kind, source_number, verdict, approval from change where instance = :instance"
        " and state in ('planned', 'approved') and kind = any(:kinds) and (:every or order_key = any(:orders))"
        " order by step, id limit :limit"
    )
    values: dict[str, Any] = {
        "instance": context.instance.id, "kinds": [kind.value for kind in kinds], "every": order_keys is None,
        "orders": list(order_keys or ()), "limit": limit,
    }  # fmt: skip
    with context.engine.connect() as connection:
        rows = connection.execute(text(statement), values).all()
        for row in rows:
            head = f"would write {row.kind} of {row.source_number} (order {row.order_number}; {row.verdict}, {row.approval})"
            calls = changes.body(connection, row.id)["calls"] or []
            shown = "\n".join(dump_json(redacted(call)) for call in calls)
            with labelled(document=f"{row.document_kind} {row.source_number}", order=row.order_number):
                log.info("%s\n%s", head, shown)
    return len(rows)
