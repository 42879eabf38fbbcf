"""Findings about states and tracking numbers of pairs."""

from __future__ import annotations

from magodoo.reconcile import statuses
from magodoo.reconcile.finding import Finding, about
from magodoo.reconcile.findings import payments
from magodoo.reconcile.findings.amounts import rows_of_pairs
from magodoo.reconcile.frames import tracks_of
from magodoo.reconcile.rows import Document
from magodoo.reconcile.situation import Situation
from magodoo.vocabulary import FindingType, Kind

MOVES = (Kind.INVOICE, Kind.CREDIT_MEMO)


def states(situation: Situation) -> list[Finding]:
    """status_mismatch and cancelled_in_odoo."""
    pairs = situation.pairs[situation.pairs["status"].notna()]
    money_gone = payments.gone_again(situation)
    result = []
    meaning: statuses.Meaning
    for meaning, (magento, odoo, order) in zip(pairs["status"], rows_of_pairs(situation, pairs), strict=True):
        if meaning.part == "payment" and money_gone[odoo.at]:
            continue  # `payment_reversed` says it; a payment that a person took away is never made or matched again
        found = FindingType(meaning.finding or FindingType.STATUS_MISMATCH)
        made = about(found, magento, odoo, order=order, part=meaning.part or "", detail=meaning.words)
        made.magento_amount, made.odoo_amount = int(magento.grand_total), int(odoo.grand_total)
        made.magento_value = _magento_words(magento)
        made.odoo_value = _odoo_words(odoo)
        result.append(made)
    return result


def _magento_words(row: Document) -> str:
    words = {Kind.INVOICE: statuses.MAGENTO_INVOICE, Kind.CREDIT_MEMO: statuses.MAGENTO_CREDIT_MEMO}.get(
        Kind(row.kind), {}
    )
    state = row.state
    return words.get(state, state)


def _odoo_words(row: Document) -> str:
    state, kind = row.state, Kind(row.kind)
    payment = statuses.ODOO_PAYMENT.get(row.status, row.status)
    return f"{state}, {payment}" if kind in MOVES and state == "posted" else state


def tracking(situation: Situation) -> list[Finding]:
    """tracking_mismatch of paired shipments."""
    pairs = situation.pairs[situation.pairs["tracking"]]
    result = []
    for magento, odoo, order in rows_of_pairs(situation, pairs):
        made = about(FindingType.TRACKING_MISMATCH, magento, odoo, order=order)
        made.magento_value, made.odoo_value = (", ".join(tracks_of(row.tracking)) or "none" for row in (magento, odoo))
        result.append(made)
    return result
