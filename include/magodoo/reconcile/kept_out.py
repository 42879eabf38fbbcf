"""What keeps an order and its documents out of Odoo, its state or a store view that was deleted, and what to do about it."""

from __future__ import annotations

from magodoo.reconcile.order_plan import OrderPlan
from magodoo.reconcile.statuses import MAGENTO_ORDER_STATES
from magodoo.vocabulary import FindingType, Kind

WHEN_READ = "Let the record be read again, as the finding about it says: what is missing follows by itself, and must not be booked by hand"
_FOLLOW = "the order and its documents follow by themselves, and must not be booked by hand"


def reason(order: OrderPlan) -> str | None:
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


def advice(order: OrderPlan) -> str:
    """Return what to do about it."""
    row = order.order
    if order.facts.situation.view.of_deleted_stores[row.at]:
        return f"Set `deleted_stores` to `ours` in the instance that has sold it, and to `ignore` in the others of this Magento: {_FOLLOW}"
    if not row.state:
        return f"Give the order a state in Magento (an extension may have made it without one): {_FOLLOW}"
    setting, _ = order.facts.situation.view.states_imported(row.payment_method)
    return f"Bring the order to `processing` in Magento, or add `{row.state}` to the setting `{setting}`: {_FOLLOW}"


def of_its_documents(order: OrderPlan) -> str:
    """Return why the documents of an order wait that is neither in Odoo nor planned."""
    own = [found.no_change_reason for found in order.of(FindingType.MISSING_IN_ODOO, Kind.ORDER)]
    if own and own[0]:
        return own[0]
    if state := reason(order):
        return state
    title = order.facts.undecided.get(order.order.at)
    because = f": it is held back by the finding *{title}*" if title else " and is not planned"
    return f"The order itself is not in Odoo{because}"


def advise(order: OrderPlan, closed: str | None) -> None:
    """Give documents that wait for what cannot be read, or for the state of their order, an advice of its own."""
    unread = {order.unreadable(kind) for kind in Kind} if order.facts.unreadable else set()
    own = {closed} & {reason(order)}
    for finding in order.of(FindingType.MISSING_IN_ODOO):
        if finding.change is not None or finding.no_change_reason is None:
            continue
        if finding.no_change_reason in unread:
            finding.next_step = WHEN_READ
        elif finding.no_change_reason in own:
            finding.next_step = advice(order)
