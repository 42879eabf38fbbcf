"""Keep the queue of orders to reconcile. Owner of table order_work.

An order is due if its staged version is newer than its reconciled one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, text

from magodoo.domain.vocabulary import OrderScope

BUMP = """
    insert into order_work (instance, order_key, staged_version)
        {select}
    on conflict (instance, order_key) do update set staged_version = greatest(order_work.staged_version, excluded.staged_version)
"""


def one_writer(connection: Connection, instance: str) -> None:
    """Wait until this transaction is the only one that stages documents of the instance; holds until it ends."""
    connection.execute(
        text("select pg_advisory_xact_lock(hashtext('magodoo staging'), hashtext(:instance))"), {"instance": instance}
    )


def bump_changed(connection: Connection) -> None:
    """Make the orders of the documents due that `stage` has just replaced; `documents.insert` does so for new ones."""
    connection.execute(
        text(
            BUMP.format(
                select="""
        select d.instance, d.order_key, max(d.version) from document d
        join incoming i using (instance, side, kind, source_id)
        where i.fate = 'changed' and d.order_key is not null group by d.instance, d.order_key"""
            )
        )
    )


def bump(connection: Connection, instance: str, order_keys: Sequence[str]) -> None:
    """Make these orders due, whatever changed."""
    connection.execute(
        text(
            BUMP.format(
                select="""
        select cast(:instance as text), key, nextval('content_version')
        from (select distinct unnest(cast(:keys as text[])) as key) keys"""
            )
        ),
        {"instance": instance, "keys": list(order_keys)},
    )


def bump_aged(connection: Connection, instance: str, before: date, days: int = 7) -> int:
    """Make orders due whose refunds or returns reached an age within the last `days`, and return how many.

    `before` is a local date of the instance: documents dated earlier have reached the age.
    """
    keys = connection.execute(
        text("""select distinct order_key from document where instance = :instance and active and deleted_at is null
            and order_key is not null and document_date < :before and document_date >= :since
            and (kind = 'return' or kind = 'credit_memo' and side = 'magento') order by 1"""),
        {"instance": instance, "before": before, "since": before - timedelta(days=days)},
    ).scalars()
    aged = list(keys)
    bump(connection, instance, aged)
    return len(aged)


def due(connection: Connection, instance: str) -> list[str]:
    """Return the keys of due orders, oldest change first."""
    return list(
        connection.execute(
            text("""select order_key from order_work where instance = :instance and staged_version > reconciled_version
                order by staged_version, order_key"""),
            {"instance": instance},
        ).scalars()
    )


def versions(connection: Connection, instance: str, order_keys: Sequence[str]) -> dict[str, int]:
    """Return the staged version by order key. Read it before the frames, and pass it to `reconciled` afterwards."""
    return dict(
        connection.execute(
            text(
                "select order_key, staged_version from order_work where instance = :instance and order_key = any(:keys)"
            ),
            {"instance": instance, "keys": list(order_keys)},
        ).all()
    )


def reconciled(
    connection: Connection,
    instance: str,
    versions_seen: dict[str, int],
    excluded: Sequence[str] = (),
    not_expected: Sequence[str] = (),
) -> None:
    """Record up to which version these orders are reconciled; what was staged meanwhile stays due.

    `versions_seen` is the result of `versions`. `excluded` are the keys of orders that the settings exclude,
    `not_expected` of those that Odoo is not expected to have; all others are in scope.
    """
    scopes = dict.fromkeys(not_expected, OrderScope.NOT_EXPECTED) | dict.fromkeys(excluded, OrderScope.EXCLUDED)
    connection.execute(
        text("""update order_work w set reconciled_version = greatest(w.reconciled_version, seen.version), scope = seen.scope
            from unnest(cast(:keys as text[]), cast(:versions as bigint[]), cast(:scopes as text[])) as seen (key, version, scope)
            where w.instance = :instance and w.order_key = seen.key"""),
        {
            "instance": instance,
            "keys": list(versions_seen),
            "versions": list(versions_seen.values()),
            "scopes": [scopes.get(key, OrderScope.IN_SCOPE) for key in versions_seen],
        },
    )


def completed(connection: Connection, instance: str, versions_seen: dict[str, int]) -> None:
    """Record up to which version both sides of these orders were fetched by key."""
    connection.execute(
        text("""update order_work w set completed_version = greatest(w.completed_version, seen.version)
            from unnest(cast(:keys as text[]), cast(:versions as bigint[])) as seen (key, version)
            where w.instance = :instance and w.order_key = seen.key"""),
        {"instance": instance, "keys": list(versions_seen), "versions": list(versions_seen.values())},
    )


def to_complete(connection: Connection, instance: str, order_keys: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return (order key, staged version, completed version) of those orders whose other side was not fetched since."""
    rows = connection.execute(
        text("""select order_key, staged_version, completed_version from order_work
            where instance = :instance and order_key = any(:keys) and completed_version < staged_version
            order by order_key"""),
        {"instance": instance, "keys": list(order_keys)},
    ).all()
    return [(row.order_key, row.staged_version, row.completed_version) for row in rows]


def may_change(connection: Connection, instance: str, since: datetime) -> list[str]:
    """Return the keys of orders that may still change.

    These are orders that are open in Magento, changed on either side since `since` (UTC), wait for their Magento order,
    or have a record in quarantine.
    """
    return list(
        connection.execute(
            text("""
            select d.source_id as key from document d where d.instance = :instance and d.side = 'magento' and d.kind = 'order'
                and d.deleted_at is null and (d.state not in ('complete', 'closed', 'canceled') or d.updated_at >= :since)
            union
            select d.order_key from document d where d.instance = :instance and d.order_key is not null
                and d.deleted_at is null and d.updated_at >= :since
            union
            select d.order_key from document d where d.instance = :instance and d.details ? 'without_order'
                and d.order_key is not null
            union
            select q.order_key from quarantine q where q.instance = :instance and q.order_key is not null and q.resolved_at is null
            order by key"""),
            {"instance": instance, "since": since},
        ).scalars()
    )
