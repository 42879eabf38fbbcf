"""What the customer is not to get any more of a Magento order: pieces that were cancelled, and pieces that were refunded before they left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

NEVER_SHIPPED = ("virtual", "downloadable")


class GivenUp(NamedTuple):
    """Of one item of an order, in units (1/10000): cancelled, and refunded without ever being shipped."""

    cancelled: int
    refunded: int

    @property
    def pieces(self) -> int:
        return self.cancelled + self.refunded


def given_up(lines: Iterable[Any]) -> dict[Any, GivenUp]:
    """What is given up of each item that carries money, by its key; items of which nothing is given up are left out.

    lines: those of one Magento order, with the names of `CanonicalLine` as attributes or columns. What may have left with its bundle
    counts as shipped. Goods that are never shipped are not given up by a refund: Odoo delivers nothing of them.
    """
    items = [line for line in lines if line.role == "item"]
    found = {}
    for line in items:
        if not line.is_money or line.qty_ordered <= 0:
            continue
        cancelled = min(max(line.qty_canceled, 0), line.qty_ordered)
        unshipped = max(line.qty_ordered - cancelled - _shipped(line, items), 0)
        refunded = 0 if line.product_type in NEVER_SHIPPED else min(max(line.qty_refunded, 0), unshipped)
        if cancelled or refunded:
            found[line.item_key] = GivenUp(int(cancelled), int(refunded))
    return found


def _shipped(line: Any, items: Sequence[Any]) -> int:
    """Units of an item that left: by its own line, with the bundle that it is a part of, or with a part of it."""
    own = [line.qty_shipped]
    for other in items:
        if other.product_type == "bundle" and other.qty_ordered > 0 and other.item_key == line.parent_item_key:
            own.append(other.qty_shipped * line.qty_ordered // other.qty_ordered)
        elif line.product_type == "bundle" and other.qty_ordered > 0 and other.parent_item_key == line.item_key:
            own.append(-(-other.qty_shipped * line.qty_ordered // other.qty_ordered))
    return int(max(own))
