"""Magento shipment -> validated delivery in Odoo; its tracking numbers -> the delivery's.

A delivery validates the order's open outgoing transfer for the shipment's quantities. Our key is written first, so
that the transfer is recognised as ours; the rest becomes a backorder (docs/facts/pair.md#5.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from magodoo.connectors.odoo.deliveries import Delivery
from magodoo.connectors.odoo.units import in_unit_of
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.states import TRANSFER_ENDED, OdooTransferState
from magodoo.domain.tracking import joined, missing_numbers
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.errors import MagodooError
from magodoo.extract.mirrored import Warehouses
from magodoo.extract.odoo_transfers import own_key, picking_of, share_for
from magodoo.flows.load_tables import call
from magodoo.flows.order_plan import MISSING_IN_ODOO, Item, OrderPlan, first_reason, missing_tracks
from magodoo.flows.order_readiness import made_from_odoo, not_ready
from magodoo.flows.references import resolve
from magodoo.flows.registry import Flow, register
from magodoo.flows.ship_dates import put_right
from magodoo.flows.shortage import no_room
from magodoo.flows.sources import Sources
from magodoo.flows.stock import (
    Goods,
    Row,
    TransferRequest,
    goods_of,
    inexact,
    items_to_move,
    locked,
    orders_of,
    sale_lines,
)
from magodoo.ledger.behaviour import Answers, DependencyPending, Found, Writer, Written, refused
from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.planned import Prepared, Request, RequestProblem
from magodoo.money import from_units, plain, to_units
from magodoo.reconcile.dataset import tracks_of
from magodoo.reconcile.rows import Document

if TYPE_CHECKING:
    from magodoo.context import Context
    from magodoo.ledger.planned import PlannedChange


@dataclass(frozen=True)
class DeliveryIntent:
    """Hold the items that a shipment delivers, and its tracking numbers."""

    items: tuple[Item, ...] = ()
    tracks: tuple[str, ...] = ()


class DeliveryRequest(TransferRequest, frozen=True, kw_only=True):
    """Hold a delivery with its tracking numbers; `carrier` is the id of its delivery method, None to keep the order's."""

    tracks: tuple[str, ...]
    carrier: int | None = None


Change = LeasedChange[DeliveryRequest]


def plan_deliveries(order: OrderPlan) -> None:
    """Plan the delivery of each Magento shipment that is missing in Odoo.

    Planned for the finding `missing_in_odoo` of a shipment. Not planned while `shipments.to_odoo` is off, before the
    cut-over, while the order is not ready, and for a shipment that could not be read, was made from an Odoo delivery,
    is blocked, ships more than the order in Odoo has open, or names no item to deliver: the finding keeps the first
    of these reasons.
    """
    closed = not_ready(order)
    for finding in order.of(MISSING_IN_ODOO, Kind.SHIPMENT):
        row = order.row(finding)
        items = order.facts.items.get(row.at, ())
        reason = first_reason(
            None if order.instance.shipments.to_odoo else "The setting `shipments.to_odoo` is off",
            order.cut_over(row),
            closed,
            order.unreadable(Kind.SHIPMENT),
            made_from_odoo(order, row),
            order.blocked(row),
            no_room(order, row, Side.ODOO),
            None if items else _nothing_left(order, row),
        )
        if reason:
            finding.no_change_reason = reason
            continue
        order.change(ChangeKind.ODOO_DELIVERY, row, [finding], DeliveryIntent(items, tuple(tracks_of(row.tracking))))


def _nothing_left(order: OrderPlan, row: Document) -> str:
    """Return why a shipment delivers nothing in Odoo."""
    if not order.facts.situation.counted.parcels_of_parts[row.at]:
        return "It names no item of the order"
    lines = order.facts.situation.view.frames.lines_of(row.at)
    named = {order.facts.bundle_of[line.item_key].sku for line in lines if line.item_key in order.facts.bundle_of}
    return (
        f"Its parts of the bundle {', '.join(sorted(named))} were shipped separately and Odoo's order has the bundle as one: "
        "it is delivered with the parcel that completes it"
    )


