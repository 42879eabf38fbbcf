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

from magodoo.vocabulary import Side


class ChangeKind(StrEnum):
    """One planned write. The kinds stand in the order in which the changes of one order are carried out."""

    ORDER_IMPORT = "odoo_order_import"
    ORDER_CANCEL = "odoo_order_cancel"
    ODOO_INVOICE = "odoo_invoice"
    ODOO_PAYMENT = "odoo_payment"
    ODOO_DELIVERY = "odoo_delivery"
    ODOO_TRACKING = "odoo_tracking"
    ODOO_CREDIT_NOTE = "odoo_credit_note"
    ODOO_REFUND_PAYMENT = "odoo_refund_payment"
    ODOO_STOCK_RETURN = "odoo_stock_return"
    MAGENTO_INVOICE = "magento_invoice"
    MAGENTO_SHIPMENT = "magento_shipment"
    MAGENTO_TRACKING = "magento_tracking"
    MAGENTO_CREDIT_MEMO = "magento_credit_memo"

    @property
    def target(self) -> Side:
        return Side.MAGENTO if self.value.startswith("magento_") else Side.ODOO

    @property
    def step(self) -> int:
        return _STEPS[self]


_STEPS = {kind: step for step, kind in enumerate(ChangeKind)}


class Scope(Enum):
    ORDER = auto()
    SOURCE_DOCUMENT = auto()


class Effect(Enum):
    WAITS_WHILE_OPEN = auto()
    REQUIRES_DONE = auto()


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


_K = ChangeKind

EDGES: tuple[Edge, ...] = (
    *(
        Edge(kind, _K.ORDER_IMPORT, Scope.ORDER, Effect.REQUIRES_DONE)
        for kind in ChangeKind
        if kind.target is Side.ODOO and kind is not _K.ORDER_IMPORT
    ),
    Edge(_K.ODOO_PAYMENT, _K.ODOO_INVOICE, Scope.SOURCE_DOCUMENT, Effect.REQUIRES_DONE),
    Edge(_K.ODOO_TRACKING, _K.ODOO_DELIVERY, Scope.SOURCE_DOCUMENT, Effect.REQUIRES_DONE),
    Edge(_K.ODOO_CREDIT_NOTE, _K.ODOO_INVOICE, Scope.ORDER, Effect.REQUIRES_DONE),
    # A credit note that is posted first is matched with the invoice, and the payment finds nothing open (facts pair 5.3).
    Edge(_K.ODOO_CREDIT_NOTE, _K.ODOO_PAYMENT, Scope.ORDER, Effect.WAITS_WHILE_OPEN),
    Edge(_K.ODOO_REFUND_PAYMENT, _K.ODOO_CREDIT_NOTE, Scope.SOURCE_DOCUMENT, Effect.REQUIRES_DONE),
    Edge(_K.ODOO_STOCK_RETURN, _K.ODOO_DELIVERY, Scope.ORDER, Effect.REQUIRES_DONE),
    Edge(_K.ODOO_STOCK_RETURN, _K.ODOO_CREDIT_NOTE, Scope.SOURCE_DOCUMENT, Effect.REQUIRES_DONE),
    Edge(_K.MAGENTO_TRACKING, _K.MAGENTO_SHIPMENT, Scope.SOURCE_DOCUMENT, Effect.REQUIRES_DONE),
    Edge(_K.MAGENTO_CREDIT_MEMO, _K.MAGENTO_INVOICE, Scope.ORDER, Effect.REQUIRES_DONE),
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
