"""Delivery of Odoo -> Magento shipment with its tracks; tracking numbers of a delivery -> those of its shipment.

A bundle of which nothing has shipped yet is named by itself, and by its parts where Magento reports that these ship
separately (docs/facts/magento-bundles.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from magodoo.connectors.magento.items import Lines, Role, by_parts, order_items, shipped_goods
from magodoo.connectors.magento.writes import Track
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.tracking import missing_numbers
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.errors import FixDocument, MagodooError
from magodoo.flows.magento_documents import (
    MISSING_IN_MAGENTO,
    DocumentRequest,
    MagentoDocument,
    Row,
    as_items,
    comment_of,
    item_rows,
    lines_of,
    magento_call,
    not_ready_in_magento,
    plan_document,
    request_head,
    sorted_by_bundle,
    staged,
)
from magodoo.flows.order_plan import Item, OrderPlan, first_reason, missing_tracks
from magodoo.flows.registry import Flow, register
from magodoo.flows.sources import Sources
from magodoo.ledger.behaviour import Answers, Found, Writer, Written, refused
from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.planned import Prepared, Request, RequestProblem
from magodoo.money import plain
from magodoo.reconcile.bundles import refunded_whole
from magodoo.reconcile.dataset import tracks_of
from magodoo.reconcile.rows import Document

if TYPE_CHECKING:
    from magodoo.context import Context
    from magodoo.ledger.planned import PlannedChange


@dataclass(frozen=True)
class MagentoShipmentIntent:
    """Hold what a delivery moved: its items and tracking numbers, the delivery method, and the source of its warehouse.

    Attributes:
        counted: Ids of Magento's shipments that represent other deliveries of the order.
    """

    items: tuple[Item, ...] = ()
    tracks: tuple[str, ...] = ()
    carrier: str | None = None
    source_code: str | None = None
    counted: tuple[int, ...] = ()


class ShipmentTrack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold a tracking number as Magento takes it: `carrier_code` is free text there."""

    track_number: str
    title: str
    carrier_code: str


class ExpectedQuantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold the units that are shipped altogether."""

    quantity: int


class MagentoShipmentRequest(DocumentRequest, frozen=True, kw_only=True):
    """Hold a shipment.

    Attributes:
        source_code: The source that the goods leave; None for Magento's default.
        counted: Ids of Magento's shipments that represent other deliveries of the order.
    """

    tracks: tuple[ShipmentTrack, ...]
    source_code: str | None
    expect: ExpectedQuantity
    counted: tuple[int, ...] | UnsetType = UNSET


Change = LeasedChange[MagentoShipmentRequest]


def plan_magento_shipments(order: OrderPlan) -> None:
    """Plan the Magento shipment of each Odoo delivery that is missing in Magento.

    Planned for the finding `missing_in_magento` of a shipment. Not planned while `shipments.to_magento` is off, for a
    delivery with goods that are no item of Magento's order, while the order is not ready in Magento, and for a part
    of a bundle that Magento ships together: the finding keeps the first of these reasons.
    """
    for finding in order.of(MISSING_IN_MAGENTO, Kind.SHIPMENT):
        row = order.row(finding)
        items, unnamed = _items_shipped(order, row)
        reason = first_reason(
            None if order.instance.shipments.to_magento else "The setting `shipments.to_magento` is off",
            _not_of_the_order(order, row),
            not_ready_in_magento(order, row),
            unnamed,
        )
        tracks, source = tuple(tracks_of(row.tracking)), row.source_code or None
        intent = MagentoShipmentIntent(items, tracks, row.carrier or None, source, _counted(order))
        plan_document(order, finding, row, ChangeKind.MAGENTO_SHIPMENT, reason, intent)


def _not_of_the_order(order: OrderPlan, row: Document) -> str | None:
    """Return why a delivery cannot be shipped: it has goods on a line of Odoo's order that are no item of Magento's; else None."""
    if not any(item == "0" for item, _ in order.facts.items.get(row.at, ())):
        return None
    lines = order.facts.situation.view.frames.lines_of(row.at)
    goods = ", ".join(f"{line.sku or 'without SKU'} x {plain(line.quantity, 0)}" for line in lines if not line.item_key)
    return f"It carries goods that are no item of Magento's order ({goods}): a person ships the others in Magento"


def _items_shipped(order: OrderPlan, row: Document) -> tuple[tuple[Item, ...], str | None]:
    """Return the items as Magento takes them for shipments, and why it cannot (None when it can).

    A bundle that ships separately is named by its parts, one that ships together by itself. Before the first shipment
    the way is not known: a whole bundle is named by itself and, where Magento refuses that, by its parts
    (`CreateShipment`). A part of a bundle is named by the part, and so is a bundle of which Magento ships nothing by
    its own line.
    """
    single, parts, reason = sorted_by_bundle(order, row)
    for item in [item for item in single if item in order.facts.bundles and order.facts.bundles[item].separately]:
        single |= order.facts.bundles[item].in_parts(single.pop(item))
    for bundle, quantities in parts:
        units = None if bundle.separately else bundle.whole(quantities, goods=True)
        if bundle.together and not bundle.unshipped:
            return (), refunded_whole(bundle.sku)
        if units is not None and units <= bundle.unshipped:
            single[bundle.item] = units
        elif bundle.together:
            return (), (
                f"Magento ships the bundle {bundle.sku} together, and this delivery holds only a part of it: "
                "ship it in Magento once all its parts have left"
            )
        else:
            single |= quantities
    return as_items(single), reason


def _counted(order: OrderPlan) -> tuple[int, ...]:
    """Return the ids of Magento's shipments that represent other deliveries of the order: equal ones are no earlier attempt of this one."""
    in_equal = order.facts.situation.matching.splits.in_equal
    return tuple(int(row.source_id) for row in order.active(Side.MAGENTO, Kind.SHIPMENT) if in_equal[row.at])


def prepare_shipment(sources: Sources, plan: PlannedChange[MagentoShipmentIntent]) -> Prepared:
    """Build the request: what an Odoo delivery delivered, from the source that its warehouse is mapped to, with its tracks."""
    document, items, problems = staged(sources, plan, plan.intent.items, Kind.SHIPMENT)
    if document is None or problems:
        return Prepared(plan, None, problems=problems)
    request = MagentoShipmentRequest(
        **request_head(sources, plan, "stock.picking"),
        items=items,
        tracks=_tracks(sources, plan.intent.tracks, plan.intent.carrier or document.carrier),
        source_code=plan.intent.source_code,
        expect=ExpectedQuantity(sum(item.units for item in items)),
        counted=plan.intent.counted or UNSET,
    )
    body: dict[str, Any] = {
        "items": item_rows(items), "tracks": msgspec.to_builtins(request.tracks), "notify": request.notify,
        "comment": comment_of(request),
    }  # fmt: skip
    if request.source_code:
        body["arguments"] = {"extension_attributes": {"source_code": request.source_code}}
    return Prepared(plan, request, [magento_call(f"/V1/order/{plan.order_key}/ship", body)])


def _tracks(sources: Sources, numbers: Iterable[str], carrier: str | None) -> tuple[ShipmentTrack, ...]:
    """Return the tracks as Magento takes them, with the mapped code where the delivery method is mapped."""
    codes = {title: code for code, title in sources.instance.odoo.carriers.items()}
    code = codes.get(carrier or "", "custom")
    return tuple(ShipmentTrack(number, carrier or "Tracking", code) for number in numbers)


_VALIDATION = "Shipment Document Validation Error(s)"


