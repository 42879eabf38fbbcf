"""Making a shipment: which lines, how many pieces, from which source.

After Magento's `ShipmentDocumentFactory`, `ShipmentFactory`, `Shipment/OrderRegistrar` and `BundleShipmentTypeValidator` (2.4.7).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from magodoo_sandbox.magento import order_rules as rules
from magodoo_sandbox.magento.amounts import ZERO, Row, of, stored
from magodoo_sandbox.magento.refusals import bad, document_errors

_COPIED = ("name", "price", "product_id", "sku", "weight")
_Wanted = dict[int | None, Decimal]


@dataclass
class ShipmentDraft:
    """A shipment before it is booked: its lines, and the errors about bundles that were requested in the wrong form.

    lines: what is stored. followers: parts of what ships together, which are counted on the order and not stored.
    """

    order: Row
    lines: list[tuple[Row, Row]] = field(default_factory=list)
    followers: list[tuple[Row, Decimal]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def total_qty(self) -> Decimal:
        """Pieces, without the lines of bundles whose parts leave by themselves."""
        counted = (line["qty"] for line, item in self.lines if not rules.is_dummy(self.order, item, shipping=True))
        return sum(counted, ZERO)


def draft_shipment(order: Row, wanted: _Wanted, *, by_clerk: bool = False) -> ShipmentDraft:
    """Return the requested quantities, silently reduced to the open ones; an empty dict means everything open (docs/facts/magento-2.4.7.md#5.2).

    REST leaves out the line of a bundle of which no part is shipped, the admin does not (docs/facts/magento-bundles.md).
    """
    draft = ShipmentDraft(order)
    draft.complaints = [_complaint(order, item) for item in order["items"] if item["item_id"] in wanted]
    draft.complaints = [complaint for complaint in draft.complaints if complaint]
    asked = wanted or {item["item_id"]: of(item, "qty_ordered") for item in order["items"]}
    for item in order["items"]:
        if rules.is_dummy(order, item, shipping=True):
            _add_dummy(draft, item, asked)
            continue
        qty = stored(rules.cast_qty(item, min(asked.get(item["item_id"], ZERO), rules.to_ship(order, item))))
        if qty > 0 and not item.get("is_virtual"):
            draft.lines.append((_line(item, qty), item))
    shipped = {item.get("parent_item_id") for _, item in draft.lines}
    draft.lines = [
        (line, item)
        for line, item in draft.lines
        if by_clerk or not rules.is_shipped_by_children(item) or item["item_id"] in shipped
    ]
    return draft


def _add_dummy(draft: ShipmentDraft, item: Row, asked: _Wanted) -> None:
    """A bundle whose parts ship separately is in the shipment with quantity 1, whatever was ordered; a part of one that ships
    together follows it unseen (magento2#19069).
    """
    parent = rules.parent_of(draft.order, item)
    if item.get("is_virtual"):
        return
    if parent is None:
        draft.lines.append((_line(item, stored(Decimal(1))), item))
        return
    whole = min(asked.get(parent["item_id"], ZERO), rules.to_ship(draft.order, parent))
    if whole > 0 and parent.get("product_type") == "bundle":
        share = of(item, "qty_ordered") / of(parent, "qty_ordered")
        draft.followers.append((item, stored(whole * share)))


def _line(item: Row, qty: Decimal) -> Row:
    line = {column: item[column] for column in _COPIED if column in item}
    return line | {"order_item_id": item["item_id"], "qty": qty}


def _complaint(order: Row, item: Row) -> str:
    """Magento's error for a requested line that is shipped by another one; empty if it accepts the line."""
    parent = rules.parent_of(order, item)
    whole = parent or item
    if whole.get("product_type") != "bundle" or not rules.is_dummy(order, item, shipping=True):
        return ""
    kind, instead = ("Together", "Bundle product itself") if parent else ("Separately", "Bundle product options")
    return (
        f'Cannot create shipment as bundle product "{whole["sku"]}" has shipment type "{kind}". '
        f"{instead} should be shipped instead."
    )


def check_shipment(draft: ShipmentDraft, tracks: list[Row]) -> None:
    order, messages = draft.order, []
    if order.get("state") in ("payment_review", "holded", "canceled") or order.get("is_virtual"):
        messages.append(f"A shipment cannot be created when an order has a status of {order.get('status')}")
    elif not rules.allows_shipment(order):
        messages.append("The order does not allow a shipment to be created.")
    if draft.total_qty <= 0:
        messages.append("You can't create a shipment without products.")
    messages += draft.complaints
    messages += ["Please enter a tracking number." for track in tracks if not track.get("track_number")]
    if messages:
        raise document_errors("Shipment", messages)


def take_from_source(draft: ShipmentDraft, source_items: list[Row], source_code: str) -> None:
    """Reduce the source's quantities; one text for every reason why that is impossible (docs/facts/magento-2.4.7-more.md#3)."""
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
    if rules.is_dummy(order, item, shipping=True):
        return []
    children = rules.children_of(order, item)
    if not children:
        return [(str(item.get("_product_sku", item["sku"])), line["qty"])]
    share = line["qty"] / of(item, "qty_ordered")
    return [(str(child.get("_product_sku", child["sku"])), of(child, "qty_ordered") * share) for child in children]


def book_shipment(draft: ShipmentDraft, stamp: str, *, by_clerk: bool = False) -> None:
    """Only the shipped lines change; the order itself does not (docs/facts/magento-2.4.7.md#4).

    The admin counts what is stored (`Shipment::register`), REST the parts that follow their bundle too (`OrderRegistrar`).
    """
    for line, item in draft.lines:
        item["qty_shipped"] = of(item, "qty_shipped") + line["qty"]
        item["updated_at"] = stamp
    for item, qty in [] if by_clerk else draft.followers:
        item["qty_shipped"] = stored(of(item, "qty_shipped") + qty)
        item["updated_at"] = stamp
