"""Describe the JSON of `document.details`, kind by kind.

Amounts are int in units of 1/10000 of the currency. An absent key means that the document has no such value. Every
other column is described in `migrations/versions/0001_first.sql`.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class PaymentDetails(TypedDict):
    """The payment of a Magento order, in units; `base_amount_paid_online` is what a provider captured."""

    method: str | None
    last_trans_id: str | None
    amount_authorized: int
    amount_paid: int
    amount_refunded: int
    base_amount_paid: int
    base_amount_paid_online: int


class OrderTotals(TypedDict):
    """The totals that Magento stores on an order, in units; `staging/completeness.py` compares them with staged documents."""

    invoiced: int
    paid: int
    refunded: int
    canceled: int
    due: int


class Addressed(TypedDict):
    """External ids in Odoo of a customer and of the two addresses of an order.

    On a Magento order, the ids that would be written now; on an Odoo order, the ids of the contacts that it has.
    """

    partner: str
    billing: str
    shipping: str


class MagentoOrderDetails(TypedDict):
    """Details of a Magento order.

    Attributes:
        edit_of: entity id of the order that this one replaces.
        edited_as: entity id of the order that replaces this one.
        deleted_store: the remainder of the name of its store view, if that was deleted.
        beside_in: the fields that hold what its total contains beside its parts.
        authorisation: what became of an authorisation that is not captured (`extract/authorisations.py`).
    """

    edit_of: int | None
    edited_as: int | None
    is_virtual: bool
    is_guest: bool
    customer_id: int | None
    shipping_description: str | None
    shipping_tax_percent: str | None
    deleted_store: NotRequired[str]
    beside_in: NotRequired[str]
    authorisation: NotRequired[str]
    totals: OrderTotals
    payment: PaymentDetails
    addressed: NotRequired[Addressed]


class MagentoShipmentDetails(TypedDict):
    """Details of a Magento shipment: the carrier code of its first track, as Magento stores it."""

    carrier_code: str | None


class TenderedDetails(TypedDict, total=False):
    """Payments of Magento orders, invoices and credit memos by gift card, store credit or points.

    Attributes:
        tendered: units by name of `extra_totals`.
        tendered_base: their sum in base currency, in units.
        refunded_to: units refunded to each of them, by name; on orders, and on credit memos that report it.
    """

    tendered: dict[str, int]
    tendered_base: int
    refunded_to: dict[str, int]


class OdooOrderDetails(TypedDict):
    """Details of an Odoo order; `invoice_ids` and `picking_ids` include its credit notes and returns."""

    invoice_status: str | None
    delivery_status: str | None
    invoice_ids: list[int]
    picking_ids: list[int]
    warehouse: str | None
    pricelist: str | None
    foreign_units: NotRequired[str]
    addressed: NotRequired[Addressed]
    intercompany: NotRequired[bool]


class Deduction(TypedDict):
    """An amount that counts as paid of an Odoo document and was not received.

    Attributes:
        what: `discount` (early payment) or `bank_charges`.
        amount: units.
        entry: name of the journal entry.
        day: its date (ISO 8601).
    """

    what: str
    amount: int
    entry: str
    day: str


class SettlementDetails(TypedDict):
    """What settled an Odoo document beside `captured_amount` (`extract/odoo_settlement.py`). Amounts are units.

    Attributes:
        in_payment: payments without a journal entry.
        written_off: what journal entries wrote off.
        deductions: what was deducted from payments.
        credited_by: the credit notes that settled an invoice, as `id:amount,...`.
        words: all of it as text.
    """

    in_payment: int
    written_off: NotRequired[int]
    deductions: NotRequired[list[Deduction]]
    credited_by: str
    words: str


class OdooMoveDetails(TypedDict, total=False):
    """Details of an Odoo invoice or credit note.

    Attributes:
        consolidated: whether it invoices several sale orders.
        foreign_units: the lines whose unit of measure does not convert into their product's (of transfers too).
        cash_rounding: units that cash rounding added.
        discounted_tax: the payment term that lowers its tax.
        einvoice_rejected: why its electronic invoice was refused.
        settlement: what settled it.
        was_paid: set once it was seen paid, and never removed (`staging/documents.py`).
    """

    consolidated: bool
    sale_orders: list[int]
    foreign_units: str
    cash_rounding: int
    discounted_tax: str
    einvoice_rejected: str
    settlement: SettlementDetails
    was_paid: bool


class OdooTransferDetails(TypedDict, total=False):
    """Details of a transfer of several sale orders: each order's goods are one document (`extract/odoo_transfers.py`)."""

    sale_orders: list[int]


class AnyDetails(TypedDict, total=False):
    """Details of documents of every kind.

    Attributes:
        without_order: the order that it names exists nowhere (`staging/order_linking.py`).
        set_aside: what was left out of it when it was read, as text.
        flaw: which of its sums fail, by how much and from which figures, as text.
    """

    without_order: bool
    set_aside: str
    flaw: str
