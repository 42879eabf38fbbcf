"""Invoices, shipments, tracks and credit memos into Magento: one call each, on an order that was just read.

Facts magento-2.4.7 5 and 7. Nothing is ever captured, voided, refunded online or cancelled here (RULES).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from magodoo.errors import FixDocument, MagodooError
from magodoo.extract.tendered import tendered
from magodoo.load.ledger import LeasedChange
from magodoo.load.matches import matched
from magodoo.load.outcomes import Answers, Changed, Found, Written, refused
from magodoo.load.predict import predicted_credit_memo, predicted_invoice, unpredictable
from magodoo.load.writer import Writer
from magodoo.magento.items import (
    Lines,
    Role,
    by_parts,
    check_lines,
    order_items,
    quantity_differences,
    shipped_goods,
)
from magodoo.magento.marker import find_marker
from magodoo.magento.writes import Track
from magodoo.money import from_units, rounded, shown, to_units
from magodoo.reconcile.bundles import refunded_whole
from magodoo.tracking import lacking
from magodoo.vocabulary import ChangeKind, Kind, Side

if TYPE_CHECKING:
    from magodoo.pipeline.context import Context

Row = Mapping[str, Any]
_VALIDATION = "Shipment Document Validation Error(s)"
_CLOSED = ("holded", "canceled", "closed", "payment_review")


class MagentoDocument(Writer):
    """What the three documents share: found by the marker in their comment, else adopted when equal and matched with nothing."""

    group_size = 25
    write_size = 1
    many_steps = False
    one_per_order = True
    _known: dict[int, Row] | None = None

    def probe(self, context: Context, changes: Sequence[LeasedChange]) -> Answers:
        rows = _rows(context, self.document, changes)
        taken = matched(context, Side.MAGENTO, self.document, [int(row["entity_id"]) for row in rows])
        answers: Answers = {}
        for change in changes:
            of_order = [row for row in rows if int(row["order_id"]) == change.request["order_id"]]
            own = next((row for row in of_order if str(find_marker(row)) == change.request["marker"]), None)
            counted = taken | set(change.request.get("counted") or ())  # they stand for other documents together
            equal = [row for row in of_order if row["entity_id"] not in counted and find_marker(row) is None]
            theirs = [row for row in equal if self._equal(context, row, change)]
            if own is not None:
                answers[change.id] = Found(int(own["entity_id"]), complete=True)
            elif theirs:
                answers[change.id] = Found(int(theirs[0]["entity_id"]), complete=True, adopted=True)
                taken.add(int(theirs[0]["entity_id"]))
        return answers

    def check(self, context: Context, changes: Sequence[LeasedChange]) -> dict[int, MagodooError]:
        orders = self._orders(context, changes)
        problems: dict[int, MagodooError] = {}
        for change in changes:
            order = orders.get(change.request["order_id"])
            try:
                complaint = (
                    "the order does not exist in Magento" if order is None else self._objection(context, order, change)
                )
                if order is not None:
                    check_lines(self.document, order, _lines(change))
            except MagodooError as problem:
                problems[change.id] = problem
                continue
            if complaint:
                problems[change.id] = refused(complaint)
        return problems

    def write(self, context: Context, changes: Sequence[LeasedChange]) -> Written:
        orders = self._orders(context, changes)
        return {change.id: self._written(context, orders, change) for change in changes}

    def for_group(self) -> Self:
        """The orders of a group are read once, for its check and all its writes: a list of them takes Magento 8 ms an order."""
        of_group = copy.copy(self)
        of_group._known = {}
        return of_group

    def _orders(self, context: Context, changes: Sequence[LeasedChange]) -> Mapping[int, Row]:
        """The orders of the changes as this group has read them; without a group as they are now."""
        known = {} if self._known is None else self._known
        unread = [change for change in changes if change.request["order_id"] not in known]
        if unread:
            known |= {int(row["entity_id"]): row for row in _rows(context, Kind.ORDER, unread)}
        return known

    def _written(self, context: Context, orders: Mapping[int, Row], change: LeasedChange) -> int | MagodooError:
        order = orders.get(change.request["order_id"])
        if order is None:
            return Changed("the order is gone from Magento")
        try:
            return self._create(context, order, change)
        except MagodooError as problem:
            return problem

    def _equal(self, context: Context, row: Row, change: LeasedChange) -> bool:
        same = not quantity_differences(row, _lines(change))
        total = change.request["expect"].get("total")
        sold = to_units(row.get("grand_total")) + _tendered(context, row)
        return same and (total is None or rounded(sold) == rounded(total))

    def _objection(self, context: Context, order: Row, change: LeasedChange) -> str | None:
        """Why this may not be written on the order as it is now; None when it may."""
        return f"the order is {order['state']} in Magento" if order.get("state") in _CLOSED else None

    def _create(self, context: Context, order: Row, change: LeasedChange) -> int:
        raise NotImplementedError

    def pair(self, change: LeasedChange, target_id: int) -> tuple[Kind, str, str] | None:
        return self.document, str(target_id), change.source_id


class CreateInvoice(MagentoDocument):
    """Invoices what Odoo invoiced; Magento then shows it as paid, whatever the method (facts magento-2.4.7 5)."""

    kind = ChangeKind.MAGENTO_INVOICE
    document = Kind.INVOICE

    def _objection(self, context: Context, order: Row, change: LeasedChange) -> str | None:
        payment = order.get("payment") or {}
        if not payment.get("method"):
            return "the order has no payment in Magento: whether it is only authorised cannot be told"
        method = context.instance.payment_methods.get(str(payment.get("method") or ""))
        authorised = to_units(payment.get("amount_authorized")) and not to_units(payment.get("base_amount_paid_online"))
        if authorised and not (method is not None and method.invoice_means_paid):
            return "its payment is only authorised: capture it in Magento first"
        if unknown := unpredictable(order, _tendered(context, order)):
            return unknown
        total, wanted = predicted_invoice(order, change.request["items"]), change.request["expect"]["total"]
        currency = _currency(order)
        if rounded(total) != rounded(wanted):
            return f"Magento would make an invoice of {shown(total, currency)}, Odoo's is {shown(wanted, currency)}"
        return super()._objection(context, order, change)

    def _create(self, context: Context, order: Row, change: LeasedChange) -> int:
        request = change.request
        return context.shop.create_invoice(
            request["order_id"], _lines(change), request["marker"], capture=False, notify=request["notify"], order=order
        )


class CreateShipment(MagentoDocument):
    """Ships what Odoo delivered, from the mapped source, with its tracks."""

    kind = ChangeKind.MAGENTO_SHIPMENT
    document = Kind.SHIPMENT

    def _equal(self, context: Context, row: Row, change: LeasedChange) -> bool:
        """Whether it moves the same goods, whether it names a bundle or its parts."""
        order = self._orders(context, [change]).get(change.request["order_id"])
        lines = [(int(item["order_item_id"]), Decimal(item["qty"])) for item in row.get("items") or ()]
        return order is not None and shipped_goods(order, lines) == shipped_goods(order, _lines(change))

    def _create(self, context: Context, order: Row, change: LeasedChange) -> int:
        """A bundle of which nothing has shipped yet is named by itself; by its parts where Magento says that these ship separately.

        Magento's validation comes before anything is stored, so that the second call repeats nothing.
        """
        lines = _lines(change)
        try:
            return self._ship(context, order, change, lines)
        except FixDocument as refusal:
            bundles = _refused_bundles(order, lines, str(refusal))
            if not bundles:
                raise _explained(order, lines, refusal) from refusal
        return self._ship(context, order, change, by_parts(order, lines, bundles))

    def _ship(self, context: Context, order: Row, change: LeasedChange, lines: Lines) -> int:
        request = change.request
        return context.shop.create_shipment(
            request["order_id"],
            lines,
            [_track(track) for track in request["tracks"]],
            request["marker"],
            source_code=request["source_code"],
            notify=request["notify"],
            order=order,
        )


class CreateCreditMemo(MagentoDocument):
    """An offline refund with explicit shipping and adjustments; never `invoice/:id/refund`, which is not locked (facts 7)."""

    kind = ChangeKind.MAGENTO_CREDIT_MEMO
    document = Kind.CREDIT_MEMO

    def _objection(self, context: Context, order: Row, change: LeasedChange) -> str | None:
        currency = _currency(order)
        total, wanted = predicted_credit_memo(order, change.request), change.request["expect"]["total"]
        if wanted < 0:
            return "a credit memo below zero is never written"
        if parts := _tendered(context, order):
            return (
                f"{shown(parts, currency)} {currency} of the order were paid by gift card, credit or points, where Magento would put them"
                " back whatever was paid back in Odoo: refund it in Magento"
            )
        if unknown := unpredictable(order, 0):
            return unknown
        if rounded(total) != rounded(wanted):
            return f"Magento would make a credit memo of {shown(total, currency)}, Odoo's credit note is {shown(wanted, currency)}"
        paid, refunded = to_units(order.get("total_paid")), to_units(order.get("total_refunded"))
        if refunded + wanted > paid:
            return f"the order would be refunded {shown(refunded + wanted, currency)} of {shown(paid, currency)} paid"
        return f"the order is {order['state']} in Magento" if order.get("state") in ("holded", "canceled") else None

    def _create(self, context: Context, order: Row, change: LeasedChange) -> int:
        request = change.request
        return context.shop.create_credit_memo(
            request["order_id"],
            _lines(change),
            from_units(request["shipping_amount"]),
            from_units(request["adjustment_positive"]),
            from_units(request["adjustment_negative"]),
            request["marker"],
            notify=request["notify"],
            order=order,
        )


class AddTracks(Writer):
    """Tracks that a shipment lacks; Magento takes the same number twice, so it is looked for right before (facts 5.2)."""

    kind = ChangeKind.MAGENTO_TRACKING
    document = Kind.SHIPMENT
    one_per_order = True
    group_size = 25
    write_size = 1

    def probe(self, context: Context, changes: Sequence[LeasedChange]) -> Answers:
        rows = self._shipments(context, changes)
        return {
            change.id: Found(int(row["entity_id"]), complete=True)
            for change in changes
            if (row := rows.get(change.request["shipment_id"])) and not _missing(row, change)
        }

    def check(self, context: Context, changes: Sequence[LeasedChange]) -> dict[int, MagodooError]:
        rows = self._shipments(context, changes)
        gone = refused("the shipment is gone from Magento")
        return {change.id: gone for change in changes if change.request["shipment_id"] not in rows}

    def write(self, context: Context, changes: Sequence[LeasedChange]) -> Written:
        rows = self._shipments(context, changes)
        written: Written = {}
        for change in changes:
            row = rows.get(change.request["shipment_id"])
            written[change.id] = (
                refused("the shipment is gone from Magento") if row is None else self._add(context, row, change)
            )
        return written

    def _add(self, context: Context, row: Row, change: LeasedChange) -> int | MagodooError:
        for track in _missing(row, change):
            try:
                context.shop.add_track(change.request["order_id"], change.request["shipment_id"], _track(track))
            except MagodooError as problem:
                return problem
        return int(row["entity_id"])

    def _shipments(self, context: Context, changes: Sequence[LeasedChange]) -> dict[int, Row]:
        ids = [int(change.request["shipment_id"]) for change in changes]
        pages = context.shop.by_ids(Kind.SHIPMENT, ids)
        return {int(row["entity_id"]): row for page in pages for row in page.rows}


def _tendered(context: Context, row: Row) -> int:
    """Units of an order or a document that gift cards and credit paid: they lower its total and not what it sells."""
    return sum(tendered(context.instance, row).values())


def _currency(order: Row) -> str:
    return str(order.get("order_currency_code") or "")


def _refused_bundles(order: Row, lines: Lines, refusal: str) -> set[int]:
    """Bundles of a shipment that Magento's validation refuses by name: the rest of the text may be translated."""
    wholes = (Role.DYNAMIC_BUNDLE, Role.FIXED_BUNDLE)
    items = order_items(order)
    named = [number for number, _ in lines if items[number].role in wholes]
    return {number for number in named if _names(refusal, items[number].sku)}


