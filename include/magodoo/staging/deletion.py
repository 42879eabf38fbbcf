"""Mark documents that the source no longer has; never remove them. Odoo keeps no other trace of a deletion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, text

from magodoo.domain.vocabulary import Kind, Side
from magodoo.extract.canonical import CanonicalDocument
from magodoo.extract.odoo_transfers import share_id
from magodoo.settings import Instance
from magodoo.staging import documents
from magodoo.staging.order_linking import resolve
from magodoo.staging.work_queue import WorkQueue


def not_seen_since(
    connection: Connection, instance: str, side: str, order_keys: Sequence[str], moment: datetime
) -> dict[str, list[str]]:
    """Return source ids by kind: documents of these orders that a reading begun at `moment` (UTC) did not return."""
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
    connection: Connection,
    instance: Instance,
    side: str,
    kind: str,
    source_ids: Sequence[str],
    moment: datetime,
    now: datetime,
) -> int:
    """Mark documents that were requested and not returned, make their orders due, and return how many were marked.

    A document that was read again after `moment` (UTC) is not marked.
    """
    queue = WorkQueue(connection, instance.id)
    queue.one_writer()
    keys = list(
        connection.execute(
            text("""
            update document set deleted_at = :now, version = nextval('content_version'), resolved_at = null
            where instance = :instance and side = :side and kind = :kind and source_id = any(:ids) and deleted_at is null
                and request_began_at < :moment
            returning order_key"""),
            {
                "instance": instance.id,
                "side": side,
                "kind": kind,
                "ids": list(source_ids),
                "moment": moment,
                "now": now,
            },
        ).scalars()
    )
    queue.bump(sorted({key for key in keys if key is not None}))
    documents.begin(connection)
    resolve(connection, instance, now)
    return len(keys)


def count(connection: Connection, instance: str) -> int:
    """Return how many documents of the instance are marked as deleted."""
    return int(
        connection.execute(
            text("select count(*) from document where instance = :instance and deleted_at is not null"),
            {"instance": instance},
        ).scalar_one()
    )


@contextmanager
def without_left_behind(
    connection: Connection, instance: Instance, documents: Sequence[CanonicalDocument], now: datetime
) -> Iterator[None]:
    """Mark, after the block, the shares of staged transfers that the documents read in it no longer contain.

    The caller stages `documents` inside the block.
    """
    transfers: dict[str, list[CanonicalDocument]] = defaultdict(list)
    for document in documents:
        if document.side == Side.ODOO and document.kind in (Kind.SHIPMENT, Kind.RETURN):
            transfers[document.kind].append(document)
    gone = {kind: _left_behind(connection, instance.id, kind, read) for kind, read in transfers.items()}
    yield
    for kind, ids in gone.items():
        if ids:
            began = min(document.request_began_at for document in transfers[kind])
            mark_deleted(connection, instance, Side.ODOO.value, kind, ids, began, now)


def _left_behind(connection: Connection, instance: str, kind: str, documents: Sequence[CanonicalDocument]) -> list[str]:
    """Return the source ids of the staged shares of these transfers that were not read with them.

    The document with the transfer's own id lists the sale orders that the transfer had (`details.sale_orders`).
    """
    read = {document.source_id for document in documents}
    rows = connection.execute(
        text("""
        select source_id, own_order_id, details -> 'sale_orders' from document where instance = :instance and side = 'odoo'
            and kind = :kind and source_id = any(:ids) and length(source_id) <= 10 and details ? 'sale_orders'"""),
        {"instance": instance, "kind": kind, "ids": sorted(read)},
    )
    shares = {
        str(share_id(int(picking), order)) for picking, first, orders in rows for order in orders if str(order) != first
    }
    return sorted(shares - read)
