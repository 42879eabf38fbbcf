"""The lists of sales documents: columns as documented, and further ones for accountants that can be switched on."""

from __future__ import annotations

from magodoo.domain.states import UNDER_WAY, MagentoOrderState, OdooMovePaymentState, OdooMoveState, OdooTransferState
from magodoo_airflow.pages.lists import Column, Filter, Listing, Tab

MATCHES = ("matched", "differs", "missing in Odoo", "missing in Magento", "not expected", "excluded")

_MATCH = Column("match", "Match", "l.match", "state", required=True)
_ORDER = Column("order_number", "Order #", "l.order_number", required=True)
_NEWEST = Column("date", "Made", "l.date", "moment", required=True)


def _extras(*left_out: str) -> tuple[Column, ...]:
    """Return the columns for accountants, without those that the list shows anyway."""
    columns = (
        Column("magento_number", "Magento number", "l.magento_number"),
        Column("odoo_number", "Odoo number", "l.odoo_number"),
        Column("document_date", "Document date", "l.document_date", "date"),
        Column("accounting_date", "Accounting date", "l.accounting_date", "date"),
        Column("untaxed", "Tax excluded", "l.untaxed", "money", required=True),
        Column("tax", "Tax", "l.tax", "money", required=True),
        Column("total", "Total", "l.total", "money", required=True),
        Column("open_amount", "Open amount", "l.open_amount", "money"),
        Column("difference", "Difference", "l.difference", "money"),
        Column("currency", "Currency", "l.currency"),
        Column("payment_method", "Payment method", "l.payment_method"),
        Column("transaction_id", "Transaction", "l.transaction_id"),
        Column("journal", "Journal", "l.journal"),
        Column("country", "Country", "l.country"),
        Column("vat", "VAT number", "l.vat"),
        Column("instance", "Instance", "l.instance"),
        Column("age", "Age (days)", "greatest(current_date - l.date::date, 0)", "number", sortable=False),
        Column("finding", "Finding", "f.type", "state", sortable=False),
        Column("who", "Who acts", "f.who", sortable=False),
        Column("note", "Note", "f.message", sortable=False),
    )
    return tuple(
        Column(c.key, c.label, c.sql, c.type, extra=True, sortable=c.sortable, required=c.required)
        for c in columns
        if c.key not in left_out
    )


def _listing(
    name: str,
    title: str,
    kind: str,
    columns: tuple[Column, ...],
    sums: tuple[str, ...],
    statuses: tuple[str, ...],
    tabs: tuple[Tab, ...] = (),
    currency: str = "l.currency",
) -> Listing:
    return Listing(
        name, title,
        table="listed l",
        joined="left join finding f on f.id = l.finding_id",
        where=f"l.kind = '{kind}'",
        key=(("l.date", "timestamptz"), ("l.side", "text"), ("l.source_id", "text"), ("l.instance", "text")),
        identity=(("l.instance", "text"), ("l.side", "text"), ("l.source_id", "text")),
        newest=_NEWEST,
        instance="l.instance",
        columns=columns,
        filters=(
            Filter("match", "Match", "l.match = :match", MATCHES),
            Filter("status", "Status", "l.status = :status", statuses),
            Filter("since", "From", "l.date >= cast(:since as date)", type="date"),
            Filter("until", "To", "l.date < cast(:until as date) + 1", type="date"),
        ),
        search="l.search like :search",
        placeholder="number, order, name, e-mail",
        link="'/document/' || l.instance || '/' || l.side || '/' || l.kind || '/' || l.source_id",
        hint="Times are UTC. From and To look at the day on which a document was made.",
        currency=currency, sums=sums, tabs=tabs, view=True,
    )  # fmt: skip


_INVOICE_STATUSES = (
    OdooMovePaymentState.NOT_PAID, OdooMovePaymentState.IN_PAYMENT, OdooMovePaymentState.PAID, OdooMovePaymentState.PARTIAL,
    OdooMovePaymentState.REVERSED, OdooMoveState.DRAFT, OdooMoveState.CANCEL, "not in Odoo",
)  # fmt: skip
_ORDER_STATUSES = (
    "pending", MagentoOrderState.PENDING_PAYMENT, *UNDER_WAY, MagentoOrderState.CANCELED, MagentoOrderState.HOLDED,
    MagentoOrderState.PAYMENT_REVIEW, "not in Magento",
)  # fmt: skip