def prepare_delivery(sources: Sources, plan: PlannedChange[DeliveryIntent]) -> Prepared:
    """Build the request: units by order line, our key, tracking numbers and carrier, for the order's open outgoing transfer.

    The key is written before the transfer is validated.
    """
    items, problems = items_to_move(sources, plan.order_key, plan.intent.items)
    if problems:
        return Prepared(plan, None, problems=problems)
    request = DeliveryRequest(
        order=sources.reference(Kind.ORDER, plan.order_key),
        items=items,
        key=delivery_key(sources.instance.id, plan.source_id),
        key_field=sources.instance.odoo.delivery_key_field,
        tracks=plan.intent.tracks,
        carrier=_carrier(sources, plan.source_id),
    )
    pick = f"open outgoing picking of {request.order.as_json()}"
    calls = [
        call("stock.move", "load", fields=[".id", "quantity", "picked"], data=request.as_json()["items"]),
        call(
            "stock.picking",
            "write",
            ids=[pick],
            vals={"carrier_tracking_ref": ",".join(request.tracks), "key": request.key, "carrier_id": request.carrier},
        ),
        call("stock.picking", "button_validate", ids=[pick], context={"skip_backorder": True, "skip_sms": True}),
    ]
    return Prepared(plan, request, calls)


def _carrier(sources: Sources, shipment_id: str) -> int | None:
    """Return the id of the delivery method mapped to the carrier of the shipment's track; without one the order's stays.

    A method with a carrier's own interface is never returned: Odoo would order a label from it when the delivery is
    validated.
    """
    shipment = sources.magento(Kind.SHIPMENT, shipment_id)
    code = shipment.details.get("carrier_code") if shipment else None
    name = sources.instance.odoo.carriers.get(str(code or ""))
    record = sources.master.only("delivery.carrier", name) if name else None
    plain = record is not None and record.data.get("delivery_type") in ("fixed", "base_on_rule")
    return record.id if record is not None and plain else None


def delivery_key(instance: str, shipment_id: str) -> str:
    """Return the key that a delivery of ours carries in its key field."""
    return f"ship_{instance}_{shipment_id}"


