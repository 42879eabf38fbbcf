"""The type of an order item that does not say it: it stands in other places of the order as well, or follows from its options.

What it decides (a bundle's parts, goods or service) is money and tax: a type that cannot be found out stays none and is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_OPTIONS = {
    "configurable_item_options": "configurable",
    "bundle_options": "bundle",
    "downloadable_option": "downloadable",
}


def complete_types(order: dict[str, Any]) -> None:
    """Give each item without `product_type` the one that another place of the order shows; in place."""
    lacking = [item for item in order.get("items") or () if not item.get("product_type")]
    if not lacking:
        return
    shown = dict(_shown(order))
    for item in lacking:
        item["product_type"] = shown.get(item.get("item_id")) or _by_options(item)


def _shown(order: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    """(item id, type) of the items' copies: among the shipping assignments, and beside each part of a bundle."""
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