class CreateShipment(MagentoDocument[MagentoShipmentRequest]):
    """Create Magento shipments of what Odoo delivered, from the mapped source, with their tracks."""

    kind = ChangeKind.MAGENTO_SHIPMENT
    request_type = MagentoShipmentRequest
    document = Kind.SHIPMENT

    def _counted(self, change: Change) -> set[int]:
        return set(change.request.counted or ())

    def _equal(self, context: Context, row: Row, change: Change) -> bool:
        """Return whether a shipment moves the same goods, whether it names a bundle or its parts."""
        order = self._orders(context, [change]).get(change.request.order_id)
        lines = [(int(item["order_item_id"]), Decimal(item["qty"])) for item in row.get("items") or ()]
        return order is not None and shipped_goods(order, lines) == shipped_goods(order, lines_of(change.request))

    def _create(self, context: Context, order: Row, change: Change) -> int:
        """Create the shipment, with a whole bundle named by itself, and by its parts where Magento refuses that.

        Magento validates before it stores anything, so that the second call repeats nothing.
        """
        lines = lines_of(change.request)
        try:
            return self._ship(context, order, change, lines)
        except FixDocument as refusal:
            bundles = _refused_bundles(order, lines, str(refusal))
            if not bundles:
                raise _explained(order, lines, refusal) from refusal
        return self._ship(context, order, change, by_parts(order, lines, bundles))

    def _ship(self, context: Context, order: Row, change: Change, lines: Lines) -> int:
        request = change.request
        return context.magento.create_shipment(
            request.order_id,
            lines,
            [_track(track) for track in request.tracks],
            request.marker,
            source_code=request.source_code,
            notify=request.notify,
            order=order,
        )


def _refused_bundles(order: Row, lines: Lines, refusal: str) -> set[int]:
    """Return the bundles that Magento's validation refuses by SKU: the rest of its message may be translated."""
    wholes = (Role.DYNAMIC_BUNDLE, Role.FIXED_BUNDLE)
    items = order_items(order)
    named = [number for number, _ in lines if items[number].role in wholes]
    return {number for number in named if _names(refusal, items[number].sku)}


def _explained(order: Row, lines: Lines, refusal: FixDocument) -> FixDocument:
    """Return the refusal with its cause: a part whose bundle Magento requires instead, and does not ship because it was refunded."""
    items = order_items(order)
    for number, _ in lines:
        bundle = items.get(items[number].parent_id or 0) if number in items else None
        if bundle is None or bundle.role is not Role.DYNAMIC_BUNDLE or bundle.open_for(Kind.SHIPMENT) > 0:
            continue
        if bundle.refunded and _names(str(refusal), bundle.sku):
            return FixDocument(refunded_whole(bundle.sku), system="magento")
    return refusal


def _names(refusal: str, sku: str) -> bool:
    """Return whether Magento's validation of a shipment names the SKU: the rest of its message may be translated."""
    return _VALIDATION in refusal and bool(re.search(rf"(?<![\w-]){re.escape(sku)}(?![\w-])", refusal))


@dataclass(frozen=True)
class MagentoTrackingIntent:
    """Hold the tracking numbers to add, and the delivery method.

    Attributes:
        magento_id: The shipment; None for the one that the delivery is matched with.
    """

    magento_id: int | None = None
    tracks: tuple[str, ...] = ()
    carrier: str | None = None


class MagentoTrackingRequest(Request, frozen=True, kw_only=True):
    """Hold the tracks to add to a shipment."""

    order_id: int
    shipment_id: int
    tracks: tuple[ShipmentTrack, ...]


TrackingChange = LeasedChange[MagentoTrackingRequest]


def plan_magento_tracking(order: OrderPlan) -> None:
    """Plan the tracking numbers that its delivery has and the shipment does not.

    Planned for the finding `tracking_mismatch`. Not planned when each side has numbers that are missing on the other, when
    `shipments.tracking` does not allow this direction, and before the cut-over.
    """
    for finding in order.of(FindingType.TRACKING_MISMATCH):
        if found := missing_tracks(order, finding, "to_magento"):
            shipment, picking, tracks = found
            intent = MagentoTrackingIntent(int(shipment.source_id), tracks, picking.carrier or None)
            order.change(ChangeKind.MAGENTO_TRACKING, picking, [finding], intent)


