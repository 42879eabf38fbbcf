"""Reconcile orders: match their documents, compare the pairs, and report every difference."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from magodoo.domain.vocabulary import Kind, Side
from magodoo.reconcile import comparison, quantities
from magodoo.reconcile import matching as match
from magodoo.reconcile.dataset import Frames, Mask
from magodoo.reconcile.finding import Finding
from magodoo.reconcile.findings import addresses, amounts, credit, missing, payments, records, states, stock
from magodoo.reconcile.situation import Situation
from magodoo.reconcile.view import View, in_scope
from magodoo.settings import Instance, drafted_by_default

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Result:
    """The result of reconciling some orders.

    Attributes:
        pairs: kind, order_key, magento_id, odoo_id, rule, as table `pair`.
        findings: every difference.
        situation: what plans are made from.
        counts: counts that the run reports.
        excluded: keys of the orders that the settings exclude.
        not_expected: keys of the orders that Odoo is not expected to have (yet).
        groups: rows of table `shipment_group`.
    """

    pairs: pd.DataFrame
    findings: list[Finding]
    situation: Situation
    counts: dict[str, int] = field(default_factory=dict)
    excluded: list[str] = field(default_factory=list)
    not_expected: list[str] = field(default_factory=list)
    groups: list[dict[str, str | bool]] = field(default_factory=list)


def reconcile(frames: Frames, instance: Instance, now: datetime) -> Result:
    """Return pairs and findings of complete orders.

    Pure: the result does not depend on the order of rows.
    """
    keep = in_scope(frames, instance)
    situation = situation_of(frames.only(keep), instance, now)
    findings = find(situation)
    pairs = situation.matching.frame()
    counts = {
        "documents": len(frames.documents),
        "excluded": int((~keep).sum()),
        "not_magento": int((~frames.unlinked["without_order"]).sum()),
        "pairs": len(pairs),
        "findings": len(findings),
    }
    groups = situation.matching.splits.groups(situation.view)
    return Result(pairs, findings, situation, counts, _keys(frames, ~keep), _not_expected(situation), groups)


def _keys(frames: Frames, chosen: Mask) -> list[str]:
    """Return the Magento order ids among the chosen documents."""
    orders = (
        chosen
        & (frames.documents["kind"] == Kind.ORDER).to_numpy()
        & (frames.documents["side"] == Side.MAGENTO).to_numpy()
    )
    return [str(key) for key in frames.documents.loc[orders, "source_id"]]


def _not_expected(situation: Situation) -> list[str]:
    """Return Magento orders without a counterpart whose state is not imported: held, pending or cancelled."""
    view = situation.view
    absent = view.select(Side.MAGENTO, Kind.ORDER) & ~situation.matching.paired & ~view.importable & ~situation.kept_out
    return [str(key) for key in view.column("source_id")[absent]]


def situation_of(frames: Frames, instance: Instance, now: datetime) -> Situation:
    """Return the frames matched and compared, under the settings that apply if documents are electronic."""
    meant = drafted_by_default(instance) if records.is_electronic(frames.master) else instance
    view = View(frames, meant, now)
    counted = quantities.count(view)
    matching = match.match(view, counted)
    return Situation(view, counted, matching, comparison.compare(view, matching, counted))


def find(situation: Situation) -> list[Finding]:
    """Return every difference, each once."""
    alone = missing.missing(situation)
    return [
        *amounts.amounts(situation),
        *amounts.quantities(situation),
        *states.states(situation),
        *states.tracking(situation),
        *payments.payment_reversed(situation),
        *credit.refunded_to_credit(situation),
        *alone,
        *payments.capture_needed(situation, alone),
        *amounts.not_invoiced(situation),
        *stock.will_ship_too_much(situation),
        *stock.sent_beside(situation),
        *stock.over_refunded(situation),
        *stock.returned_not_refunded(situation),
        *stock.refunded_not_returned(situation),
        *records.arithmetic(situation),
        *records.units(situation),
        *addresses.address_changed(situation),
        *addresses.note_changed(situation),
        *records.deleted(situation),
        *records.einvoice_rejected(situation),
        *records.drafts_waiting(situation),
        *records.without_order(situation.view),
        *records.quarantined(situation.view),
        *records.waiting_for_order(situation),
        *records.read_in_part(situation),
    ]
