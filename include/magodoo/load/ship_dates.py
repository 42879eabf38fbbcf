"""When the goods of an invoice left, as Magento says: the delivery date that the invoice in Odoo shows.

Odoo knows the day on which a transfer was validated, which may be later, and in another month (RULES, *Cut-over*).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from magodoo.pipeline.context import Context

# Local days. A shipment names a bundle, the invoice its children, or the other way round.
_SHIPPED = """
    select i.source_id, max(s.document_date) from document i
    join line l on l.instance = i.instance and l.side = i.side and l.kind = i.kind and l.source_id = i.source_id and l.role = 'item'
    join document s on s.instance = i.instance and s.side = i.side and s.kind = 'shipment' and s.order_key = i.order_key
        and s.deleted_at is null
    join line m on m.instance = s.instance and m.side = s.side and m.kind = s.kind and m.source_id = s.source_id
        and (m.item_key in (l.item_key, l.parent_item_key) or m.parent_item_key = l.item_key)
    where i.instance = :instance and i.side = 'magento' and i.kind = 'invoice' and i.source_id = any(:ids)
    group by i.source_id"""

_INVOICES = """
    select odoo_id, magento_id from pair where instance = :instance and kind = 'invoice' and order_key = any(:orders)
        and ended_at is null"""


def shipped_on(context: Context, invoices: Collection[str]) -> dict[str, date]:
    """By Magento invoice: the last day on which goods of it were shipped, in the instance's time zone; none before that."""
    with context.engine.connect() as connection:
        values = {"instance": context.instance.id, "ids": sorted(set(invoices))}
        return {row[0]: row[1] for row in connection.execute(text(_SHIPPED), values) if row[1]}


def put_right(context: Context, order_keys: Collection[str]) -> None:
    """Set the delivery date of these orders' invoices in Odoo to Magento's ship date, where it is another.

    Odoo takes the day of the validation once the first transfer of an order is done, for posted invoices too.
    """
    client = context.books
    if not order_keys or not client.has_field("account.move", "delivery_date"):
        return
    with context.engine.connect() as connection:
        values = {"instance": context.instance.id, "orders": sorted(set(order_keys))}
        magento_of: Mapping[str, str] = {row[0]: row[1] for row in connection.execute(text(_INVOICES), values)}
    shipped = shipped_on(context, magento_of.values())
    wanted = {int(odoo): shipped[magento].isoformat() for odoo, magento in magento_of.items() if magento in shipped}
    if not wanted:
        return
    rows = client.listed("account.move", ["delivery_date"], [["id", "in", sorted(wanted)], ["state", "!=", "cancel"]])
    late = {row["id"]: wanted[row["id"]] for row in rows if row["delivery_date"] != wanted[row["id"]]}
    client.set_delivery_dates(late)
