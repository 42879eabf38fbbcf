"""Quantities of a Magento order that will not be delivered any more: cancelled, or refunded before they were shipped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

NEVER_SHIPPED = ("virtual", "downloadable")


class GivenUp(NamedTuple):
    """Quantities of one order item, in units (1/10000): cancelled, and refunded without ever being shipped."""

    cancelled: int
    refunded: int

    @property
    def pieces(self) -> int:
        """Return the sum of both, in units (1/10000)."""
        return self.cancelled + self.refunded


def given_up(lines: Iterable[Any]) -> dict[Any, GivenUp]:
    """Return what is given up of each item that carries money, by item key. Items with nothing given up are left out.

    `lines` are the lines of one Magento order, with the names of `CanonicalLine` as attributes or columns. A part that may have left with
    its bundle counts as shipped. A refund gives up nothing of virtual and downloadable products: Odoo does not deliver them.
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
    """Return the shipped quantity of an item, in units: on its own line, with the bundle that it belongs to, or with one of its parts."""
    own = [line.qty_shipped]
    for other in items:
        if other.product_type == "bundle" and other.qty_ordered > 0 and other.item_key == line.parent_item_key:
            own.append(other.qty_shipped * line.qty_ordered // other.qty_ordered)
        elif line.product_type == "bundle" and other.qty_ordered > 0 and other.parent_item_key == line.item_key:
            own.append(-(-other.qty_shipped * line.qty_ordered // other.qty_ordered))
    return int(max(own))
