"""What stands in `document.details`, kind by kind. Amounts are units; keys that are absent mean none.

Every other column is described in `migrations/versions/0001_first.sql`.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class PaymentDetails(TypedDict):
    """The payment of a Magento order; `base_amount_paid_online` is what a provider really took."""

    method: str | None
    last_trans_id: str | None
    amount_authorized: int
    amount_paid: int
    amount_refunded: int
    base_amount_paid: int
    base_amount_paid_online: int


class OrderTotals(TypedDict):
    """What a Magento order says of itself; `staging/lacking.py` compares it with what is staged."""

    invoiced: int
    paid: int
    refunded: int
    canceled: int
    due: int


class Addressed(TypedDict):
    """External ids in Odoo of a customer and the two addresses: of a Magento order as they would be written now, of an Odoo order as
    they stand on it.
    """

    partner: str
    billing: str
    shipping: str


class MagentoOrderDetails(TypedDict):
    """`edit_of`, `edited_as`: entity ids of the order that this one replaces, and of the one that replaces it; `deleted_store`: what
    is left of the name of its store view, where that was deleted; `beside_in`: the fields that hold what its total has beside its parts;
    `authorisation`: what became of an authorisation that is not captured (`extract/authorisations.py`).
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
    """The code of the first track's carrier, as Magento has it."""

    carrier_code: str | None


class TenderedDetails(TypedDict, total=False):
    """On Magento's orders, invoices and credit memos: what was paid by gift card, store credit, points, by name of `extra_totals`, and
    its sum in base currency; on orders, and credit memos that say it, what was refunded to them.
    """

    tendered: dict[str, int]
    tendered_base: int
    refunded_to: dict[str, int]


class OdooOrderDetails(TypedDict):
    """`invoice_ids` and `picking_ids` are all that Odoo links to the order, credit notes and returns among them."""

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
    """What counts as paid of an Odoo document and did not come: `discount` for early payment or `bank_charges`, in units, with the
    entry and its day (ISO).
    """

    what: str
    amount: int
    entry: str
    day: str


class SettlementDetails(TypedDict):
    """What settled an Odoo document beside `captured_amount` (extract/odoo_settlement.py): payments without an entry, what journal
    entries wrote off, what was deducted, the credit notes that settled an invoice as `id:amount,...`, and all of it in words.
    """

    in_payment: int
    written_off: NotRequired[int]
    deductions: NotRequired[list[Deduction]]
    credited_by: str
    words: str


class OdooMoveDetails(TypedDict, total=False):
    """An invoice or credit note: whether it is over several sale orders, which lines count in a unit that does not convert (transfers
    too), what cash rounding added, which payment term lowers its tax, why its e-invoice was refused, what settled it, and whether it
    was ever seen paid, which stays (staging/upsert.py).
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
    """A delivery or return over several sale orders: each order's goods are a document (`extract/odoo_transfers.py`)."""

    sale_orders: list[int]


class AnyDetails(TypedDict, total=False):
    """On documents of every kind: the order that it claims exists nowhere (`staging/resolve.py`); what was left out of it when
    it was read, in words; which of its sums fail, by how much and from which figures.
    """

    without_order: bool
    set_aside: str
    flaw: str
