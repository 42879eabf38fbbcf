"""Magento invoice -> customer invoice in Odoo, equal to the cent (docs/facts, pair 4 and 5.2).

What it shares with credit notes stands in `entries` (plan and request) and `entry_writing` (probe, check, write)."""

from __future__ import annotations

from magodoo.domain.kinds import ChangeKind
from magodoo.flows.entries import nothing_to_book, plan_entry
from magodoo.flows.order_plan import MISSING_IN_ODOO, STATUS_MISMATCH, OrderPlan, first_reason
from magodoo.flows.order_readiness import made_from_odoo
from magodoo.vocabulary import Kind, Side


def plan_invoices(order: OrderPlan, closed: str | None) -> None:
    policy = order.instance.invoices.to_odoo
    for finding in (*order.of(MISSING_IN_ODOO, Kind.INVOICE), *order.of(STATUS_MISMATCH, Kind.INVOICE, "draft")):
        row = order.row(finding)
        if nothing_to_book(order, finding, row):
            continue
        reason = first_reason(
            "The setting `invoices.to_odoo` is off" if policy == "off" else None,
            order.cut_over(row),
            closed,
            order.unreadable(Kind.INVOICE),
            made_from_odoo(order, row),
            order.blocked(row),
            order.crowded(row, Side.ODOO),
        )
        plan_entry(order, finding, row, ChangeKind.ODOO_INVOICE, policy, reason)
