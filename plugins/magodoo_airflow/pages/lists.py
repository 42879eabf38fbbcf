"""What each list shows: its columns as the connector documents them, and those that accountants may switch on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """`sql` selects the value. Types: text, money (units, with `currency`), quantity (units), date, moment, state."""

    key: str
    label: str
    sql: str
    type: str = "text"
    extra: bool = False  # shown only when switched on; always in the CSV


@dataclass(frozen=True)
class Listing:
    """A list of one kind. `lead`: the side whose document stands for a pair."""

    name: str
    title: str
    kind: str
    lead: str
    columns: tuple[Column, ...]
    sums: tuple[str, ...] = ()


# d = the leading document, m / o = Magento's and Odoo's document of the row, r = Magento's order.
_MATCH = Column("match", "Match", "s.match_state", "state")
_ORDER = Column("order", "Order #", "r.number")
_EXTRAS = (
    Column("magento_number", "Magento number", "m.number", extra=True),
    Column("odoo_number", "Odoo number", "o.number", extra=True),
    Column("accounting_date", "Accounting date", "o.accounting_date", "date", extra=True),
    Column("tax", "Tax", "d.tax", "money", extra=True),
    Column("total", "Total", "d.grand_total", "money", extra=True),
    Column("open", "Open amount", "o.open_amount", "money", extra=True),
    Column("currency_code", "Currency code", "d.currency", extra=True),
    Column("payment_method", "Payment method", "r.payment_method", extra=True),
    Column("transaction", "Transaction", "coalesce(m.transaction_id, r.transaction_id)", extra=True),
    Column("journal", "Journal", "o.journal", extra=True),
    Column("country", "Country", "coalesce(r.country, o.country)", extra=True),
    Column("vat", "VAT number", "coalesce(r.vat, o.vat)", extra=True),
    Column("difference", "Difference", "o.grand_total - m.grand_total", "money", extra=True),
    Column("instance", "Instance", "d.instance", extra=True),
)

LISTINGS = {
    listing.name: listing
    for listing in (
        Listing(
            "orders",
            "Orders",
            "order",
            "magento",
            (
                Column("number", "Number in Odoo", "o.number"),
                Column("order", "Magento order #", "m.number"),
                Column("status", "Magento status", "m.status", "state"),
                Column("odoo_state", "Odoo state", "o.state", "state"),
                Column("customer", "Bill-to Name", "coalesce(m.customer_name, o.customer_name)"),
                Column("date", "Order Date", "coalesce(m.created_at, o.created_at)", "moment"),
                Column("total", "Total", "d.grand_total", "money"),
                Column("instance", "Instance", "d.instance"),
                _MATCH,
                *(column for column in _EXTRAS if column.key not in ("total", "instance")),
            ),
            ("total",),
        ),
        Listing(
            "invoices",
            "Invoices",
            "invoice",
            "odoo",
            (
                Column("number", "Number", "o.number"),
                Column("customer", "Bill-to Name", "coalesce(o.customer_name, r.customer_name)"),
                Column("date", "Invoice Date", "coalesce(o.document_date, m.document_date)", "date"),
                Column("due", "Due Date", "o.due_date", "date"),
                Column("untaxed", "Tax Excluded", "d.untaxed", "money"),
                Column(
                    "status",
                    "Status",
                    "case when o.source_id is null then 'not in Odoo' when o.state <> 'posted' then o.state else o.status end",
                    "state",
                ),
                _ORDER,
                _MATCH,
                *_EXTRAS,
            ),
            ("untaxed", "tax", "total"),
        ),
        Listing(
            "shipments",
            "Shipments",
            "shipment",
            "odoo",
            (
                Column("shipment", "Shipment", "coalesce(o.number, m.number)"),
                Column("ship_date", "Ship Date", "coalesce(o.created_at, m.created_at)", "moment"),
                _ORDER,
                Column("order_date", "Order Date", "r.created_at", "moment"),
                Column("ship_to", "Ship-to Name", "coalesce(r.ship_to_name, o.ship_to_name, r.customer_name)"),
                Column("email", "Customer Email", "coalesce(r.customer_email, o.customer_email)"),
                Column("phone", "Customer Phone", "coalesce(r.customer_phone, o.customer_phone)"),
                Column("quantity", "Total Quantity", "d.quantity", "quantity"),
                Column("tracking", "Tracking", "array_to_string(d.tracking, ', ')"),
                _MATCH,
                Column("magento_number", "Magento number", "m.number", extra=True),
                Column("odoo_number", "Odoo number", "o.number", extra=True),
                Column("magento_date", "Magento ship date", "m.created_at", "moment", extra=True),
                Column("instance", "Instance", "d.instance", extra=True),
            ),
            ("quantity",),
        ),
        Listing(
            "credit_memos",
            "Credit Memos",
            "credit_memo",
            "magento",
            (
                Column("number", "Credit Memo", "coalesce(m.number, o.number)"),
                Column("created", "Created", "d.created_at", "moment"),
                _ORDER,
                Column("order_date", "Order Date/Time", "r.created_at", "moment"),
                Column("customer", "Bill-to Name", "coalesce(r.customer_name, o.customer_name)"),
                Column(
                    "status",
                    "Refund Status",
                    "case m.state when '1' then 'Open' when '2' then 'Refunded' when '3' then 'Canceled' else 'not in Magento' end",
                    "state",
                ),
                Column("currency", "Currency", "d.currency"),
                Column("refunded", "Refunded", "d.grand_total", "money"),
                _MATCH,
                *(column for column in _EXTRAS if column.key not in ("total", "currency_code")),
            ),
            ("refunded", "tax"),
        ),
    )
}

# Odoo's own labels (RULES, *What accountants read*); anything else is shown as it is.
LABELS = {
    "not_paid": "Not Paid",
    "in_payment": "In Payment",
    "paid": "Paid",
    "partial": "Partially Paid",
    "reversed": "Reversed",
    "draft": "Draft",
    "cancel": "Cancelled",
    "posted": "Posted",
    "sale": "Sales Order",
}
