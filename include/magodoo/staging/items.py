"""Which Magento order item does a line of an Odoo document stand for?

Order lines with our external id carry it already. Others go by SKU inside the resolved order, the n-th of a SKU with the n-th.
Lines of invoices, deliveries and credit notes go through their order line; without one, by SKU as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

# What lies in a transfer beside an order's own goods belongs to no item of it, whatever its SKU.
_TRANSFERS = ("shipment", "return")

_CONCERNED = """
    select d.kind, d.source_id, d.own_order_id, d.order_key from resolving r join document d on d.instance = :instance
        and d.side = 'odoo' and d.kind = r.kind and d.source_id = r.source_id where d.order_key is not null
    union
    select d.kind, d.source_id, d.own_order_id, d.order_key from pending p join document d on d.instance = :instance
        and d.side = 'odoo' and d.order_key = p.source_id where p.side = 'magento' and p.kind = 'order'"""

_LINES = """
    select kind, source_id, line_id, item_key, own_item_id, sku, role from line
    where instance = :instance and side = :side and kind = :kind and source_id = any(:ids) and role in ('item', 'other')
        and is_money
    order by source_id, length(line_id), line_id"""


@dataclass(slots=True)
class _Line:
    kind: str
    source_id: str
    line_id: str
    item_key: str | None
    own_item_id: str | None
    sku: str
    role: str


_ByDocument = dict[str, list[_Line]]


def name_items(connection: Connection, instance: str) -> int:
    """Write the item_key of Odoo lines of the documents that are being resolved, and of those of new Magento orders."""
    concerned = connection.execute(text(_CONCERNED), {"instance": instance}).all()
    if not concerned:
        return 0
    items = _read(connection, instance, "magento", "order", {row.order_key for row in concerned})
    key_of_order = {row.source_id: row.order_key for row in concerned if row.kind == "order"}
    sale_orders = {row.own_order_id for row in concerned if row.own_order_id} | set(key_of_order)
    sale_lines = _read(connection, instance, "odoo", "order", sale_orders)
    named: list[_Line] = []
    for source_id, order_key in key_of_order.items():
        named += _by_sku(sale_lines.get(source_id, []), items.get(order_key, []))
    item_of = {line.own_item_id: line.item_key for lines in sale_lines.values() for line in lines if line.own_item_id}
    unnamed: dict[str, list[_Line]] = defaultdict(list)
    for kind in sorted({row.kind for row in concerned} - {"order"}):
        documents = {row.source_id: row.order_key for row in concerned if row.kind == kind}
        for source_id, lines in _read(connection, instance, "odoo", kind, documents).items():
            named += _by_order_line(lines, item_of)
            if kind not in _TRANSFERS or not any(line.own_item_id for line in lines):
                loose = [line for line in lines if not line.own_item_id]
                named += _by_sku(loose, items.get(documents[source_id], []))
                if kind not in _TRANSFERS and any(line.item_key is None for line in loose):
                    unnamed[documents[source_id]] += loose
    named += _by_sold_sku(connection, instance, unnamed)
    _write(connection, instance, named)
    delivered = {row.own_order_id for row in concerned if row.own_order_id and row.kind in ("shipment", "return")}
    _count_kits(connection, instance, delivered | set(key_of_order))
    _leave_out_exchanges(connection, instance, delivered | set(key_of_order))
    return len(named)


def _leave_out_exchanges(connection: Connection, instance: str, orders: Collection[str]) -> None:
    """Count no goods that were exchanged. Odoo sends them by a procurement that names nothing it replaces, and may put them into the
    same move as what is still owed.

    Of each order line, as much as comes back and leaves beyond what was ordered is an exchange: the youngest moves, but none that left
    before the return was made. `qty_ordered` keeps what was moved.
    """
    if not orders:
        return
    connection.execute(
        text("""
        with moved as (
            select m.kind, m.source_id, m.line_id, m.own_item_id, m.role, m.quantity as counted, m.qty_ordered as quantity, p.state,
                p.created_at, o.qty_ordered as ordered
            from line o
            join document p on p.instance = o.instance and p.side = 'odoo' and p.kind in ('shipment', 'return')
                and p.own_order_id = o.source_id and p.deleted_at is null and p.state <> 'cancel'
            join line m on m.instance = o.instance and m.side = 'odoo' and m.kind = p.kind and m.source_id = p.source_id
                and m.own_item_id = o.own_item_id and m.sku = o.sku and m.role in ('item', 'exchange')
            where o.instance = :instance and o.side = 'odoo' and o.kind = 'order' and o.source_id = any(:orders) and o.role = 'item'),
        beyond as (
            select own_item_id, min(created_at) filter (where kind = 'return') as since,
                least(sum(quantity) filter (where kind = 'return'),
                    sum(quantity) filter (where kind = 'shipment') - min(ordered)) as quantity
            from moved group by own_item_id),
        young as (
            select m.source_id, m.line_id, least(m.quantity, b.quantity - sum(m.quantity) over (
                partition by m.own_item_id order by m.line_id::bigint desc) + m.quantity) as exchanged
            from moved m join beyond b using (own_item_id)
            left join payload l on l.instance = :instance and l.side = 'odoo' and l.kind = m.kind and l.source_id = m.source_id
            where m.kind = 'shipment' and b.quantity > 0
                and not coalesce((nullif(l.payload ->> 'date_done', 'false') || '+00')::timestamptz < b.since, false)),
        told as (
            select m.*, greatest(coalesce(y.exchanged, 0), 0) as exchanged from moved m left join young y using (source_id, line_id)
            where m.kind = 'shipment')
        update line l set role = case when t.exchanged > 0 then 'exchange' else 'item' end, quantity = t.quantity - t.exchanged,
            qty_open = case when l.qty_open > 0 or t.state not in ('done', 'cancel') then t.quantity - t.exchanged else 0 end
        from told t where l.instance = :instance and l.side = 'odoo' and l.kind = 'shipment' and l.source_id = t.source_id
            and l.line_id = t.line_id and (t.exchanged > 0 or t.role = 'exchange') and t.counted <> t.quantity - t.exchanged"""),
        {"instance": instance, "orders": sorted(orders)},
    )


def _count_kits(connection: Connection, instance: str, orders: Collection[str]) -> None:
    """Moves of another product than their order line are a kit's components (RULES, *Deliveries*).

    What the order line says is delivered is shared among its done deliveries by what they moved; the first component of a
    delivery carries its kits, the others nothing. Once components came back, Odoo's figure may be less these or not (by
    the return's `to_refund`): then deliveries and returns alike are counted by what a kit asked for in the deliveries.
    """
    if not orders:
        return
    connection.execute(
        text("""
        with component as (
            select m.kind, m.source_id, m.line_id, m.own_item_id, m.qty_ordered as moved, p.state, o.qty_shipped, o.qty_ordered
            from line o
            join document p on p.instance = o.instance and p.side = 'odoo' and p.kind in ('shipment', 'return')
                and p.own_order_id = o.source_id and p.deleted_at is null
            join line m on m.instance = o.instance and m.side = 'odoo' and m.kind = p.kind and m.source_id = p.source_id
                and m.own_item_id = o.own_item_id and m.sku <> o.sku and m.role <> 'again'
            where o.instance = :instance and o.side = 'odoo' and o.kind = 'order' and o.source_id = any(:orders)
                and o.role = 'item' and o.sku <> ''),
        whole as (
            select own_item_id, sum(moved) filter (where kind = 'shipment') as asked,
                sum(moved) filter (where kind = 'shipment' and state = 'done') as out,
                coalesce(sum(moved) filter (where kind = 'return' and state = 'done'), 0) as back
            from component group by own_item_id),
        share as (
            select kind, source_id, line_id, state, sum(moved) over (partition by kind, source_id, own_item_id) as here,
                case when back > 0 and asked > 0 then qty_ordered / asked when out > 0 then qty_shipped / out else 0 end as kits_each,
                row_number() over (partition by kind, source_id, own_item_id order by length(line_id), line_id) as turn
            from component join whole using (own_item_id))
        update line l set quantity = case when s.turn = 1 and s.state = 'done' then round(s.here * s.kits_each, -4) else 0 end
        from share s where l.instance = :instance and l.side = 'odoo' and l.kind = s.kind
            and l.source_id = s.source_id and l.line_id = s.line_id"""),
        {"instance": instance, "orders": sorted(orders)},
    )


def _by_sku(lines: Sequence[_Line], items: Sequence[_Line]) -> list[_Line]:
    taken = {line.item_key for line in lines if line.item_key}
    free: dict[str, list[_Line]] = defaultdict(list)
    for item in items:
        if item.item_key not in taken and item.role == "item":
            free[item.sku].append(item)
    named = []
    for line in lines:
        if line.item_key is None and line.sku and free.get(line.sku):
            line.item_key = free[line.sku].pop(0).item_key
            named.append(line)
    return named


def _by_sold_sku(connection: Connection, instance: str, unnamed: Mapping[str, Sequence[_Line]]) -> list[_Line]:
    """Name lines by what Odoo's order sells an item as, by order key: a gift card is sold as the product of the liability."""
    if not unnamed:
        return []
    orders = connection.execute(
        text("""
        select source_id, order_key from document where instance = :instance and side = 'odoo' and kind = 'order'
            and order_key = any(:keys) and deleted_at is null"""),
        {"instance": instance, "keys": sorted(unnamed)},
    ).all()
    sold = _read(connection, instance, "odoo", "order", [row.source_id for row in orders])
    named = []
    for row in orders:
        items = [line for line in sold.get(row.source_id, []) if line.item_key is not None]
        by_document: _ByDocument = defaultdict(list)
        for line in unnamed[row.order_key]:
            by_document[f"{line.kind}/{line.source_id}"].append(line)
        for lines in by_document.values():
            named += _by_sku(lines, items)
    return named


