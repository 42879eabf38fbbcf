"""Requests: pure functions from staged documents to everything that a change would write, complete before anything exists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from magodoo.dependencies import document_of
from magodoo.errors import Stop
from magodoo.load.requests import magento, moves, order_import, payments, stock
from magodoo.load.requests.prepared import Prepared, RequestProblem
from magodoo.load.requests.signature import signature
from magodoo.load.requests.sources import Sources, read
from magodoo.vocabulary import ChangeKind, Kind, Side

if TYPE_CHECKING:
    from magodoo.pipeline.context import Context
    from magodoo.reconcile.plan import PlannedChange

__all__ = ["Prepared", "RequestProblem", "Sources", "prepare", "prepare_from"]

_PREPARE: Mapping[ChangeKind, Callable[[Sources, PlannedChange], Prepared]] = {
    ChangeKind.ORDER_IMPORT: order_import.prepare,
    ChangeKind.ORDER_CANCEL: stock.prepare_cancel,
    ChangeKind.ODOO_INVOICE: moves.prepare,
    ChangeKind.ODOO_PAYMENT: payments.prepare,
    ChangeKind.ODOO_DELIVERY: stock.prepare_delivery,
    ChangeKind.ODOO_TRACKING: stock.prepare_tracking,
    ChangeKind.ODOO_CREDIT_NOTE: moves.prepare,
    ChangeKind.ODOO_REFUND_PAYMENT: payments.prepare,
    ChangeKind.ODOO_STOCK_RETURN: stock.prepare_return,
    **magento.PREPARE,
}

# Built from what the shop sent of the order: who bought, where they live, what was paid by gift card.
_FROM_PAYLOAD = (
    *(ChangeKind.ORDER_IMPORT, ChangeKind.ODOO_INVOICE, ChangeKind.ODOO_PAYMENT),
    *(ChangeKind.ODOO_CREDIT_NOTE, ChangeKind.ODOO_REFUND_PAYMENT),
)


def prepare(connection: Connection, context: Context, planned: Sequence[PlannedChange]) -> list[Prepared]:
    """The full request of each planned change, or the problems that stand in its way (they become `unmapped` findings).

    Pairs must be stored already: they say which Odoo records are somebody else's. `request` is None when problems block it.
    """
    if not planned:
        return []
    sources = read(connection, context.instance, {plan.order_key for plan in planned})
    sources.database_uuid = _database_uuid(sources, context, planned)
    return prepare_from(sources, planned)


def prepare_from(sources: Sources, planned: Sequence[PlannedChange]) -> list[Prepared]:
    """The same from sources at hand."""
    return [_with_source(sources, _prepared(sources, plan)) for plan in planned]


def _prepared(sources: Sources, plan: PlannedChange) -> Prepared:
    """Nothing is made up for a customer whom retention or erasure has taken away."""
    order = sources.magento(Kind.ORDER, plan.order_key)
    if plan.kind in _FROM_PAYLOAD and order is not None and not order.payload:
        why = "who bought, and how it was paid, was blanked by retention or erasure: a person books it"
        return Prepared(plan, None, problems=[RequestProblem("order", why)])
    return _PREPARE[plan.kind](sources, plan)


def _with_source(sources: Sources, prepared: Prepared) -> Prepared:
    """The request with the signature of the document that it is made from."""
    plan = prepared.planned
    document = sources.documents.get(
        (plan.kind.target.other.value, Kind(plan.document_kind).value, document_of(plan.source_id))
    )
    if prepared.request is None or document is None:
        return prepared
    return replace(prepared, request={**prepared.request, "source": signature(document)})


def _database_uuid(sources: Sources, context: Context, planned: Sequence[PlannedChange]) -> str:
    """Which Odoo database a marker names; asked for only when a Magento document is planned."""
    if all(plan.kind.target is Side.ODOO for plan in planned):
        return ""
    known = sources.master.only("ir.config_parameter", "database.uuid")
    if known:
        return str(known.data["value"])
    if context.odoo is None:
        raise Stop("a marker needs the Odoo database's uuid, and no Odoo is at hand", system="odoo")
    return context.odoo.database_uuid()
