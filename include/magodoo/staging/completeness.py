"""Find from the tables alone which documents of an order are not staged, so that completing it costs no needless request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

ORDER_NUMBER = r"^\d{8,12}(-\d{1,2})?$"  # the form of a reference that is requested as an order number

_MAGENTO = """
    with wanted as (select unnest(cast(:keys as text[])) as key),
    staged as (
        select w.key, o.details, o.source_id,
            (select coalesce(sum(d.grand_total), 0) from document d where d.instance = :instance and d.order_key = w.key
                and d.side = 'magento' and d.kind = 'invoice' and d.active and d.deleted_at is null) as invoiced,
            (select coalesce(sum(d.grand_total), 0) from document d where d.instance = :instance and d.order_key = w.key
                and d.side = 'magento' and d.kind = 'credit_memo' and d.active and d.deleted_at is null) as refunded,
            (select count(*) from document d where d.instance = :instance and d.order_key = w.key
                and d.side = 'magento' and d.kind = 'credit_memo' and d.deleted_at is null) as memos,
            (select coalesce(sum(l.quantity), 0) from document d join line l using (instance, side, kind, source_id)
                where d.instance = :instance and d.order_key = w.key and d.side = 'magento' and d.kind = 'shipment'
                and d.deleted_at is null and l.parent_item_key is null) as shipped,
            (select coalesce(sum(l.qty_shipped), 0) from line l where l.instance = :instance and l.side = 'magento'
                and l.kind = 'order' and l.source_id = w.key and l.parent_item_key is null) as ordered_shipped
        from wanted w left join document o on o.instance = :instance and o.side = 'magento' and o.kind = 'order'
            and o.source_id = w.key and o.deleted_at is null)
    select key from staged where source_id is null
        or invoiced <> coalesce((details #>> '{totals,invoiced}')::bigint, 0)
        or abs(refunded - coalesce((details #>> '{totals,refunded}')::bigint, 0)) > 100 * memos
        or shipped <> ordered_shipped
    order by key"""

_ODOO = """
    with wanted as (select unnest(cast(:keys as text[])) as key),
    orders as (select w.key, o.source_id, o.details from wanted w left join document o on o.instance = :instance
        and o.order_key = w.key and o.side = 'odoo' and o.kind = 'order' and o.deleted_at is null)
    select distinct key from orders where source_id is null
        or exists (select 1 from jsonb_array_elements_text(coalesce(details -> 'invoice_ids', '[]')) listed (id) where not exists (
            select 1 from document d where d.instance = :instance and d.side = 'odoo' and d.kind in ('invoice', 'credit_memo')
                and d.source_id = listed.id))
        or exists (select 1 from jsonb_array_elements_text(coalesce(details -> 'picking_ids', '[]')) listed (id) where not exists (
            select 1 from document d where d.instance = :instance and d.side = 'odoo' and d.kind in ('shipment', 'return')
                and d.source_id = listed.id))
    order by key"""

_CHANGED_SINCE = """
    select distinct d.order_key from document d where d.instance = :instance and d.side = :side and d.order_key = any(:keys)
        and d.staged_at > :moment and d.version > (
            select w.completed_version from order_work w where w.instance = :instance and w.order_key = d.order_key)
    order by d.order_key"""


def of_magento(connection: Connection, instance: str, order_keys: Sequence[str]) -> list[str]:
    """Return the keys of orders that are not staged, or whose invoices, shipments or credit memos are not all staged.

    Compares the sums of staged documents with the totals and quantities on the Magento order. Refunds may differ by a
    hundred units for each credit memo.
    """
    return _keys(connection, _MAGENTO, instance, order_keys)


def of_odoo(connection: Connection, instance: str, order_keys: Sequence[str]) -> list[str]:
    """Return the keys of orders without a staged Odoo order, or whose linked invoices or pickings are not all staged."""
    return _keys(connection, _ODOO, instance, order_keys)


def changed_after(
    connection: Connection, instance: str, side: str, order_keys: Sequence[str], moment: datetime | None
) -> list[str]:
    """Return the keys of orders of which `side` was staged after `moment` (UTC) and after they were last completed.

    Returns all of them if `moment` is None.
    """
    if moment is None:
        return list(order_keys)
    return list(
        connection.execute(
            text(_CHANGED_SINCE), {"instance": instance, "side": side, "keys": list(order_keys), "moment": moment}
        ).scalars()
    )


def numbers(connection: Connection, instance: str, order_keys: Sequence[str]) -> list[str]:
    """Return the numbers of the staged Magento orders with these keys, sorted."""
    return list(
        connection.execute(
            text("""select number from document where instance = :instance and side = 'magento' and kind = 'order'
                and source_id = any(:keys) order by number"""),
            {"instance": instance, "keys": list(order_keys)},
        ).scalars()
    )


def claimed_numbers(connection: Connection, instance: str, order_keys: Sequence[str], prefix: str) -> list[str]:
    """Return the references on Odoo documents of these keys that have the form of order numbers, without the instance's prefix."""
    return list(
        connection.execute(
            text("""
            select distinct substr(word, length(:prefix) + 1) from document d, unnest(d.other_references) word
            where d.instance = :instance and d.side = 'odoo' and d.order_key = any(:keys) and starts_with(word, :prefix)
                and substr(word, length(:prefix) + 1) ~ :order_number"""),
            {"instance": instance, "keys": list(order_keys), "prefix": prefix, "order_number": ORDER_NUMBER},
        ).scalars()
    )


def own_ids(connection: Connection, instance: str, side: str, kind: str, order_keys: Sequence[str]) -> list[str]:
    """Return the source ids of the staged documents of one side and kind of these orders, deleted ones excluded."""
    return list(
        connection.execute(
            text("""select source_id from document where instance = :instance and side = :side and kind = :kind
                and order_key = any(:keys) and deleted_at is null order by length(source_id), source_id"""),
            {"instance": instance, "side": side, "kind": kind, "keys": list(order_keys)},
        ).scalars()
    )


def read_before(connection: Connection, instance: str, ids: Sequence[str], moment: datetime) -> list[str]:
    """Return those of these Odoo order ids that belong to a Magento order and were read before `moment` (UTC)."""
    return list(
        connection.execute(
            text("""select source_id from document where instance = :instance and side = 'odoo' and kind = 'order'
                and source_id = any(:ids) and order_key is not null and deleted_at is null and request_began_at < :moment
                order by source_id"""),
            {"instance": instance, "ids": list(ids), "moment": moment},
        ).scalars()
    )


def without_sales_order(connection: Connection, instance: str, order_keys: Sequence[str]) -> list[str]:
    """Return those of these order keys for which no Odoo order is staged."""
    return _keys(
        connection,
        """select key from unnest(cast(:keys as text[])) key where not exists (select 1 from document d
            where d.instance = :instance and d.side = 'odoo' and d.kind = 'order' and d.order_key = key
                and d.deleted_at is null) order by key""",
        instance,
        order_keys,
    )


def _keys(connection: Connection, statement: str, instance: str, order_keys: Sequence[str]) -> list[str]:
    return list(connection.execute(text(statement), {"instance": instance, "keys": list(order_keys)}).scalars())


def all_staged(
    connection: Connection, instance: str, side: str, kind: str, timestamps: Mapping[str, datetime], overlap: timedelta
) -> bool:
    """Return whether all of these documents are staged with these timestamps and were read again `overlap` later, unchanged.

    `timestamps` holds the change timestamp (UTC) by source id. A timestamp has whole seconds, and a transaction may end
    late: within the overlap a record may change once more and keep its timestamp. Both reading times are of our clock,
    which need not agree with the source's.
    """
    rows = connection.execute(
        text("""
        select d.source_id, d.updated_at from document d join payload p using (instance, side, kind, source_id)
            where d.instance = :instance and d.side = :side and d.kind = :kind and d.source_id = any(:ids)
                and d.deleted_at is null and d.request_began_at >= p.request_began_at + :overlap"""),
        {"instance": instance, "side": side, "kind": kind, "ids": list(timestamps), "overlap": overlap},
    )
    return {source_id: updated_at for source_id, updated_at in rows} == dict(timestamps)
