"""Some random histories of both sides, the same each time (`make histories` tries thousands); and that the verdict can fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from histories import trial
from histories.draw import draw
from histories.history import CHAIN, Cart, Step, Told
from histories.stage import stage
from histories.trial import attempt
from shop_and_books import ShopAndBooks

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.mark.timeout(300)
def test_random_histories_converge_or_a_finding_says_why_not() -> None:
    with stage(CHECKOUT) as shop, shop("usual") as pair:
        tried = attempt(pair, draw(25, 7))
    assert tried.complaints == {}
    assert tried.counts["written"] > 10, "the chain had something to do"


def test_the_verdict_detects_a_document_that_was_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ShopAndBooks, "chain", lambda self: None)
    monkeypatch.setattr(trial, "settle", lambda pair: {})
    with stage(CHECKOUT) as shop, shop("usual") as pair:
        assert len(attempt(pair, draw(25, 7)).complaints) > 5


@pytest.mark.parametrize(
    ("cart", "steps"),
    [
        (  # numbers of the goods on both sides, none of them in common
            Cart((("BUNDLE-BOX", 1), ("SKU-002", 1))),
            (Step("odoo_enter"), Step("odoo_deliver", extra=True), Step("magento_ship", "last", extra=True), Step("magento_ship")),
        ),
        (  # other quantities in sum: the finding names three documents
            Cart((("SHIRT", 2), ("BUNDLE-SEP", 5)), "card"),
            (Step(CHAIN), Step("odoo_deliver", "last"), Step("odoo_deliver", "half"), Step("magento_ship", "half", extra=True)),
        ),
    ],
)  # fmt: skip
def test_parcels_split_differently_on_both_sides_are_explained(cart: Cart, steps: tuple[Step, ...]) -> None:
    with stage(CHECKOUT) as shop, shop("usual") as pair:
        assert attempt(pair, [Told(cart, steps)]).complaints == {}


def test_a_manual_invoice_that_was_pushed_and_then_cancelled_is_a_finding() -> None:
    told = Told(
        Cart(payment="cashondelivery"), (Step(CHAIN), Step("odoo_bill", "half"), Step(CHAIN), Step("odoo_undo", "one"))
    )
    with stage(CHECKOUT) as shop, shop("eager") as pair:
        assert attempt(pair, [told]).complaints == {}
        assert [row["type"] for row in pair.reported(1)] == ["status_mismatch"]


def test_goods_of_two_deliveries_come_back_from_both() -> None:
    steps = (Step("magento_ship", "half"), Step("magento_invoice"), Step("magento_ship"), Step("magento_refund"))
    told = Told(Cart(), steps)
    with stage(CHECKOUT) as shop, shop("eager") as pair:
        assert attempt(pair, [told]).complaints == {}
        assert [row["state"] for row in pair.pickings(1, "incoming")] == ["done", "done"]


@pytest.mark.parametrize(
    ("policy", "cart", "steps"),
    [
        (  # equal parcels that nothing tells apart agree
            "usual", Cart((("BUNDLE-DYN", 3),), "banktransfer"),
            (Step("magento_ship", "one", 0, True), Step(CHAIN), Step("magento_ship", "one"), Step("odoo_deliver", "half", 1),
             Step("magento_ship")),
        ),
        (  # nothing cancels the order that was edited
            "one way", Cart((("SHIRT", 2), ("SKU-002", 5)), "cashondelivery"),
            (Step(CHAIN), Step("magento_edit", "half"), Step("magento_ship", "half")),
        ),
    ],
)  # fmt: skip
def test_formerly_unexplained_histories_are_explained(policy: str, cart: Cart, steps: tuple[Step, ...]) -> None:
    with stage(CHECKOUT) as shop, shop(policy) as pair:
        assert attempt(pair, [Told(cart, steps)]).complaints == {}
        assert ("status_mismatch" in {row["type"] for row in pair.reported(1)}) is (policy == "one way")


@pytest.mark.parametrize(
    "delivered", [Step("odoo_deliver", extra=True), Step("odoo_deliver", "half"), Step("magento_ship")]
)
def test_an_order_whose_goods_share_a_transfer_with_another_s_agrees(delivered: Step) -> None:
    told = Told(Cart(payment="cashondelivery"), (Step(CHAIN), Step("odoo_merge"), delivered, Step(CHAIN)))
    with stage(CHECKOUT) as shop, shop("usual") as pair:
        assert attempt(pair, [told]).complaints == {}


def test_orders_that_one_bank_line_pays_or_one_transfer_takes_agree() -> None:
    """Paid in full, short, in excess, far short and in another currency; and sent together, whole and in part."""
    cart = Cart(payment="cashondelivery")
    paid = [
        Step("odoo_bank_together", part, extra=extra)
        for part in ("all", "half", "one", "last")
        for extra in (False, True)
    ]
    tales = [Told(cart, (Step(CHAIN), Step("odoo_bill")))] * len(paid)
    tales += [Told(cart, (Step(CHAIN), Step("odoo_bill"), Step(CHAIN), step)) for step in paid]
    sent = [Step("odoo_deliver", extra=True), Step("odoo_deliver", "half")]
    tales += [Told(cart, (Step(CHAIN), Step("odoo_merge_orders"), step, Step(CHAIN))) for step in sent]
    with stage(CHECKOUT) as shop, shop("usual") as pair:
        tried = attempt(pair, tales)
    assert (tried.complaints, tried.counts["refused"]) == ({}, 0)
