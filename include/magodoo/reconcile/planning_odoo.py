"""What would be written to Odoo for one order: order, invoices, payments, deliveries, tracks, credit notes, refunds,
returns.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from magodoo.money import rounded, shown
from magodoo.reconcile import kept_out, series
from magodoo.reconcile.finding import Finding
from magodoo.reconcile.findings import records
from magodoo.reconcile.frames import tracks_of
from magodoo.reconcile.order_plan import OrderPlan, first_reason
from magodoo.reconcile.refunded_invoice import refunded_invoice
from magodoo.reconcile.rows import Document
from magodoo.reconcile.statuses import UNPAID
from magodoo.reconcile.view import NEVER_IMPORTED
from magodoo.tracking import lacking
from magodoo.vocabulary import ChangeKind, FindingType, Kind, Side

MISSING, STATUS = FindingType.MISSING_IN_ODOO, FindingType.STATUS_MISMATCH


def plan(order: OrderPlan) -> None:
    """In the order in which the changes are carried out."""
    _order(order)
    _cancellation(order)
    closed = _order_reason(order)
    _invoices(order, closed)
    _payments(order, closed)
    _deliveries(order, closed)
    _tracking(order)
    _credit_notes(order, closed)
    _refunds(order, closed)
    _credit_given(order, closed)
    _returns(order, closed)
    kept_out.advise(order, closed)


def _order(order: OrderPlan) -> None:
    """Import what is missing; confirm a quotation of ours once Magento has gone on."""
    view, row = order.facts.situation.view, order.order
    for finding in (*order.of(MISSING, Kind.ORDER), *order.of(STATUS, Kind.ORDER, "draft")):
        reason = first_reason(
            order.cut_over(row), _held(order), order.unreadable(Kind.ORDER), kept_out.reason(order), order.blocked(row),
            _replaced_order(order),
        )  # fmt: skip
        if reason:
            finding.no_change_reason = reason
            finding.next_step = kept_out.advice(order) if reason == kept_out.reason(order) else ""
            continue
        replaces = int(row.edit_of) or None
        order.change(
            ChangeKind.ORDER_IMPORT,
            row,
            [finding],
            **{"as": view.imported_as(row.state, row.payment_method), "replaces": replaces},
        )


def _replaced_order(order: OrderPlan) -> str | None:
    """RULES: an edited order's predecessor is cancelled in Odoo only if nothing is posted or done, before the new one
    is confirmed. Where nothing will cancel it, the new one would wait for ever.
    """
    situation = order.facts.situation
    if not order.order.edit_of:
        return None
    view = situation.view
    keys = view.column("order_key") == int(order.order.edit_of)
    old = keys & situation.odoo_orders & ~view.word_is("state", {"cancel"})
    moved = keys & ~view.is_magento & situation.is_document & view.active
    if old.any() and moved.any():
        return "The order that it replaces is invoiced or delivered in Odoo: a person decides"
    if (keys & situation.odoo_orders & view.word_is("state", {"sale", "done"})).any():
        if not order.instance.orders.cancel:
            return "The order that it replaces stands in Odoo, and the setting `orders.cancel` is off"
        if not (keys & view.is_magento & view.word_is("state", {"canceled"}) & ~view.before_books).any():
            return "The order that it replaces stands in Odoo and is not cancelled automatically: a person decides"
    return None


def _cancellation(order: OrderPlan) -> None:
    for finding in order.of(STATUS, Kind.ORDER, "order"):
        begun = [kind for kind in (Kind.INVOICE, Kind.SHIPMENT) if order.active(Side.ODOO, kind)]
        reason = first_reason(
            None if order.instance.orders.cancel else "The setting `orders.cancel` is off",
            order.cut_over(order.order),
            order.unreadable(Kind.ORDER),
            "In Odoo the order is invoiced or delivered already: a person decides" if begun or _moved(order) else None,
        )
        if reason or order.odoo is None:
            finding.no_change_reason = reason
            continue
        order.change(ChangeKind.ORDER_CANCEL, order.order, [finding], odoo_id=int(order.odoo.source_id))


def _moved(order: OrderPlan) -> bool:
    """Whether Odoo's order lines say that something was invoiced or delivered."""
    lines = order.facts.situation.view.frames.lines_of(order.odoo.at) if order.odoo is not None else []
    return any(line.qty_invoiced or line.qty_shipped for line in lines)


