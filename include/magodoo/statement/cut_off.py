"""Cut-off: goods that left in one month and of which Odoo says another, or nothing yet: revenue and cost are in two months then.

A delivery counts in the month of its local shipping date: the earlier of Magento's day and Odoo's, for one of the two was told by us.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from magodoo.money import from_units, rounded, to_units
from magodoo.settings import Instance
from magodoo.statement.months import Month

if TYPE_CHECKING:
    from magodoo.odoo.client import OdooClient

Row = dict[str, Any]

# A delivery's moves as they moved (`qty_ordered`), a kit's components among them; of a shipment without one, its own items, but for
# those that Odoo delivered in other portions by the end of the month.
_LATE = """
    with shipped as (
        select m.source_id as magento_id, m.number as magento_number, m.order_key, m.document_date as day, o.source_id as odoo_id,
            o.number, o.document_date as done
        from document m
        left join pair p on p.instance = m.instance and p.kind = m.kind and p.magento_id = m.source_id and p.ended_at is null
        left join document o on o.instance = m.instance and o.side = 'odoo' and o.kind = m.kind and o.source_id = p.odoo_id and o.active
            and o.deleted_at is null
        left join order_work w on w.instance = m.instance and w.order_key = m.order_key
        where m.instance = :instance and m.side = 'magento' and m.kind = 'shipment' and m.deleted_at is null
            and coalesce(w.scope, '') <> 'excluded'
            and (m.document_date between :first and :last or o.document_date between :first and :last)
            and date_trunc('month', m.document_date) is distinct from date_trunc('month', o.document_date)),
    counted as (
        select d.side, d.order_key, l.item_key, date_trunc('month', d.document_date) as month,
            case d.side when 'odoo' then l.qty_ordered else l.quantity end as quantity
        from document d join line l on l.instance = d.instance and l.side = d.side and l.kind = d.kind and l.source_id = d.source_id
        where d.instance = :instance and d.kind = 'shipment' and d.deleted_at is null and (d.active or d.side = 'magento')
            and l.role = 'item' and d.order_key in (select order_key from shipped where odoo_id is null))
    select r.number as order_number, s.magento_number, coalesce(s.number, '') as number, least(s.day, s.done) as day,
        greatest(s.day, s.done) as other_day, case when s.odoo_id is null then '' when s.done > s.day then 'Odoo' else 'Magento' end as later,
        l.sku, case when s.odoo_id is null then l.quantity else l.qty_ordered end as quantity,
        case when s.odoo_id is null then 0 else l.line_id::bigint end as move_id
    from shipped s join document r on r.instance = :instance and r.side = 'magento' and r.kind = 'order' and r.source_id = s.order_key
    join line l on l.instance = :instance and l.kind = 'shipment' and l.side = case when s.odoo_id is null then 'magento' else 'odoo' end
        and l.source_id = coalesce(s.odoo_id, s.magento_id)
    where (cast(:books_from as timestamptz) is null or r.created_at >= :books_from)
        and case when s.odoo_id is null then l.role = 'item' and l.quantity > 0 else l.qty_ordered > 0 end
        and not (s.odoo_id is null and coalesce((
            select sum(case c.side when 'odoo' then c.quantity else -c.quantity end) >= 0 and bool_or(c.side = 'odoo') from counted c
            where c.order_key = s.order_key and c.item_key = l.item_key and c.month <= date_trunc('month', s.day)), false))
    order by least(s.day, s.done), s.magento_number, l.sku, l.line_id"""


def read(connection: Connection, instance: Instance, month: Month) -> list[Row]:
    """Goods that left in this month and are not delivered in it in Odoo, or the other way round: one row per item.

    `quantity` in units, `day` the shipping date, `other_day` and `later` when and where it was told later (none: nowhere yet).
    """
    values = {
        "instance": instance.id,
        "first": month.first,
        "last": month.last,
        "books_from": instance.books_from_utc,
    }
    rows = [dict(row) for row in connection.execute(text(_LATE), values).mappings()]
    for row in rows:
        row["day"] = row["day"].isoformat()
        row["other_day"] = row["other_day"].isoformat() if row["later"] else ""
        row["quantity"] = int(row["quantity"])
    return rows


def valued(client: OdooClient, rows: Sequence[Row], currency: str) -> list[Row]:
    """The rows with `cost` in units of the company's currency: what Odoo says that the moves are worth, else the product's cost now."""
    if not rows:
        return []
    values = client.move_values([row["move_id"] for row in rows if row["move_id"]])
    costs = client.costs(sorted({row["sku"] for row in rows}))
    made = []
    for row in rows:
        cost = values.get(row["move_id"]) or from_units(row["quantity"]) * costs.get(row["sku"], Decimal(0))
        plain = {name: value for name, value in row.items() if name != "move_id"}
        made.append({**plain, "cost": rounded(to_units(cost)), "currency": currency})
    return made
