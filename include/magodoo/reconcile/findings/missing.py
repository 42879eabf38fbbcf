"""Report documents that only one side has, and why: simply missing, or one of the types reported instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from magodoo.domain.states import OdooMoveState
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.reconcile import quantities, rows, shares
from magodoo.reconcile.dataset import ROLES, Mask, Positions
from magodoo.reconcile.finding import Finding, about, amount_of
from magodoo.reconcile.findings import amounts, payments, records, stock
from magodoo.reconcile.findings.payments import settled_by_payments
from magodoo.reconcile.rows import Document
from magodoo.reconcile.situation import Situation
from magodoo.reconcile.view import View, rounded

DAYS_APART = pd.Timedelta(days=30)
_CENT = np.array([100], dtype=np.int64)
PRICE_TOLERANCE = 200  # units per line: Magento rounds each row of a partial document to the cent


def missing(situation: Situation) -> list[Finding]:
    """Return one finding per document that should have a counterpart and has none; the first reason that applies is its type."""
    duplicates = _duplicates(situation)
    return [*_in_odoo(situation, duplicates), *_in_magento(situation, duplicates), *_extra_orders(situation)]


def _in_odoo(situation: Situation, duplicates: Mask) -> list[Finding]:
    view = situation.view
    todo = situation.unpaired & view.is_magento
    drafts = _drafts(situation, todo)
    doubles = _unlinked(situation, todo)
    order_matched = situation.matching.odoo_order >= 0
    document = situation.is_document
    reasons = [
        (FindingType.AMBIGUOUS, situation.matching.ambiguous),
        (FindingType.MISSING_IN_ODOO, situation.kept_out),
        (FindingType.NOT_REPRESENTABLE, _without_money_lines(situation, todo)),
        (FindingType.DRAFT_WAITING, drafts >= 0),
        (FindingType.POSSIBLE_DUPLICATE, doubles >= 0),
        (FindingType.DUPLICATE, duplicates),
        (
            FindingType.STRADDLES_BOOKS_FROM,
            document & view.before_cut_over & view.created_since_cut_over & ~order_matched,
        ),
        (FindingType.MISSING_IN_ODOO, todo),
    ]
    tied = np.flatnonzero(situation.matching.ambiguous & ~view.is_magento)
    result = []
    for found, magento, order in _sorted_out(situation, todo, reasons):
        other = None
        if found is FindingType.DRAFT_WAITING:
            other = view.frames.rows([drafts[magento.at]])[0]
        elif found is FindingType.POSSIBLE_DUPLICATE:
            other = rows.documents(view.frames.unlinked, doubles[[magento.at]])[0]
        made = amount_of(about(found, magento, order=order, currency=magento.currency), magento, Side.MAGENTO)
        if other is not None:
            amount_of(made, other, Side.ODOO)
            made.odoo_id, made.odoo_number = str(other.source_id), other.number
        _add_lines(situation, made, magento)
        if found is FindingType.DRAFT_WAITING:
            made.detail = records.issue_by(view, magento)
        if found is FindingType.AMBIGUOUS:
            made.detail = f"It could be {', '.join(_candidates(view, magento.at, tied))}"
        result.append(made)
    return result


def _add_lines(situation: Situation, finding: Finding, row: Document) -> None:
    """Write into a `not_representable` finding its lines and prices, or its payment term, also as the reason for no change."""
    if finding.type is not FindingType.NOT_REPRESENTABLE:
        return
    words = amounts.words(situation, row, PRICE_TOLERANCE)
    term = situation.view.column("discounted_tax")[row.at]
    if not words and term:
        words = f"Its payment term {term} lowers its tax upon the invoice, which Magento cannot"
    finding.detail = finding.no_change_reason = words


def _candidates(view: View, magento: int, tied: Positions) -> list[str]:
    """Return the numbers of the Odoo documents in a tie that have the order and kind of a Magento document, sorted."""
    order, kind = view.column("order_key"), view.kind_codes
    alike = tied[(order[tied] == order[magento]) & (kind[tied] == kind[magento])]
    return sorted(row.number or f"Odoo's id {row.source_id}" for row in view.frames.rows(alike))


def _in_magento(situation: Situation, duplicates: Mask) -> list[Finding]:
    view = situation.view
    todo = situation.unpaired & ~view.is_magento & ~situation.matching.ambiguous
    reversed_ = situation.reversals
    notes, invoices = _corrections(situation, todo & ~reversed_.every)
    result = []
    reasons = [
        (None, view.foreign_units),  # reported as `unit_mismatch`
        (FindingType.REVERSED_BEFORE_PUSH, reversed_.invoices),
        (None, reversed_.notes),
        (FindingType.CORRECTED_IN_ODOO, notes),
        (None, invoices),
        (
            FindingType.NOT_REPRESENTABLE,
            shares.consolidated(view) | _unmapped_lines(situation, todo) | _discounted_tax(view, todo),
        ),
        (FindingType.REPLACEMENT, _replacements(situation, todo) | _sent_again(situation, todo)),
        (FindingType.DUPLICATE, duplicates),
        (FindingType.AUTHORISATION_VOIDED, pushed(situation, todo) & view.only_authorised & payments.is_over(view)),
        (FindingType.CAPTURE_NEEDED, pushed(situation, todo) & view.only_authorised),
        (FindingType.MISSING_IN_MAGENTO, todo),
    ]
    for found, odoo, order in _sorted_out(situation, todo, reasons):
        made = amount_of(about(found, odoo=odoo, order=order), odoo, Side.ODOO)
        if found in payments.CAPTURE_TYPES and order is not None:
            made.detail = payments.words(situation, order)
        if found is FindingType.REVERSED_BEFORE_PUSH:
            reversed_.describe(made, situation)
        _add_lines(situation, made, odoo)
        result.append(made)
    return result


def _extra_orders(situation: Situation) -> list[Finding]:
    """Return findings about further active Odoo orders of a Magento order that is matched already."""
    view = situation.view
    extra = view.select(Side.ODOO, Kind.ORDER) & view.active & ~situation.matching.paired & (view.order_of >= 0)
    extra &= ~situation.matching.ambiguous & (situation.matching.odoo_order >= 0)
    found = _sorted_out(situation, extra, [(FindingType.DUPLICATE, extra)])
    return [amount_of(about(kind, odoo=odoo, order=order), odoo, Side.ODOO) for kind, odoo, order in found]


def _sorted_out(
    situation: Situation, todo: Mask, reasons: Sequence[tuple[FindingType | None, Mask]]
) -> list[tuple[FindingType, Document, Document | None]]:
    """Return each document with the first reason that applies, and its Magento order; reason None means no finding."""
    positions = np.flatnonzero(todo)
    first = np.select([mask[positions] for _, mask in reasons], range(len(reasons)), default=len(reasons))
    orders = situation.order_rows(positions)
    return [
        (found, row, orders.get(row.at))
        for row, reason in zip(situation.view.frames.rows(positions), first, strict=True)
        if (found := reasons[reason][0]) is not None
    ]


def _without_money_lines(situation: Situation, todo: Mask) -> Mask:
    view, lines = situation.view, situation.view.frames.lines
    without = todo & (view.of_kind(Kind.INVOICE) | view.of_kind(Kind.CREDIT_MEMO))
    position = lines["document"].to_numpy()
    without[position[without[position] & lines["is_money"].to_numpy()]] = False
    return without


def _drafts(situation: Situation, todo: Mask) -> Positions:
    """Return the position of the unmatched manual draft that waits for a Magento document; -1 without.

    Both have the same order, kind, currency and total.
    """
    view = situation.view
    money = view.of_kind(Kind.INVOICE) | view.of_kind(Kind.CREDIT_MEMO)
    draft = money & ~view.is_magento & view.exists & view.word_is("state", {OdooMoveState.DRAFT}) & ~situation.view.ours
    return _first_equal(situation, np.flatnonzero(todo & money), np.flatnonzero(draft & ~situation.matching.paired))


def _first_equal(situation: Situation, wanted: Positions, candidates: Positions) -> Positions:
    """Return for each wanted document the first candidate of its order, kind, currency and total; -1 without."""
    view = situation.view
    result = np.full(len(view.exists), -1, dtype=np.int64)
    if not len(wanted) or not len(candidates):
        return result
    left, right = _money_key(situation, wanted), _money_key(situation, candidates).drop_duplicates(KEY)
    joined = left.merge(right, on=KEY, suffixes=("", "_candidate"))
    result[joined["position"]] = joined["position_candidate"]
    return result


KEY = ["order", "kind", "currency", "total"]


def _money_key(situation: Situation, positions: Positions) -> pd.DataFrame:
    """Return position, order, kind, currency and total of documents, sorted by id."""
    view = situation.view
    positions = positions[np.argsort(view.column("source_id")[positions], kind="stable")]
    return pd.DataFrame(
        {
            "position": positions,
            "order": view.column("order_key")[positions],
            "kind": view.kind_codes[positions],
            "currency": view.frames.documents["currency"].cat.codes.to_numpy()[positions],
            "total": view.amounts("grand_total", positions),
        }
    )


def _unlinked(situation: Situation, todo: Mask) -> Positions:
    """Return the position in `unlinked` of an Odoo document that may be the counterpart (docs/business-rules.md#cut-over); -1 without.

    It has the same kind, the same customer by e-mail or name, and the same currency and total within 30 days; shipments
    have no total.
    """
    view = situation.view
    result = np.full(len(view.exists), -1, dtype=np.int64)
    others = view.frames.unlinked
    others = others[(others["side"] == Side.ODOO) & ~others["without_order"] & others["deleted_at"].isna()]
    positions = np.flatnonzero(todo & ~view.of_kind(Kind.SHIPMENT))
    if others.empty or not len(positions):
        return result
    left = _candidate_key(view.frames.documents.iloc[positions]).assign(position=positions)
    customers = view.frames.documents.iloc[view.order_of[positions]]
    left["email"], left["name"] = _plain(customers["customer_email"]), _plain(customers["customer_name"])
    right = _candidate_key(others).assign(other=others.index)
    right["email"], right["name"] = _plain(others["customer_email"]), _plain(others["customer_name"])
    joined = left.merge(right, on=["kind", "currency", "total"], suffixes=("", "_other"))
    same = _equal(joined, "email") | _equal(joined, "name")
    near = (joined["date"] - joined["date_other"]).abs() <= DAYS_APART
    joined["id"] = others["source_id"].reindex(joined["other"]).to_numpy()
    best = joined[same & near].sort_values("id").drop_duplicates("position")
    result[best["position"]] = best["other"]
    return result


def _candidate_key(documents: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "kind": documents["kind"].astype(str).to_numpy(),
            "currency": documents["currency"].astype(str).to_numpy(),
            "total": rounded(documents["grand_total"].to_numpy(), _CENT),
            "date": documents["document_date"].fillna(documents["created_at"].dt.tz_localize(None)).to_numpy(),
        }
    )


def _plain(column: pd.Series) -> Any:
    return column.astype(str).str.strip().str.lower().to_numpy()


def _equal(joined: pd.DataFrame, name: str) -> pd.Series:
    return (joined[name] != "") & (joined[name] == joined[f"{name}_other"])


def _duplicates(situation: Situation) -> Mask:
    """Return documents for which nothing is open and that equal a paired one of the same order, side and kind.

    Equal means total, currency and quantities per item.
    """
    view, crowded = situation.view, situation.crowded
    result = np.zeros(len(view.exists), dtype=bool)
    if not crowded.any():
        return result
    here = np.isin(view.column("order_key"), np.unique(view.column("order_key")[crowded]))
    keys = _money_key(situation, np.flatnonzero(situation.is_document & view.active & here))
    positions = keys["position"].to_numpy()
    keys["side"], keys["signature"] = view.is_magento[positions], situation.counted.signatures[positions]
    keys["paired"] = situation.matching.paired[positions]
    equal = keys.groupby([*KEY, "side", "signature"])["paired"].transform("any").to_numpy(bool)
    result[positions[equal]] = True
    return result & crowded


def _corrections(situation: Situation, todo: Mask) -> tuple[Mask, Mask]:
    """Return credit notes and invoices of equal total on one order, one to one: the order's net is unchanged."""
    view = situation.view
    keys = ["order", "currency", "total", "turn"]
    notes, invoices = np.zeros(len(view.exists), dtype=bool), np.zeros(len(view.exists), dtype=bool)
    if not (todo & view.of_kind(Kind.CREDIT_MEMO)).any():
        return notes, invoices
    sides = []
    for kind in (Kind.CREDIT_MEMO, Kind.INVOICE):
        rows = _money_key(situation, np.flatnonzero(todo & view.of_kind(kind)))
        sides.append(rows.assign(turn=rows.groupby(["order", "currency", "total"]).cumcount()))
    joined = sides[0].merge(sides[1], on=keys, suffixes=("", "_invoice"))
    notes[joined["position"]] = True
    invoices[joined["position_invoice"]] = True
    return notes, invoices


def _replacements(situation: Situation, todo: Mask) -> Mask:
    """Return Odoo deliveries beyond what was ordered: sent again, or given for free (docs/business-rules.md#credit-memos).

    Excludes goods that are cancelled or refunded before shipping, and deliveries that we made.
    """
    beyond = todo & situation.view.of_kind(Kind.SHIPMENT) & situation.crowded & ~situation.view.ours
    moved = situation.counted.by_item(beyond)
    if moved.empty:
        return beyond
    table = situation.items_of(situation.view.column("order_key")[moved["document"].to_numpy()])
    left = quantities.room_in_magento(table, Kind.SHIPMENT).clip(lower=0) + stock.given_up(table)
    beyond[moved["document"][left.reindex(moved["item"]).fillna(0).to_numpy() > 0]] = False
    return beyond


def _sent_again(situation: Situation, todo: Mask) -> Mask:
    """Return deliveries of nothing but goods that had left before: the return of a return, and exchanges."""
    view, again = situation.view, np.zeros(len(situation.view.exists), dtype=bool)
    again[view.frames.lines["document"].to_numpy()[quantities.beside(view) | quantities.exchanged(view)]] = True
    return todo & again & (situation.counted.signatures == 0) & ~view.ours


def _unmapped_lines(situation: Situation, todo: Mask) -> Mask:
    """Return Odoo invoices with a line that is no item or shipping of the order, or whose price differs from Magento's item."""
    view = situation.view
    invoice = todo & view.of_kind(Kind.INVOICE)
    lines = view.frames.lines
    result = np.zeros(len(view.exists), dtype=bool)
    rows = lines[invoice[lines["document"].to_numpy()]]
    if rows.empty:
        return result
    role = rows["role"].cat.codes.to_numpy()
    item = role == ROLES.index("item")
    foreign = (role == ROLES.index("other")) | (item & (rows["item_key"] == 0).to_numpy())
    orders = np.isin(view.column("order_key"), view.column("order_key")[np.flatnonzero(invoice)])
    sold = lines[(orders & view.select(Side.MAGENTO, Kind.ORDER))[lines["document"].to_numpy()]].set_index("item_key")
    known = (
        sold[~sold.index.duplicated()].reindex(rows["item_key"])[["untaxed", "qty_ordered"]].fillna(0).astype(np.int64)
    )
    ordered = known["qty_ordered"].clip(lower=1).to_numpy()
    apart = rows["untaxed"].to_numpy() * ordered - known["untaxed"].to_numpy() * rows["quantity"].to_numpy()
    other_price = item & (np.abs(apart) > PRICE_TOLERANCE * ordered)
    result[rows["document"].to_numpy()[foreign | other_price]] = True
    return result


def _discounted_tax(view: View, todo: Mask) -> Mask:
    """Return Odoo invoices whose payment term lowers their tax immediately: Magento has no such tax."""
    return todo & view.of_kind(Kind.INVOICE) & (view.column("discounted_tax") != "")


def pushed(situation: Situation, todo: Mask) -> Mask:
    """Return the Odoo invoices that the policy would write to Magento."""
    view, policy = situation.view, situation.view.instance.invoices
    invoice = todo & view.of_kind(Kind.INVOICE)
    if policy.to_magento == "off":
        return invoice & False
    if policy.to_magento == "when_posted":
        return invoice
    return invoice & settled_by_payments(situation)
