"""What would be written to Magento for one order: invoices, shipments, credit memos of what stands in Odoo."""

from __future__ import annotations

from typing import Any

from magodoo.money import plain
from magodoo.reconcile.bundles import refunded_whole, would_be_refunded_whole
from magodoo.reconcile.finding import Finding
from magodoo.reconcile.findings import payments
from magodoo.reconcile.frames import tracks_of
from magodoo.reconcile.order_plan import Bundle, OrderPlan, first_reason
from magodoo.reconcile.rows import Document
from magodoo.vocabulary import ChangeKind, FindingType, Kind, Side

MISSING = FindingType.MISSING_IN_MAGENTO
CLOSED_STATES = frozenset({"canceled", "closed", "holded", "pending_payment", "payment_review"})


def plan(order: OrderPlan) -> None:
    """Invoices first: Magento refunds only what is invoiced."""
    _invoices(order)
    _shipments(order)
    _credit_memos(order)


def _closed(order: OrderPlan, row: Document) -> str | None:
    """Why nothing may be written onto the order in Magento for a document of Odoo."""
    state = order.order.state
    return first_reason(
        order.cut_over(row),
        f"The order is {state} in Magento" if state in CLOSED_STATES or order.order.status == "fraud" else None,
        order.unreadable(Kind(row.kind)),
        "It was made from a Magento document which is gone" if row.reference else None,
        order.blocked(row),
        order.crowded(row, Side.MAGENTO),
    )


def _invoices(order: OrderPlan) -> None:
    policy = order.instance.invoices.to_magento
    # Magento puts all shipping on the first invoice (facts magento-2.4.7 5.1).
    waiting = sorted(order.of(MISSING, Kind.INVOICE), key=lambda finding: -order.row(finding).shipping)
    for finding in waiting:
        row = order.row(finding)
        items, unnamed = _invoiced(order, row)
        reason = first_reason(
            "The setting `invoices.to_magento` is off" if policy == "off" else None,
            _closed(order, row),
            _not_paid(order, row, f"`invoices.to_magento`: `{policy}`")
            if policy == "when_paid" and not order.facts.settled[row.at]
            else None,
            _shipping_reason(order, row),
            unnamed,
        )
        _write(order, finding, row, ChangeKind.MAGENTO_INVOICE, reason, items=items, shipping=int(row.shipping))


def _not_paid(order: OrderPlan, row: Document, setting: str) -> str:
    return payments.why_not_paid(row, setting, in_payment_counts=order.instance.invoices.in_payment_counts)


def _shipping_reason(order: OrderPlan, row: Document) -> str | None:
    first = not order.active(Side.MAGENTO, Kind.INVOICE)
    first = first and not any(change.kind is ChangeKind.MAGENTO_INVOICE for change in order.changes)
    expected = order.order.shipping if first else 0
    if abs(int(row.shipping) - int(expected)) <= order.instance.tolerance_units(row.currency):
        return None
    return "Magento puts all shipping on the first invoice: this one's shipping is another"


def _shipments(order: OrderPlan) -> None:
    for finding in order.of(MISSING, Kind.SHIPMENT):
        row = order.row(finding)
        items, unnamed = _shipped(order, row)
        reason = first_reason(
            None if order.instance.shipments.to_magento else "The setting `shipments.to_magento` is off",
            _not_of_the_order(order, row),
            _closed(order, row),
            unnamed,
        )
        words: dict[str, Any] = {
            "tracks": tracks_of(row.tracking),
            "carrier": row.carrier or None,
            "source_code": row.source_code or None,
        }
        if counted := _counted(order):
            words["counted"] = counted
        _write(order, finding, row, ChangeKind.MAGENTO_SHIPMENT, reason, items=items, **words)


def _counted(order: OrderPlan) -> list[int]:
    """Magento's shipments that stand for other deliveries of the order, and are no earlier attempt of this one though they are equal."""
    in_equal = order.facts.situation.matching.splits.in_equal
    return [row.source_id for row in order.active(Side.MAGENTO, Kind.SHIPMENT) if in_equal[row.at]]


def _not_of_the_order(order: OrderPlan, row: Document) -> str | None:
    """Goods of a delivery that stand on a line of Odoo's order and are no item of Magento's."""
    if not any(item == "0" for item, _ in order.facts.items.get(row.at, [])):
        return None
    lines = order.facts.situation.view.frames.lines_of(row.at)
    goods = ", ".join(f"{line.sku or 'without SKU'} x {plain(line.quantity, 0)}" for line in lines if not line.item_key)
    return f"It carries goods that are no item of Magento's order ({goods}): a person ships the others in Magento"


def _credit_memos(order: OrderPlan) -> None:
    """Offline refunds; a dynamic bundle is refunded by its children (facts magento-2.4.7 5.4)."""
    policy = order.instance.credit_memos.to_magento
    for finding in order.of(MISSING, Kind.CREDIT_MEMO):
        row = order.row(finding)
        items = order.facts.items.get(row.at, [])
        reason = first_reason(
            "The setting `credit_memos.to_magento` is off" if policy == "off" else None,
            _follows_its_invoice(order, row),
            _closed(order, row),
            order.over_refunded(),
            None if order.facts.settled[row.at] else _not_paid(order, row, "`credit_memos.to_magento`: `when_paid`"),
            "A line of it is no item of the order" if any(item == "0" for item, _ in items) else None,
            "A credit memo below zero is never written" if row.grand_total < 0 else None,
            _takes_a_bundle(order, {int(item): units for item, units in items}),
        )
        words = {
            "shipping": int(row.shipping),
            "adjustment_positive": max(int(row.adjustment), 0),
            "adjustment_negative": max(-int(row.adjustment), 0),
        }
        _write(order, finding, row, ChangeKind.MAGENTO_CREDIT_MEMO, reason, items=items, **words)


