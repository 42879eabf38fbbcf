"""The lines of the sales lists and the course of agreement. Owner of tables listed and agreement.

A line is a pair, or a document without counterpart; it repeats what pairs, findings and documents say, so that a list of a
million documents is filtered, sorted and summed without a join. `refresh` belongs into every transaction that changes them.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sqlalchemy import Connection, text

_LINES = Path(__file__).with_suffix(".sql")


def refresh(connection: Connection, instance: str, order_keys: Collection[str], *, without_order: bool = False) -> int:
    """Write the lines of these orders anew, and on demand those of documents without order. Returns how many there are."""
    where = {"instance": instance, "orders": list(order_keys), "without_order": without_order}
    connection.execute(
        text(
            "delete from listed where instance = :instance"
            " and (order_key = any(:orders) or order_key is null and :without_order)"
        ),
        where,
    )
    return int(connection.execute(text(_LINES.read_text(encoding="utf-8")), where).rowcount)


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
