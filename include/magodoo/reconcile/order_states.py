"""Which order states keep an order and its documents out of Odoo, why, and what to do about it."""

from __future__ import annotations

from magodoo.reconcile.order_plan import OrderPlan
from magodoo.reconcile.statuses import MAGENTO_ORDER_STATES
from magodoo.vocabulary import FindingType, Kind

_FOLLOW = "the order and its documents follow by themselves, and must not be booked by hand"


def reason(order: OrderPlan) -> str | None:
    """Return why the state of an order keeps it out of Odoo; None where it does not, or where it is there already."""
    view, row = order.facts.situation.view, order.order
    if view.importable[row.at] or order.odoo is not None:
        return None
    if not row.state:
        return "The order has no state in Magento"
    setting, states = view.states_imported(row.payment_method)
    whose = "" if row.state in MAGENTO_ORDER_STATES else ", which is an extension's own,"
    status = f" (status `{row.status}`)" if row.status and row.status != row.state else ""
    return f"The order's state in Magento is `{row.state}`{whose}{status}, and `{setting}` imports only {', '.join(states) or 'none'}"


def advice(order: OrderPlan) -> str:
    """Return what to do about such a state."""
    row = order.order
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
    """Give documents that wait for the state of their order the order's own advice."""
    if closed is None or closed != reason(order):
        return
    for finding in order.of(FindingType.MISSING_IN_ODOO):
        if finding.change is None and finding.no_change_reason == closed:
            finding.next_step = advice(order)
