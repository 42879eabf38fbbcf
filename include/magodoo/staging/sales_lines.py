"""The lines of the sales lists and the course of agreement. Owner of tables listed, unlisted and agreement.

A line is a pair, or a document without counterpart; it repeats what pairs, findings and documents say, so that a list of a
million documents is filtered, sorted and summed without a join. Whoever changes those either calls `refresh` in the same
transaction or notes there, by `note_due`, that somebody has to.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sqlalchemy import Connection, text

_LINES = Path(__file__).with_suffix(".sql")


def note_due(connection: Connection, instance: str, order_keys: Collection[str]) -> None:
    """The lines of these orders are out of date once this transaction ends."""
    connection.execute(
        text("insert into unlisted (instance, order_key) select :instance, unnest(cast(:orders as text[]))"),
        {"instance": instance, "orders": list(order_keys)},
    )


def is_due(connection: Connection, instance: str) -> bool:
    """Whether the lines of some order are out of date."""
    statement = text("select exists (select 1 from unlisted where instance = :instance)")
    return bool(connection.execute(statement, {"instance": instance}).scalar_one())


def refresh_due(connection: Connection, instance: str, most: int) -> int:
    """Write the lines of at most so many orders that are out of date; returns how many orders that were."""
    _one_at_a_time(connection, instance)
    orders = list(
        connection.execute(
            text("select distinct order_key from unlisted where instance = :instance order by 1 limit :most"),
            {"instance": instance, "most": most},
        ).scalars()
    )
    if orders:
        # What is noted from here on stays noted: `refresh` may not see what it tells of.
        connection.execute(
            text("delete from unlisted where instance = :instance and order_key = any(:orders)"),
            {"instance": instance, "orders": orders},
        )
        refresh(connection, instance, orders)
    return len(orders)


def refresh(connection: Connection, instance: str, order_keys: Collection[str], *, without_order: bool = False) -> int:
    """Write the lines of these orders anew, and on demand those of documents without order. Returns how many there are."""
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
    """Until this transaction ends. Who comes second sees what the first one left, and never writes something older over it."""
    connection.execute(
        text("select pg_advisory_xact_lock(hashtext('magodoo lists'), hashtext(:instance))"), {"instance": instance}
    )


def note_agreement(connection: Connection, instance: str) -> None:
    """Count per kind what agrees, differs and is missing, as today's state; the day's last count stays."""
    connection.execute(
        text(
            """
            insert into agreement (instance, day, kind, matched, differing, missing_in_odoo, missing_in_magento, counted_at)
            select :instance, current_date, kind, count(*) filter (where match = 'matched'), count(*) filter (where match = 'differs'),
                count(*) filter (where match = 'missing in Odoo'), count(*) filter (where match = 'missing in Magento'), now()
            from listed where instance = :instance group by kind
            on conflict (instance, day, kind) do update set matched = excluded.matched, differing = excluded.differing,
                missing_in_odoo = excluded.missing_in_odoo, missing_in_magento = excluded.missing_in_magento,
                counted_at = excluded.counted_at"""
        ),
        {"instance": instance},
    )
