"""Money received and not invoiced at a month's end: deposits, pre-orders, and payments whose invoice is not in the books yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from magodoo.domain.states import MagentoInvoiceState
from magodoo.settings import Instance
from magodoo.statement.periods import Month

if TYPE_CHECKING:
    from magodoo.connectors.odoo.client import OdooClient

Row = dict[str, Any]
WITHOUT_INVOICE, NOT_POSTED = "payment_without_invoice", "captured_and_not_posted"


def in_odoo(client: OdooClient, instance: Instance, month: Month) -> list[Row]:
    """Return the customers' payments in the journals of the payment methods that no invoice took up to the month's end, oldest first.

    Keys: number, reference, day (ISO text), amount and open (units of 1/10000 in the payment's currency, received positive), currency,
    what (WITHOUT_INVOICE).
    """
    journals = sorted({method.journal for method in instance.payment_methods.values() if method.journal})
    if not journals:
        return []
    domain = [
        ["account_id.account_type", "=", "asset_receivable"], ["journal_id.code", "in", journals], ["payment_id.payment_type", "=", "inbound"],
    ]  # fmt: skip
    found = sorted(client.general_ledger.open_items(domain, month.last), key=lambda row: (row["day"], row["id"]))
    return [
        {
            "what": WITHOUT_INVOICE, "number": row["number"], "order_number": "", "reference": row["reference"], "day": row["day"],
            "amount": -row["amount"], "open": -row["open"], "currency": row["currency"], "payment_method": "",
        }
        for row in found if row["open"] < 0
    ]  # fmt: skip


# A payment that its provider captured is money, also while its invoice waits in Odoo, as a draft or not at all.
_CAPTURED = """
    select m.number, coalesce(r.number, '') as order_number, m.currency, m.grand_total as amount, r.payment_method,
        to_char(m.document_date, 'YYYY-MM-DD') as day
    from document m
    join document r on r.instance = m.instance and r.side = 'magento' and r.kind = 'order' and r.source_id = m.order_key
    left join order_work w on w.instance = m.instance and w.order_key = m.order_key
    where m.instance = :instance and m.side = 'magento' and m.kind = 'invoice' and m.active and m.deleted_at is null and m.state = :paid
        and m.created_at < :ends and r.payment_method = any(:methods) and coalesce(w.scope, 'in_scope') = 'in_scope'
        and (cast(:books_from as timestamptz) is null or r.created_at >= :books_from)
        and not exists (
            select 1 from pair p join document o on o.instance = p.instance and o.side = 'odoo' and o.kind = p.kind and o.source_id = p.odoo_id
            where p.instance = m.instance and p.kind = 'invoice' and p.magento_id = m.source_id and p.ended_at is null and o.active
                and o.deleted_at is null and o.accounting_date <= :last)
    order by m.created_at, m.number"""


def captured(connection: Connection, instance: Instance, month: Month) -> list[Row]:
    """Return Magento's paid invoices of methods that a provider captures whose invoice was not posted in Odoo by the month's end.

    Keys as of `in_odoo`, with order_number and payment_method; what is NOT_POSTED.
    """
    values = {
        "instance": instance.id, "paid": MagentoInvoiceState.PAID, "ends": month.next.begins, "last": month.last,
        "books_from": instance.books_from_utc,
        "methods": sorted(name for name, method in instance.payment_methods.items() if method.captured_by_provider),
    }  # fmt: skip
    rows = connection.execute(text(_CAPTURED), values).mappings()
    return [{"what": NOT_POSTED, "reference": "", **row, "open": row["amount"]} for row in rows]