def _takes_a_bundle(order: OrderPlan, refunded: dict[int, int]) -> str | None:
    """A credit memo names each bundle that its parts price if it refunds a part of it, or no quantity at all, and counts all that was
    invoiced of it. Of one that ships together, and that the customer is still to get, Magento would then ship nothing.
    """
    own = {int(line.item_key) for line in order.facts.situation.view.frames.lines_of(order.order.at)}
    quantities = {item: units for item, units in refunded.items() if units}
    for bundle in order.facts.bundles.values():
        if bundle.item not in own or not bundle.dynamic or bundle.separately:
            continue
        parts = {item: units for item, units in quantities.items() if item in bundle.parts}
        if quantities and not parts:
            continue
        to_ship = bundle.unshipped - (bundle.whole(parts, goods=False) or 0)
        if bundle.left_by_a_refund < to_ship and any(part.is_goods for part in bundle.parts.values()):
            return would_be_refunded_whole(bundle.sku)
    return None


def _follows_its_invoice(order: OrderPlan, row: Document) -> str | None:
    """Magento refunds only what is invoiced: a credit note that reverses an invoice of this plan goes with a later one."""
    planned = any(change.kind is ChangeKind.MAGENTO_INVOICE for change in order.changes)
    reverses = planned and order.facts.situation.reversals.every[row.at]
    return "It follows the invoice that it reverses, which is written first" if reverses else None


def _write(
    order: OrderPlan, finding: Finding, row: Document, kind: ChangeKind, reason: str | None, **intent: Any
) -> None:
    if reason:
        finding.no_change_reason = reason
        return
    order.change(kind, row, [finding], **intent)


def _invoiced(order: OrderPlan, row: Document) -> tuple[list[list[Any]], str | None]:
    """Items as Magento takes them for invoices, or why it cannot: a bundle that its parts price is invoiced by its own line, whole
    (facts magento-2.4.7 5.4).
    """
    single, parts, reason = _sorted_by_bundle(order, row)
    for bundle, quantities in parts:
        units = bundle.whole(quantities, goods=False)
        if units is None:
            return [], f"Magento invoices the bundle {bundle.sku} as a whole, and this invoice holds only a part of it"
        single[bundle.item] = units
    return _as_items(single), reason


def _shipped(order: OrderPlan, row: Document) -> tuple[list[list[Any]], str | None]:
    """Items as Magento takes them for shipments, or why it cannot: the parts of a bundle that ships separately, the bundle itself of
    one that ships together.

    Before the first shipment nothing tells which: a whole bundle is named by itself and, where Magento refuses that, by its
    parts (`load.writers`); a part of it by the part, and so is a bundle of which Magento ships nothing by its own line.
    """
    single, parts, reason = _sorted_by_bundle(order, row)
    for item in [item for item in single if item in order.facts.bundles and order.facts.bundles[item].separately]:
        single |= order.facts.bundles[item].in_parts(single.pop(item))
    for bundle, quantities in parts:
        units = None if bundle.separately else bundle.whole(quantities, goods=True)
        if bundle.together and not bundle.unshipped:
            return [], refunded_whole(bundle.sku)
        if units is not None and units <= bundle.unshipped:
            single[bundle.item] = units
        elif bundle.together:
            return [], (
                f"Magento ships the bundle {bundle.sku} together, and this delivery holds only a part of it: "
                "ship it in Magento once all its parts have left"
            )
        else:
            single |= quantities
    return _as_items(single), reason


def _sorted_by_bundle(
    order: OrderPlan, row: Document
) -> tuple[dict[int, int], list[tuple[Bundle, dict[int, int]]], str | None]:
    """Units by item of what is no part of a bundle, by part of each bundle, and why not all of it can be named."""
    single: dict[int, int] = {}
    parts: dict[int, dict[int, int]] = {}
    for key, quantity in order.facts.items.get(row.at, []):
        item = int(key)
        if item == 0:
            return {}, [], f"{_foreign(order, row)} is no item of the order"
        if item in order.facts.bundle_of:
            parts.setdefault(order.facts.bundle_of[item].item, {})[item] = quantity
        else:
            single[item] = quantity
    reason = None if single or parts else "It holds none of the order's items"
    return single, [(order.facts.bundles[item], quantities) for item, quantities in parts.items()], reason


def _foreign(order: OrderPlan, row: Document) -> str:
    """The SKU of the first line that stands for nothing of the Magento order."""
    lines = order.facts.situation.view.frames.lines_of(row.at)
    return next((str(line.sku) for line in lines if not line.item_key and line.sku), "A line of it")


def _as_items(units: dict[int, int]) -> list[list[Any]]:
    return [[str(item), units[item]] for item in sorted(units)]
