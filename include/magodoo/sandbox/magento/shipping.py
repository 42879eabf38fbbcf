"""Making a shipment: which lines, how many pieces, from which source."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from magodoo.sandbox.magento import order_rules as rules
from magodoo.sandbox.magento.amounts import ZERO, Row, of, stored
from magodoo.sandbox.magento.refusals import bad, document_errors

_COPIED = ("name", "price", "product_id", "sku", "weight")


@dataclass
class ShipmentDraft:
    """A shipment before it is booked: its lines, and the complaints about bundle children that were asked for."""

    order: Row
    lines: list[tuple[Row, Row]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def total_qty(self) -> Decimal:
        return sum((line["qty"] for line, _ in self.lines), ZERO)


def draft_shipment(order: Row, wanted: dict[int | None, Decimal]) -> ShipmentDraft:
    """The wanted quantities, silently cut to what is left; an empty dict is everything left (facts 5.2)."""
    draft = ShipmentDraft(order)
    for item in order["items"]:
        parent = rules.parent_of(order, item)
        if parent is not None:
            if item["item_id"] in wanted and parent.get("product_type") == "bundle":
                draft.complaints.append(
                    f'Cannot create shipment as bundle product "{parent["sku"]}" has shipment type "Together". '
                    "Bundle product itself should be shipped instead."
                )
            continue
        qty = rules.to_ship(order, item)
        if wanted:
            qty = min(wanted.get(item["item_id"], ZERO), qty)
        qty = stored(rules.cast_qty(item, qty))
        if qty > 0 and not item.get("is_virtual"):
            line = {column: item[column] for column in _COPIED if column in item}
            draft.lines.append((line | {"order_item_id": item["item_id"], "qty": qty}, item))
    return draft


def check_shipment(draft: ShipmentDraft, tracks: list[Row]) -> None:
    order, messages = draft.order, []
    if order.get("state") in ("payment_review", "holded", "canceled") or order.get("is_virtual"):
        messages.append(f"A shipment cannot be created when an order has a status of {order.get('status')}")
    elif not rules.can_ship(order):
        messages.append("The order does not allow a shipment to be created.")
    if draft.total_qty <= 0:
        messages.append("You can't create a shipment without products.")
    messages += draft.complaints
    messages += ["Please enter a tracking number." for track in tracks if not track.get("track_number")]
    if messages:
        raise document_errors("Shipment", messages)


def take_from_source(draft: ShipmentDraft, source_items: list[Row], source_code: str) -> None:
    """Reduce the source's quantities; one text for every reason why that is impossible (facts more 3)."""
    stock = {row["sku"]: row for row in source_items if row["source_code"] == source_code}
    taken: dict[str, Decimal] = {}
    for line, item in draft.lines:
        for sku, qty in _pieces(draft.order, line, item):
            taken[sku] = taken.get(sku, ZERO) + qty
    if any(sku not in stock or of(stock[sku], "quantity") < qty for sku, qty in taken.items()):
        raise bad("Could not save a shipment, see error log for details")
    for sku, qty in taken.items():
        stock[sku]["quantity"] = of(stock[sku], "quantity") - qty


def _pieces(order: Row, line: Row, item: Row) -> list[tuple[str, Decimal]]:
    children = rules.children_of(order, item)
    if not children:
        return [(str(item.get("_product_sku", item["sku"])), line["qty"])]
    share = line["qty"] / of(item, "qty_ordered")
    return [(str(child.get("_product_sku", child["sku"])), of(child, "qty_ordered") * share) for child in children]


def book_shipment(draft: ShipmentDraft, stamp: str) -> None:
    """Only the shipped lines change; the order itself does not (facts 4)."""
    for line, item in draft.lines:
        item["qty_shipped"] = of(item, "qty_shipped") + line["qty"]
        item["updated_at"] = stamp
        if item.get("product_type") == "bundle":
            for child in rules.children_of(draft.order, item):
                share = line["qty"] / of(item, "qty_ordered")
                child["qty_shipped"] = stored(of(child, "qty_shipped") + of(child, "qty_ordered") * share)
                child["updated_at"] = stamp
