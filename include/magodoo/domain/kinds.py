"""The catalogue of the kinds of change: name, target system, order of execution and dependencies of each.

A kind is one planned write. Settings, DAG files, UI pages and reference pages read this module, so it imports only the vocabulary.
The behaviour of a kind is in its flow (`magodoo.flows`), which registers itself under its entry here.

An edge states what an earlier change means for a later one, and its scope: every change of the order, or the one for the same source
document. Both effects hold a later change back while the earlier one is open. *Requires done* adds: where the earlier one ends undone
(refused, failed, rejected, dropped from the plan), the later one could only be refused, so it leaves the plan. *Waits while open* only sets the
order of writing: the later one keeps its verdict and its approval.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from magodoo.domain.vocabulary import Side


class Scope(Enum):
    """Which changes an edge connects: all of one order, or only those for the same source document."""

    ORDER = auto()
    SOURCE_DOCUMENT = auto()


class Effect(Enum):
    """What an edge does to the later change. See the module's text."""

    WAITS_WHILE_OPEN = auto()
    REQUIRES_DONE = auto()


class Need(Enum):
    """What a kind takes from the systems and the settings. Preflight checks these, so that it names no kind."""

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
    """An edge to an earlier kind, by name. A kind that the catalogue does not have holds nothing back."""

    earlier: str
    scope: Scope
    effect: Effect = Effect.REQUIRES_DONE


@dataclass(frozen=True)
class Entry:
    """Static properties of a kind.

    Attributes:
        flow: Module in `magodoo.flows`.
        target: System that is written to.
        operator: Name of the Airflow operator.
        does: One sentence for users: what the kind does.
        after: Edges to the kinds that come before.
        refunds: Whether the limit `refund_amount` applies, instead of `document_amount`.
        in_series: Whether its document takes the next number of a journal; documents with an earlier date are then written first.
        record: Kind of the record in the target, where it is not the kind of the source document.
        needs: What it takes from the systems and the settings.
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
    """One planned write. The kinds are listed in the order in which the changes of one order are carried out."""

    entry: Entry

    def __new__(cls, value: str, entry: Entry | None = None) -> ChangeKind:
        """Return the member with this value. `ChangeKind(value)` looks members up and makes none."""
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
            # A credit note that is posted first is matched with the invoice, and the payment finds nothing open (docs/facts/pair.md#5.3).
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
        """Return the system that is written to."""
        return self.entry.target

    @property
    def step(self) -> int:
        """Return the position of the kind in the order of execution, from 0."""
        return _STEPS[self]


_STEPS = {kind: step for step, kind in enumerate(ChangeKind)}
_NAMED = {kind.value: kind for kind in ChangeKind}


@dataclass(frozen=True)
class Edge:
    """A dependency of a later kind of change on an earlier one."""

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
"""A change of an order for the evaluation of edges: its kind and the id of its source document."""


def document_of(source_id: str) -> str:
    """Return the id of a change's source document. The payment of each tender is a change of its own: `12:gift_card` is of document 12."""
    return source_id.partition(":")[0]


def waits_for(later: Change, earlier: Change) -> bool:
    """Return whether a change of an order is held back while another one of the order is open."""
    return _edge(later, earlier) is not None


def requires(later: Change, earlier: Change) -> bool:
    """Return whether a change of an order can only be carried out once another one of the order is done."""
    edge = _edge(later, earlier)
    return edge is not None and edge.effect is Effect.REQUIRES_DONE


def _edge(later: Change, earlier: Change) -> Edge | None:
    """Return the edge between two changes of one order, or None where there is none or its scope does not hold both."""
    edge = _BY_KINDS.get((later[0], earlier[0]))
    if edge is None or (edge.scope is Scope.SOURCE_DOCUMENT and document_of(later[1]) != document_of(earlier[1])):
        return None
    return edge
