"""The catalogue of the kinds of change: what each is called, which system it writes to, when it is carried out and after what.

A kind is one planned write. This module is light on purpose: settings, DAG files, pages and reference pages read it, and it imports
nothing but words. What a kind does stands in its flow (`magodoo.flows`), which registers itself under its entry here.

An edge says what an earlier change means for a later one, and for which: every change of the order, or the one for the same source
document. Both effects hold a later change back while the earlier one is open. *Requires done* says more: where the earlier one ends
undone (refused, failed, rejected, dropped), the later one could only be refused too, so it leaves the plan. *Waits while open* says no
more than the order in which they are written: the later one keeps its verdict and its approval."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from magodoo.domain.vocabulary import Side


class Scope(Enum):
    ORDER = auto()
    SOURCE_DOCUMENT = auto()


class Effect(Enum):
    WAITS_WHILE_OPEN = auto()
    REQUIRES_DONE = auto()


class Need(Enum):
    """What a kind takes from the systems and the settings. Preflight asks for these, so that it names no kind."""

    ORDERS = auto()
    """A pricelist and a payment term for the sale order."""
    CUSTOMERS = auto()
    LINES = auto()
    """Products and taxes of lines in Odoo."""
    ENTRIES = auto()
    """The sales journal."""
    SOLE_INVOICING = auto()
    """That Odoo makes no invoices by itself."""
    PAYMENTS = auto()
    """Journals of the payment providers, with their clearing accounts."""
    PAYMENT_PARTS = auto()
    """Journals of the payment parts among the settings' `extra_totals`."""
    STOCK = auto()
    """A warehouse."""
    DELIVERY_KEY = auto()
    """The key field of transfers."""
    SOURCES = auto()
    """Odoo's warehouses mapped to Magento's inventory sources."""
    PAID_STATUS = auto()
    """A policy by which Magento shows an invoice as paid."""


@dataclass(frozen=True)
class After:
    """An edge to an earlier kind, by its name: a kind that the catalogue lacks holds nothing back."""

    earlier: str
    scope: Scope
    effect: Effect = Effect.REQUIRES_DONE


@dataclass(frozen=True)
class Entry:
    """What is known of a kind without running it.

    flow: module in `magodoo.flows`. target: the system that is written to. operator: Airflow's operator. does: what it does, in a sentence.
    after: what must come before. refunds: the limit `refund_amount` applies, else `document_amount`. in_series: its document takes the
    next number of a journal, so that what is dated earlier is written first. record: what stands in the target, where that is not of the
    kind of the source's document. needs: what it takes from the systems and the settings.
    """

    flow: str
    target: Side
    operator: str
    does: str
    after: tuple[After, ...] = ()
    refunds: bool = False
    in_series: bool = False
    record: str = ""
    needs: frozenset[Need] = frozenset()


_IMPORTED = After("odoo_order_import", Scope.ORDER)