def _by_order_line(lines: Iterable[_Line], item_of: Mapping[str, str | None]) -> list[_Line]:
    named = []
    for line in lines:
        item_key = item_of.get(line.own_item_id) if line.own_item_id else None
        if item_key is not None and line.item_key != item_key:
            line.item_key = item_key
            named.append(line)
    return named


def _read(connection: Connection, instance: str, side: str, kind: str, ids: Iterable[str]) -> _ByDocument:
    wanted = {"instance": instance, "side": side, "kind": kind, "ids": sorted(ids)}
    found: _ByDocument = defaultdict(list)
    for row in connection.execute(text(_LINES), wanted):
        found[row.source_id].append(_Line(*row))
    return found


def _write(connection: Connection, instance: str, named: Sequence[_Line]) -> None:
    if not named:
        return
    connection.execute(
        text("""
        update line l set item_key = n.item_key, role = 'item'
        from unnest(cast(:kinds as text[]), cast(:ids as text[]), cast(:lines as text[]), cast(:items as text[]))
            as n (kind, source_id, line_id, item_key)
        where l.instance = :instance and l.side = 'odoo' and l.kind = n.kind and l.source_id = n.source_id
            and l.line_id = n.line_id"""),
        {
            "instance": instance,
            "kinds": [line.kind for line in named],
            "ids": [line.source_id for line in named],
            "lines": [line.line_id for line in named],
            "items": [line.item_key for line in named],
        },
    )
