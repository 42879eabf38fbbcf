"""What an order still allows: open quantities per line, and which operations its state permits."""

from __future__ import annotations

from decimal import Decimal

from magodoo_sandbox.magento.amounts import ZERO, Row, cents, of

DEFAULT_STATUS = {
    "new": "pending",
    "processing": "processing",
    "complete": "complete",
    "closed": "closed",
    "canceled": "canceled",
    "holded": "holded",
    "payment_review": "payment_review",
}


def children_of(order: Row, item: Row) -> list[Row]:
    return [other for other in order["items"] if other.get("parent_item_id") == item["item_id"]]


def parent_of(order: Row, item: Row) -> Row | None:
    wanted = item.get("parent_item_id")
    return next((other for other in order["items"] if other["item_id"] == wanted), None) if wanted else None


def is_priced_by_children(item: Row) -> bool:
    """Return a dynamic bundle: its children carry the money, the parent only a label."""
    return bool(item.get("_dynamic"))


def is_shipped_by_children(item: Row) -> bool:
    """Return a bundle with *ship bundle items separately*: its children leave, the parent is only a label."""
    return bool(item.get("_ships_separately"))


def is_dummy(order: Row, item: Row, *, shipping: bool = False) -> bool:
    """Return a line that follows another line (Magento's `Order/Item::isDummy`), for shipping or for money."""
    counts_by_children = is_shipped_by_children if shipping else is_priced_by_children
    parent = parent_of(order, item)
    if parent is not None:
        return not counts_by_children(parent)
    return counts_by_children(item) and bool(children_of(order, item))


def to_invoice(order: Row, item: Row) -> Decimal:
    if is_dummy(order, item):
        return ZERO
    return max(of(item, "qty_ordered") - of(item, "qty_invoiced") - of(item, "qty_canceled"), ZERO)


def to_ship(order: Row, item: Row) -> Decimal:
    if is_dummy(order, item, shipping=True):
        return ZERO
    return simple_to_ship(item)


def simple_to_ship(item: Row) -> Decimal:
    """Shipped and refunded quantities overlap: the larger of the two counts."""
    gone = max(of(item, "qty_shipped"), of(item, "qty_refunded"))
    return max(of(item, "qty_ordered") - gone - of(item, "qty_canceled"), ZERO)


def to_refund(order: Row, item: Row) -> Decimal:
    if is_dummy(order, item):
        return ZERO
    return max(of(item, "qty_invoiced") - of(item, "qty_refunded"), ZERO)


def to_cancel(order: Row, item: Row) -> Decimal:
    return min(to_invoice(order, item), _unshipped(order, item))


def stays_open_when_cancelled(order: Row, item: Row) -> bool:
    """Magento's `Order/Item::isProcessingAvailable`."""
    return _unshipped(order, item) > to_cancel(order, item)


def _unshipped(order: Row, item: Row) -> Decimal:
    """Of a bundle and its parts by their own count, also where another line is shipped for them (`Bundle/.../Plugin/Item`)."""
    of_bundle = (parent_of(order, item) or item).get("product_type") == "bundle"
    return simple_to_ship(item) if of_bundle else to_ship(order, item)


def can_unhold(order: Row) -> bool:
    return order.get("state") == "holded"


def can_hold(order: Row) -> bool:
    return order.get("state") not in ("canceled", "complete", "closed", "holded", "payment_review")


def can_invoice(order: Row) -> bool:
    if order.get("state") in ("holded", "payment_review", "canceled", "complete", "closed"):
        return False
    return any(to_invoice(order, item) > 0 for item in order["items"])


def can_ship(order: Row) -> bool:
    """Whether something is left to ship, for the order's state: parts of bundles by their own count, also where their bundle is
    shipped for them (`Order::canShip`).
    """
    if order.get("state") in ("holded", "payment_review", "canceled") or order.get("is_virtual"):
        return False
    return any(
        (simple_to_ship(item) if _is_part_of_bundle(order, item) else to_ship(order, item)) > 0
        and not item.get("is_virtual")
        and of(item, "qty_refunded") != of(item, "qty_ordered")
        for item in order["items"]
    )


def allows_shipment(order: Row) -> bool:
    """Whether something is left that a shipment may name (`Order/Validation/CanShip`)."""
    return any(to_ship(order, item) > 0 and not item.get("is_virtual") for item in order["items"])


def _is_part_of_bundle(order: Row, item: Row) -> bool:
    return (parent_of(order, item) or {}).get("product_type") == "bundle"


def can_cancel(order: Row) -> bool:
    if order.get("state") in ("holded", "payment_review", "canceled", "complete", "closed"):
        return False
    return any(to_invoice(order, item) > 0 for item in order["items"])


def can_refund(order: Row, has_creditmemos: bool) -> bool:
    """Whether money is left to refund, by Magento's own rule."""
    if order.get("state") in ("holded", "payment_review", "canceled", "closed"):
        return False
    left = cents(of(order, "total_paid")) - of(order, "total_refunded")
    fee = of(order, "adjustment_negative")
    if of(order, "grand_total") == 0:
        return _can_refund_zero_total(order, left, fee, has_creditmemos)
    return left != 0 and left != fee


def _can_refund_zero_total(order: Row, left: Decimal, fee: Decimal, has_creditmemos: bool) -> bool:
    fully_paid = of(order, "total_paid") <= of(order, "grand_total")
    if can_invoice(order) and fully_paid:
        return False
    if has_creditmemos and of(order, "total_refunded") == of(order, "total_paid"):
        return False
    return fully_paid or left != fee


def resolve_state(order: Row, has_creditmemos: bool, *, in_progress: bool = False) -> str:
    """Return the state after an invoice, a first shipment or a refund.

    Everything but `processing` falls back to `new`: a complete order with something left to ship becomes new again by a
    partial refund (docs/facts/magento-2.4.7.md#5.5, order 91).
    """
    before = order.get("state")
    state = "processing" if before == "processing" else "new"
    if before not in ("canceled", "holded") and not can_invoice(order) and not can_ship(order):
        if of(order, "base_grand_total") == 0 or can_refund(order, has_creditmemos):
            state = "complete"
        elif of(order, "total_refunded"):
            state = "closed"
    return "processing" if before == "new" and in_progress and state == "new" else state


def set_state(order: Row, state: str) -> None:
    order["state"], order["status"] = state, DEFAULT_STATUS[state]


def settle_state(order: Row, has_creditmemos: bool) -> None:
    """What saving an order does to its state, after whatever happened before."""
    state = order.get("state")
    if state in ("canceled", "holded", "payment_review") or can_invoice(order):
        return
    shippable = can_ship(order)
    finished = state in ("processing", "complete") and not shippable and not order.get("is_virtual")
    if finished and not can_refund(order, has_creditmemos):
        set_state(order, "closed")
        return
    if state == "processing" and (not shippable or _shipped_or_refunded(order)):
        set_state(order, "complete")


def _shipped_or_refunded(order: Row) -> bool:
    """Return counts pieces over all lines, so it can be true with one line unshipped (docs/facts/magento-2.4.7.md#5.5, order 6)."""
    shipped = sum(int(of(item, "qty_shipped")) for item in order["items"])
    refunded = sum(int(of(item, "qty_refunded")) for item in order["items"] if item.get("product_type") == "simple")
    return shipped > 0 and of(order, "total_qty_ordered") <= shipped + refunded


def cast_qty(item: Row, qty: Decimal) -> Decimal:
    """Whole pieces unless the product is sold by decimals; a fraction of a piece is 0."""
    qty = max(qty, ZERO)
    return qty if item.get("is_qty_decimal") else Decimal(int(qty))
