"""Report single records: sums that fail, no order, deleted, unreadable, closed period, missing mapping."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from magodoo.domain import labels
from magodoo.domain.states import CANCELLED_IN_ODOO, OdooMoveState
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.reconcile import rows
from magodoo.reconcile.dataset import Frames
from magodoo.reconcile.finding import Finding, about, amount_of
from magodoo.reconcile.findings import remedies
from magodoo.reconcile.references import LONGEST_ID
from magodoo.reconcile.rows import Document
from magodoo.reconcile.series import country_of
from magodoo.reconcile.situation import Situation
from magodoo.reconcile.view import View
from magodoo.settings.country_policies import deadline


def arithmetic(situation: Situation) -> list[Finding]:
    """Return findings about active documents whose own parts do not add up, with the sums and figures that fail.

    A document whose total contains an amount that is in no part is skipped if its order has such an amount too: the
    flow that writes it decides what it is (`flows/extra_amounts.py`).
    """
    view = situation.view
    order = view.order_of
    wanted = (view.importable | situation.matching.paired)[order] & (order >= 0)
    extra = np.where(order >= 0, view.has_extra & view.has_extra[order], False)
    bad = np.flatnonzero(~view.column("sound") & (view.active | view.importable) & wanted & ~extra)
    orders = situation.order_rows(bad)
    return [_unsound(row, orders.get(row.at)) for row in view.frames.rows(bad)]


def _unsound(row: Document, order: Document | None) -> Finding:
    made = _alone(FindingType.ARITHMETIC, row, order)
    made.detail = row.flaw
    return made


def units(situation: Situation) -> list[Finding]:
    """Return findings about Odoo orders and documents with a line in a unit that does not convert into its product's.

    Cancelled ones are skipped.
    """
    view = situation.view
    named = view.foreign_units & view.exists & ~view.word_is("state", CANCELLED_IN_ODOO) & (view.order_of >= 0)
    positions = np.flatnonzero(named)
    orders = situation.order_rows(positions)
    result = []
    for row in view.frames.rows(positions):
        made = about(FindingType.UNIT_MISMATCH, odoo=row, order=orders.get(row.at))
        made.detail = row.foreign_units
        result.append(made)
    return result


def einvoice_rejected(situation: Situation) -> list[Finding]:
    """Return findings about active Odoo documents whose electronic invoice was refused, whatever Magento has of them."""
    view = situation.view
    refused = ~view.is_magento & view.active & (view.column("einvoice_rejected") != "") & (view.order_of >= 0)
    positions = np.flatnonzero(refused)
    orders = situation.order_rows(positions)
    result = []
    for row in view.frames.rows(positions):
        made = _alone(FindingType.EINVOICE_REJECTED, row, orders.get(row.at))
        made.odoo_value = row.einvoice_rejected
        result.append(made)
    return result


def issue_by(view: View, magento: Document) -> str:
    """Return as text the legal deadline of a draft for a Magento document; "" if none is known for the company's country."""
    last = deadline(view.instance, country_of(view.frames.master), magento.document_date)
    if last is None:
        return ""
    left = (last - view.now.astimezone(view.instance.zone).date()).days
    days = f"{abs(left)} day{'s' if abs(left) != 1 else ''}"
    ago = f"in {days}" if left > 0 else "today" if not left else f"{days} ago"
    return f"It must be issued by {last} ({ago})"


def drafts_waiting(situation: Situation) -> list[Finding]:
    """Return findings about our drafts that a person has to post, as the settings require, if a legal deadline applies."""
    view, partner = situation.view, situation.matching.partner
    policies = {Kind.INVOICE: view.instance.invoices.to_odoo, Kind.CREDIT_MEMO: view.instance.credit_memos.to_odoo}
    asked = [view.of_kind(kind) for kind, policy in policies.items() if policy == "draft"]
    if not asked:
        return []
    ours = view.exists & ~view.is_magento & view.ours & view.word_is("state", {OdooMoveState.DRAFT}) & (partner >= 0)
    positions = np.flatnonzero(ours & np.logical_or.reduce(asked))
    orders = situation.order_rows(positions)
    result = []
    for draft in view.frames.rows(positions):
        magento = view.frames.rows([partner[draft.at]])[0]
        if words := issue_by(view, magento):
            made = about(FindingType.DRAFT_WAITING, magento, draft, order=orders.get(draft.at), detail=words)
            made.magento_amount, made.odoo_amount = int(magento.grand_total), int(draft.grand_total)
            result.append(made)
    return result


