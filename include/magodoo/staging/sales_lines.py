"""Write the rows of the sales lists and the daily agreement counts. Owner of tables listed, unlisted and agreement.

A row is a pair, or a document without counterpart. It repeats what pairs, findings and documents contain, so that a
list of a million documents is filtered, sorted and summed without a join. Whoever changes those either calls `refresh`
in the same transaction or records with `note_due` that the rows are stale.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, text

_LINES = Path(__file__).with_suffix(".sql")


def note_due(connection: Connection, instance: str, order_keys: Collection[str]) -> None:
    """Record that the rows of these orders are stale once this transaction ends."""
    connection.execute(
        text("insert into unlisted (instance, order_key) select :instance, unnest(cast(:orders as text[]))"),
        {"instance": instance, "orders": list(order_keys)},
    )


def is_due(connection: Connection, instance: str) -> bool:
    """Return whether the rows of any order are stale."""
    statement = text("select exists (select 1 from unlisted where instance = :instance)")
    return bool(connection.execute(statement, {"instance": instance}).scalar_one())


def refresh_due(connection: Connection, instance: str, most: int) -> int:
    """Write the rows of at most `most` stale orders and return how many orders that were."""
    _one_at_a_time(connection, instance)
    orders = list(
        connection.execute(
            text("select distinct order_key from unlisted where instance = :instance order by 1 limit :most"),
            {"instance": instance, "most": most},
        ).scalars()
    )
    if orders:
        # Rows inserted from here on are kept: `refresh` may not see the changes that they are about.
        connection.execute(
            text("delete from unlisted where instance = :instance and order_key = any(:orders)"),
            {"instance": instance, "orders": orders},
        )
        refresh(connection, instance, orders)
    return len(orders)


def refresh(connection: Connection, instance: str, order_keys: Collection[str], *, without_order: bool = False) -> int:
    """Write the rows of these orders again, on request also those of documents without order, and return how many rows."""
    _one_at_a_time(connection, instance)
    where = {"instance": instance, "orders": list(order_keys), "without_order": without_order}
    connection.execute(
        text(
            "delete from listed where instance = :instance"
            " and (order_key = any(:orders) or order_key is null and :without_order)"
        ),
        where,
    )
    return int(connection.execute(text(_LINES.read_text(encoding="utf-8")), where).rowcount)


def _one_at_a_time(connection: Connection, instance: str) -> None:
    """Lock the lists of the instance until this transaction ends.

    The second writer sees the first one's rows, and never overwrites them with older ones.
    """
    connection.execute(
        text("select pg_advisory_xact_lock(hashtext('magodoo lists'), hashtext(:instance))"), {"instance": instance}
    )


def note_agreement(connection: Connection, instance: str, now: datetime) -> None:
    """Store today's counts of matched, differing and missing documents per kind; the last count of a day is kept."""
    connection.execute(
        text(
            """
            insert into agreement (instance, day, kind, matched, differing, missing_in_odoo, missing_in_magento, counted_at)
            select :instance, cast(:now as date), kind, count(*) filter (where match = 'matched'), count(*) filter (where match = 'differs'),
                count(*) filter (where match = 'missing in Odoo'), count(*) filter (where match = 'missing in Magento'), cast(:now as timestamptz)
            from listed where instance = :instance group by kind
            on conflict (instance, day, kind) do update set matched = excluded.matched, differing = excluded.differing,
                missing_in_odoo = excluded.missing_in_odoo, missing_in_magento = excluded.missing_in_magento,
                counted_at = excluded.counted_at"""
        ),
        {"instance": instance, "now": now},
    )
