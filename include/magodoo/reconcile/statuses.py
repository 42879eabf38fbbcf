"""Map the states of a pair to their meaning, by one table per kind.

Every combination has a meaning: the last row of each table matches whatever is left. A Magento state that no release
defines is data, never an error: it means the same as the ordinary state.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

ODOO_MOVE_STATES = ("draft", "posted", "cancel")
ODOO_ORDER_STATES = ("draft", "sent", "sale", "cancel")
ODOO_PICKING_STATES = ("draft", "waiting", "confirmed", "assigned", "done", "cancel")
MAGENTO_ORDER_STATES = (
    "new",
    "pending_payment",
    "payment_review",
    "holded",
    "processing",
    "complete",
    "closed",
    "canceled",
)
CONFIRMED = frozenset({"processing", "complete", "closed"})
UNPAID = frozenset({"", "not_paid", "partial", "blocked"})


@dataclass(frozen=True)
class Meaning:
    """The meaning of a combination of states.

    Attributes:
        words: the meaning as text.
        part: part of a `status_mismatch` ("order", "payment" ...); None if the states agree.
        finding: type of finding, if it is not status_mismatch.
    """

    words: str
    part: str | None = None
    finding: str | None = None  # another type than status_mismatch


@dataclass(frozen=True)
class _Row:
    magento: Container[str] | None
    odoo: Container[str] | None
    payment: Container[str] | None
    captured: bool | None
    ours: bool | None
    meaning: Meaning

    def fits(self, magento: str, odoo: str, payment: str, captured: bool, ours: bool) -> bool:
        words = ((self.magento, magento), (self.odoo, odoo), (self.payment, payment))
        flags = ((self.captured, captured), (self.ours, ours))
        return all(rule is None or word in rule for rule, word in words) and all(
            rule is None or flag is rule for rule, flag in flags
        )


AGREE = Meaning("both sides agree")

# columns:  Magento      Odoo state     payment_state  captured  ours
_MOVE = (
    _Row({"3"}, {"posted"}, None, None, None, Meaning("cancelled in Magento, posted in Odoo", "")),
    _Row({"3"}, None, None, None, None, Meaning("cancelled in Magento, not in the books of Odoo")),
    _Row(
        None, {"cancel"}, None, None, None, Meaning("stands in Magento, its document is cancelled in Odoo", "cancelled")
    ),
    _Row(
        None, {"draft"}, None, None, True, Meaning("stands in Magento, our document is still a draft in Odoo", "draft")
    ),
    # Posted when it was written to Magento, and a draft again: a draft that a person prepares is never paired.
    _Row(None, {"draft"}, None, None, False, Meaning("stands in Magento, its document is a draft again in Odoo", "")),
    _Row(None, {"posted"}, {"partial"}, True, None, Meaning("captured in Magento, partially paid in Odoo", "payment")),
    _Row(None, {"posted"}, UNPAID, True, None, Meaning("captured in Magento, not paid in Odoo", "payment")),
    _Row(None, {"posted"}, {"reversed"}, None, None, Meaning("posted in Odoo and settled by a credit note")),
    _Row(None, {"posted"}, {"in_payment"}, None, None, Meaning("posted in Odoo, payment under way to the bank")),
    _Row(None, {"posted"}, {"paid"}, None, None, Meaning("posted and paid in Odoo")),
    # Every invoice created over Magento's REST API has state 2, which alone is no evidence of money (docs/business-rules.md#payments).
    _Row(None, {"posted"}, None, False, None, Meaning("posted in Odoo and open, no capture known in Magento")),
    _Row(None, None, None, None, None, AGREE),
)

_ORDER = (
    _Row({"canceled"}, {"cancel"}, None, None, None, Meaning("cancelled on both sides")),
    _Row({"canceled"}, {"sale"}, None, None, None, Meaning("cancelled in Magento, confirmed in Odoo", "order")),
    _Row({"canceled"}, None, None, None, True, Meaning("cancelled in Magento, our quotation stands in Odoo", "order")),
    _Row({"canceled"}, None, None, None, None, Meaning("cancelled in Magento, a quotation in Odoo")),
    _Row(None, {"cancel"}, None, None, None, Meaning("cancelled in Odoo, not in Magento", "", "cancelled_in_odoo")),
    _Row(None, {"sale"}, None, None, None, Meaning("confirmed in Odoo")),
    _Row(
        CONFIRMED,
        {"draft", "sent"},
        None,
        None,
        True,
        Meaning("under way in Magento, our quotation is not confirmed", "draft"),
    ),
    _Row(None, None, None, None, None, Meaning("a quotation in Odoo")),
)

_SHIPMENT = (
    _Row(None, {"done"}, None, None, None, Meaning("shipped on both sides")),
    _Row(None, {"cancel"}, None, None, None, Meaning("shipped in Magento, cancelled in Odoo")),
    _Row(None, None, None, None, None, Meaning("shipped in Magento, not yet delivered in Odoo")),
)

TABLES = {"order": _ORDER, "invoice": _MOVE, "credit_memo": _MOVE, "shipment": _SHIPMENT}


def meaning(kind: str, magento: str, odoo: str, payment: str, captured: bool, ours: bool) -> Meaning:
    """Return the meaning of a pair's states.

    Args:
        kind: order, invoice, credit_memo or shipment.
        magento: state in Magento.
        odoo: state in Odoo.
        payment: payment_state in Odoo.
        captured: whether the money is captured in Magento.
        ours: whether magodoo created the Odoo record.
    """
    return next(row.meaning for row in TABLES[kind] if row.fits(magento, odoo, payment, captured, ours))


def progress(ordered: int, canceled: int, refunded: int, done: int) -> str:
    """Return how far an order item is shipped or invoiced, as text, from quantities in units.

    The order's state `complete` proves neither.
    """
    expected = ordered - canceled
    if expected <= 0:
        return "nothing to do"
    if done <= 0:
        return "refunded before" if refunded >= expected else "not begun"
    if done >= expected:
        return "full" if done == expected else "more than ordered"
    return "full but for what was refunded" if done + refunded >= expected else "partial"
