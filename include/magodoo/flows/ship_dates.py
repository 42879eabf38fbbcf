"""Set the delivery date of invoices in Odoo to the day on which Magento shipped their goods.

Odoo takes the day on which a transfer was validated, which may be later, and in another month (docs/business-rules.md#cut-over).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import text

from magodoo.domain.states import OdooMoveState

if TYPE_CHECKING:
    from magodoo.context import Context

# Local days. The pieces of an item invoiced first are those shipped first: the second parcel does not belong to the first invoice.
# A shipment names a bundle, the invoice its children, or the other way round: those quantities do not compare.
_SHIPPED = """
    with counted as (
        select d.kind, d.source_id, d.order_key, d.document_date, l.item_key, l.parent_item_key, l.quantity,
            sum(l.quantity) over (partition by d.kind, d.order_key, l.item_key order by d.source_id::bigint, l.line_id
                rows unbounded preceding) as up_to
        from document d
        join line l on l.instance = d.instance and l.side = d.side and l.kind = d.kind and l.source_id = d.source_id
            and l.role = 'item' and l.quantity > 0
        where d.instance = :instance and d.side = 'magento' and d.kind in ('invoice', 'shipment') and d.deleted_at is null
            and d.active and d.order_key in (
                select order_key from document where instance = :instance and side = 'magento' and kind = 'invoice'
                    and source_id = any(:ids)))
    select i.source_id, max(s.document_date) from counted i
    join counted s on s.kind = 'shipment' and s.order_key = i.order_key and (
        s.item_key = i.item_key and s.up_to > i.up_to - i.quantity and s.up_to - s.quantity < i.up_to
        or s.item_key <> i.item_key and (s.item_key = i.parent_item_key or s.parent_item_key = i.item_key))
    where i.kind = 'invoice' and i.source_id = any(:ids)
    group by i.source_id"""

_INVOICES = """
    select odoo_id, magento_id from pair where instance = :instance and kind = 'invoice' and order_key = any(:orders)
        and ended_at is null"""


def shipped_on(context: Context, invoices: Collection[str]) -> dict[str, date]:
    """Return, by Magento invoice id, the last day on which goods of it were shipped, in the instance's time zone.

    Invoices of which nothing was shipped are absent.
    """
    with context.engine.connect() as connection:
        values = {"instance": context.instance.id, "ids": sorted(set(invoices))}
        return {row[0]: row[1] for row in connection.execute(text(_SHIPPED), values) if row[1]}


def put_right(context: Context, order_keys: Collection[str]) -> None:
    """Set the delivery date of these orders' invoices in Odoo to Magento's ship date, where it differs.

    Odoo takes the day of the validation once the first transfer of an order is done, for posted invoices too.
    """
    client = context.odoo
    if not order_keys or not client.rpc.has_field("account.move", "delivery_date"):
        return
    with context.engine.connect() as connection:
        values = {"instance": context.instance.id, "orders": sorted(set(order_keys))}
        magento_of: Mapping[str, str] = {row[0]: row[1] for row in connection.execute(text(_INVOICES), values)}
    shipped = shipped_on(context, magento_of.values())
    wanted = {int(odoo): shipped[magento].isoformat() for odoo, magento in magento_of.items() if magento in shipped}
    if not wanted:
        return
    rows = client.rpc.listed(
        "account.move", ["delivery_date"], [["id", "in", sorted(wanted)], ["state", "!=", OdooMoveState.CANCEL]]
    )
    late = {row["id"]: wanted[row["id"]] for row in rows if row["delivery_date"] != wanted[row["id"]]}
    client.invoices.set_delivery_dates(late)