class ChangeKind(StrEnum):
    """One planned write. The kinds stand in the order in which the changes of one order are carried out."""

    entry: Entry

    def __new__(cls, value: str, entry: Entry | None = None) -> ChangeKind:
        assert entry is not None, "`ChangeKind(value)` finds a kind and makes none"
        member = str.__new__(cls, value)
        member._value_ = value
        member.entry = entry
        return member

    ORDER_IMPORT = (
        "odoo_order_import",
        Entry(
            "odoo_order",
            Side.ODOO,
            "OdooOrderImportOperator",
            "Makes the sale order of a Magento order in Odoo: partner, lines, tax, shipping, discount; confirmed or quotation.",
            needs=frozenset({Need.ORDERS, Need.CUSTOMERS, Need.LINES, Need.STOCK}),
        ),
    )
    ORDER_CANCEL = (
        "odoo_order_cancel",
        Entry(
            "odoo_cancellation",
            Side.ODOO,
            "OdooOrderCancelOperator",
            "Cancels in Odoo what Magento cancelled, if nothing is invoiced or done.",
            (_IMPORTED,),
        ),
    )
    ODOO_INVOICE = (
        "odoo_invoice",
        Entry(
            "odoo_invoice",
            Side.ODOO,
            "OdooInvoiceOperator",
            "Makes and posts the customer invoice of a Magento invoice, equal to the cent.",
            (_IMPORTED,),
            in_series=True,
            needs=frozenset({Need.LINES, Need.ENTRIES, Need.SOLE_INVOICING}),
        ),
    )
    ODOO_PAYMENT = (
        "odoo_payment",
        Entry(
            "odoo_payment",
            Side.ODOO,
            "OdooPaymentOperator",
            "Registers the payment that the provider captured, in the method's journal.",
            (_IMPORTED, After("odoo_invoice", Scope.SOURCE_DOCUMENT)),
            record="payment",
            needs=frozenset({Need.PAYMENTS, Need.PAYMENT_PARTS}),
        ),
    )
    ODOO_DELIVERY = (
        "odoo_delivery",
        Entry(
            "odoo_delivery",
            Side.ODOO,
            "OdooDeliveryOperator",
            "Validates the delivery of a Magento shipment for its quantities; the rest becomes a backorder.",
            (_IMPORTED,),
            needs=frozenset({Need.STOCK, Need.DELIVERY_KEY}),
        ),
    )
    ODOO_TRACKING = (
        "odoo_tracking",
        Entry(
            "odoo_delivery",
            Side.ODOO,
            "OdooTrackingOperator",
            "Writes a shipment's tracking numbers on its delivery.",
            (_IMPORTED, After("odoo_delivery", Scope.SOURCE_DOCUMENT)),
        ),
    )
    ODOO_CREDIT_NOTE = (
        "odoo_credit_note",
        Entry(
            "odoo_credit_note",
            Side.ODOO,
            "OdooCreditNoteOperator",
            "Makes and posts the credit note of a Magento credit memo.",
            # A credit note that is posted first is matched with the invoice, and the payment finds nothing open (facts pair 5.3).
            (
                _IMPORTED,
                After("odoo_invoice", Scope.ORDER),
                After("odoo_payment", Scope.ORDER, Effect.WAITS_WHILE_OPEN),
            ),
            refunds=True,
            in_series=True,
            needs=frozenset({Need.LINES, Need.ENTRIES}),
        ),
    )
    ODOO_REFUND_PAYMENT = (
        "odoo_refund_payment",
        Entry(
            "odoo_payment",
            Side.ODOO,
            "OdooRefundPaymentOperator",
            "Registers the provider's refund as an outbound payment.",
            (_IMPORTED, After("odoo_credit_note", Scope.SOURCE_DOCUMENT)),
            refunds=True,
            record="payment",
            needs=frozenset({Need.PAYMENTS}),
        ),
    )
    ODOO_STOCK_RETURN = (
        "odoo_stock_return",
        Entry(
            "odoo_return",
            Side.ODOO,
            "OdooStockReturnOperator",
            "Takes refunded goods back to stock, where the policy says so.",
            (_IMPORTED, After("odoo_delivery", Scope.ORDER), After("odoo_credit_note", Scope.SOURCE_DOCUMENT)),
            record="return",
        ),
    )
    MAGENTO_INVOICE = (
        "magento_invoice",
        Entry(
            "magento_invoice",
            Side.MAGENTO,
            "MagentoInvoiceOperator",
            "Makes the Magento invoice of an invoice that Odoo posted or saw paid.",
            needs=frozenset({Need.PAID_STATUS}),
        ),
    )
    MAGENTO_SHIPMENT = (
        "magento_shipment",
        Entry(
            "magento_shipment",
            Side.MAGENTO,
            "MagentoShipmentOperator",
            "Makes the Magento shipment of a delivery done in Odoo, with tracks.",
            needs=frozenset({Need.DELIVERY_KEY, Need.SOURCES}),
        ),
    )
    MAGENTO_TRACKING = (
        "magento_tracking",
        Entry(
            "magento_shipment",
            Side.MAGENTO,
            "MagentoTrackingOperator",
            "Adds a delivery's tracking numbers to its Magento shipment.",
            (After("magento_shipment", Scope.SOURCE_DOCUMENT),),
        ),
    )
    MAGENTO_CREDIT_MEMO = (
        "magento_credit_memo",
        Entry(
            "magento_credit_memo",
            Side.MAGENTO,
            "MagentoCreditMemoOperator",
            "Makes the offline Magento credit memo of a paid Odoo credit note.",
            (After("magento_invoice", Scope.ORDER),),
            refunds=True,
        ),
    )

    @property
    def target(self) -> Side:
        return self.entry.target

    @property
    def step(self) -> int:
        return _STEPS[self]


_STEPS = {kind: step for step, kind in enumerate(ChangeKind)}
_NAMED = {kind.value: kind for kind in ChangeKind}


@dataclass(frozen=True)
class Edge:
    """What an earlier kind of change means for a later one."""

    later: ChangeKind
    earlier: ChangeKind
    scope: Scope
    effect: Effect

    def __str__(self) -> str:
        verb = "requires" if self.effect is Effect.REQUIRES_DONE else "waits for"
        return f"{self.later.value} {verb} {self.earlier.value} of the {self.scope.name.lower().replace('_', ' ')}"


EDGES: tuple[Edge, ...] = tuple(
    Edge(later, _NAMED[after.earlier], after.scope, after.effect)
    for later in ChangeKind
    for after in later.entry.after
    if after.earlier in _NAMED
)

_BY_KINDS = {(edge.later, edge.earlier): edge for edge in EDGES}
assert len(_BY_KINDS) == len(EDGES), "two edges between the same kinds"

Change = tuple[ChangeKind, str]
"""A change of an order as edges see it: its kind and the id of its source document."""


def document_of(source_id: str) -> str:
    """Return the id of the document that a change is for: of what it was paid with, each part is a change of its own (`12:gift_card`)."""
    return source_id.partition(":")[0]


def waits_for(later: Change, earlier: Change) -> bool:
    """Return whether a change of an order is held back while another one of the order is open."""
    return _edge(later, earlier) is not None


def requires(later: Change, earlier: Change) -> bool:
    """Return whether a change of an order can only be carried out once another one of the order is done."""
    edge = _edge(later, earlier)
    return edge is not None and edge.effect is Effect.REQUIRES_DONE


def _edge(later: Change, earlier: Change) -> Edge | None:
    """The edge between two changes, if there is one and its scope holds both."""
    edge = _BY_KINDS.get((later[0], earlier[0]))
    if edge is None or (edge.scope is Scope.SOURCE_DOCUMENT and document_of(later[1]) != document_of(earlier[1])):
        return None
    return edge
