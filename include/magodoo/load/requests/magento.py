"""Odoo's documents as Magento documents: explicit items always, an empty list is an error of ours before it means everything.

Facts magento-2.4.7 5.1-5.4, 7. Nothing here captures, voids, refunds online or mails unless the policy says so (RULES).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magodoo.extract.canonical import CanonicalDocument
from magodoo.load.requests.prepared import Prepared, RequestProblem
from magodoo.load.requests.sources import Sources
from magodoo.magento.marker import Marker
from magodoo.money import from_units
from magodoo.vocabulary import ChangeKind, Kind

if TYPE_CHECKING:
    from magodoo.reconcile.plan import PlannedChange


def prepare_invoice(sources: Sources, plan: PlannedChange) -> Prepared:
    """Mark as invoiced (and, over REST, as paid) what Odoo invoiced: never captured, never mailed unless the policy says so."""
    document, items, problems = _common(sources, plan, Kind.INVOICE)
    if document is None or problems:
        return Prepared(plan, None, problems=problems)
    request = {
        **_base(sources, plan, "account.move"),
        "items": items,
        "shipping": int(plan.intent.get("shipping") or 0),
        "expect": {"total": _total(document), "currency": document.currency},
    }
    body = {"items": _rows(items), "capture": False, "notify": request["notify"], "comment": _comment(request)}
    return Prepared(plan, request, [_call(f"/V1/order/{plan.order_key}/invoice", body)])


def prepare_shipment(sources: Sources, plan: PlannedChange) -> Prepared:
    """What an Odoo delivery delivered, from the source that its warehouse is mapped to, with its tracks."""
    document, items, problems = _common(sources, plan, Kind.SHIPMENT)
    if document is None or problems:
        return Prepared(plan, None, problems=problems)
    request = {
        **_base(sources, plan, "stock.picking"),
        "items": items,
        "tracks": _tracks(sources, plan, document),
        "source_code": plan.intent.get("source_code"),
        "expect": {"quantity": sum(units for _, units in items)},
    }
    if plan.intent.get("counted"):
        request["counted"] = [int(id) for id in plan.intent["counted"]]
    body: dict[str, Any] = {
        "items": _rows(items), "tracks": request["tracks"], "notify": request["notify"], "comment": _comment(request),
    }  # fmt: skip
    if request["source_code"]:
        body["arguments"] = {"extension_attributes": {"source_code": request["source_code"]}}
    return Prepared(plan, request, [_call(f"/V1/order/{plan.order_key}/ship", body)])


def prepare_tracking(sources: Sources, plan: PlannedChange) -> Prepared:
    """Tracks to be added to a shipment that stands already, one call each."""
    picking = sources.odoo(Kind.SHIPMENT, plan.source_id)
    shipment = plan.intent.get("magento_id") or sources.magento_of.get((Kind.SHIPMENT.value, plan.source_id))
    if picking is None or not shipment:
        return Prepared(plan, None, problems=[RequestProblem("shipment", "the delivery has no shipment in Magento")])
    tracks = _tracks(sources, plan, picking)
    request = {"order_id": int(plan.order_key), "shipment_id": int(shipment), "tracks": tracks}
    calls = [
        _call("/V1/shipment/track", {"entity": {"order_id": int(plan.order_key), "parent_id": int(shipment), **track}})
        for track in tracks
    ]
    return Prepared(plan, request, calls)


def prepare_credit_memo(sources: Sources, plan: PlannedChange) -> Prepared:
    """An offline refund with explicit arguments: without them Magento refunds all remaining shipping (facts magento-2.4.7 5.3)."""
    document, items, problems = _common(sources, plan, Kind.CREDIT_MEMO, may_be_empty=True)
    if document is None or problems:
        return Prepared(plan, None, problems=problems)
    arguments = {
        "shipping_amount": int(plan.intent.get("shipping") or 0),
        "adjustment_positive": int(plan.intent.get("adjustment_positive") or 0),
        "adjustment_negative": int(plan.intent.get("adjustment_negative") or 0),
    }
    request = {
        **_base(sources, plan, "account.move"),
        "items": items or _zero_items(sources, plan),
        **arguments,
        "expect": {"total": _total(document), "currency": document.currency},
    }
    body = {
        "items": _rows(request["items"]), "notify": request["notify"], "comment": _comment(request),
        "arguments": {name: from_units(units) for name, units in arguments.items()},
    }  # fmt: skip
    return Prepared(plan, request, [_call(f"/V1/order/{plan.order_key}/refund", body)])


def _total(document: CanonicalDocument) -> int:
    """What Magento's document comes to, in units: without the rounding to cash, which Magento does not know."""
    return document.grand_total - int(document.details.get("cash_rounding") or 0)


def _common(
    sources: Sources, plan: PlannedChange, kind: Kind, may_be_empty: bool = False
) -> tuple[CanonicalDocument | None, list[list[int]], list[RequestProblem]]:
    document, order = sources.odoo(kind, plan.source_id), sources.magento(Kind.ORDER, plan.order_key)
    if document is None or order is None:
        return None, [], [RequestProblem("order", "the document or its order is not staged")]
    known = {line.item_key for line in order.lines if line.role == "item"}
    items = [[int(key), int(units)] for key, units in plan.intent.get("items") or () if units]
    problems = [
        RequestProblem(f"item:{key}", f"the order has no item {key}") for key, _ in items if str(key) not in known
    ]
    if not items and not may_be_empty:
        problems.append(RequestProblem("items", "no item of the order stands in the document"))
    if len({key for key, _ in items}) != len(items):
        problems.append(RequestProblem("items", "an item stands in it twice: Magento would take the last one only"))
    return document, items, problems


def _base(sources: Sources, plan: PlannedChange, model: str) -> dict[str, Any]:
    marker = Marker(sources.instance.id, sources.database_uuid, model, int(plan.source_id))
    return {"order_id": int(plan.order_key), "marker": str(marker), "notify": sources.instance.notify_customers}


def _zero_items(sources: Sources, plan: PlannedChange) -> list[list[int]]:
    """Shipping or an adjustment alone: every item with quantity 0, or Magento refunds everything (facts magento-2.4.7 5.3)."""
    order = sources.magento(Kind.ORDER, plan.order_key)
    lines = order.lines if order else []
    return [[int(line.item_key), 0] for line in lines if line.role == "item" and line.is_money and line.item_key]


def _tracks(sources: Sources, plan: PlannedChange, picking: CanonicalDocument) -> list[dict[str, str]]:
    """A track's carrier_code is free text in Magento; the mapped code where the delivery method is mapped."""
    name = str(plan.intent.get("carrier") or picking.carrier or "")
    codes = {title: code for code, title in sources.instance.odoo.carriers.items()}
    return [
        {"track_number": number, "title": name or "Tracking", "carrier_code": codes.get(name, "custom")}
        for number in plan.intent.get("tracks") or ()
    ]


def _rows(items: list[list[int]]) -> list[dict[str, Any]]:
    return [{"order_item_id": key, "qty": from_units(units)} for key, units in items]


def _comment(request: dict[str, Any]) -> dict[str, Any]:
    return {"comment": request["marker"], "is_visible_on_front": 0}


def _call(path: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"system": "magento", "method": "POST", "path": path, "body": body}


PREPARE = {
    ChangeKind.MAGENTO_INVOICE: prepare_invoice,
    ChangeKind.MAGENTO_SHIPMENT: prepare_shipment,
    ChangeKind.MAGENTO_TRACKING: prepare_tracking,
    ChangeKind.MAGENTO_CREDIT_MEMO: prepare_credit_memo,
}
