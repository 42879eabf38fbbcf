"""Keep records that could not be read, with payload and reason, until a later read succeeds. Owner of table quarantine.

The readable part of a record may name an order, as may its last successful reading: nothing is written for that order
meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from magodoo.erasing import erase_words
from magodoo.extract.canonical import Unread
from magodoo.settings import Instance
from magodoo.staging.order_linking import names_of
from magodoo.staging.work_queue import WorkQueue

LONGEST_PAYLOAD = 100_000


class Open(NamedTuple):
    """An open row of table quarantine; None where unknown.

    Attributes:
        number: the record's number.
        order_key: the id of its order, of Magento's records.
        concerns: an order that it belongs to or names.
    """

    side: str
    kind: str
    source_id: str
    reason: str
    number: str | None
    order_key: str | None
    concerns: str | None


def put(connection: Connection, instance: str, side: str, unread: Iterable[Unread], now: datetime) -> list[str]:
    """Store records of one kind that could not be read; reopen known ones with the latest reason.

    Makes the orders of records due that are new or have another reason, and returns the source ids of such records,
    sorted.
    """
    rows: list[dict[str, Any]] = [
        {
            "instance": instance,
            "now": now,
            "side": side,
            "kind": each.kind,
            "source_id": _storable(each.source_id)[:200],
            "reason": _storable(each.reason)[:2000],
            "payload": _storable(each.payload)[:LONGEST_PAYLOAD],
            "number": _storable(each.number)[:200] if each.number else None,
            "order_key": _storable(each.order_key)[:200] if each.order_key else None,
            "own_orders": list(each.own_orders),
            "reference": _storable(each.reference)[:200] if each.reference else None,
            "other_references": [_storable(word) for word in each.other_references],
        }
        for each in unread
    ]
    if not rows:
        return []
    known = _reasons(connection, instance, side, [row["source_id"] for row in rows])
    connection.execute(
        text("""
        insert into quarantine (instance, side, kind, source_id, reason, payload, number, order_key, own_orders, reference,
                other_references, first_seen, last_seen)
            values (:instance, :side, :kind, :source_id, :reason, :payload, :number, :order_key, :own_orders, :reference,
                :other_references, :now, :now)
        on conflict (instance, side, kind, source_id) do update set reason = excluded.reason, payload = excluded.payload,
            number = coalesce(excluded.number, quarantine.number), order_key = coalesce(excluded.order_key, quarantine.order_key),
            own_orders = case when excluded.own_orders = '{}' then quarantine.own_orders else excluded.own_orders end,
            reference = coalesce(excluded.reference, quarantine.reference),
            other_references = case when excluded.other_references = '{}' then quarantine.other_references
                else excluded.other_references end, last_seen = :now, resolved_at = null"""),
        rows,
    )
    fresh = [row for row in rows if known.get((row["kind"], row["source_id"])) != row["reason"]]
    WorkQueue(connection, instance).bump(sorted({row["order_key"] for row in fresh if row["order_key"]}))
    return sorted({row["source_id"] for row in fresh})


def _reasons(connection: Connection, instance: str, side: str, source_ids: Sequence[str]) -> dict[tuple[str, str], str]:
    open_rows = connection.execute(
        text("""select kind, source_id, reason from quarantine
            where instance = :instance and side = :side and source_id = any(:ids) and resolved_at is null"""),
        {"instance": instance, "side": side, "ids": list(source_ids)},
    )
    return {(row.kind, row.source_id): row.reason for row in open_rows}


def release(
    connection: Connection, instance: str, side: str, kind: str, source_ids: Sequence[str], now: datetime
) -> list[str]:
    """Close the rows of records that were read without error or no longer exist, and make their orders due.

    Returns the source ids of those that were open, sorted.
    """
    closed = connection.execute(
        text("""
        update quarantine set resolved_at = :now
        where instance = :instance and side = :side and kind = :kind and source_id = any(:ids) and resolved_at is null
        returning source_id, order_key"""),
        {"instance": instance, "side": side, "kind": kind, "ids": list(source_ids), "now": now},
    ).all()
    WorkQueue(connection, instance).bump(sorted({row.order_key for row in closed if row.order_key}))
    return sorted(row.source_id for row in closed)


def not_seen_since(
    connection: Connection, instance: str, side: str, order_keys: Sequence[str], began: datetime
) -> dict[str, list[str]]:
    """Return source ids by kind: open records of these orders that a reading begun at `began` (UTC) did not return."""
    found: dict[str, list[str]] = {}
    rows = connection.execute(
        text("""select kind, source_id from quarantine where instance = :instance and side = :side and order_key = any(:keys)
            and resolved_at is null and last_seen < :began order by id"""),
        {"instance": instance, "side": side, "keys": list(order_keys), "began": began},
    )
    for kind, source_id in rows:
        found.setdefault(kind, []).append(source_id)
    return found


def open_ids(connection: Connection, instance: str, side: str, kind: str, limit: int) -> list[str]:
    """Return at most `limit` source ids of open rows of a kind, those not seen for longest first."""
    statement = text("""
        select source_id from quarantine where instance = :instance and side = :side and kind = :kind and resolved_at is null
        order by last_seen, source_id limit :limit""")
    where = {"instance": instance, "side": side, "kind": kind, "limit": limit}
    return list(connection.execute(statement, where).scalars())


def open_rows(connection: Connection, instance: Instance, order_keys: Sequence[str]) -> list[Open]:
    """Return the open rows that belong to these orders or to none, one for each order that a row belongs to or names."""
    found = connection.execute(
        text(f"""{_WITH_ORDERS} where q.resolved_at is null and (q.order_key is null or q.order_key = any(:orders))
            order by q.side, q.kind, q.source_id, named.order_key"""),
        _names(instance) | {"orders": list(order_keys)},
    )
    return [Open(*row) for row in found]


def orders(connection: Connection, instance: Instance, side: str, kind: str, source_ids: Sequence[str]) -> list[str]:
    """Return the keys of the orders that these rows, open or closed, belong to or name, sorted."""
    where = _names(instance) | {"side": side, "kind": kind, "ids": list(source_ids)}
    found = connection.execute(
        text(f"{_WITH_ORDERS} where q.side = :side and q.kind = :kind and q.source_id = any(:ids)"), where
    )
    return sorted({row.concerns for row in found if row.concerns})


def _names(instance: Instance) -> dict[str, object]:
    names = names_of(instance)
    return {name: names[name] for name in ("instance", "prefix", "our_order", "our_document")}


# A number of an order or a document is accepted here even if customer and total do not agree: the unreadable part might agree.
_WITH_ORDERS = """
    select q.side, q.kind, q.source_id, q.reason, q.number, q.order_key, named.order_key as concerns
    from (select * from quarantine where instance = :instance) q
    left join lateral (
        select d.order_key from document d where d.instance = q.instance and d.side = q.side and d.kind = q.kind
            and d.source_id = q.source_id and d.order_key is not null
        union
        select q.order_key where q.order_key is not null
        union
        select o.order_key from document o where q.side = 'odoo' and o.instance = q.instance and o.side = 'odoo'
            and o.kind = 'order' and o.source_id = any(q.own_orders) and o.order_key is not null
        union
        select o.source_id from document o where o.instance = q.instance and o.side = 'magento' and o.kind = 'order'
            and o.source_id = substring(q.reference from :our_order)
        union
        select n.order_key from document n where n.instance = q.instance and n.side = 'magento'
            and n.kind = case q.kind when 'return' then 'credit_memo' else q.kind end
            and n.source_id = substring(q.reference from :our_document) and n.order_key is not null
        union
        select coalesce(n.order_key, n.source_id) from document n where q.side = 'odoo' and n.instance = q.instance
            and n.side = 'magento' and n.kind in ('order', 'invoice', 'credit_memo') and n.deleted_at is null
            and (n.number = any(q.other_references) and n.kind <> 'order' and n.order_key is not null
                or n.kind = 'order' and n.number = any(array(
                    select substr(word, length(:prefix) + 1) from unnest(q.other_references) word where starts_with(word, :prefix))))
        ) named on true"""


def _storable(words: str) -> str:
    return words.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def erase(connection: Connection, instance: str, order_keys: Sequence[str], words: Sequence[str]) -> int:
    """Blank what the sides sent of these orders, and the words in every record; return how many rows were blanked."""
    payloads = connection.execute(
        text("""update quarantine set payload = null where (instance, side, kind, source_id) in (
            select instance, side, kind, source_id from document where instance = :instance and order_key = any(:orders))"""),
        {"instance": instance, "orders": list(order_keys)},
    )
    return payloads.rowcount + erase_words(connection, "quarantine", ("reason", "payload"), words)


def forget(connection: Connection, before: datetime) -> int:
    """Delete what a side sent of records last read before this time; return how many."""
    statement = "update quarantine set payload = null where payload is not null and last_seen < :before"
    return connection.execute(text(statement), {"before": before}).rowcount