class Deliver(Writer[DeliveryRequest]):
    """Deliver on the order's open outgoing transfer: set our key, then quantities, then validate."""

    kind = ChangeKind.ODOO_DELIVERY
    request_type = DeliveryRequest
    document = Kind.SHIPMENT
    one_per_order = True

    def probe(self, context: Context, changes: Sequence[Change]) -> Answers:
        """Find deliveries by our key; one is complete when it is done. A cancelled one counts as absent."""
        rows = _with_keys(context, "shipment", changes)
        found = {change: rows.get(change.request.key) for change in changes}
        standing = {
            change: row for change, row in found.items() if row is not None and row["state"] != OdooTransferState.CANCEL
        }
        orders = resolve(context, list(standing), [change.request.order for change in standing])
        return {
            change.id: Found(
                share_for(row, orders.get(change.request.order, 0)),
                complete=row["state"] == OdooTransferState.DONE,
                before={"state": row["state"]},
            )
            for change, row in standing.items()
        }

    def check(self, context: Context, changes: Sequence[Change]) -> dict[int, MagodooError]:
        """Hold what no open transfer can deliver exactly now, and what another company's warehouse delivers."""
        wanted = sale_lines(context, changes)
        pickings = self._open(context, changes)
        problems: dict[int, MagodooError] = dict(_mirrored(context, changes))
        for change in changes:
            if change.id in problems:
                continue
            lines = wanted[change.id]
            chosen = (
                lines if isinstance(lines, MagodooError) else _picking_for(pickings.get(change.id, []), lines, change)
            )
            if isinstance(chosen, MagodooError):
                problems[change.id] = chosen
            elif not isinstance(lines, MagodooError) and (odd := inexact(context, _shares(chosen, lines))):
                problems[change.id] = odd
        return problems

    def write(self, context: Context, changes: Sequence[Change]) -> Written:
        """Write keys, tracking numbers and quantities, and validate the transfers.

        Of a transfer that several orders share, one worker delivers one order's goods at a time; the goods of the
        others go to a backorder.
        """
        open_ = self._open(context, changes)
        shared = {row["id"] for rows in open_.values() for row in rows if len(orders_of(row)) > 1}
        with locked(context, "stock.picking", shared) as ours:
            if shared:
                open_ = self._open(context, changes)
            return self._deliver(context, changes, open_, shared - ours)

    def _deliver(
        self, context: Context, changes: Sequence[Change], open_: Mapping[int, list[Row]], busy: set[int]
    ) -> Written:
        """Deliver what is not `busy`, at most one change for each transfer; the others wait."""
        client, wanted = context.odoo, sale_lines(context, changes)
        written: Written = {}
        quantities: dict[int, Decimal] = {}
        keys: dict[int, Delivery] = {}
        for change in changes:
            lines = wanted[change.id]
            chosen = lines if isinstance(lines, MagodooError) else _picking_for(open_.get(change.id, []), lines, change)
            if isinstance(chosen, MagodooError) or isinstance(lines, MagodooError):
                written[change.id] = chosen if isinstance(chosen, MagodooError) else refused("its lines are gone")
                continue
            if chosen["id"] in busy or chosen["id"] in keys:
                written[change.id] = DependencyPending(
                    f"{chosen['name']}: the goods of another order leave with it first"
                )
                continue
            shares = _shares(chosen, lines)
            quantities |= {move["id"]: in_unit_of(move, from_units(units)) for move, units in shares}
            keys[chosen["id"]] = Delivery(
                joined(_tracking(chosen), change.request.tracks),
                change.request.key,
                change.request.carrier,
            )
            written[change.id] = int(chosen["id"])
        client.deliveries.set_tracking(keys)
        client.deliveries.set_quantities(quantities)
        done = client.deliveries.validate(list(keys))
        return {
            id: done.refused.get(result, result) if isinstance(result, int) else result
            for id, result in written.items()
        }

    def follow_up(self, context: Context, changes: Sequence[Change]) -> None:
        """Set Magento's ship date on the orders' invoices: Odoo sets its own date when the delivery is validated."""
        put_right(context, {change.order_key for change in changes})

    def _open(self, context: Context, changes: Sequence[Change]) -> dict[int, list[Row]]:
        """Return the open outgoing transfers of each change's order."""
        orders = resolve(context, changes, [change.request.order for change in changes])
        rows = context.odoo.deliveries.open_transfers(sorted(set(orders.values()))) if orders else []
        by_order: dict[int, list[Row]] = {}
        for row in rows:
            for order in orders_of(row):
                by_order.setdefault(order, []).append(row)
        return {change.id: by_order.get(orders.get(change.request.order, 0), []) for change in changes}

    def pair(self, change: Change, target_id: int) -> tuple[Kind, str, str] | None:
        """Return the match of the Magento shipment with the delivery."""
        return Kind.SHIPMENT, change.source_id, str(target_id)


def _with_keys(context: Context, kind: str, changes: Sequence[Change]) -> dict[str, Row]:
    """Return transfers by the key that they carry, the oldest where a person duplicated one."""
    keys = [change.request.key for change in changes]
    field = context.instance.odoo.delivery_key_field
    rows = context.odoo.documents.by_reference(kind, keys, [field]).sure
    oldest_last = sorted(rows, key=lambda row: -int(row["id"]))  # a transfer that a person duplicated has the key too
    return {key: row for row in oldest_last if (key := own_key(row, field))}


def _picking_for(pickings: Sequence[Row], goods: Goods, change: Change) -> Row | MagodooError:
    """Return the open transfer to deliver on, or the reason as `DependencyPending` when none fits.

    One with our key is preferred. Any other must have everything reserved and be untouched by others. The rest must
    stay open in Odoo.
    """
    key, field = change.request.key, change.request.key_field
    ours = [row for row in pickings if own_key(row, field) == key]
    problem: MagodooError = DependencyPending("nothing of it is open for delivery in Odoo")
    for row in ours or pickings:
        complaint = (None if ours else _unfit(row, goods, field)) or _dropped(row, goods)
        if complaint is None:
            return row
        problem = DependencyPending(f"{row['name']}: {complaint}")
    return problem