def _held(order: OrderPlan) -> str | None:
    """RULES: held, payment-review, fraud and pending-payment orders are never imported, confirmed or shipped."""
    held = order.order.state in NEVER_IMPORTED or order.order.status == "fraud"
    return f"The order is {order.order.status or order.order.state} in Magento" if held else None


def _order_reason(order: OrderPlan) -> str | None:
    """Why nothing can be written onto the order in Odoo; None when it stands there, or will after this plan."""
    if reason := first_reason(_held(order), order.unreadable(Kind.ORDER)):
        return reason
    if order.order.state == "canceled" and order.odoo is None:
        return f"The order is {order.order.status or order.order.state} in Magento"
    if any(change.kind is ChangeKind.ORDER_IMPORT for change in order.changes):
        as_quotation = any(change.intent.get("as") == "quotation" for change in order.changes)
        return "The order is imported as a quotation only" if as_quotation else None
    if order.odoo is None:
        return kept_out.of_its_documents(order)
    if order.odoo.state == "cancel":
        return "The order is cancelled in Odoo"
    if order.odoo.state != "sale":
        return "The order is a quotation in Odoo"
    if order.odoo.foreign_units:
        return f"Its quantities in Odoo do not convert: {order.odoo.foreign_units}"
    return None


def _own(order: OrderPlan, row: Document) -> str | None:
    if not row.reference:
        return None
    if order.partner(row) is not None:
        return "It was written from Odoo, whose own document counts: a person changes that one"
    return "It was written from Odoo, and its source there is gone"


def _invoices(order: OrderPlan, closed: str | None) -> None:
    policy = order.instance.invoices.to_odoo
    for finding in (*order.of(MISSING, Kind.INVOICE), *order.of(STATUS, Kind.INVOICE, "draft")):
        row = order.row(finding)
        if _nothing_to_book(order, finding, row):
            continue
        reason = first_reason(
            "The setting `invoices.to_odoo` is off" if policy == "off" else None,
            order.cut_over(row),
            closed,
            order.unreadable(Kind.INVOICE),
            _own(order, row),
            order.blocked(row),
            order.crowded(row, Side.ODOO),
        )
        _moved_entry(order, finding, row, ChangeKind.ODOO_INVOICE, policy, reason)


def _nothing_to_book(order: OrderPlan, finding: Finding, row: Document) -> bool:
    """RULES, *A memo of exactly zero*: posted where its invoice was; else, and where the settings say so, it is information."""
    if rounded(row.grand_total) or finding.type is not MISSING:
        return False
    if order.instance.zero_documents == "information":
        reason = "The setting `zero_documents` is `information`"
    elif row.kind == Kind.CREDIT_MEMO and not _is_invoiced(order):
        reason = "No invoice of the order is in Odoo: there is nothing that it would take back"
    else:
        return False
    finding.type, finding.no_change_reason = FindingType.NOTHING_TO_BOOK, reason
    return True


def _is_invoiced(order: OrderPlan) -> bool:
    """Whether an invoice of the order stands in Odoo, or will after this plan."""
    return bool(order.active(Side.ODOO, Kind.INVOICE)) or any(
        change.kind is ChangeKind.ODOO_INVOICE for change in order.changes
    )


def _moved_entry(
    order: OrderPlan, finding: Finding, row: Document, kind: ChangeKind, policy: str, reason: str | None, **intent: Any
) -> None:
    """An invoice or credit note, unless a reason, a closed period or the series of its journal holds it."""
    if reason:
        finding.no_change_reason = reason
        return
    period = _closed_period(order, finding, row)
    if period and order.instance.closed_period == "hold":
        finding.no_change_reason = f"{period[0].detail}: the setting `closed_period` is `hold`"
        return
    early = _out_of_series(order, finding, row) if policy == "post" else []
    if early and finding.no_change_reason:
        return
    words = {"as": policy, "items": order.facts.items.get(row.at, []), "closed_period": bool(period)}
    dated = {"dated_today": True} if early else {}
    order.change(kind, row, [finding, *period, *early], **words, **dated, **intent)


def _out_of_series(order: OrderPlan, finding: Finding, row: Document) -> list[Finding]:
    """A document dated before the last posted one of its journal, where the series follow the dates; says why it is held."""
    day = row.document_date
    last = series.last_day(order.facts.situation.view.frames.master, Kind(row.kind), day)
    if order.facts.series == "off" or day is None or last is None or day >= last:
        return []
    found = records.out_of_series(finding, row, last)
    order.added.append(found)
    if order.facts.series != "date_today":
        finding.no_change_reason = f"{found.detail}: the setting `chronological_series` holds it"
    elif last > order.facts.today:
        finding.no_change_reason = f"{found.detail}, which lies in the future"
    return [found]


