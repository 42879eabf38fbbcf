"""The items of an order: their types, and which of them can be invoiced, shipped and refunded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from magodoo.connectors.magento.bundles import BUNDLE, is_priced_by_parts, with_own_prices
from magodoo.domain.vocabulary import Kind
from magodoo.errors import FixDocument, InvariantError

_OPTIONS = {
    "configurable_item_options": "configurable",
    "bundle_options": "bundle",
    "downloadable_option": "downloadable",
}


def complete_types(order: dict[str, Any]) -> None:
    """Set a missing `product_type` of an item from another place in the order. Changes the order in place."""
    missing = [item for item in order.get("items") or () if not item.get("product_type")]
    if not missing:
        return
    shown = dict(_shown(order))
    for item in missing:
        item["product_type"] = shown.get(item.get("item_id")) or _by_options(item)


def _shown(order: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    """Yield (item id, type) of the items' copies: in the shipping assignments, and as parent of a bundle's parts."""
    for item in _copies(order):
        for copy in (item, item.get("parent_item")):
            if isinstance(copy, Mapping) and isinstance(copy.get("product_type"), str) and copy["product_type"]:
                yield _number(copy.get("item_id")), copy["product_type"]


def _copies(order: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    given = order.get("extension_attributes")
    assigned = given.get("shipping_assignments") if isinstance(given, Mapping) else None
    for each in [order, *(assigned if isinstance(assigned, list) else ())]:
        rows = each.get("items") if isinstance(each, Mapping) else None
        yield from (row for row in (rows if isinstance(rows, list) else ()) if isinstance(row, Mapping))


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def _by_options(item: Mapping[str, Any]) -> str | None:
    option = item.get("product_option")
    given = option.get("extension_attributes") if isinstance(option, Mapping) else None
    return next((type_ for name, type_ in _OPTIONS.items() if isinstance(given, Mapping) and given.get(name)), None)


Lines = Sequence[tuple[int, Decimal]]


class Role(StrEnum):
    """The role of an order line in the documents of the order."""

    PLAIN = "simple item"
    CONFIGURABLE = "configurable item"
    CONFIGURABLE_CHILD = "variant of a configurable item"
    DYNAMIC_BUNDLE = "bundle priced by its parts"
    DYNAMIC_PART = "part of a bundle priced by its parts"
    FIXED_BUNDLE = "bundle of fixed price"
    FIXED_PART = "part of a bundle of fixed price"
    UNTOLD = "item with parts, of which Magento does not say whether it is a bundle"


_WRITTEN_BY = {
    Kind.INVOICE: {Role.PLAIN, Role.CONFIGURABLE, Role.DYNAMIC_BUNDLE, Role.FIXED_BUNDLE},
    Kind.SHIPMENT: set(Role) - {Role.CONFIGURABLE_CHILD, Role.UNTOLD},
    Kind.CREDIT_MEMO: {Role.PLAIN, Role.CONFIGURABLE, Role.DYNAMIC_PART, Role.FIXED_BUNDLE},
}


@dataclass(frozen=True)
class OrderItem:
    """One line of an order, with quantities as Decimal."""

    item_id: int
    parent_id: int | None
    sku: str
    role: Role
    virtual: bool
    divisible: bool
    """Whether it is sold in fractions of a piece; for every other item Magento silently truncates 1.5 to 1 (`castQty`)."""
    ordered: Decimal
    invoiced: Decimal
    shipped: Decimal
    refunded: Decimal
    canceled: Decimal

    def is_written_in(self, kind: Kind) -> bool:
        """Return whether documents of this kind name the item itself, not its parent or parts."""
        return self.role in _WRITTEN_BY[kind] and not (kind is Kind.SHIPMENT and self.virtual)

    def open_for(self, kind: Kind) -> Decimal:
        """Return the largest quantity that Magento accepts. A shipment above it is silently reduced (docs/facts/magento-2.4.7.md#5.2)."""
        if kind is Kind.CREDIT_MEMO:
            # A dynamic bundle's parts and its parent both count what was invoiced; each part knows its own.
            return self.invoiced - self.refunded
        if kind is Kind.INVOICE:
            return self.ordered - self.invoiced - self.canceled
        # Part of the refunded quantity may have been shipped before: the lower bound of both interpretations.
        return self.ordered - self.canceled - max(self.shipped, self.refunded)


def order_items(order: Mapping[str, Any]) -> dict[int, OrderItem]:
    """Return the lines of a valid order by item id, each with its role."""
    rows = {row["item_id"]: row for row in with_own_prices(order["items"])}
    parts: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows.values():
        parts.setdefault(row.get("parent_item_id") or 0, []).append(row)
    priced = {number for number, own in parts.items() if number in rows and is_priced_by_parts(rows[number], own)}
    items = {number: _item(row, rows.get(row.get("parent_item_id")), priced) for number, row in rows.items()}
    for part in [item for item in items.values() if item.role is Role.UNTOLD and item.parent_id]:
        items[part.parent_id] = replace(items[part.parent_id], role=Role.UNTOLD)
    return items


def check_lines(kind: Kind, order: Mapping[str, Any], lines: Lines) -> None:
    """Raise InvariantError for a list that Magento would read as "everything", FixDocument for one that it would refuse or change.

    Magento silently drops unknown items, keeps the last of two equal lines and reduces a shipment's quantity (docs/facts/magento-2.4.7.md#5.1,
    5.2): such lists are never sent.
    """
    if not lines:
        raise InvariantError(f"a {kind.words} without lines would become one of everything", system="magento")
    if len({number for number, _ in lines}) != len(lines):
        raise InvariantError(f"a {kind.words} names an order item twice: the last would win", system="magento")
    items = order_items(order)
    for number, quantity in lines:
        _check_line(kind, items.get(number), number, quantity)
    twice = {items[number].parent_id for number, _ in lines} & {number for number, _ in lines}
    if kind is Kind.SHIPMENT and twice:
        raise FixDocument(f"order item {min(filter(None, twice))} and parts of it in one shipment", system="magento")


def quantity_differences(document: Mapping[str, Any], lines: Lines) -> dict[int, tuple[Decimal, Decimal]]:
    """Return (requested, written) by order item id where a written document differs from the request. Children are left out."""
    written: dict[int, Decimal] = {}
    for row in document.get("items") or ():
        written[row["order_item_id"]] = written.get(row["order_item_id"], Decimal(0)) + Decimal(row["qty"])
    return {
        number: (Decimal(quantity), written.get(number, Decimal(0)))
        for number, quantity in lines
        if written.get(number, Decimal(0)) != quantity
    }


def shipped_goods(order: Mapping[str, Any], lines: Lines) -> dict[int, Decimal]:
    """Return the quantities that a shipment's lines move, by order item id.

    A bundle counts as its parts. Where the shipment also names parts, the bundle's own line moves nothing.
    """
    items = order_items(order)
    labels = {items[number].parent_id for number, _ in lines if number in items}
    found: dict[int, Decimal] = {}
    for number, quantity in lines:
        for item, each in [] if number in labels else _in_parts(items, number, Decimal(quantity)):
            found[item] = found.get(item, Decimal(0)) + each
    return found


def by_parts(order: Mapping[str, Any], lines: Lines, bundles: Collection[int]) -> list[tuple[int, Decimal]]:
    """Return the lines of a shipment with these bundles replaced by their parts, sorted by item id."""
    items = order_items(order)
    named: dict[int, Decimal] = {}
    for number, quantity in lines:
        whole = Decimal(quantity)
        named.update(_in_parts(items, number, whole) if number in bundles else [(number, whole)])
    return sorted(named.items())


def _in_parts(items: Mapping[int, OrderItem], number: int, quantity: Decimal) -> list[tuple[int, Decimal]]:
    item = items.get(number)
    if item is None or item.role not in (Role.DYNAMIC_BUNDLE, Role.FIXED_BUNDLE) or not item.ordered:
        return [(number, quantity)]
    parts = [part for part in items.values() if part.parent_id == number and not part.virtual]
    return [(part.item_id, quantity * part.ordered / item.ordered) for part in parts]


def _check_line(kind: Kind, item: OrderItem | None, number: int, quantity: Decimal) -> None:
    if not isinstance(quantity, Decimal | int) or isinstance(quantity, bool) or not Decimal(quantity).is_finite():
        raise InvariantError(f"order item {number}: {quantity!r} is no exact quantity", system="magento")
    if quantity < 0 or (quantity == 0 and kind is not Kind.CREDIT_MEMO):
        raise InvariantError(f"order item {number}: quantity {quantity} in a {kind.words}", system="magento")
    if item is None:
        raise FixDocument(f"order item {number} is not part of this order", system="magento")
    name = f"order item {number} ({item.sku})"
    if quantity and item.role is Role.UNTOLD:
        raise FixDocument(f"{name} is an {item.role}", system="magento")
    if quantity and item.role not in _WRITTEN_BY[kind]:
        whole = "its parts" if item.role is Role.DYNAMIC_BUNDLE else f"its parent, order item {item.parent_id}"
        raise FixDocument(f"{name} is a {item.role}: a {kind.words} names {whole}", system="magento")
    if quantity and not item.is_written_in(kind):
        raise FixDocument(f"{name} is virtual and cannot be shipped", system="magento")
    if quantity % 1 and not item.divisible:
        raise FixDocument(
            f"{name} is sold in whole pieces in Magento, which would cut {Decimal(quantity).normalize():f}: correct the quantity in Odoo, or make the"
            f" {kind.words} in Magento by hand",
            system="magento",
        )
    if quantity > item.open_for(kind):
        raise FixDocument(f"{name}: {quantity} asked, {max(item.open_for(kind), Decimal(0))} open", system="magento")


def _item(row: Mapping[str, Any], parent: Mapping[str, Any] | None, priced: set[int]) -> OrderItem:
    def quantity(name: str) -> Decimal:
        return Decimal(row.get(name) or 0)

    return OrderItem(
        item_id=row["item_id"],
        parent_id=row.get("parent_item_id"),
        sku=row["sku"],
        role=_role(row, parent, priced),
        virtual=bool(row.get("is_virtual")) or row.get("product_type") in ("virtual", "downloadable"),
        divisible=row.get("is_qty_decimal") in (1, "1"),
        ordered=quantity("qty_ordered"),
        invoiced=quantity("qty_invoiced"),
        shipped=quantity("qty_shipped"),
        refunded=quantity("qty_refunded"),
        canceled=quantity("qty_canceled"),
    )


def _role(row: Mapping[str, Any], parent: Mapping[str, Any] | None, priced: set[int]) -> Role:
    """Return the role of a row by its product type and its parent's; `priced` are the ids of bundles priced by their parts."""
    whole = parent or row
    is_part = parent is not None
    if is_part and not whole.get("product_type"):
        return Role.UNTOLD
    if whole.get("product_type") == "configurable":
        return Role.CONFIGURABLE_CHILD if is_part else Role.CONFIGURABLE
    if whole.get("product_type") != BUNDLE:
        return Role.PLAIN
    if whole["item_id"] in priced:
        return Role.DYNAMIC_PART if is_part else Role.DYNAMIC_BUNDLE
    return Role.FIXED_PART if is_part else Role.FIXED_BUNDLE