def prepare_magento_tracking(sources: Sources, plan: PlannedChange[MagentoTrackingIntent]) -> Prepared:
    """Build the request: tracks to add to an existing shipment, one call each."""
    picking = sources.odoo(Kind.SHIPMENT, plan.source_id)
    shipment = plan.intent.magento_id or sources.magento_of.get((Kind.SHIPMENT.value, plan.source_id))
    if picking is None or not shipment:
        return Prepared(plan, None, problems=[RequestProblem("shipment", "the delivery has no shipment in Magento")])
    request = MagentoTrackingRequest(
        order_id=int(plan.order_key),
        shipment_id=int(shipment),
        tracks=_tracks(sources, plan.intent.tracks, plan.intent.carrier or picking.carrier),
    )
    ids = {"order_id": request.order_id, "parent_id": request.shipment_id}
    calls = [
        magento_call("/V1/shipment/track", {"entity": {**ids, **msgspec.to_builtins(track)}})
        for track in request.tracks
    ]
    return Prepared(plan, request, calls)


class AddTracks(Writer[MagentoTrackingRequest]):
    """Add the missing tracks to a shipment; Magento accepts a number twice, so the shipment is read right before (docs/facts/magento-2.4.7.md#5.2)."""

    kind = ChangeKind.MAGENTO_TRACKING
    request_type = MagentoTrackingRequest
    document = Kind.SHIPMENT
    one_per_order = True
    group_size = 25
    write_size = 1

    def probe(self, context: Context, changes: Sequence[TrackingChange]) -> Answers:
        """Find shipments that have all the tracks already."""
        rows = self._shipments(context, changes)
        return {
            change.id: Found(int(row["entity_id"]), complete=True)
            for change in changes
            if (row := rows.get(change.request.shipment_id)) and not _missing(row, change)
        }

    def check(self, context: Context, changes: Sequence[TrackingChange]) -> dict[int, MagodooError]:
        """Refuse shipments that no longer exist in Magento."""
        rows = self._shipments(context, changes)
        gone = refused("the shipment is gone from Magento")
        return {change.id: gone for change in changes if change.request.shipment_id not in rows}

    def write(self, context: Context, changes: Sequence[TrackingChange]) -> Written:
        """Add the missing tracks of each shipment, one call each."""
        rows = self._shipments(context, changes)
        written: Written = {}
        for change in changes:
            row = rows.get(change.request.shipment_id)
            written[change.id] = (
                refused("the shipment is gone from Magento") if row is None else self._add(context, row, change)
            )
        return written

    def _add(self, context: Context, row: Row, change: TrackingChange) -> int | MagodooError:
        for track in _missing(row, change):
            try:
                context.magento.add_track(change.request.order_id, change.request.shipment_id, _track(track))
            except MagodooError as problem:
                return problem
        return int(row["entity_id"])

    def _shipments(self, context: Context, changes: Sequence[TrackingChange]) -> dict[int, Row]:
        ids = [change.request.shipment_id for change in changes]
        pages = context.magento.by_ids(Kind.SHIPMENT, ids)
        return {int(row["entity_id"]): row for page in pages for row in page.rows}


def _missing(row: Row, change: TrackingChange) -> list[ShipmentTrack]:
    known = [str(track.get("track_number") or "") for track in row.get("tracks") or ()]
    return [track for track in change.request.tracks if missing_numbers([track.track_number], known)]


def _track(track: ShipmentTrack) -> Track:
    return Track(track.track_number, track.title, track.carrier_code)


register(Flow(ChangeKind.MAGENTO_SHIPMENT, plan_magento_shipments, prepare_shipment, CreateShipment()))
register(Flow(ChangeKind.MAGENTO_TRACKING, plan_magento_tracking, prepare_magento_tracking, AddTracks()))
