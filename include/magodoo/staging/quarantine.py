"""What could not be read: kept with its payload and reason until a later read succeeds. Owner of table quarantine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from magodoo.extract.canonical import Unread
from magodoo.staging import work

LONGEST_PAYLOAD = 100_000


def put(connection: Connection, instance: str, side: str, unread: Iterable[Unread]) -> int:
    """Keep these records; one that is there already is opened again with the latest reason. Returns how many.

    Orders are due whose record is new here, or has another reason.
    """
    rows: list[dict[str, Any]] = [
        {
            "instance": instance,
            "side": side,
            "kind": each.kind,
            "source_id": _storable(each.source_id)[:200],
            "reason": _storable(each.reason)[:2000],
            "payload": _storable(each.payload)[:LONGEST_PAYLOAD],
            "number": _storable(each.number)[:200] if each.number else None,
            "order_key": _storable(each.order_key)[:200] if each.order_key else None,
        }
        for each in unread
    ]
    if rows:
        known = _reasons(connection, instance, side, [row["source_id"] for row in rows])
        connection.execute(
            text("""
            insert into quarantine (instance, side, kind, source_id, reason, payload, number, order_key)
                values (:instance, :side, :kind, :source_id, :reason, :payload, :number, :order_key)
            on conflict (instance, side, kind, source_id) do update set reason = excluded.reason, payload = excluded.payload,
                number = coalesce(excluded.number, quarantine.number), order_key = coalesce(excluded.order_key, quarantine.order_key),
                last_seen = now(), resolved_at = null"""),
            rows,
        )
        fresh = {row["order_key"] for row in rows if known.get((row["kind"], row["source_id"])) != row["reason"]}
        work.bump(connection, instance, sorted(key for key in fresh if key))
    return len(rows)


def _reasons(connection: Connection, instance: str, side: str, source_ids: Sequence[str]) -> dict[tuple[str, str], str]:
    open_rows = connection.execute(
        text("""select kind, source_id, reason from quarantine
            where instance = :instance and side = :side and source_id = any(:ids) and resolved_at is null"""),
        {"instance": instance, "side": side, "ids": list(source_ids)},
    )
    return {(row.kind, row.source_id): row.reason for row in open_rows}


def release(connection: Connection, instance: str, side: str, kind: str, source_ids: Sequence[str]) -> int:
    """Close the rows of records that were read soundly now, or are gone; their orders are due. Returns how many."""
    closed = connection.execute(
        text("""
        update quarantine set resolved_at = now()
        where instance = :instance and side = :side and kind = :kind and source_id = any(:ids) and resolved_at is null
        returning order_key"""),
        {"instance": instance, "side": side, "kind": kind, "ids": list(source_ids)},
    ).scalars()
    keys = list(closed)
    work.bump(connection, instance, sorted({key for key in keys if key}))
    return len(keys)


def not_seen_since(
    connection: Connection, instance: str, side: str, order_keys: Sequence[str], began: datetime
) -> dict[str, list[str]]:
    """Source ids by kind of these orders' records that a reading which began then did not meet again."""
    found: dict[str, list[str]] = {}
    rows = connection.execute(
        text("""select kind, source_id from quarantine where instance = :instance and side = :side and order_key = any(:keys)
            and resolved_at is null and last_seen < :began order by id"""),
        {"instance": instance, "side": side, "keys": list(order_keys), "began": began},
    )
    for kind, source_id in rows:
        found.setdefault(kind, []).append(source_id)
    return found


def _storable(words: str) -> str:
    return words.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
