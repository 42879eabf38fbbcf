"""Find the Magento order item of each line of an Odoo document, and complete documents from their order.

Writes `item_key`, `qty_open` and the columns that a Magento document takes from its order and the company.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

# Goods in a transfer that are not of its order belong to no item of that order, regardless of their SKU.
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
    """Write `item_key` on Odoo lines of the documents being resolved and of new Magento orders; return how many lines."""
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
    """Exclude exchanged goods from the counted quantity of delivery lines.

    Odoo sends them by a procurement that does not name what it replaces, and may put them into the same move as what is
    still owed. Of each order line, the quantity that comes back and leaves beyond what was ordered is an exchange: the
    youngest moves, except those that left before the return was created. Where nothing comes back, it is all that leaves
    beyond what was ordered (`least` ignores a null). `qty_ordered` keeps what was moved.
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
        adjusted as (
            select m.*, greatest(coalesce(y.exchanged, 0), 0) as exchanged from moved m left join young y using (source_id, line_id)
            where m.kind = 'shipment')
        update line l set role = case when t.exchanged > 0 then 'exchange' else 'item' end, quantity = t.quantity - t.exchanged,
            qty_open = case when l.qty_open > 0 or t.state not in ('done', 'cancel') then t.quantity - t.exchanged else 0 end
        from adjusted t where l.instance = :instance and l.side = 'odoo' and l.kind = 'shipment' and l.source_id = t.source_id
            and l.line_id = t.line_id and (t.exchanged > 0 or t.role = 'exchange') and t.counted <> t.quantity - t.exchanged"""),
        {"instance": instance, "orders": sorted(orders)},
    )


def _count_kits(connection: Connection, instance: str, orders: Collection[str]) -> None:
    """Count the moves of a kit's components as kits (docs/business-rules.md#deliveries): moves of another product than their order line.

    The delivered quantity of the order line is shared among its done deliveries in proportion to what they moved; the
    first component of a delivery carries its kits, the others zero. Once components came back, Odoo's figure may or may
    not be reduced by them (the return's `to_refund`): then deliveries and returns are both counted by what a kit asked
    for in the deliveries.
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
    """Name lines by the SKU under which the Odoo order sells an item: a gift card is sold as the product of the liability.

    `unnamed` holds the lines without item by order key.
    """
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


def note_open(connection: Connection, instance: str) -> int:
    """Write `qty_open` on order lines of the documents being resolved, if a picking of the order is staged.

    Returns how many lines changed. Moves of a kit's components name another product than the order line and are left
    out.
    """
    changed = connection.execute(
        text("""
        with concerned as (
            select distinct d.own_order_id as order_id from resolving r join document d on d.instance = :instance
                and d.side = 'odoo' and d.kind = r.kind and d.source_id = r.source_id
                where r.kind in ('order', 'shipment') and d.own_order_id is not null),
        picking as (
            select c.order_id, p.source_id, p.state, p.deleted_at from concerned c join document p
                on p.instance = :instance and p.side = 'odoo' and p.own_order_id = c.order_id and p.kind = 'shipment'),
        asked as (
            select p.order_id, m.own_item_id, m.sku, sum(m.qty_open) as quantity from picking p join line m
                on m.instance = :instance and m.side = 'odoo' and m.kind = 'shipment' and m.source_id = p.source_id
                where p.deleted_at is null and p.state not in ('done', 'cancel') and m.own_item_id is not null
                group by p.order_id, m.own_item_id, m.sku),
        known as (
            select l.source_id, l.line_id, coalesce(a.quantity, 0) as quantity
            from (select distinct order_id from picking) k join line l on l.instance = :instance and l.side = 'odoo'
                and l.kind = 'order' and l.source_id = k.order_id and l.role = 'item' and not l.is_virtual
            left join asked a on a.order_id = l.source_id and a.own_item_id = l.own_item_id and a.sku = l.sku)
        update line l set qty_open = n.quantity from known n
        where l.instance = :instance and l.side = 'odoo' and l.kind = 'order' and l.source_id = n.source_id
            and l.line_id = n.line_id and l.qty_open <> n.quantity"""),
        {"instance": instance},
    )
    return int(changed.rowcount)


# Documents that are not resolved yet, and every document of an order that is new or changed.
_INHERITING = """
    concerned as (
        select d.kind, d.source_id, d.order_key from document d where d.instance = :instance and d.side = 'magento'
            and d.kind <> 'order' and d.resolved_at is null
        union
        select d.kind, d.source_id, d.order_key from pending p join document d on d.instance = :instance
            and d.order_key = p.source_id and d.side = 'magento' and d.kind <> 'order'
            where p.side = 'magento' and p.kind = 'order')"""

COMPANY_CURRENCY = """(select data #>> '{currency_id,1}' from master
    where instance = :instance and model = 'res.company' and key = 'company')"""

SAME_ITEM = """i.instance = l.instance and i.side = 'magento' and i.kind = 'order' and i.source_id = {order_key}
    and l.role in ('item', 'shipping') and i.line_id = case l.role when 'item' then l.item_key else 'shipping' end"""

_TAKEN = (
    "customer_key",
    "customer_name",
    "customer_email",
    "customer_phone",
    "ship_to_name",
    "customer_group",
    "country",
    "vat",
    "payment_method",
)


def of_order(document: str, order: str) -> dict[str, str]:
    """Return SQL by column for what a Magento document takes over from its order; both arguments are row aliases."""
    paid, online = (
        f"({order}.details #>> '{{payment,{name}}}')::bigint"
        for name in ("base_amount_paid", "base_amount_paid_online")
    )
    return {
        **{column: f"{order}.{column}" for column in _TAKEN},
        **{
            column: f"case when {document}.{column} = '' then {order}.{column} else {document}.{column} end"
            for column in ("currency", "company_currency")
        },
        "store_id": f"coalesce({document}.store_id, {order}.store_id)",
        "captured_amount": f"""case when {document}.kind = 'invoice' and {document}.state = '2' and {document}.captured_amount = 0
            and {order}.details #>> '{{payment,last_trans_id}}' is not null and {paid} > 0 and {online} >= {paid}
            then {document}.grand_total else {document}.captured_amount end""",
    }


def of_order_line(line: str, item: str) -> dict[str, str]:
    """Return SQL by column for what a line of a Magento document takes over from its order's line."""
    return {
        **{column: f"{item}.{column}" for column in ("product_type", "parent_item_key", "is_virtual", "tax_percent")},
        "is_money": f"""{line}.is_money and ({item}.is_money or {line}.untaxed <> 0 or {line}.tax <> 0
            or {line}.kind = 'shipment')""",
    }


def inherit(connection: Connection, instance: str) -> None:
    """Complete the documents being resolved from their order and the company."""
    _from_orders(connection, instance)
    _from_company(connection, instance)


def _from_company(connection: Connection, instance: str) -> None:
    connection.execute(
        text(f"""
        update document d set company_currency = {COMPANY_CURRENCY}
        where d.instance = :instance and d.side = 'odoo' and d.resolved_at is null and d.company_currency = ''
            and {COMPANY_CURRENCY} is not null"""),
        {"instance": instance},
    )


def _from_orders(connection: Connection, instance: str) -> None:
    columns = of_order("d", "o")
    connection.execute(
        text(f"""
        with {_INHERITING}
        update document d set {_assigned(columns)}
        from concerned c, document o
        where d.instance = :instance and d.side = 'magento' and d.kind = c.kind and d.source_id = c.source_id
            and o.instance = :instance and o.side = 'magento' and o.kind = 'order' and o.source_id = c.order_key
            and {_differ("d", columns)}"""),
        {"instance": instance},
    )
    columns = of_order_line("l", "i")
    connection.execute(
        text(f"""
        with {_INHERITING}
        update line l set {_assigned(columns)}
        from concerned c, line i
        where l.instance = :instance and l.side = 'magento' and l.kind = c.kind and l.source_id = c.source_id
            and {SAME_ITEM.format(order_key="c.order_key")} and {_differ("l", columns)}"""),
        {"instance": instance},
    )


def _assigned(columns: dict[str, str]) -> str:
    return ", ".join(f"{column} = {value}" for column, value in columns.items())


def _differ(row: str, columns: dict[str, str]) -> str:
    """Return the SQL condition that a row differs, so that an equal row is not written again."""
    names = ", ".join(f"{row}.{column}" for column in columns)
    return f"({names}) is distinct from ({', '.join(columns.values())})"
