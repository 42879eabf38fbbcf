"""What Magento's invoices, shipments and credit memos do not say and their order does (facts magento-2.4.7 6), and what
Odoo's documents leave to their company.

Currency where a raw document lacks it, customer, payment method, country; on the lines which rows carry no money, the product
type and the tax rate; and whether an invoice without a transaction id was captured online all the same.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

# Pending documents with their order, and every document of a pending order.
_CONCERNED = """
    concerned as (
        select d.kind, d.source_id, d.order_key from document d where d.instance = :instance and d.side = 'magento'
            and d.kind <> 'order' and d.resolved_at is null
        union
        select d.kind, d.source_id, d.order_key from document o join document d on d.instance = o.instance
            and d.order_key = o.source_id and d.side = 'magento' and d.kind <> 'order'
            where o.instance = :instance and o.side = 'magento' and o.kind = 'order' and o.resolved_at is null)"""

_TAKEN = (
    "customer_key",
    "customer_name",
    "customer_email",
    "customer_phone",
    "ship_to_name",
    "customer_group",
    "country",
    "vat",
)


def inherit(connection: Connection, instance: str) -> None:
    """Complete the documents that are being resolved."""
    _from_orders(connection, instance)
    _from_company(connection, instance)


def _from_company(connection: Connection, instance: str) -> None:
    connection.execute(
        text("""
        update document d set company_currency = m.data #>> '{currency_id,1}' from master m
        where d.instance = :instance and d.side = 'odoo' and d.resolved_at is null and d.company_currency = ''
            and m.instance = :instance and m.model = 'res.company' and m.key = 'company'
            and m.data #>> '{currency_id,1}' is not null"""),
        {"instance": instance},
    )


def _from_orders(connection: Connection, instance: str) -> None:
    taken = ", ".join(f"{column} = o.{column}" for column in (*_TAKEN, "payment_method"))
    connection.execute(
        text(f"""
        with {_CONCERNED}
        update document d set {taken},
            currency = case when d.currency = '' then o.currency else d.currency end,
            company_currency = case when d.company_currency = '' then o.company_currency else d.company_currency end,
            store_id = coalesce(d.store_id, o.store_id),
            captured_amount = case when d.kind = 'invoice' and d.state = '2' and d.captured_amount = 0
                and o.details #>> '{{payment,last_trans_id}}' is not null
                and (o.details #>> '{{payment,base_amount_paid}}')::bigint > 0
                and (o.details #>> '{{payment,base_amount_paid_online}}')::bigint
                    >= (o.details #>> '{{payment,base_amount_paid}}')::bigint
                then d.grand_total else d.captured_amount end
        from concerned c, document o
        where d.instance = :instance and d.side = 'magento' and d.kind = c.kind and d.source_id = c.source_id
            and o.instance = :instance and o.side = 'magento' and o.kind = 'order' and o.source_id = c.order_key"""),
        {"instance": instance},
    )
    connection.execute(
        text(f"""
        with {_CONCERNED}
        update line l set product_type = i.product_type, parent_item_key = i.parent_item_key, is_virtual = i.is_virtual,
            tax_percent = i.tax_percent,
            is_money = l.is_money and (i.is_money or l.untaxed <> 0 or l.tax <> 0 or c.kind = 'shipment')
        from concerned c, line i
        where l.instance = :instance and l.side = 'magento' and l.kind = c.kind and l.source_id = c.source_id
            and l.role in ('item', 'shipping')
            and i.instance = :instance and i.side = 'magento' and i.kind = 'order' and i.source_id = c.order_key
            and i.line_id = case l.role when 'item' then l.item_key else 'shipping' end"""),
        {"instance": instance},
    )
