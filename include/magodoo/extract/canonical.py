"""Define canonical documents and lines: one row of table `document` or `line` each, the same for both sides.

Amounts, prices and quantities are units (int of 1/10000); times are aware UTC; the field names are the column names.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from magodoo.extract.details import Details

NOT_COLUMNS = ("lines", "payload")


@dataclass(slots=True)
class CanonicalLine:
    """Hold one line of a document; untaxed = gross + discount, with the compensation in discount.

    role is item, shipping, discount, adjustment, extra or other; in deliveries also again (returned goods that are
    shipped once more) and exchange (some of its goods replace returned ones, `staging/line_linking.py`: `quantity` is
    without these).
    """

    line_id: str
    item_key: str | None = None
    own_item_id: str | None = None
    parent_item_key: str | None = None
    role: str = "item"
    product_type: str | None = None
    sku: str = ""
    name: str = ""
    is_money: bool = True
    is_virtual: bool = False
    quantity: int = 0
    price: int = 0
    discount_percent: Decimal = Decimal(0)
    gross: int = 0
    discount: int = 0
    untaxed: int = 0
    tax: int = 0
    base_untaxed: int = 0
    base_tax: int = 0
    tax_percent: Decimal | None = None
    qty_ordered: int = 0
    qty_invoiced: int = 0
    qty_shipped: int = 0
    qty_refunded: int = 0
    qty_canceled: int = 0
    qty_open: int = 0


@dataclass(slots=True)
class CanonicalDocument:
    """Hold one document of one side with its lines and the payload it was read from.

    grand_total = subtotal + shipping + discount + adjustment + tax and untaxed = grand_total - tax hold when `sound`.
    """

    instance: str
    side: str
    kind: str
    source_id: str
    number: str
    state: str
    request_began_at: datetime
    order_key: str | None = None
    own_order_id: str | None = None
    reference: str | None = None
    other_references: tuple[str, ...] = ()
    parent_id: str | None = None
    status: str | None = None
    active: bool = True
    currency: str = ""
    company_currency: str = ""
    subtotal: int = 0
    shipping: int = 0
    discount: int = 0
    adjustment: int = 0
    tax: int = 0
    untaxed: int = 0
    grand_total: int = 0
    base_grand_total: int = 0
    base_tax: int = 0
    open_amount: int = 0
    captured_amount: int = 0
    rate: Decimal = Decimal(1)
    quantity: int = 0
    payment_method: str | None = None
    transaction_id: str | None = None
    store_id: int | None = None
    company_id: int | None = None
    journal: str | None = None
    customer_key: str | None = None
    customer_name: str | None = None
    customer_email: str | None = None
    customer_phone: str | None = None
    ship_to_name: str | None = None
    country: str | None = None
    vat: str | None = None
    customer_group: int | None = None
    tracking: tuple[str, ...] = ()
    carrier: str | None = None
    source_code: str | None = None
    document_date: date | None = None
    accounting_date: date | None = None
    due_date: date | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    sound: bool = True
    details: Details = field(default_factory=Details)
    lines: list[CanonicalLine] = field(default_factory=list)
    payload: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        """Return (side, kind, source id)."""
        return (self.side, self.kind, self.source_id)


DOCUMENT_COLUMNS = tuple(column.name for column in fields(CanonicalDocument) if column.name not in NOT_COLUMNS)
LINE_COLUMNS = tuple(column.name for column in fields(CanonicalLine))


class Unread(NamedTuple):
    """Hold one record that was refused; table quarantine stores it.

    Attributes:
        source_id: "?" when even its id is unknown.
        number: Its own number, where it could be read.
        order_key: The id of its order in Magento, where it could be read.
        own_orders: Ids of Odoo's orders that it names.
        reference: What it names as a document's `reference` does.
        other_references: What it names as a document's `other_references` do.
    """

    kind: str
    source_id: str
    reason: str
    payload: str
    number: str | None = None
    order_key: str | None = None
    own_orders: tuple[str, ...] = ()
    reference: str | None = None
    other_references: tuple[str, ...] = ()