def _closed_period(order: OrderPlan, finding: Finding, row: Document) -> list[Finding]:
    lock = _lock_around(order, row)
    if lock is None:
        return []
    found = records.closed(finding, row, lock)
    order.added.append(found)
    return [found]


def _lock_around(order: OrderPlan, row: Document) -> date | None:
    """The lock date inside which a document lies; None outside."""
    lock = order.facts.lock
    return lock if lock and row.document_date and row.document_date <= lock else None


def _payments(order: OrderPlan, closed: str | None) -> None:
    """Money that the provider has, with evidence; never of an invoice that we wrote (RULES, *Payments*)."""
    _settle(order, closed, Kind.INVOICE, ChangeKind.ODOO_INVOICE, ChangeKind.ODOO_PAYMENT, "invoice")


def _settle(
    order: OrderPlan, closed: str | None, kind: Kind, written: ChangeKind, paid: ChangeKind, target: str
) -> None:
    """Payments for documents that stand in Odoo unpaid, and for those that are planned (`written`); `target` names the document."""
    for finding in order.of(STATUS, kind, "payment"):
        row, entry = order.row(finding), order.partner(order.row(finding))
        partly = (
            "It is partially paid in Odoo: a person decides"
            if entry is not None and entry.status == "partial" and entry.grand_total - entry.open_amount > row.tendered
            else None
        )
        reason = first_reason(
            order.cut_over(row),
            closed,
            _own(order, row),
            partly,
            order.blocked(row, entry),
            _method_reason(order, row),
            _payment_held(order, row),
        )
        if reason:
            finding.no_change_reason = reason
            continue
        assert entry is not None
        _payment(order, paid, row, [finding], **{target: int(entry.source_id)})
    planned = _planned_rows(order, written)
    for row in planned:
        # Of what gift cards and credit have paid whole, and of a document of 0.00, the provider has nothing.
        has_money = order.facts.captured[row.at] and rounded(row.grand_total - row.tendered) > 0
        if has_money and _method_reason(order, row) is None:
            entry = order.partner(row)
            _payment(order, paid, row, [], **{target: int(entry.source_id) if entry is not None else None})
    if closed is None:
        _payment_parts(order, kind, planned, paid, target)


def _payment_parts(order: OrderPlan, kind: Kind, planned: list[Document], paid: ChangeKind, target: str) -> None:
    """What was paid by gift card, store credit or points, of documents that are posted or will be: each settles its liability.

    Its evidence is Magento's own document. Payments are found by their names, so that one that is there already is not made twice.
    """
    for row in order.active(Side.MAGENTO, kind):
        entry = order.partner(row)
        posted = entry is not None and entry.state == "posted" and entry.status in UNPAID
        due = posted and entry is not None and entry.captured_amount < row.tendered
        held = first_reason(order.cut_over(row), _own(order, row), order.blocked(row, entry), _payment_held(order, row))
        if not row.tendered or held or not (due or row in planned):
            continue
        for name in row.tendered_by.split(","):
            words = {"part": name, target: int(entry.source_id) if entry is not None else None}
            _payment(order, paid, row, [], **words)


def _payment(order: OrderPlan, kind: ChangeKind, row: Document, findings: list[Finding], **target: Any) -> None:
    """A payment has its document's date: inside a closed period it needs approval as the document does."""
    method = str(order.order.payment_method)
    period = {"closed_period": True} if _lock_around(order, row) is not None else {}
    order.change(kind, row, findings, method=method, transaction_id=row.transaction_id or None, **period, **target)


def _payment_held(order: OrderPlan, row: Document) -> str | None:
    lock = _lock_around(order, row)
    if lock is None or order.instance.closed_period != "hold":
        return None
    return f"Dated {row.document_date}, closed up to {lock}: the setting `closed_period` is `hold`"


def _planned_rows(order: OrderPlan, kind: ChangeKind) -> list[Document]:
    """Documents whose posted entry this plan makes."""
    planned = [change for change in order.changes if change.kind is kind and change.intent.get("as") == "post"]
    if not planned:
        return []
    wanted = {(change.document_kind, change.source_id) for change in planned}
    rows = [order.facts.rows[at] for at in order.facts.documents[order.order.source_id]]
    return [row for row in rows if row.side == Side.MAGENTO and (row.kind, str(row.source_id)) in wanted]


