"""Find Odoo invoices that credit notes reversed before either was written to Magento (docs/business-rules.md#credit-memos).

Under `when_paid` neither is written. Under `when_posted` both are, the invoice first, if nothing of the order is open
to ship (a credit memo would take it off the order) and no new invoice of the order exists (Magento invoices each item
once).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from magodoo.domain.states import OdooMovePaymentState
from magodoo.domain.vocabulary import Kind, Side
from magodoo.reconcile.dataset import Mask, Positions

if TYPE_CHECKING:
    from magodoo.reconcile.finding import Finding
    from magodoo.reconcile.situation import Situation

OPEN_TO_SHIP = "Goods of the order are still open to ship: a credit memo in Magento would take them off the order"
NEW_INVOICE = "Another invoice of the order stands in Odoo: only that one is written to Magento"
MEMOS_OFF = "The setting `credit_memos.to_magento` is off: the invoice alone would make Magento show it paid"


@dataclass(frozen=True)
class Reversals:
    """Reversed invoices and their credit notes. Masks are as long as documents.

    Attributes:
        invoices: invoices that are not written.
        notes: credit notes that are not written.
        every: these, and reversed documents that are written.
        notes_of: positions of the credit notes by the position of their invoice.
        held: why neither is written, by position of the invoice; None means the catalogue's reason.
    """

    invoices: Mask
    notes: Mask
    every: Mask
    notes_of: dict[int, list[int]]
    held: dict[int, str | None]

    def describe(self, finding: Finding, situation: Situation) -> None:
        """Write into an invoice's finding which credit notes reverse it, and why neither is written."""
        notes = situation.view.frames.rows(self.notes_of[finding.odoo_at])
        finding.detail = f"Reversed by {', '.join(note.number for note in notes)} before it reached Magento"
        finding.no_change_reason = self.held[finding.odoo_at]


def before_push(situation: Situation) -> Reversals:
    """Return the unpaired Odoo invoices that credit notes reverse completely, with these notes."""
    view = situation.view
    todo = situation.unpaired & ~view.is_magento & ~situation.matching.ambiguous
    notes_of = _reversed(situation, todo)
    invoices, notes = np.zeros(len(view.exists), dtype=bool), np.zeros(len(view.exists), dtype=bool)
    held = {at: reason for at, reason in _reasons(situation, todo, notes_of).items() if reason != ""}
    invoices[list(held)] = True
    notes[[note for at in held for note in notes_of[at]]] = True
    every = invoices.copy()
    every[[at for invoice, own in notes_of.items() for at in (invoice, *own)]] = True
    return Reversals(invoices, notes, every, notes_of, held)


def settled_by_reversal(situation: Situation) -> Mask:
    """Return the credit notes that settled their invoice and follow it to Magento.

    Only under `when_posted`, and if nothing of the order is open to ship.
    """
    view = situation.view
    result = np.zeros(len(view.exists), dtype=bool)
    if view.instance.invoices.to_magento != "when_posted":
        return result
    notes = np.flatnonzero(
        situation.unpaired & view.select(Side.ODOO, Kind.CREDIT_MEMO) & view.active & (view.column("open_amount") == 0)
    )
    invoices = _parents(situation, notes)
    reversed_ = view.word_is("status", {OdooMovePaymentState.REVERSED}) & situation.matching.paired
    result[notes[(invoices >= 0) & reversed_[invoices]]] = True
    return result & ~np.isin(view.column("order_key"), _open_to_ship(situation, view.column("order_key")[result]))


