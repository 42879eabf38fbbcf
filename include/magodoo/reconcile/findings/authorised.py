"""Report money that a payment provider has only authorised, or can no longer capture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from magodoo.domain import authorisation
from magodoo.domain.states import MAY_BE_UNCAPTURED
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.reconcile.dataset import Mask
from magodoo.reconcile.finding import Finding, about, amount_of
from magodoo.reconcile.rows import Document
from magodoo.reconcile.situation import Situation
from magodoo.reconcile.view import View

TYPES = frozenset({FindingType.CAPTURE_NEEDED, FindingType.AUTHORISATION_VOIDED})


def capture_needed(situation: Situation, found: Sequence[Finding]) -> list[Finding]:
    """Return findings about orders whose state is paid or in progress while the money is only authorised.

    An order is skipped if a finding of these types in `found` is about one of its invoices.
    """
    view = situation.view
    named = {finding.order_key for finding in found if finding.type in TYPES}
    waiting = view.select(Side.MAGENTO, Kind.ORDER) & view.exists & view.only_authorised & ~view.before_cut_over
    waiting &= view.word_is("state", MAY_BE_UNCAPTURED)
    over = is_over(view)
    result = []
    for order in view.frames.rows(np.flatnonzero(waiting)):
        if str(order.source_id) in named:
            continue
        kind = FindingType.AUTHORISATION_VOIDED if over[order.at] else FindingType.CAPTURE_NEEDED
        made = amount_of(about(kind, order, order=order), order, Side.MAGENTO)
        made.detail = words(situation, order)
        result.append(made)
    return result


def is_over(view: View) -> Mask:
    """Return the documents of orders whose authorisation Magento shows as voided or closed, with nothing captured."""
    states, ended = view.column("authorisation"), np.zeros(len(view.exists), dtype=bool)
    for at in np.flatnonzero(states != "").tolist():
        ended[at] = authorisation.is_over(states[at])
    return np.where(view.order_of >= 0, ended[view.order_of], False)


def words(situation: Situation, order: Document) -> str:
    """Return as text the age of the authorisation and what Magento has shown of it since.

    A payment is authorised when its order is placed.
    """
    day, today = order.document_date, situation.view.now.astimezone(situation.view.instance.zone).date()
    since = f"Authorised since {day}, {(today - day).days} days. " if day else ""
    return since + authorisation.words(order.authorisation)
