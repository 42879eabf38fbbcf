"""Planning: the smallest set of changes that settles the findings under the policies, in an order that can be carried
out.

Every finding leaves with the change that would settle it, or with the reason why none may. Orders are planned one by
one, and only those with something to settle.
"""

from __future__ import annotations

from magodoo.reconcile import catalogue, kept_out, planning_magento, planning_odoo
from magodoo.reconcile.finding import Finding
from magodoo.reconcile.order_plan import Facts
from magodoo.reconcile.plan import PlannedChange
from magodoo.reconcile.situation import Situation
from magodoo.vocabulary import FindingType


def plan(situation: Situation, findings: list[Finding]) -> tuple[list[Finding], list[PlannedChange]]:
    """All findings (with those that planning adds: unmapped, closed_period) and the changes, by order and step."""
    facts = Facts.gather(situation, findings)
    changes: list[PlannedChange] = []
    added: list[Finding] = []
    for order_id in sorted(facts.by_order):
        order = facts.order_plan(order_id)
        if order is None:
            continue
        if order_id in facts.held_by_unread:
            for finding in order.findings:
                finding.no_change_reason = facts.held_by_unread[order_id]
                if finding.type in (FindingType.MISSING_IN_ODOO, FindingType.MISSING_IN_MAGENTO):
                    finding.next_step = kept_out.WHEN_READ
            continue
        if order.concerns_odoo:
            planning_odoo.plan(order)
        if order.of(FindingType.MISSING_IN_MAGENTO):
            planning_magento.plan(order)
        changes += sorted(order.changes, key=lambda change: change.kind.step)
        added += order.added
    every = [*findings, *added]
    for finding in every:
        if finding.change is None and finding.no_change_reason is None:
            finding.no_change_reason = catalogue.of(finding.type).no_change
    return every, changes