def _reversed(situation: Situation, todo: Mask) -> dict[int, list[int]]:
    """Return by invoice the credit notes that make up its whole total, by id: those that Odoo links to it, else one of the same total.

    Of equal invoices or notes the one with the smallest id is taken first, in whatever order they were read.
    """
    view = situation.view
    notes = view.by_id(todo & view.of_kind(Kind.CREDIT_MEMO) & view.active)
    if not len(notes):
        return {}
    waiting = todo & view.of_kind(Kind.INVOICE) & view.active
    total, currency = view.column("grand_total"), view.frames.documents["currency"].cat.codes.to_numpy()
    ids = view.column("source_id")
    linked: dict[int, list[int]] = defaultdict(list)
    parents = _parents(situation, notes)
    by_wizard = zip(parents.tolist(), notes.tolist(), strict=True)
    for invoice, note in dict.fromkeys([*by_wizard, *_matched_by_hand(situation, waiting, notes)]):
        if invoice >= 0 and waiting[invoice] and currency[note] == currency[invoice]:
            linked[invoice].append(note)
    found = {
        at: sorted(own, key=ids.__getitem__)
        for at, own in linked.items()
        if abs(sum(total[note] for note in own) - total[at]) <= view.tolerances[at]
    }
    known = situation.matching.paired & view.select(Side.ODOO, Kind.INVOICE) & view.active
    keys = {
        at: (view.column("order_key")[at], currency[at], total[at]) for at in np.flatnonzero(waiting | known).tolist()
    }
    corrected = {keys[at] for at in np.flatnonzero(known).tolist()}
    free = [at for at in view.by_id(waiting).tolist() if at not in found and keys[at] not in corrected]
    taken = {note for own in found.values() for note in own}
    for note in [each for each in notes[parents < 0].tolist() if each not in taken]:
        key = (view.column("order_key")[note], currency[note], total[note])
        invoice = next((at for at in free if keys[at] == key), None)
        if invoice is not None:
            free.remove(invoice)
            found[invoice] = [note]
    return found


def _matched_by_hand(situation: Situation, invoices: Mask, notes: Positions) -> list[tuple[int, int]]:
    """Return (invoice, credit note) for invoices that these notes settle, whoever reconciled them."""
    view, known = situation.view, set(notes.tolist())
    texts, orders, pairs = view.column("credited_by"), view.column("order_key"), []
    for invoice in np.flatnonzero(invoices & (texts != "")).tolist():
        ids = np.array([int(share.partition(":")[0]) for share in texts[invoice].split(",")], dtype=np.int64)
        found = view.frames.locate(Side.ODOO, Kind.CREDIT_MEMO, ids).tolist()
        # A credit note of another order that is reconciled with the invoice reverses nothing: the invoice remains, and is not paid.
        pairs += [
            (invoice, note)
            for note in found
            if note in known and (orders[note] == orders[invoice] or orders[note] <= 0)
        ]
    return pairs


def _parents(situation: Situation, notes: Positions) -> Positions:
    """Return the positions of the invoices that Odoo links as reversed by the notes; -1 without."""
    ids = situation.view.column("parent_id")[notes]
    found = situation.view.frames.locate(Side.ODOO, Kind.INVOICE, ids)
    return np.where(ids > 0, found, -1)


def _reasons(situation: Situation, todo: Mask, notes_of: dict[int, list[int]]) -> dict[int, str | None]:
    """Return by invoice why neither it nor its notes are written.

    None means the catalogue's reason, "" that both are written.
    """
    view = situation.view
    if view.instance.invoices.to_magento != "when_posted" or not notes_of:
        return dict.fromkeys(notes_of)
    if view.instance.credit_memos.to_magento == "off":
        return dict.fromkeys(notes_of, MEMOS_OFF)
    orders = view.column("order_key")
    others = todo & view.of_kind(Kind.INVOICE) & view.active
    others[list(notes_of)] = False
    anew, unshipped = set(orders[others].tolist()), set(_open_to_ship(situation, orders[list(notes_of)]).tolist())
    return {
        at: NEW_INVOICE if orders[at] in anew else OPEN_TO_SHIP if orders[at] in unshipped else "" for at in notes_of
    }


def _open_to_ship(situation: Situation, orders: Positions) -> Positions:
    """Return those of the orders whose goods are to be delivered in Odoo, or were and are not shipped in Magento yet."""
    table = situation.items_of(orders)
    waiting = (table["odoo_open"] > 0) | (
        table["odoo_shipment"] > np.maximum(table["shipped"], table["magento_shipment"])
    )
    return np.unique(table.loc[waiting, "order"].to_numpy(np.int64))