def _unfit(row: Row, wanted: Goods, field: str) -> str | None:
    """Return why a transfer cannot be delivered by us; None when it can.

    Causes: another key, a drop shipment, lots or serial numbers, components of a kit, a person who is picking, too
    little reserved.
    """
    if other := own_key(row, field):
        return f"it is being delivered for {other}"
    source = row.get("location_id") or {}
    if source.get("usage") == "supplier" or (source.get("usage") == "transit" and not source.get("company_id")):
        return "the vendor sends its goods: a person validates the drop shipment"
    reserved: Goods = {}
    for move in row["move_ids"]:
        goods = goods_of(move)
        if goods in wanted and move.get("has_tracking") in ("lot", "serial"):
            return "its goods need lots or serial numbers: a person delivers them"
        if goods[1] and (goods[0], "") in wanted:
            return "its goods are components of a kit: a person delivers them"
        if move.get("picked"):
            return "somebody is picking it"
        reserved[goods] = reserved.get(goods, 0) + (0 if _is_again(move) else to_units(move["quantity"]))
    for goods, units in wanted.items():
        there = reserved.get(goods, 0)
        if there < units:
            return f"{plain(there)} of {plain(units)} are reserved: it would deliver what is not in stock"
    return None


def _is_again(move: Row) -> bool:
    """Return whether a move ships returned goods once more: it is no part of what was ordered."""
    return bool(move.get("origin_returned_move_id"))


def _dropped(row: Row, goods: Goods) -> str | None:
    """Return as text what Odoo would cancel with the delivery, where the operation type never makes a backorder; None when nothing is lost.

    An operation type that asks is answered by the call, and one that always makes a backorder needs no answer: the
    rest stays open.
    """
    kind = row.get("picking_type_id") or {}
    if kind.get("create_backorder") != "never":
        return None
    left = [
        (move["product_id"], rest)
        for move, units in _shares(row, goods)
        if move["state"] not in TRANSFER_ENDED and (rest := to_units(move["product_uom_qty"]) - units) > 0
    ]
    if not left:
        return None
    named = ", ".join(f"{product.get('default_code') or 'a product'} x {plain(rest, 0)}" for product, rest in left)
    return (
        f"its operation type {kind.get('name')} never makes a backorder, so Odoo would drop what is still to deliver ({named}): "
        "set *Create Backorder* of the type to Ask or Always, or deliver it by hand"
    )


def _shares(row: Row, wanted: Goods) -> list[tuple[Row, int]]:
    """Return the stock moves of a transfer with the units of each: what is delivered now, 0 for the rest."""
    left = dict(wanted)
    shares: list[tuple[Row, int]] = []
    for move in row["move_ids"]:
        goods = goods_of(move)
        units = 0 if _is_again(move) else min(left.get(goods, 0), to_units(move["product_uom_qty"]))
        shares.append((move, units))
        left[goods] = left.get(goods, 0) - units
    return shares


def _mirrored(context: Context, changes: Sequence[Change]) -> dict[int, MagodooError]:
    """Return `DependencyPending` for each change whose order another company delivers: a second delivery would issue the goods twice."""
    companies = context.instance.odoo.warehouse_companies
    orders = resolve(context, changes, [change.request.order for change in changes]) if companies else {}
    names = Warehouses(context.odoo, companies).names(set(orders.values())) if orders else {}
    found = {change.id: names.get(orders.get(change.request.order, 0)) for change in changes}
    return {
        id: DependencyPending(
            f"{name} of the warehouse's company delivers it: validate the transfer of that order in Odoo"
        )
        for id, name in found.items()
        if name
    }


@dataclass(frozen=True)
class DeliveryTrackingIntent:
    """Hold the tracking numbers to add.

    Attributes:
        odoo_id: The delivery; None for the one that the shipment is matched with.
    """

    odoo_id: int | None = None
    tracks: tuple[str, ...] = ()


