"""Shares of a transfer that several orders had and have no more: its goods went into other transfers since it was staged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, text

from magodoo.extract.canonical import CanonicalDocument
from magodoo.extract.odoo_transfers import share_id
from magodoo.settings import Instance
from magodoo.staging import deletion
from magodoo.vocabulary import Kind, Side


@contextmanager
def without_left_behind(
    connection: Connection, instance: Instance, documents: Sequence[CanonicalDocument]
) -> Iterator[None]:
    """Stage these documents inside the block; what their transfers no longer hold is marked as deleted after it."""
    transfers: dict[str, list[CanonicalDocument]] = defaultdict(list)
    for document in documents:
        if document.side == Side.ODOO and document.kind in (Kind.SHIPMENT, Kind.RETURN):
            transfers[document.kind].append(document)
    gone = {kind: _left_behind(connection, instance.id, kind, read) for kind, read in transfers.items()}
    yield
    for kind, ids in gone.items():
        if ids:
            began = min(document.request_began_at for document in transfers[kind])
            deletion.mark_deleted(connection, instance, Side.ODOO.value, kind, ids, began)


def _left_behind(connection: Connection, instance: str, kind: str, documents: Sequence[CanonicalDocument]) -> list[str]:
    """Source ids of the staged shares of these transfers that were not read with them.

    The document with the transfer's own id lists the orders that it had (`details.sale_orders`).
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
