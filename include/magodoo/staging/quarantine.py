"""What could not be read: kept with its payload and reason until a later read succeeds. Owner of table quarantine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, text

from magodoo.extract.canonical import Unread

LONGEST_PAYLOAD = 100_000


def put(connection: Connection, instance: str, side: str, unread: Iterable[Unread]) -> int:
    """Keep these records; one that is there already is opened again with the latest reason. Returns how many."""
    rows = [
        {
            "instance": instance,
            "side": side,
            "kind": each.kind,
            "source_id": _storable(each.source_id)[:200],
            "reason": _storable(each.reason)[:2000],
            "payload": _storable(each.payload)[:LONGEST_PAYLOAD],
        }
        for each in unread
    ]
    if rows:
        connection.execute(
            text("""
            insert into quarantine (instance, side, kind, source_id, reason, payload)
                values (:instance, :side, :kind, :source_id, :reason, :payload)
            on conflict (instance, side, kind, source_id) do update set reason = excluded.reason, payload = excluded.payload,
                last_seen = now(), resolved_at = null"""),
            rows,
        )
    return len(rows)


def release(connection: Connection, instance: str, side: str, kind: str, source_ids: Sequence[str]) -> int:
    """Close the rows of records that were read soundly now. Returns how many."""
    closed = connection.execute(
        text("""
        update quarantine set resolved_at = now()
        where instance = :instance and side = :side and kind = :kind and source_id = any(:ids) and resolved_at is null"""),
        {"instance": instance, "side": side, "kind": kind, "ids": list(source_ids)},
    )
    return int(closed.rowcount)


def _storable(words: str) -> str:
    return words.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
