"""Bundles of an order: whether the bundle or its parts carry the price.

Magento stores it in the item's `product_options` (`product_calculations`), which REST does not return. The parts' `price` is no
evidence: from 2.4.8 on REST returns the bundle's price there too (`Webapi/ChangeOutputArray::getBundleProductPrice`,
magento2#38687). In every version a part's own price in base currency and its row total are reliable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

Row = Mapping[str, Any]

BUNDLE = "bundle"
_BY_PARTS, _BY_BUNDLE = "0", "1"  # Magento's AbstractType::CALCULATE_CHILD and CALCULATE_PARENT
_OWN_FIGURES = (
    "base_price",
    "base_row_total",
    "row_total",
    "base_price_incl_tax",
    "price_incl_tax",
    "row_total_incl_tax",
)


def with_own_prices(items: Sequence[Row]) -> list[Row]:
    """Return an order's items, with price 0 for a bundle's part without a price of its own, as up to Magento 2.4.7."""
    bundles = {item.get("item_id") for item in items if item.get("product_type") == BUNDLE}
    return [
        {**item, "price": 0} if item.get("parent_item_id") in bundles and _borrows_its_price(item) else item
        for item in items
    ]


def is_priced_by_parts(bundle: Row, parts: Sequence[Row]) -> bool:
    """Return whether the parts carry the money (a *dynamic* price). A declared `product_calculations` comes before the amounts."""
    declared = _declared(bundle)
    if declared is not None:
        return declared == _BY_PARTS
    if any(part.get(name) is not None for part in parts for name in _OWN_FIGURES):
        return any(_is_something(part.get(name)) for part in parts for name in _OWN_FIGURES)
    return any(_is_something(part.get("price")) for part in parts)


def _borrows_its_price(part: Row) -> bool:
    """Return whether a part shows the bundle's price: it has one, but none in base currency and no row total."""
    own = [part.get(name) for name in ("base_price", "base_row_total", "row_total")]
    return own[0] is not None and _is_something(part.get("price")) and not any(map(_is_something, own))


def _declared(bundle: Row) -> str | None:
    """Return `product_calculations` of the item's options, where an extension exposes them: as an object or as JSON text."""
    options = bundle.get("product_options")
    if isinstance(options, str):
        try:
            options = json.loads(options)
        except ValueError:
            return None
    given = str(options.get("product_calculations")) if isinstance(options, Mapping) else None
    return given if given in (_BY_PARTS, _BY_BUNDLE) else None


def _is_something(value: Any) -> bool:
    """Return whether an amount is not zero when rounded to Magento's four decimals. True for text that is no number."""
    try:
        number = Decimal(str(value or 0))
    except InvalidOperation:
        return True
    return not number.is_finite() or abs(number) >= Decimal("0.00005")
