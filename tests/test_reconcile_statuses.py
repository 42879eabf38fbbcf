"""Every combination of states has one defined meaning."""

from __future__ import annotations

from itertools import product

import pytest

from magodoo.domain import labels
from magodoo.domain.states import MagentoOrderState, OdooMoveState, OdooOrderState, OdooTransferState
from magodoo.reconcile.statuses import meaning, progress

PAYMENTS = [*labels.PAYMENT_STATES, *labels.RARE_PAYMENT_STATES, "a state of tomorrow"]
FLAGS = (False, True)


def moves():
    states = [*labels.MAGENTO_STATES["invoice"], "a state of tomorrow"]
    return product(("invoice", "credit_memo"), states, OdooMoveState, PAYMENTS, FLAGS, FLAGS)


def expected_part(magento: str, odoo: str, payment: str, captured: bool, ours: bool) -> str | None:
    """The contract in words, written down a second time and without a table."""
    if magento == "3":
        return "" if odoo == "posted" else None
    if odoo == "cancel":
        return "cancelled"
    if odoo == "draft":
        return "draft" if ours else ""
    unpaid = payment in ("", "not_paid", "partial", "blocked")
    return "payment" if captured and unpaid else None


def test_every_pair_of_moves_has_its_meaning() -> None:
    for kind, magento, odoo, payment, captured, ours in moves():
        found = meaning(kind, magento, odoo, payment, captured, ours)
        assert found.words
        assert found.part == expected_part(magento, odoo, payment, captured, ours), (
            magento,
            odoo,
            payment,
            captured,
            ours,
        )


@pytest.mark.parametrize("magento", [*MagentoOrderState, "geist_state"])
@pytest.mark.parametrize("odoo", [state for state in OdooOrderState if state is not OdooOrderState.DONE])
@pytest.mark.parametrize("ours", FLAGS)
def test_every_pair_of_orders_has_its_meaning(magento: str, odoo: str, ours: bool) -> None:
    found = meaning("order", magento, odoo, "", False, ours)
    quotation = odoo in ("draft", "sent")
    if magento == "canceled":
        expected = "order" if odoo == "sale" or (quotation and ours) else None
    elif odoo == "cancel":
        assert found.finding == "cancelled_in_odoo"
        return
    else:
        expected = "draft" if quotation and ours and magento in ("processing", "complete", "closed") else None
    assert (found.part, found.finding) == (expected, None)


@pytest.mark.parametrize("odoo", OdooTransferState)
def test_every_picking_state_has_its_meaning(odoo: str) -> None:
    found = meaning("shipment", "", odoo, "", False, True)
    assert found.words and found.part is None


@pytest.mark.parametrize(
    ("ordered", "canceled", "refunded", "done", "words"),
    [
        (3, 0, 0, 0, "not begun"),
        (3, 0, 0, 1, "partial"),
        (3, 0, 0, 3, "full"),
        (3, 1, 0, 2, "full"),
        (3, 0, 1, 2, "full but for what was refunded"),
        (3, 0, 3, 0, "refunded before"),
        (3, 3, 0, 0, "nothing to do"),
        (3, 0, 0, 4, "more than ordered"),
    ],
)
def test_progress_comes_from_quantities(ordered: int, canceled: int, refunded: int, done: int, words: str) -> None:
    """`complete` proves neither shipped nor invoiced (docs/facts/magento-2.4.7.md#5.5)."""
    assert progress(ordered, canceled, refunded, done) == words
