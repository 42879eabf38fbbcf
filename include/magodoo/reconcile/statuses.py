"""Map the states of a pair to their meaning, by one table per kind.

Every combination has a meaning: the last row of each table matches whatever is left. A Magento state that no release
defines is data, never an error: it means the same as the ordinary state.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from magodoo.domain.states import (
    CANCELED_IN_MAGENTO,
    QUOTATION,
    UNDER_WAY,
    UNPAID,
    MagentoOrderState,
    OdooMovePaymentState,
    OdooMoveState,
    OdooOrderState,
    OdooTransferState,
)
from magodoo.domain.vocabulary import FindingType


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
    finding: FindingType | None = None


@dataclass(frozen=True)
class _Row:
    meaning: Meaning
    magento: Container[str] | None = None
    odoo: Container[str] | None = None
    payment: Container[str] | None = None
    captured: bool | None = None
    ours: bool | None = None

    def fits(self, magento: str, odoo: str, payment: str, captured: bool, ours: bool) -> bool:
        words = ((self.magento, magento), (self.odoo, odoo), (self.payment, payment))
        flags = ((self.captured, captured), (self.ours, ours))
        return all(rule is None or word in rule for rule, word in words) and all(
            rule is None or flag is rule for rule, flag in flags
        )


AGREE = Meaning("both sides agree")

_MOVE = (
    _Row(Meaning("cancelled in Magento, posted in Odoo", ""), magento=CANCELED_IN_MAGENTO, odoo={OdooMoveState.POSTED}),
    _Row(Meaning("cancelled in Magento, not in the books of Odoo"), magento=CANCELED_IN_MAGENTO),
    _Row(Meaning("stands in Magento, its document is cancelled in Odoo", "cancelled"), odoo={OdooMoveState.CANCEL}),
    _Row(Meaning("stands in Magento, our document is still a draft in Odoo", "draft"), odoo={OdooMoveState.DRAFT}, ours=True),
    # Posted when it was written to Magento, and a draft again: a draft that a person prepares is never paired.
    _Row(Meaning("stands in Magento, its document is a draft again in Odoo", ""), odoo={OdooMoveState.DRAFT}, ours=False),
    _Row(
        Meaning("captured in Magento, partially paid in Odoo", "payment"),
        odoo={OdooMoveState.POSTED}, payment={OdooMovePaymentState.PARTIAL}, captured=True,
    ),
    _Row(Meaning("captured in Magento, not paid in Odoo", "payment"), odoo={OdooMoveState.POSTED}, payment=UNPAID, captured=True),
    _Row(Meaning("posted in Odoo and settled by a credit note"), odoo={OdooMoveState.POSTED}, payment={OdooMovePaymentState.REVERSED}),
    _Row(Meaning("posted in Odoo, payment under way to the bank"), odoo={OdooMoveState.POSTED}, payment={OdooMovePaymentState.IN_PAYMENT}),
    _Row(Meaning("posted and paid in Odoo"), odoo={OdooMoveState.POSTED}, payment={OdooMovePaymentState.PAID}),
    # Every invoice created over Magento's REST API has state 2, which alone is no evidence of money (docs/business-rules.md#payments).
    _Row(Meaning("posted in Odoo and open, no capture known in Magento"), odoo={OdooMoveState.POSTED}, captured=False),
    _Row(AGREE),
)  # fmt: skip

_ORDER = (
    _Row(Meaning("cancelled on both sides"), magento={MagentoOrderState.CANCELED}, odoo={OdooOrderState.CANCEL}),
    _Row(Meaning("cancelled in Magento, confirmed in Odoo", "order"), magento={MagentoOrderState.CANCELED}, odoo={OdooOrderState.SALE}),
    _Row(Meaning("cancelled in Magento, our quotation stands in Odoo", "order"), magento={MagentoOrderState.CANCELED}, ours=True),
    _Row(Meaning("cancelled in Magento, a quotation in Odoo"), magento={MagentoOrderState.CANCELED}),
    _Row(Meaning("cancelled in Odoo, not in Magento", "", FindingType.CANCELLED_IN_ODOO), odoo={OdooOrderState.CANCEL}),
    _Row(Meaning("confirmed in Odoo"), odoo={OdooOrderState.SALE}),
    _Row(Meaning("under way in Magento, our quotation is not confirmed", "draft"), magento=UNDER_WAY, odoo=QUOTATION, ours=True),
    _Row(Meaning("a quotation in Odoo")),
)  # fmt: skip

_SHIPMENT = (
    _Row(Meaning("shipped on both sides"), odoo={OdooTransferState.DONE}),
    _Row(Meaning("shipped in Magento, cancelled in Odoo"), odoo={OdooTransferState.CANCEL}),
    _Row(Meaning("shipped in Magento, not yet delivered in Odoo")),
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
