"""Deliveries, tracking numbers, returns and cancellations in Odoo (facts pair 5.1, 5.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magodoo.load.requests.accuracy import finer_than_odoo
from magodoo.load.requests.prepared import Prepared, RequestProblem
from magodoo.load.requests.sources import Sources
from magodoo.load.requests.tables import call
from magodoo.magento.bundles import BUNDLE
from magodoo.vocabulary import Kind

if TYPE_CHECKING:
    from magodoo.reconcile.plan import PlannedChange


def prepare_delivery(sources: Sources, plan: PlannedChange) -> Prepared:
    """What a Magento shipment shipped, on the order's open outgoing picking; the key is written before it is validated."""
    items, problems = _items(sources, plan)
    if problems:
        return Prepared(plan, None, problems=problems)
    tracks = [str(track) for track in plan.intent.get("tracks") or ()]
    request = {
        "order": sources.reference(Kind.ORDER, plan.order_key).as_json(),
        "items": items,
        "key": delivery_key(sources.instance.id, plan.source_id),
        "key_field": sources.instance.odoo.delivery_key_field,
        "tracks": tracks,
        "carrier": _carrier(sources, plan.source_id),
    }
    pick = f"open outgoing picking of {request['order']}"
    calls = [
        call("stock.move", "load", fields=[".id", "quantity", "picked"], data=items),
        call(
            "stock.picking",
            "write",
            ids=[pick],
            vals={"carrier_tracking_ref": ",".join(tracks), "key": request["key"], "carrier_id": request["carrier"]},
        ),
        call("stock.picking", "button_validate", ids=[pick], context={"skip_backorder": True, "skip_sms": True}),
    ]
    return Prepared(plan, request, calls)


def prepare_tracking(sources: Sources, plan: PlannedChange) -> Prepared:
    """Tracking numbers to be added to a delivery that stands already."""
    picking = plan.intent.get("odoo_id") or sources.odoo_of.get((Kind.SHIPMENT.value, plan.source_id))
    if not picking:
        return Prepared(plan, None, problems=[RequestProblem("shipment", "the shipment has no delivery in Odoo")])
    tracks = [str(track) for track in plan.intent.get("tracks") or ()]
    request = {"picking": int(picking), "tracks": tracks}
    return Prepared(plan, request, [call("stock.picking", "write", ids=[int(picking)], vals={"add": tracks})])


def prepare_return(sources: Sources, plan: PlannedChange) -> Prepared:
    """The goods of a credit memo, back from the delivery that took them; its lines are not `to_refund` (facts pair 5.5)."""
    items, problems = _items(sources, plan)
    if problems:
        return Prepared(plan, None, problems=problems)
    request = {
        "order": sources.reference(Kind.ORDER, plan.order_key).as_json(),
        "items": items,
        "key": f"ret_{sources.instance.id}_{plan.source_id}",
        "key_field": sources.instance.odoo.delivery_key_field,
    }
    calls = [
        call(
            "stock.return.picking", "create", vals_list=[{"picking": f"delivery of {request['order']}", "items": items}]
        ),
        call("stock.return.picking", "action_create_returns", ids=["the new return"]),
        call("stock.picking", "button_validate", ids=["the return's picking"]),
    ]
    return Prepared(plan, request, calls)


def prepare_cancel(sources: Sources, plan: PlannedChange) -> Prepared:
    """Cancel in Odoo what Magento cancelled; only while nothing is invoiced or done there."""
    reference = sources.reference(Kind.ORDER, plan.source_id).as_json()
    odoo_id = plan.intent.get("odoo_id")
    request = {"order": {"id": int(odoo_id)} if odoo_id else reference}
    return Prepared(plan, request, [call("sale.order", "action_cancel", ids=[odoo_id or reference])])


def _carrier(sources: Sources, shipment_id: str) -> int | None:
    """The delivery method that is mapped to the carrier of the shipment's track; without one the order's stays.

    Never one with a carrier's own interface: Odoo would order a label from it when the delivery is validated.
    """
    shipment = sources.magento(Kind.SHIPMENT, shipment_id)
    code = shipment.details.get("carrier_code") if shipment else None
    name = sources.instance.odoo.carriers.get(str(code or ""))
    record = sources.master.only("delivery.carrier", name) if name else None
    plain = record is not None and record.data.get("delivery_type") in ("fixed", "base_on_rule")
    return record.id if record is not None and plain else None


def delivery_key(instance: str, shipment_id: str) -> str:
    """What a delivery of ours carries in its key field."""
    return f"ship_{instance}_{shipment_id}"


def _items(sources: Sources, plan: PlannedChange) -> tuple[list[list[Any]], list[RequestProblem]]:
    """[[sale order line, units]] of the plan's items, [line, units, SKU] of a part by which the line's kit is delivered; an empty list
    is an error before it could mean everything.
    """
    items: list[list[Any]] = []
    problems: list[RequestProblem] = []
    order = sources.magento(Kind.ORDER, plan.order_key)
    skus = {line.item_key: line.sku for line in order.lines if line.role == "item"} if order else {}
    for item_key, units in plan.intent.get("items") or ():
        sold, *part = _sold_as(sources, plan.order_key, str(item_key))
        line = sources.order_line(plan.order_key, sold)
        if line is None:
            problems.append(RequestProblem(f"item:{item_key}", f"the matched Odoo order has no line for item {sold}"))
        elif units:
            items.append([line.as_json(), int(units), *part])
            problems += finer_than_odoo(sources, skus.get(str(item_key), ""), int(units))
    if not items and not problems:
        problems.append(RequestProblem("items", "nothing to move is left in the document"))
    return items, problems


def _sold_as(sources: Sources, order_key: str, item_key: str) -> list[str]:
    """The item that Odoo's order has a line for; of a part of a bundle of fixed price the bundle's, and the part's SKU."""
    order = sources.magento(Kind.ORDER, order_key)
    lines = {line.item_key: line for line in order.lines if line.role == "item"} if order else {}
    line = lines.get(item_key)
    bundle = lines.get(line.parent_item_key) if line is not None and not line.is_money else None
    if line is None or bundle is None or bundle.product_type != BUNDLE or not bundle.is_money:
        return [item_key]
    return [str(bundle.item_key), line.sku]
