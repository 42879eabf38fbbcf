"""Find payments that are missing, came back, or were never captured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from magodoo.domain import authorisation
from magodoo.domain.states import MAY_BE_UNCAPTURED, PAID_IN_MAGENTO, MagentoOrderState, OdooMovePaymentState
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.money import shown
from magodoo.reconcile.dataset import Mask, Units
from magodoo.reconcile.finding import Finding, about, amount_of
from magodoo.reconcile.findings.amounts import listed
from magodoo.reconcile.findings.stock import given_up
from magodoo.reconcile.rows import Document
from magodoo.reconcile.situation import Situation
from magodoo.reconcile.view import View

NEVER_SHIPPED = ("virtual", "downloadable")


def settled_by_payments(situation: Situation) -> Mask:
    """Return the Odoo invoices and credit notes that are paid in full by bank, cash and payment entries (docs/business-rules.md#payments).

    Payments without an entry, and what Odoo calls *In Payment*, count only if the settings allow it. What a credit note
    settled of an invoice counts if Magento has its credit memo and money settled the rest.
    """
    view = situation.view
    counts = view.instance.invoices.in_payment_counts
    in_payment = view.column("in_payment")
    money = view.column("captured_amount") + (in_payment if counts else 0)
    total = view.column("grand_total")
    # The entries decide, not Odoo's payment_state: with bank entries and a credit note it is `reversed`, and a blocked invoice may be paid.
    enough = (money + _credited(situation) >= total - view.tolerances) & (money > 0)
    free = (total == 0) & view.word_is("status", {OdooMovePaymentState.PAID})
    on_the_way = view.word_is("status", {OdooMovePaymentState.IN_PAYMENT}) & (not counts)
    return ~view.is_magento & view.active & (enough | free) & ~on_the_way & (_still_due(view) <= 0)


def _still_due(view: View) -> Units:
    """Return the open amount of each Odoo document, less payments without an entry if the settings count them (units)."""
    due = view.column("open_amount")
    return due - view.column("in_payment") if view.instance.invoices.in_payment_counts else due


def _credited(situation: Situation) -> Units:
    """Return what credit notes settled of unpaired Odoo invoices, as far as Magento has their credit memos (units)."""
    view = situation.view
    result = np.zeros(len(view.exists), dtype=np.int64)
    texts = view.column("credited_by")
    wanted = np.flatnonzero((texts != "") & situation.unpaired & ~view.is_magento & view.of_kind(Kind.INVOICE))
    for position in wanted.tolist():
        shares = dict(_shares(texts[position]))
        notes = view.frames.locate(Side.ODOO, Kind.CREDIT_MEMO, np.array(list(shares), dtype=np.int64))
        known = [there >= 0 and situation.matching.paired[there] for there in notes.tolist()]
        result[position] = sum(share for share, is_known in zip(shares.values(), known, strict=True) if is_known)
    return result


def _shares(text: str) -> Iterator[tuple[int, int]]:
    for part in text.split(","):
        note, _, amount = part.partition(":")
        yield int(note), int(amount)


def why_not_paid(row: Document, setting: str, *, in_payment_counts: bool) -> str:
    """Return as text why an Odoo document does not count as paid; `setting` is the one that requires payment."""
    settled_by = f": {row.settled_by}" if row.settled_by else ""
    only_in_payment = row.status == OdooMovePaymentState.IN_PAYMENT or 0 < row.open_amount <= row.in_payment
    if only_in_payment and not in_payment_counts:
        return f"It is only in payment in Odoo{settled_by} (`invoices.in_payment_counts` is false; {setting})"
    if row.open_amount > 0:
        return f"It is not yet settled by payments in Odoo, {_money(row.open_amount, row)} are open{settled_by} ({setting})"
    if row.kind == Kind.CREDIT_MEMO:
        return f"It is settled in Odoo, but not by payments: nothing, or not all, was paid out{settled_by} ({setting})"
    without = "; Magento has no credit memo for what a credit note settled" if row.credited_by else ""
    return f"It is settled in Odoo, but not, or not in full, settled by payments{settled_by}{without} ({setting})"


def gone_again(situation: Situation) -> Mask:
    """Return the Odoo documents that were paid once and are open again or written off, while Magento shows them as paid.

    A write-off no longer counts once Magento has refunded the whole order.
    """
    view, partner = situation.view, situation.matching.partner
    money = view.of_kind(Kind.INVOICE) | view.of_kind(Kind.CREDIT_MEMO)
    here = ~view.is_magento & money & view.active & view.column("was_paid") & situation.matching.paired
    here &= (_still_due(view) > view.tolerances) | ((view.column("written_off") > view.tolerances) & ~_refunded(view))
    paid = view.active & view.word_is("state", PAID_IN_MAGENTO)
    return here & np.where(partner >= 0, paid[partner], False)


def _refunded(view: View) -> Mask:
    """Return the documents whose order Magento has closed: it is refunded in full."""
    return np.where(view.order_of >= 0, view.word_is("state", {MagentoOrderState.CLOSED})[view.order_of], False)


def payment_reversed(situation: Situation) -> list[Finding]:
    """Return the findings payment_reversed: money that was reversed after Magento showed it as paid, with what is still to ship."""
    view = situation.view
    positions = np.flatnonzero(gone_again(situation))
    if not len(positions):
        return []
    orders = situation.order_rows(positions)
    to_ship = _still_to_ship(situation, view.column("order_key")[positions])
    result = []
    for odoo in view.frames.rows(positions):
        magento = view.frames.rows([situation.matching.partner[odoo.at]])[0]
        made = about(FindingType.PAYMENT_REVERSED, magento, odoo, order=orders.get(odoo.at))
        made.odoo_amount = int(odoo.open_amount) or int(odoo.written_off)
        made.magento_value = "refunded" if odoo.kind == Kind.CREDIT_MEMO else "paid"
        lost = f"{_money(odoo.open_amount, odoo)} of {_money(odoo.grand_total, odoo)} are open again"
        if not odoo.open_amount:
            lost = f"{_money(odoo.written_off, odoo)} of {_money(odoo.grand_total, odoo)} were written off since"
        made.odoo_value = f"{lost}; now there: {odoo.settled_by}" if odoo.settled_by else lost
        if odoo.kind == Kind.INVOICE:
            made.detail = to_ship.get(odoo.order_key, "Nothing is left to ship: the goods are with the customer")
        result.append(made)
    return result


def _still_to_ship(situation: Situation, orders: Units) -> dict[int, str]:
    """Return as text, by order, what neither side has shipped of what the customer is to receive.

    Orders with nothing left to ship are left out.
    """
    view = situation.view
    table = situation.items_of(orders)
    shipped = table[["shipped", "odoo_shipment"]].max(axis=1)
    left = (table["ordered"] - given_up(table) - shipped).clip(lower=0)
    lines = view.frames.lines
    goods = lines[~lines["product_type"].isin(NEVER_SHIPPED) & (lines["item_key"] > 0)].drop_duplicates("item_key")
    names = dict(zip(goods["item_key"].tolist(), goods["sku"].astype(str).tolist(), strict=True))
    result: dict[int, dict[int, int]] = {}
    for item, order, quantity in zip(table.index.tolist(), table["order"].tolist(), left.tolist(), strict=True):
        if quantity and item in names:
            result.setdefault(int(order), {})[int(item)] = int(quantity)
    return {order: f"Still to ship: {listed(sorted(items), items, names)}" for order, items in result.items()}


def _money(units: int, row: Document) -> str:
    return f"{shown(units, row.currency)} {row.currency}"


CAPTURE_TYPES = frozenset({FindingType.CAPTURE_NEEDED, FindingType.AUTHORISATION_VOIDED})


def capture_needed(situation: Situation, found: Sequence[Finding]) -> list[Finding]:
    """Return findings about orders whose state is paid or in progress while the money is only authorised.

    An order is skipped if a finding of these types in `found` is about one of its invoices.
    """
    view = situation.view
    named = {finding.order_key for finding in found if finding.type in CAPTURE_TYPES}
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
