"""Cancelled Magento order -> cancelled sale order in Odoo, while nothing is invoiced or delivered there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.states import OdooOrderState
from magodoo.domain.vocabulary import Kind, Side
from magodoo.errors import MagodooError
from magodoo.flows.load_tables import call
from magodoo.flows.order_plan import STATUS_MISMATCH, OrderPlan, first_reason
from magodoo.flows.references import Reference, resolve
from magodoo.flows.registry import Flow, register
from magodoo.flows.sources import Sources
from magodoo.ledger.behaviour import Answers, DependencyPending, Found, Writer, Written, refused
from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.planned import Prepared, Request
from magodoo.money import to_units

if TYPE_CHECKING:
    from magodoo.context import Context
    from magodoo.ledger.planned import PlannedChange


@dataclass(frozen=True)
class CancellationIntent:
    """Name the order in Odoo by its id; None for the one that the Magento order is matched with."""

    odoo_id: int | None = None


class CancellationRequest(Request, frozen=True, kw_only=True):
    """Name the order to cancel."""

    order: Reference


Change = LeasedChange[CancellationRequest]


def plan_cancellation(order: OrderPlan) -> None:
    """Plan the cancellation of an order that Magento cancelled and that is still confirmed in Odoo.

    Planned for the finding `status_mismatch` with part `order`. Not planned while `orders.cancel` is off, before the
    cut-over, for an order that could not be read, and once something of it is invoiced or delivered in Odoo: the
    finding keeps the first of these reasons.
    """
    for finding in order.of(STATUS_MISMATCH, Kind.ORDER, "order"):
        begun = [kind for kind in (Kind.INVOICE, Kind.SHIPMENT) if order.active(Side.ODOO, kind)]
        reason = first_reason(
            None if order.instance.orders.cancel else "The setting `orders.cancel` is off",
            order.cut_over(order.order),
            order.unreadable(Kind.ORDER),
            "In Odoo the order is invoiced or delivered already: a person decides" if begun or _moved(order) else None,
        )
        if reason or order.odoo is None:
            finding.no_change_reason = reason
            continue
        order.change(ChangeKind.ORDER_CANCEL, order.order, [finding], CancellationIntent(int(order.odoo.source_id)))


def _moved(order: OrderPlan) -> bool:
    """Return whether the lines of Odoo's order have an invoiced or delivered quantity."""
    lines = order.facts.situation.view.frames.lines_of(order.odoo.at) if order.odoo is not None else []
    return any(line.qty_invoiced or line.qty_shipped for line in lines)


def prepare_cancellation(sources: Sources, plan: PlannedChange[CancellationIntent]) -> Prepared:
    """Build the request: the order in Odoo, by database id or by its reference, and the call `action_cancel`."""
    odoo_id = plan.intent.odoo_id
    order = Reference(odoo_id=odoo_id) if odoo_id else sources.reference(Kind.ORDER, plan.source_id)
    cancel = call("sale.order", "action_cancel", ids=[odoo_id or order.as_json()])
    return Prepared(plan, CancellationRequest(order=order), [cancel])


class CancelOrders(Writer[CancellationRequest]):
    """Cancel in Odoo what Magento cancelled, while nothing is invoiced or delivered there."""

    kind = ChangeKind.ORDER_CANCEL
    request_type = CancellationRequest
    document = Kind.ORDER
    many_steps = False

    def probe(self, context: Context, changes: Sequence[Change]) -> Answers:
        """Find the orders that are cancelled in Odoo already."""
        rows = _order_rows(context, changes)
        return {
            change.id: Found(row["id"], complete=True, before={"state": row["state"]})
            for change in changes
            if (row := rows.get(change.request.order)) and row["state"] == OdooOrderState.CANCEL
        }

    def check(self, context: Context, changes: Sequence[Change]) -> dict[int, MagodooError]:
        """Refuse orders that are invoiced or delivered by now; hold those that are missing, or that share a transfer with other orders."""
        rows = _order_rows(context, changes)
        shared = context.odoo.deliveries.combined([row["id"] for row in rows.values()]) if rows else {}
        problems: dict[int, MagodooError] = {}
        for change in changes:
            row = rows.get(change.request.order)
            if row is None:
                problems[change.id] = DependencyPending("the order is not in Odoo yet")
            elif transfers := shared[row["id"]]:
                problems[change.id] = DependencyPending(
                    f"{', '.join(transfers)} carries its goods with those of other orders, and Odoo would cancel them all: "
                    "take them apart in Odoo first"
                )
            elif any(to_units(line["qty_invoiced"]) or to_units(line["qty_delivered"]) for line in row["order_line"]):
                problems[change.id] = refused("in Odoo the order is invoiced or delivered already: a person decides")
            elif row.get("invoice_ids"):
                problems[change.id] = refused("in Odoo the order has an invoice already: a person decides")
        return problems

    def write(self, context: Context, changes: Sequence[Change]) -> Written:
        """Cancel the orders; return each one's id, or why Odoo refused it."""
        rows = _order_rows(context, changes)
        ids = {change.id: int(rows[change.request.order]["id"]) for change in changes}
        done = context.odoo.orders.cancel(list(ids.values()))
        return {change: done.refused.get(target, target) for change, target in ids.items()}


def _order_rows(context: Context, changes: Sequence[Change]) -> dict[Reference, Mapping[str, Any]]:
    """Return the sale orders by their reference; an order that is not found is absent."""
    ids = resolve(context, changes, [change.request.order for change in changes])
    rows = {row["id"]: row for row in context.odoo.documents.by_ids("order", sorted(set(ids.values()))).sure}
    return {order: rows[id] for order, id in ids.items() if id in rows}


register(Flow(ChangeKind.ORDER_CANCEL, plan_cancellation, prepare_cancellation, CancelOrders()))