def _explained(order: Row, lines: Lines, refusal: FixDocument) -> FixDocument:
    """The refusal of a part whose bundle Magento wants instead, and does not ship either, in words that say so."""
    items = order_items(order)
    for number, _ in lines:
        bundle = items.get(items[number].parent_id or 0) if number in items else None
        if bundle is None or bundle.role is not Role.DYNAMIC_BUNDLE or bundle.open_for(Kind.SHIPMENT) > 0:
            continue
        if bundle.refunded and _names(str(refusal), bundle.sku):
            return FixDocument(refunded_whole(bundle.sku), system="magento")
    return refusal


def _names(refusal: str, sku: str) -> bool:
    """Whether Magento's validation of a shipment names the SKU: the rest of the text may be translated."""
    return _VALIDATION in refusal and bool(re.search(rf"(?<![\w-]){re.escape(sku)}(?![\w-])", refusal))


def _missing(row: Row, change: LeasedChange) -> list[dict[str, str]]:
    known = [str(track.get("track_number") or "") for track in row.get("tracks") or ()]
    return [track for track in change.request["tracks"] if lacking([track["track_number"]], known)]


def _track(track: Mapping[str, str]) -> Track:
    return Track(track["track_number"], track["title"], track["carrier_code"])


def _lines(change: LeasedChange) -> list[tuple[int, Any]]:
    return [(int(key), from_units(units)) for key, units in change.request["items"]]


def _rows(context: Context, kind: Kind, changes: Sequence[LeasedChange]) -> list[dict[str, Any]]:
    orders = sorted({int(change.request["order_id"]) for change in changes})
    return [row for page in context.shop.by_order(kind, orders) for row in page.rows]
