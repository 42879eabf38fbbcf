"""Documents that the source no longer has: marked, never removed. Odoo leaves no other trace of a deletion (facts odoo-19.0 4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from magodoo.settings import Instance
from magodoo.staging import pending, work
from magodoo.staging.resolve import resolve


def not_seen_since(
    connection: Connection, instance: str, side: str, order_keys: Sequence[str], moment: datetime
) -> dict[str, list[str]]:
    """Source ids by kind: documents of these orders that a reading which began at `moment` did not return."""
    rows = connection.execute(
        text("""
        select kind, source_id from document where instance = :instance and side = :side and order_key = any(:keys)
            and deleted_at is null and request_began_at < :moment order by kind, source_id"""),
        {"instance": instance, "side": side, "keys": list(order_keys), "moment": moment},
    ).all()
    found: dict[str, list[str]] = defaultdict(list)
    for kind, source_id in rows:
        found[kind].append(source_id)
    return dict(found)


def mark_deleted(
    connection: Connection, instance: Instance, side: str, kind: str, source_ids: Sequence[str], moment: datetime
) -> int:
    """Mark documents that were asked for and are gone; their orders are due. One read again after `moment` is left alone."""
    work.one_writer(connection, instance.id)
    keys = list(
        connection.execute(
            text("""
            update document set deleted_at = now(), version = nextval('content_version'), resolved_at = null
            where instance = :instance and side = :side and kind = :kind and source_id = any(:ids) and deleted_at is null
                and request_began_at < :moment
            returning order_key"""),
            {"instance": instance.id, "side": side, "kind": kind, "ids": list(source_ids), "moment": moment},
        ).scalars()
    )
    work.bump(connection, instance.id, sorted({key for key in keys if key is not None}))
    pending.begin(connection)
    resolve(connection, instance)
    return len(keys)


def count(connection: Connection, instance: str) -> int:
    """How many documents are marked."""
    return int(
        connection.execute(
            text("select count(*) from document where instance = :instance and deleted_at is not null"),
            {"instance": instance},
        ).scalar_one()
    )
