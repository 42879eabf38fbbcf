"""Decide why nothing can be written onto an order in Odoo: its state in Magento, a deleted store view, or its record in Odoo."""

from __future__ import annotations

from magodoo.domain.states import FRAUD, MAGENTO_ORDER_STATES, NEVER_IMPORTED, MagentoOrderState, OdooOrderState
from magodoo.domain.vocabulary import FindingType, Kind
from magodoo.flows.order_plan import OrderPlan, first_reason
from magodoo.reconcile.rows import Document


def not_ready(order: OrderPlan) -> str | None:
    """Return why nothing can be written onto the order in Odoo; None when it is there, or will be after this plan."""
    if reason := first_reason(held_in_magento(order), order.unreadable(Kind.ORDER)):
        return reason
    if order.order.state == MagentoOrderState.CANCELED and order.odoo is None:
        return f"The order is {order.order.status or order.order.state} in Magento"
    if planned := order.planned("odoo_order_import"):
        confirmed = all(change.intent.confirm for change in planned)
        return None if confirmed else "The order is imported as a quotation only"
    if order.odoo is None:
        return why_documents_wait(order)
    if order.odoo.state == OdooOrderState.CANCEL:
        return "The order is cancelled in Odoo"
    if order.odoo.state != OdooOrderState.SALE:
        return "The order is a quotation in Odoo"
    if order.odoo.foreign_units:
        return f"Its quantities in Odoo do not convert: {order.odoo.foreign_units}"
    return None


def held_in_magento(order: OrderPlan) -> str | None:
    """Return why an order is held in Magento; None when it is not.

    docs/business-rules.md#credit-memos: held, payment-review, fraud and pending-payment orders are never imported, confirmed or shipped.
    """
    held = order.order.state in NEVER_IMPORTED or order.order.status == FRAUD
    return f"The order is {order.order.status or order.order.state} in Magento" if held else None


def made_from_odoo(order: OrderPlan, row: Document) -> str | None:
    """Return why a Magento document that was written from Odoo is not written back; None for any other."""
    if not row.reference:
        return None
    if order.partner(row) is not None:
        return "It was written from Odoo, whose own document counts: a person changes that one"
    return "It was written from Odoo, and its source there is gone"


WHEN_READ = "Let the record be read again, as the finding about it says: what is missing follows by itself, and must not be booked by hand"
_FOLLOW = "the order and its documents follow by themselves, and must not be booked by hand"


def why_kept_out(order: OrderPlan) -> str | None:
    """Return why its state, or its store view, keeps an order out of Odoo; None where it does not, or where it is there already."""
    view, row = order.facts.situation.view, order.order
    if order.odoo is not None:
        return None
    if view.of_deleted_stores[row.at]:
        return f"The order's store view ({view.column('deleted_store')[row.at]}) was deleted in Magento: nothing says that it is of this instance"
    if view.importable[row.at]:
        return None
    if not row.state:
        return "The order has no state in Magento"
    setting, states = view.states_imported(row.payment_method)
    whose = "" if row.state in MAGENTO_ORDER_STATES else ", which is an extension's own,"
    status = f" (status `{row.status}`)" if row.status and row.status != row.state else ""
    return f"The order's state in Magento is `{row.state}`{whose}{status}, and `{setting}` imports only {', '.join(states) or 'none'}"


def kept_out_advice(order: OrderPlan) -> str:
    """Return what a person can do about an order that is kept out."""
    row = order.order
    if order.facts.situation.view.of_deleted_stores[row.at]:
        return f"Set `deleted_stores` to `ours` in the instance that has sold it, and to `ignore` in the others of this Magento: {_FOLLOW}"
    if not row.state:
        return f"Give the order a state in Magento (an extension may have made it without one): {_FOLLOW}"
    setting, _ = order.facts.situation.view.states_imported(row.payment_method)
    return f"Bring the order to `processing` in Magento, or add `{row.state}` to the setting `{setting}`: {_FOLLOW}"


def why_documents_wait(order: OrderPlan) -> str:
    """Return why the documents of an order wait that is neither in Odoo nor planned."""
    own = [found.no_change_reason for found in order.of(FindingType.MISSING_IN_ODOO, Kind.ORDER)]
    if own and own[0]:
        return own[0]
    if state := why_kept_out(order):
        return state
    title = order.facts.undecided.get(order.order.at)
    because = f": it is held back by the finding *{title}*" if title else " and is not planned"
    return f"The order itself is not in Odoo{because}"


def advise(order: OrderPlan, closed: str | None) -> None:
    """Set the next step on findings that wait for an unreadable record, or for the state of their order."""
    unread = {order.unreadable(kind) for kind in Kind} if order.facts.unreadable else set()
    own = {closed} & {why_kept_out(order)}
    for finding in order.of(FindingType.MISSING_IN_ODOO):
        if finding.change is not None or finding.no_change_reason is None:
            continue
        if finding.no_change_reason in unread:
            finding.next_step = WHEN_READ
        elif finding.no_change_reason in own:
            finding.next_step = kept_out_advice(order)