SALES_LISTS = (
    _listing(
        "orders", "Orders", "order",
        (
            Column("odoo_number", "Number in Odoo", "l.odoo_number"),
            Column("number", "Magento order #", "l.number", required=True, link="row"),
            Column("customer", "Bill-to Name", "l.customer", required=True),
            Column("date", "Order Date", "l.date", "moment", required=True),
            Column("status", "Magento status", "l.status", "state", required=True),
            _MATCH,
            Column("total", "Total", "l.total", "money", required=True),
            Column("invoiced_magento", "Invoiced Magento", "l.invoiced_magento", "money"),
            Column("invoiced_odoo", "Invoiced Odoo", "l.invoiced_odoo", "money"),
            Column("paid_magento", "Paid Magento", "l.paid_magento", "money"),
            Column("paid_odoo", "Paid Odoo", "l.paid_odoo", "money"),
            Column("shipped_magento", "Shipped Magento", "l.shipped_magento", "quantity"),
            Column("shipped_odoo", "Shipped Odoo", "l.shipped_odoo", "quantity"),
            Column("instance", "Instance", "l.instance"),
            Column("odoo_state", "Odoo state", "l.odoo_state", "state", extra=True),
            *_extras("magento_number", "odoo_number", "total", "instance", "accounting_date", "open_amount", "journal"),
        ),
        ("invoiced_magento", "invoiced_odoo", "paid_magento", "paid_odoo", "total", "tax", "untaxed", "difference"),
        _ORDER_STATUSES,
    ),
    _listing(
        "invoices", "Invoices", "invoice",
        (
            Column("number", "Number", "l.number", required=True, link="row"),
            Column("customer", "Bill-to Name", "l.customer", required=True),
            Column("document_date", "Invoice Date", "l.document_date", "date"),
            Column("due_date", "Due Date", "l.due_date", "date"),
            Column("untaxed", "Tax Excluded", "l.untaxed", "money", required=True),
            Column("status", "Status", "l.status", "state", required=True),
            _ORDER, _MATCH,
            *_extras("document_date", "untaxed"),
        ),
        ("untaxed", "tax", "total", "open_amount", "difference"),
        _INVOICE_STATUSES,
        (Tab("open", "Not fully paid", "l.open_amount <> 0"),),
    ),
    _listing(
        "shipments", "Shipments", "shipment",
        (
            Column("number", "Shipment", "l.number", required=True, link="row"),
            Column("date", "Ship Date", "l.date", "moment", required=True),
            _ORDER,
            Column("order_date", "Order Date", "l.order_date", "moment"),
            Column("ship_to", "Ship-to Name", "l.ship_to"),
            Column("email", "Customer Email", "l.email"),
            Column("phone", "Customer Phone", "l.phone"),
            Column("quantity", "Total Quantity", "l.quantity", "quantity"),
            _MATCH,
            Column("tracking", "Tracking", "l.tracking", extra=True),
            Column("magento_date", "Magento ship date", "l.magento_date", "moment", extra=True),
            Column("status", "Odoo status", "l.status", "state", extra=True, required=True),
            *_extras(
                "untaxed", "tax", "total", "open_amount", "difference", "accounting_date", "document_date", "journal", "vat",
                "payment_method", "transaction_id", "currency",
            ),
        ),
        ("quantity",),
        (OdooTransferState.DONE, "not in Odoo"),
        currency="''",  # quantities have no currency
    ),
    _listing(
        "credit_memos", "Credit Memos", "credit_memo",
        (
            Column("number", "Credit Memo", "l.number", required=True, link="row"),
            Column("date", "Created", "l.date", "moment", required=True),
            _ORDER,
            Column("order_date", "Order Date/Time", "l.order_date", "moment"),
            Column("customer", "Bill-to Name", "l.customer", required=True),
            Column("status", "Refund Status", "l.status", "state", required=True),
            Column("currency", "Currency", "l.currency"),
            Column("total", "Refunded", "l.total", "money", required=True),
            _MATCH,
            *_extras("total", "currency"),
        ),
        ("total", "tax", "untaxed", "open_amount", "difference"),
        ("open", "refunded", "canceled", "not in Magento"),
        (Tab("to_pay", "Refunds to pay", "l.open_amount <> 0"),),
    ),
)  # fmt: skip