def deleted(situation: Situation) -> list[Finding]:
    """Return findings about documents that the source no longer has, with the counterpart that is left."""
    view = situation.view
    lost = situation.matching.lost
    gone = ~view.exists & (view.column("active") | (lost >= 0) | situation.view.ours)
    positions = np.flatnonzero(gone & (view.order_of >= 0))
    orders = situation.order_rows(positions)
    result = []
    for row in view.frames.rows(positions):
        made = _alone(FindingType.DELETED, row, orders.get(row.at))
        survivor = view.frames.rows([lost[row.at]])[0] if lost[row.at] >= 0 else None
        made.next_step = remedies.after_deletion(row, survivor)
        if survivor is not None:
            if row.side == Side.MAGENTO:
                made.odoo_id, made.odoo_number = str(survivor.source_id), survivor.number
            else:
                made.magento_id, made.magento_number = str(survivor.source_id), survivor.number
        result.append(made)
    return result


def without_order(view: View) -> list[Finding]:
    """Return findings about Magento documents whose order exists nowhere, and Odoo documents that name such an order."""
    documents, others = view.frames.documents, view.frames.unlinked
    known = documents["without_order"].to_numpy() & view.active & (view.order_of < 0)
    stray = others["without_order"] | ((others["side"] == Side.MAGENTO) & (others["kind"] != Kind.ORDER))
    stray &= others["deleted_at"].isna() & others["active"]
    chosen = [*rows.documents(documents, np.flatnonzero(known)), *rows.documents(others, np.flatnonzero(stray))]
    mirrors = set(others.loc[others["intercompany"], "source_id"])
    found = [_alone(_stray_type(row, mirrors), row, None) for row in chosen]
    return list({finding.key: finding for finding in found}.values())


def _stray_type(row: Document, mirrors: set[int]) -> FindingType:
    """Return the type of finding: an intercompany order is reported as such, as it brings the goods of another company's order."""
    is_mirror = row.side == Side.ODOO and row.kind == Kind.ORDER and row.source_id in mirrors
    return FindingType.INTERCOMPANY if is_mirror else FindingType.WITHOUT_ORDER


def quarantined(view: View) -> list[Finding]:
    """Return findings about open quarantine rows, each with its number, its order and the reason."""
    result = []
    for side, kind, source_id, reason, number, order_key in _refused(view.frames):
        made = Finding(FindingType.QUARANTINED, Kind(kind), detail=f"{reason} ({labels.SIDES[side]}'s id {source_id})")
        if side == Side.MAGENTO:
            made.magento_id, made.magento_number = source_id, number or source_id
        else:
            made.odoo_id, made.odoo_number = source_id, number or source_id
        made.order_key = order_key or None
        made.order_number = _order_number(view, order_key) or (number if kind == Kind.ORDER else None) or None
        result.append(made)
    return result


def waiting_for_order(situation: Situation) -> list[Finding]:
    """Return findings about Magento documents whose order exists and could not be read.

    They are neither without order nor simply missing.
    """
    view = situation.view
    reasons = {
        order_key: (number, reason)
        for side, kind, _, reason, number, order_key in _refused(view.frames)
        if side == Side.MAGENTO and kind == Kind.ORDER and order_key.isdecimal() and len(order_key) <= LONGEST_ID
    }
    keys = np.array([int(key) for key in reasons], dtype=np.int64)
    alone = situation.is_document & view.is_magento & view.active & ~situation.matching.paired & (view.order_of < 0)
    result = []
    for row in view.frames.rows(np.flatnonzero(alone & np.isin(view.column("order_key"), keys))):
        number, reason = reasons[str(row.order_key)]
        made = _alone(FindingType.MISSING_IN_ODOO, row, None)
        made.order_number = number or None
        made.no_change_reason = f"Its order {number or f'with id {row.order_key}'} cannot be read: {reason}"
        made.next_step = "Mend the order, as the finding about it says: its documents follow by themselves, and must not be booked by hand"
        result.append(made)
    return result


