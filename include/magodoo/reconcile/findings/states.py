"""Report differing states and tracking numbers of pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from magodoo.domain import labels
from magodoo.domain.states import OdooMoveState
from magodoo.domain.tracking import missing_numbers
from magodoo.domain.vocabulary import FindingType, Kind
from magodoo.reconcile import statuses
from magodoo.reconcile.dataset import tracks_of
from magodoo.reconcile.finding import Finding, about
from magodoo.reconcile.findings import payments
from magodoo.reconcile.findings.amounts import rows_of_pairs
from magodoo.reconcile.rows import Document
from magodoo.reconcile.situation import Situation
from magodoo.reconcile.splits import Cut

MOVES = (Kind.INVOICE, Kind.CREDIT_MEMO)


def states(situation: Situation) -> list[Finding]:
    """Return the findings status_mismatch and cancelled_in_odoo, one per pair whose states differ."""
    pairs = situation.pairs[situation.pairs["status"].notna()]
    money_gone = payments.gone_again(situation)
    result = []
    meaning: statuses.Meaning
    for meaning, (magento, odoo, order) in zip(pairs["status"], rows_of_pairs(situation, pairs), strict=True):
        if meaning.part == "payment" and money_gone[odoo.at]:
            continue  # reported as `payment_reversed`; a payment that a person removed is never registered or matched again
        found = meaning.finding or FindingType.STATUS_MISMATCH
        made = about(found, magento, odoo, order=order, part=meaning.part or "", detail=meaning.words)
        made.magento_amount, made.odoo_amount = int(magento.grand_total), int(odoo.grand_total)
        made.magento_value = labels.magento_state(magento.kind, magento.state)
        made.odoo_value = _odoo_words(odoo)
        result.append(made)
    return result


def _odoo_words(row: Document) -> str:
    state, kind = row.state, Kind(row.kind)
    payment = labels.payment_state(row.status)
    return f"{state}, {payment}" if kind in MOVES and state == OdooMoveState.POSTED else state


def tracking(situation: Situation) -> list[Finding]:
    """Return the findings tracking_mismatch of paired shipments, and of those that both sides split differently.

    The latter are compared by all their numbers.
    """
    pairs = situation.pairs[situation.pairs["tracking"]]
    result = []
    for magento, odoo, order in rows_of_pairs(situation, pairs):
        made = about(FindingType.TRACKING_MISMATCH, magento, odoo, order=order)
        made.magento_value, made.odoo_value = (", ".join(tracks_of(row.tracking)) or "none" for row in (magento, odoo))
        result.append(made)
    for cut in situation.matching.splits.equal:
        sides = [situation.view.frames.rows(side) for side in (cut.magento, cut.odoo)]
        here, there = ([number for row in rows for number in tracks_of(row.tracking)] for rows in sides)
        if not can_be_carried(cut, here, there):
            continue
        order = situation.order_rows(np.array(cut.magento[:1])).get(cut.magento[0])
        made = about(FindingType.TRACKING_MISMATCH, sides[0][0], sides[1][0], order=order)
        made.magento_value, made.odoo_value = ", ".join(here) or "none", ", ".join(there) or "none"
        result.append(made)
    return result


def can_be_carried(cut: Cut, here: Sequence[str], there: Sequence[str]) -> bool:
    """Return whether tracking numbers can be copied between the sides of a cut.

    They can if one side has a single document, on which the other's numbers belong, or if both sides have numbers that
    the other does not have. Otherwise it cannot be decided to which of several documents a number belongs.
    """
    to_odoo, to_magento = bool(missing_numbers(here, there)), bool(missing_numbers(there, here))
    if to_odoo and to_magento:
        return True
    return (to_odoo and len(cut.odoo) == 1) or (to_magento and len(cut.magento) == 1)
