"""What Magento's invoices, shipments and credit memos do not say and their order does (facts magento-2.4.7 6), and what
Odoo's documents leave to their company.

Currency where a raw document lacks it, customer, payment method, country; on the lines which rows carry no money, the product
type and the tax rate; and whether an invoice without a transaction id was captured online all the same.

New documents are completed before they are written (`insertion`); here those that are there already, when they or their order
change.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

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

# Documents that changed with their order, and every document of an order that is new or changed.
_CONCERNED = """
    concerned as (
        select d.kind, d.source_id, d.order_key from document d where d.instance = :instance and d.side = 'magento'
            and d.kind <> 'order' and d.resolved_at is null
        union
        select d.kind, d.source_id, d.order_key from pending p join document d on d.instance = :instance
            and d.order_key = p.source_id and d.side = 'magento' and d.kind <> 'order'
            where p.side = 'magento' and p.kind = 'order')"""


def of_order(document: str, order: str) -> dict[str, str]:
    """Columns of a Magento document, as its order completes them; both are names of rows."""
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
    """Columns of a Magento document's line, as its order's line completes them."""
    return {
        **{column: f"{item}.{column}" for column in ("product_type", "parent_item_key", "is_virtual", "tax_percent")},
        "is_money": f"""{line}.is_money and ({item}.is_money or {line}.untaxed <> 0 or {line}.tax <> 0
            or {line}.kind = 'shipment')""",
    }


def inherit(connection: Connection, instance: str) -> None:
    """Complete the documents that are being resolved."""
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
        with {_CONCERNED}
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
        with {_CONCERNED}
        update line l set {_assigned(columns)}
        from concerned c, line i
        where l.instance = :instance and l.side = 'magento' and l.kind = c.kind and l.source_id = c.source_id
            and {SAME_ITEM.format(order_key="c.order_key")} and {_differ("l", columns)}"""),
        {"instance": instance},
    )


def _assigned(columns: dict[str, str]) -> str:
    return ", ".join(f"{column} = {value}" for column, value in columns.items())


def _differ(row: str, columns: dict[str, str]) -> str:
    """A row that says so already is not written again."""
    told = ", ".join(f"{row}.{column}" for column in columns)
    return f"({told}) is distinct from ({', '.join(columns.values())})"
