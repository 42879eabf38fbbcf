"""The JSON of `document.details`.

Amounts are int in units of 1/10000 of the currency. An absent key means that the document has no such value. Every
other column is described in `migrations/versions/0001_first.sql`.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class PaymentDetails(TypedDict):
    """The payment of a Magento order, in units; `base_amount_paid_online` is what a provider captured."""

    method: str | None
    last_trans_id: str | None
    amount_authorized: int
    amount_paid: int
    amount_refunded: int
    base_amount_paid: int
    base_amount_paid_online: int


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


class Details(TypedDict, total=False):
    """The facts of one document that only its kind has; an absent key means that the document has no such value.

    Of a Magento order: the first thirteen. `edit_of` and `edited_as` are entity ids of the order that it replaces and of the one that
    replaces it; `deleted_store` is what is left of the name of its store view; `authorisation` is what became of an authorisation that
    is not captured (`extract/authorisations.py`).
    """

    edit_of: int | None
    edited_as: int | None
    is_virtual: bool
    is_guest: bool
    customer_id: int | None
    shipping_description: str | None
    shipping_tax_percent: str | None
    deleted_store: str
    authorisation: str
    totals: dict[str, int]
    """Units invoiced, paid, refunded, canceled and due; `staging/completeness.py` compares them with the staged documents."""
    payment: PaymentDetails
    addressed: dict[str, str]
    """External ids in Odoo of the customer (`partner`) and of the addresses (`billing`, `shipping`) of an order: on a Magento order those that
    would be written now, on an Odoo order those of the contacts that it has."""
    written: Any
    """Digests of what a person may change after the import (`extract/written.py`); of orders on both sides."""
    since: str
    """When each of them was first seen as it is (`staging/since.py`); of Odoo orders."""

    beside_in: str
    """The fields that hold what the total of a Magento document contains beside its parts."""
    tendered: dict[str, int]
    """Units that gift card, store credit or points paid, by name of `extra_totals`; of Magento orders, invoices and credit memos."""
    tendered_base: int
    """Their sum in base currency, in units."""
    refunded_to: dict[str, int]
    """Units refunded to each of them, by name; of orders, and of credit memos that report it."""
    carrier_code: str | None
    """Of a Magento shipment: the carrier of its first track, as Magento stores it."""

    invoice_status: str | None
    delivery_status: str | None
    invoice_ids: list[int]
    """Of an Odoo order, with its credit notes."""
    picking_ids: list[int]
    """Of an Odoo order, with its returns."""
    warehouse: str | None
    pricelist: str | None
    intercompany: bool

    consolidated: bool
    """Whether an Odoo invoice or credit note invoices several sale orders."""
    sale_orders: list[int]
    """The sale orders of such an invoice, or of a transfer of several orders (`extract/odoo_transfers.py`)."""
    foreign_units: str
    """The lines whose unit of measure does not convert into their product's; of every Odoo document with lines."""
    cash_rounding: int
    """Units that cash rounding added."""
    discounted_tax: str
    """The payment term that lowers the tax."""
    einvoice_rejected: str
    """Why the electronic invoice was refused."""
    settlement: SettlementDetails
    was_paid: bool
    """Set once the document was seen paid, and never removed (`staging/documents.py`)."""
    noted: str
    """The note of a transfer."""

    without_order: bool
    """The order that the document names exists nowhere (`staging/order_linking.py`)."""
    set_aside: str
    """What was left out of the document when it was read, as text."""
    flaw: str
    """Which of its sums fail, by how much and from which figures, as text."""
