"""What people do in a month: orders, and for each what becomes of it after how many hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from histories.history import Cart, Step

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Plan:
    """An order placed at a moment (UTC), and steps after so many hours each. Odoo's steps wait until they are possible."""

    name: str
    at: datetime
    cart: Cart
    steps: tuple[tuple[float, Step], ...]

    @property
    def led_by_odoo(self) -> bool:
        return any(step.do.startswith("odoo") for _, step in self.steps)


TWO = (("SKU-001", 2), ("SKU-002", 3))
KINDS: dict[str, tuple[Cart, tuple[tuple[float, Step], ...]]] = {
    "card": (
        Cart(TWO, "card"),
        ((2, Step("magento_invoice")), (26, Step("magento_ship", extra=True)), (34, Step("magento_refund", "one"))),
    ),
    "in two parts": (
        Cart((("SKU-003", 4),), "banktransfer"),
        (
            (1, Step("magento_invoice", "half")), (2.5, Step("magento_ship", "half")), (20, Step("magento_invoice")),
            (21, Step("magento_ship")),
        ),
    ),
    "led by odoo": (
        Cart(TWO, "cashondelivery"),
        ((5, Step("odoo_deliver", extra=True)), (12, Step("odoo_bill")), (20, Step("odoo_pay"))),
    ),
    "cancelled": (Cart((("SKU-004", 1),), "banktransfer"), ((3, Step("magento_cancel")),)),
    "late track": (
        Cart((("SKU-005", 2),), "checkmo"),
        ((2, Step("magento_invoice")), (3, Step("magento_ship")), (30, Step("magento_track"))),
    ),
    "in euro": (
        Cart((("SKU-006", 2),), "card", store="eu"), ((1, Step("magento_invoice")), (3, Step("magento_ship")))
    ),
    "delivered in two parts": (
        Cart((("SKU-002", 4),), "cashondelivery"),
        ((6, Step("odoo_deliver", "half")), (9, Step("odoo_deliver")), (14, Step("odoo_bill")), (15, Step("odoo_pay"))),
    ),
    "unknown in odoo": (Cart((("SKU-UNKNOWN", 1),), "banktransfer"), ((2, Step("magento_invoice")),)),
}  # fmt: skip


def plans(start: datetime, days: int, per_day: int, changes: list[datetime]) -> list[Plan]:
    """The orders of the month: `per_day` each day at odd moments, twelve that are invoiced in one second, and around each
    change of the clocks (UTC) one invoiced every twenty minutes."""
    made = []
    kinds = list(KINDS)
    step = timedelta(days=1) / per_day
    last = start + timedelta(days=days) - 36 * HOUR
    number = 0
    while (at := start + number * step) < last:
        kind = kinds[number % len(kinds)]
        at = (at + timedelta(seconds=137 * (number % 11))).replace(microsecond=0)
        made.append(Plan(f"{number} {kind}", at, *KINDS[kind]))
        number += 1
    cart, middle = Cart((("SKU-001", 1),), "banktransfer"), (start + timedelta(days=days * 0.65)).replace(microsecond=0)
    for each in range(12):
        first = middle - (each + 1) * timedelta(minutes=1)
        made.append(Plan(f"one second {each}", first, cart, (((middle - first) / HOUR, Step("magento_invoice")),)))
    for change in changes:
        for each in range(9):
            at = change - 3 * HOUR + each * timedelta(minutes=20)
            made.append(Plan(f"clocks change {change:%m-%d} {each}", at, cart, ((2, Step("magento_invoice")),)))
    return sorted(made, key=lambda plan: plan.at)