def _method_reason(order: OrderPlan, row: Document) -> str | None:
    """Why no payment may be registered for the order's method; an unlisted one is `unmapped`, no default journal."""
    name = str(order.order.payment_method)
    if not name:
        return "Magento does not say by which payment method the order was paid"
    method = order.instance.payment_methods.get(name)
    if method is None:
        part = f"payment:{name}"
        if not any(finding.part == part for finding in order.added):
            words = f"Payment method {name} has captured money and is not listed in the settings"
            order.added.append(records.unmapped(order.order, part, words))
        return f"The payment method {name} is not listed in the settings"
    if not (method.captured_by_provider or method.invoice_means_paid):
        return f"The payment method {name} is not one that a provider captures"
    if not method.journal:
        return f"The payment method {name} has no journal in the settings"
    evidence = row.captured_amount > 0 or row.transaction_id
    return None if evidence or method.invoice_means_paid else "There is no evidence that the provider has the money"


def _deliveries(order: OrderPlan, closed: str | None) -> None:
    for finding in order.of(MISSING, Kind.SHIPMENT):
        row = order.row(finding)
        items = order.facts.items.get(row.at, [])
        reason = first_reason(
            None if order.instance.shipments.to_odoo else "The setting `shipments.to_odoo` is off",
            order.cut_over(row),
            closed,
            order.unreadable(Kind.SHIPMENT),
            _own(order, row),
            order.blocked(row),
            order.crowded(row, Side.ODOO),
            None if items else _nothing_left(order, row),
        )
        if reason:
            finding.no_change_reason = reason
            continue
        words = {
            "tracks": tracks_of(row.tracking),
            "carrier": row.carrier or None,
            "source_code": row.source_code or None,
        }
        order.change(ChangeKind.ODOO_DELIVERY, row, [finding], items=items, **words)


def _nothing_left(order: OrderPlan, row: Document) -> str:
    """Why a shipment delivers nothing in Odoo."""
    if not order.facts.situation.counted.parcels_of_parts[row.at]:
        return "It names no item of the order"
    lines = order.facts.situation.view.frames.lines_of(row.at)
    named = {order.facts.bundle_of[line.item_key].sku for line in lines if line.item_key in order.facts.bundle_of}
    return (
        f"Its parts of the bundle {', '.join(sorted(named))} were shipped separately and Odoo's order has the bundle as one: "
        "it is delivered with the parcel that completes it"
    )


def _tracking(order: OrderPlan) -> None:
    """Tracks that one side lacks; where both have others nobody but a person knows which are right."""
    policy = order.instance.shipments.tracking
    for finding in order.of(FindingType.TRACKING_MISMATCH):
        shipment, picking = order.row(finding), order.facts.rows[finding.odoo_at]
        here, there = (order.tracks_with(row) for row in (shipment, picking))
        to_odoo, to_magento = lacking(here, there), lacking(there, here)
        if to_odoo and to_magento:
            continue
        wanted = "to_odoo" if to_odoo else "to_magento"
        allowed = None if policy in ("both", wanted) else f"The setting `shipments.tracking` is `{policy}`"
        reason = first_reason(allowed, order.cut_over(shipment), order.other_goods(shipment, picking))
        if reason:
            finding.no_change_reason = reason
        elif to_odoo:
            order.change(ChangeKind.ODOO_TRACKING, shipment, [finding], odoo_id=int(picking.source_id), tracks=to_odoo)
        else:
            words = {"magento_id": int(shipment.source_id), "tracks": to_magento, "carrier": picking.carrier or None}
            order.change(ChangeKind.MAGENTO_TRACKING, picking, [finding], **words)


def _credit_notes(order: OrderPlan, closed: str | None) -> None:
    policy = order.instance.credit_memos.to_odoo
    for finding in (*order.of(MISSING, Kind.CREDIT_MEMO), *order.of(STATUS, Kind.CREDIT_MEMO, "draft")):
        row = order.row(finding)
        if _nothing_to_book(order, finding, row):
            continue
        reason = first_reason(
            "The setting `credit_memos.to_odoo` is off" if policy == "off" else None,
            order.cut_over(row),
            closed,
            order.unreadable(Kind.CREDIT_MEMO),
            _own(order, row),
            order.blocked(row),
            order.over_refunded(),
            _nothing_to_refund(order, row),
        )
        invoice = refunded_invoice(order, row)
        unshipped = order.facts.unshipped.get(row.at, [])
        _moved_entry(
            order, finding, row, ChangeKind.ODOO_CREDIT_NOTE, policy, reason, invoice=invoice, unshipped=unshipped
        )


