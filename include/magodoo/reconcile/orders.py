"""The story of reconciling: match whole orders, compare what is paired, name every difference, plan what would settle
it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from magodoo.reconcile import compare, match, planning, quantities
from magodoo.reconcile.finding import Finding
from magodoo.reconcile.findings import amounts, missing, records, states, stock
from magodoo.reconcile.frames import Frames
from magodoo.reconcile.plan import PlannedChange
from magodoo.reconcile.situation import Situation
from magodoo.reconcile.view import View, in_scope
from magodoo.settings.model import Instance

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Result:
    """pairs: kind, order_key, magento_id, odoo_id, rule, as table `pair`; counts: what a run tells."""

    pairs: pd.DataFrame
    findings: list[Finding]
    changes: list[PlannedChange]
    counts: dict[str, int] = field(default_factory=dict)


def reconcile(frames: Frames, instance: Instance, now: datetime) -> Result:
    """Pairs, findings and planned changes of whole orders. Pure: the same frames in any order give the same result."""
    keep = in_scope(frames, instance)
    situation = look(frames.only(keep), instance, now)
    findings, changes = planning.plan(situation, find(situation))
    findings.sort(key=lambda finding: finding.key)
    pairs = situation.matching.frame().sort_values(["kind", "magento_id"], ignore_index=True)
    counts = {
        "documents": len(frames.documents),
        "excluded": int((~keep).sum()),
        "not_magento": int((~frames.unlinked["without_order"]).sum()),
        "pairs": len(pairs),
        "findings": len(findings),
        "changes": len(changes),
    }
    return Result(pairs, findings, changes, counts)


def look(frames: Frames, instance: Instance, now: datetime) -> Situation:
    """Frames matched and compared."""
    view = View(frames, instance, now)
    counted = quantities.count(view)
    matching = match.match(view, counted)
    return Situation(view, counted, matching, compare.compare(view, matching, counted))


def find(situation: Situation) -> list[Finding]:
    """Every difference, each once."""
    return [
        *amounts.amounts(situation),
        *amounts.quantities(situation),
        *states.states(situation),
        *states.tracking(situation),
        *missing.missing(situation),
        *stock.will_ship_too_much(situation),
        *stock.over_refunded(situation),
        *stock.returned_not_refunded(situation),
        *stock.refunded_not_returned(situation),
        *records.arithmetic(situation),
        *records.deleted(situation),
        *records.without_order(situation.view),
        *records.quarantined(situation.view.frames),
    ]