def _refused(frames: Frames) -> list[list[str]]:
    """Return [side, kind, source id, reason, number, order key] of each record that could not be read."""
    names = ["side", "kind", "source_id", "reason", "number", "order_key"]
    rows: list[list[str]] = frames.quarantine[names].drop_duplicates().astype(str).to_numpy().tolist()
    return rows


def _order_number(view: View, order_key: str) -> str | None:
    """Return the number of a Magento order; None if it is not staged."""
    if not order_key.isdecimal() or len(order_key) > LONGEST_ID:
        return None
    (at,) = view.frames.locate(Side.MAGENTO, Kind.ORDER, np.array([int(order_key)], dtype=np.int64)).tolist()
    return view.frames.rows([at])[0].number if at >= 0 else None


def read_in_part(situation: Situation) -> list[Finding]:
    """Return findings about Magento documents of which something was left out when they were read: what, and what it was for."""
    view = situation.view
    left_out = view.column("set_aside")
    positions = np.flatnonzero((left_out != "") & view.exists)
    orders = situation.order_rows(positions)
    return [
        about(FindingType.READ_IN_PART, row, order=orders.get(row.at), detail=str(left_out[row.at]))
        for row in view.frames.rows(positions)
    ]


def unreadable(frames: Frames) -> dict[int, str]:
    """Return by Magento order id why nothing is written for an order: a record of Odoo that belongs to or names it is unreadable."""
    names = ["concerns", "side", "kind", "source_id", "reason"]
    found = frames.quarantine[names]
    keys = found["concerns"].astype(str)
    found = found[(found["side"] == Side.ODOO.value) & keys.str.isdecimal() & (keys.str.len() <= LONGEST_ID)]
    found = found.sort_values(
        "kind", key=lambda kinds: kinds == Kind.ORDER, kind="stable"
    )  # the last one is kept: an order itself
    return {
        int(key): f"{labels.SIDES[side]}'s {Kind(kind).words} {source_id} cannot be read: {reason}"
        for key, side, kind, source_id, reason in found.astype(str).to_numpy().tolist()
    }


def unmapped(order: Document, part: str, detail: str) -> Finding:
    """Return a finding about an order (row) that cannot be written because a mapping is missing; part such as `sku:ABC`."""
    return about(FindingType.UNMAPPED, order, order=order, part=part, detail=detail, kind=Kind.ORDER)


def closed(missing: Finding, row: Document, lock: date) -> Finding:
    """Return a finding about a missing invoice or credit memo whose date is in a closed period."""
    return Finding(
        FindingType.CLOSED_PERIOD,
        missing.kind,
        missing.order_key,
        missing.order_number,
        missing.magento_id,
        magento_number=missing.magento_number,
        magento_amount=int(row.grand_total),
        currency=missing.currency,
        magento_at=missing.magento_at,
        detail=f"Dated {row.document_date}, closed up to {lock}",
    )


def out_of_series(missing: Finding, row: Document, last: date) -> Finding:
    """Return a finding about a missing invoice or credit memo dated before the last posted one of its journal."""
    found = closed(missing, row, last)
    found.type, found.detail = FindingType.OUT_OF_SERIES, f"Dated {row.document_date}, the last one posted is of {last}"
    return found


def lock_date(master: pd.DataFrame) -> date | None:
    """Return the latest lock date of the company that concerns sales; None if none is set."""
    found = [
        date.fromisoformat(str(value)[:10])
        for data in master.loc[master["key"] == "lock_dates", "data"]
        for value in (data or {}).values()
        if value
    ]
    return max(found, default=None)


def is_electronic(master: pd.DataFrame) -> bool:
    """Return whether posting a document in this company may send it to an authority."""
    return any((data or {}).get("found") for data in master.loc[master["key"] == "e_invoicing", "data"])


def _alone(found: FindingType, row: Document, order: Document | None) -> Finding:
    side = Side(row.side)
    made = about(found, row if side is Side.MAGENTO else None, row if side is Side.ODOO else None, order=order)
    return amount_of(made, row, side)