def _nothing_to_refund(order: OrderPlan, row: Document) -> str | None:
    """A refund needs invoices in Odoo, standing or planned, that are not refunded yet."""
    if rounded(row.grand_total) < 0:
        return "A credit memo below zero is never written"
    invoiced = sum(each.grand_total for each in order.active(Side.ODOO, Kind.INVOICE))
    invoiced += sum(change.amount for change in order.changes if change.kind is ChangeKind.ODOO_INVOICE)
    refunded = sum(each.grand_total for each in order.active(Side.ODOO, Kind.CREDIT_MEMO))
    refunded += sum(change.amount for change in order.changes if change.kind is ChangeKind.ODOO_CREDIT_NOTE)
    tolerance = order.instance.tolerance_units(row.currency)
    if refunded + row.grand_total > invoiced + tolerance:
        here, gone = shown(int(invoiced), row.currency), shown(int(refunded), row.currency)
        said = f"{here} {row.currency} are invoiced, {gone} refunded already"
        return f"The refunds would exceed what is invoiced in Odoo: {said}"
    return None


def _refunds(order: OrderPlan, closed: str | None) -> None:
    """A refund that the provider paid out (transaction id); an offline one stays open and is listed."""
    _settle(order, closed, Kind.CREDIT_MEMO, ChangeKind.ODOO_CREDIT_NOTE, ChangeKind.ODOO_REFUND_PAYMENT, "credit_note")


def _credit_given(order: OrderPlan, closed: str | None) -> None:
    """A refund to store credit or points settles the credit note against its liability: no money is owed for it (RULES, *Nature of a
    total*). Its evidence is Magento's own document.
    """
    planned = _planned_rows(order, ChangeKind.ODOO_CREDIT_NOTE)
    for finding in order.of(FindingType.REFUNDED_TO_CREDIT, Kind.CREDIT_MEMO):
        row, units = order.row(finding), int(finding.magento_amount or 0)
        entry = order.partner(row)
        posted = entry is not None and entry.state == "posted"
        extra = order.instance.extra_totals.get(finding.part)
        reason = first_reason(
            f"No account is set for it under `extra_totals.{finding.part}`" if extra is None else None,
            order.cut_over(row),
            closed,
            _own(order, row),
            order.blocked(row, entry),
            _payment_held(order, row),
            None if posted or row in planned else "Its credit note is not posted in Odoo",
            f"It is settled otherwise in Odoo ({entry.settled_by or 'in part'}): unmatch that first, or settle it by hand"
            if posted and entry is not None and entry.open_amount < units
            else None,
        )
        if reason:
            finding.no_change_reason = reason
            continue
        words = {
            "part": finding.part,
            "given": units,
            "credit_note": int(entry.source_id) if entry is not None else None,
        }
        _payment(order, ChangeKind.ODOO_REFUND_PAYMENT, row, [finding], **words)


def _returns(order: OrderPlan, closed: str | None) -> None:
    """Goods of refunded and shipped items back to stock, where the settings say that refunds mean returns.

    With our credit note at once; beside one that a person wrote only when they are overdue, as the person may see to them.
    """
    late = {finding.magento_id: finding for finding in order.of(FindingType.REFUNDED_NOT_RETURNED)}
    for row in order.active(Side.MAGENTO, Kind.CREDIT_MEMO):
        items = order.facts.awaiting_return.get(row.at)
        finding, note = late.get(str(row.source_id)), order.partner(row)
        ours = note is not None and order.facts.situation.view.ours[note.at]
        booked = order.is_planned(ChangeKind.ODOO_CREDIT_NOTE, row) or not rounded(row.grand_total)
        due = booked or ours or (note is not None and finding is not None)
        reason = first_reason(
            order.cut_over(row), closed, None if due else "Its credit memo is not in Odoo: the goods come back with it"
        )
        if items and finding is not None:
            finding.no_change_reason = reason
        if not items or reason:
            continue
        order.change(ChangeKind.ODOO_STOCK_RETURN, row, [finding] if finding else [], items=items)