class DeliveryTrackingRequest(Request, frozen=True, kw_only=True):
    """Hold the tracking numbers to add to a delivery, by its id."""

    picking: int
    tracks: tuple[str, ...]


TrackingChange = LeasedChange[DeliveryTrackingRequest]


def plan_odoo_tracking(order: OrderPlan) -> None:
    """Plan the tracking numbers that its shipment has and the delivery does not.

    Planned for the finding `tracking_mismatch`. Not planned when each side has numbers that are missing on the other, when
    `shipments.tracking` does not allow this direction, and before the cut-over.
    """
    for finding in order.of(FindingType.TRACKING_MISMATCH):
        if found := missing_tracks(order, finding, "to_odoo"):
            shipment, picking, tracks = found
            intent = DeliveryTrackingIntent(int(picking.source_id), tracks)
            order.change(ChangeKind.ODOO_TRACKING, shipment, [finding], intent)


def prepare_odoo_tracking(sources: Sources, plan: PlannedChange[DeliveryTrackingIntent]) -> Prepared:
    """Build the request: tracking numbers to add to an existing delivery."""
    picking = plan.intent.odoo_id or sources.odoo_of.get((Kind.SHIPMENT.value, plan.source_id))
    if not picking:
        return Prepared(plan, None, problems=[RequestProblem("shipment", "the shipment has no delivery in Odoo")])
    tracks = plan.intent.tracks
    request = DeliveryTrackingRequest(picking=int(picking), tracks=tracks)
    return Prepared(plan, request, [call("stock.picking", "write", ids=[int(picking)], vals={"add": tracks})])


class Track(Writer[DeliveryTrackingRequest]):
    """Append the missing tracking numbers to those of a delivery."""

    kind = ChangeKind.ODOO_TRACKING
    request_type = DeliveryTrackingRequest
    document = Kind.SHIPMENT
    one_per_order = True
    many_steps = False

    def probe(self, context: Context, changes: Sequence[TrackingChange]) -> Answers:
        """Find deliveries that have all the tracking numbers already."""
        rows = self._rows(context, changes)
        return {
            change.id: Found(
                change.request.picking, complete=True, before={"tracking": row.get("carrier_tracking_ref") or ""}
            )
            for change in changes
            if (row := rows.get(_picking(change))) and not missing_numbers(change.request.tracks, [_tracking(row)])
        }

    def check(self, context: Context, changes: Sequence[TrackingChange]) -> dict[int, MagodooError]:
        """Refuse deliveries that are missing, cancelled, or another company's."""
        rows = self._rows(context, changes)
        gone = refused("the delivery is gone or cancelled in Odoo, or another company's, where nothing is written")
        return {
            change.id: gone
            for change in changes
            if (row := rows.get(change.request.picking)) is None or row["state"] == OdooTransferState.CANCEL
        }

    def write(self, context: Context, changes: Sequence[TrackingChange]) -> Written:
        """Write the joined tracking numbers of each transfer."""
        rows = self._rows(context, changes)
        tracks = {picking: _tracking(row) for picking, row in rows.items()}
        for change in changes:
            tracks[_picking(change)] = joined(tracks[_picking(change)], change.request.tracks)
        context.odoo.deliveries.set_tracking({picking: Delivery(tracking=text) for picking, text in tracks.items()})
        return {change.id: change.request.picking for change in changes}

    def _rows(self, context: Context, changes: Sequence[TrackingChange]) -> dict[int, Row]:
        ids = sorted({_picking(change) for change in changes})
        return {row["id"]: row for row in context.odoo.documents.by_ids("shipment", ids).sure}


def _picking(change: TrackingChange) -> int:
    """Return the id of the transfer that carries the tracking number for the order's share of it."""
    return picking_of(change.request.picking)


def _tracking(row: Row) -> str:
    return str(row.get("carrier_tracking_ref") or "")


register(Flow(ChangeKind.ODOO_DELIVERY, plan_deliveries, prepare_delivery, Deliver()))
register(Flow(ChangeKind.ODOO_TRACKING, plan_odoo_tracking, prepare_odoo_tracking, Track()))
