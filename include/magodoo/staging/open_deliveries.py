"""What Odoo is still to deliver of each order line: what its open pickings ask for, not ordered minus delivered.

A return lowers the delivered quantity and opens nothing; a picking cancelled without backorder leaves nothing open.
"""

from __future__ import annotations

from sqlalchemy import Connection, text


def note_open(connection: Connection, instance: str) -> int:
    """Write qty_open on the order lines of the documents that are being resolved, where a picking of the order is staged.

    Returns how many lines changed. Moves of a kit's components name another product than the order line and are left out.
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
