"""Orders to the cent on an Odoo before 19, which takes no forced tax on orders: which arrive, what is refused, and what is left behind."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop_and_books import ShopAndBooks, amount, shop_and_books
from sqlalchemy import text

from magodoo.connectors.odoo.orders import Orders
from magodoo.domain.order_cents import Outcome, Rounding, SoldLine, allowed, computed, sent
from magodoo.errors import FixDocument
from magodoo.flows import odoo_order
from magodoo.ledger import decisions
from magodoo.money import to_units
from magodoo.pipeline import refresh
from magodoo.preflight import accounting
from magodoo.preflight.subject import Subject
from magodoo.timestamps import utc_now
from magodoo_sandbox.magento import Coupon, Line

CENT = Decimal("0.01")


def lines(draw: Any) -> list[SoldLine]:
    """Lines as Magento computes them: price times quantity less a discount, each rounded, the tax of that."""
    made = []
    for _ in range(draw(st.integers(1, 6))):
        price = Decimal(draw(st.integers(1, 200_000_000))).scaleb(-6)
        quantity, rate = Decimal(draw(st.integers(1, 9))), Decimal(draw(st.sampled_from(["0", "8.25", "19"])))
        discount = Decimal(draw(st.sampled_from([0, 0, 1000, 3333]))).scaleb(-2)
        net = (price * quantity * (100 - discount) / 100).quantize(CENT)
        off = draw(st.sampled_from([0, 0, 0, 1, -1])) * CENT  # Magento rounds the tax of a line its own way
        tax = (net * rate / 100).quantize(CENT) + (off if rate else 0)
        made.append(
            SoldLine(
                quantity,
                price,
                discount,
                to_units(net),
                to_units(max(tax, Decimal(0))),
                f"{rate}" if rate else "",
                rate,
            )
        )
    return made  # fmt: skip


ROUNDINGS = st.builds(Rounding, st.sampled_from([2, 4, 6]), st.booleans())


@settings(deadline=None)
@given(st.data(), ROUNDINGS)
def test_an_order_arrives_exactly_when_its_untaxed_amount_is_exact_and_its_tax_within_half_a_cent_a_line(
    data: Any, rounding: Rounding
) -> None:
    sold = lines(data.draw)
    found = computed(sold, rounding, 2)
    untaxed, tax = sum(line.net for line in sold), sum(line.tax for line in sold)
    within = abs(found.tax - tax) <= 50 * sum(1 for line in sold if line.tax)
    forced = {line.tax_key for line in sold if line.tax} <= {key for key, units in found.taxes.items() if units}
    assert found.outcome.arrives == (found.untaxed == untaxed and within and forced)
    assert (found.outcome is Outcome.EXACT) == (found.outcome.arrives and found.tax == tax)


@settings(deadline=None)
@given(st.data(), st.sampled_from([2, 4, 6]))
def test_prices_are_sent_with_the_digits_that_are_kept(data: Any, digits: int) -> None:
    rounding = Rounding(digits, globally=False)
    for line in lines(data.draw):
        price, discount = sent(line, rounding, 2)
        assert price == price.quantize(Decimal(1).scaleb(-digits))
        assert discount == discount.quantize(CENT)


def test_half_a_cent_for_each_line_that_has_tax() -> None:
    assert allowed([0, 0], 2) == 0
    assert allowed([100, 0, 200], 2) == 100
    assert allowed([10_000], 0) == 5_000, "a currency without decimals"


@pytest.fixture(scope="module")
def pair(module_staging_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopAndBooks]:
    with shop_and_books(module_staging_url, tmp_path_factory.mktemp("data_docs")) as made:
        made.odoo.db.series = 18
        yield made


def cart(chance: random.Random) -> list[Line]:
    """Goods at prices with more digits than Odoo 18 keeps."""
    skus = chance.sample(["SKU-001", "SKU-002", "SKU-004", "SKU-005", "SKU-006"], chance.randint(1, 5))
    return [Line(sku, chance.randint(1, 9), price=Decimal(chance.randint(1, 2_000_000)).scaleb(-4)) for sku in skus]


def test_any_order_arrives_to_the_cent_or_leaves_nothing_behind(pair: ShopAndBooks) -> None:
    chance = random.Random(18)
    coupons = [None, Coupon("TENTH", Decimal(10)), Coupon("THIRD", Decimal("33.33"))]
    orders = [pair.order(cart(chance), coupon=chance.choice(coupons)) for _ in range(40)]
    for order in orders:
        pair.shop.invoice(order)
    pair.run()
    arrived = 0
    for order in orders:
        placed, invoiced = pair.shop_row("order", order), pair.invoices(order)
        sales, moves = pair.sales(order), pair.moves(order)
        if not sales:
            reasons = [row["message"] for row in pair.reported(order, type="not_representable", kind="order")]
            assert len(reasons) == 1 and (
                "digits" in reasons[0] or "Round Globally" in reasons[0] or "tax" in reasons[0]
            )
            assert not moves
            continue
        arrived += 1
        (sale,) = sales
        taxed = sum(1 for item in placed["items"] if Decimal(str(item["tax_amount"])))
        wanted, tax = amount(placed["grand_total"]), amount(placed["tax_amount"])
        assert sale["state"] == "sale"
        assert amount(sale["amount_untaxed"]) == wanted - tax
        assert abs(amount(sale["amount_tax"]) - tax) <= taxed * CENT / 2
        assert [amount(move["amount_total"]) for move in moves] == [amount(row["grand_total"]) for row in invoiced]
        assert not [kind for kind, *_ in pair.findings(order) if kind in ("total_mismatch", "tax_mismatch")]
    assert 5 < arrived < 40, "both happen"


def test_a_refused_order_arrives_when_the_company_keeps_more_digits(pair: ShopAndBooks) -> None:
    chance = random.Random(7)
    orders = [pair.order(cart(chance), coupon=Coupon("THIRD", Decimal("33.33"))) for _ in range(8)]
    for order in orders:
        pair.shop.invoice(order)
    pair.run()
    refused = [order for order in orders if not pair.sales(order)]
    assert refused
    precision = pair.odoo.db.models["decimal.precision"]
    (id_,) = [id_ for id_, row in precision.rows.items() if row["name"] == "Product Price"]
    before = precision.rows[id_]["digits"]
    pair.call("decimal.precision", "write", [id_], vals={"digits": 6})
    pair.call("res.company", "write", [1], vals={"tax_calculation_rounding_method": "round_globally"})
    refresh.run(pair.context())  # the nightly one
    pair.run()
    assert [sale["state"] for order in refused for sale in pair.sales(order)] == ["sale"] * len(refused)
    pair.call("res.company", "write", [1], vals={"tax_calculation_rounding_method": "round_per_line"})
    pair.call("decimal.precision", "write", [id_], vals={"digits": before})


def test_preflight_says_what_share_of_the_orders_arrives_and_what_would_change_it(pair: ShopAndBooks) -> None:
    outcome = accounting.order_cents(subject(pair))
    (warning,) = outcome.warnings
    assert "staged orders" in warning and "Round Globally" in warning
    assert outcome.errors == []
    pair.odoo.db.series = 19
    assert "taken as it is sent" in accounting.order_cents(subject(pair)).found
    pair.odoo.db.series = 18


def subject(pair: ShopAndBooks) -> Subject:
    context = pair.context()
    return Subject(
        context.settings, context.instance, context.engine, context.magento, context.odoo, lambda: "", context.now
    )


def as_before_this_rule(patch: pytest.MonkeyPatch) -> None:
    """Orders are written whatever Odoo makes of them, and refused by their totals: their drafts stay."""
    patch.setattr(odoo_order, "cents_problem", lambda *_: [])
    patch.setattr(odoo_order, "refusal", lambda *_: None)
    patch.setattr(odoo_order, "is_rounded", lambda *_: False)


def drafts_of_an_earlier_version(pair: ShopAndBooks, seed: int) -> list[int]:
    chance = random.Random(seed)
    orders = [pair.order(cart(chance), coupon=Coupon("THIRD", Decimal("33.33"))) for _ in range(8)]
    for order in orders:
        pair.shop.invoice(order)
    with pytest.MonkeyPatch.context() as patch:
        as_before_this_rule(patch)
        pair.chain()
    left = [order for order in orders if [sale["state"] for sale in pair.sales(order)] == ["draft"]]
    assert left
    return left


def planned_again(pair: ShopAndBooks, orders: list[int]) -> list[int]:
    """Those within the tolerance of reconciling. A draft that differs by more is a finding, for a person: its totals are never changed."""
    pair.look()
    found = [order for order in orders if not pair.reported(order, type="total_mismatch", kind="order")]
    assert found
    return found


def reopened(pair: ShopAndBooks, orders: list[int]) -> None:
    with pair.engine.begin() as connection:
        ids = connection.execute(
            text(
                "select id from change where kind = 'odoo_order_import' and state = 'refused' and order_key = any(:orders)"
            ),
            {"orders": [str(order) for order in orders]},
        ).scalars()
        for change in list(ids):
            decisions.reopen(connection, [change], "clerk")
            decisions.approve(connection, [change], "clerk", "", utc_now())


@pytest.fixture
def exact(pair: ShopAndBooks) -> Iterator[Callable[[], None]]:
    """A call after which the company keeps six digits and rounds globally; it is as before afterwards."""
    precision = pair.odoo.db.models["decimal.precision"]
    (id_,) = [id_ for id_, row in precision.rows.items() if row["name"] == "Product Price"]

    def keep(digits: int, method: str) -> None:
        pair.call("decimal.precision", "write", [id_], vals={"digits": digits})
        pair.call("res.company", "write", [1], vals={"tax_calculation_rounding_method": method})
        refresh.run(pair.context())

    yield lambda: keep(6, "round_globally")
    keep(2, "round_per_line")


def test_a_draft_of_an_earlier_attempt_is_written_again_and_confirmed(
    pair: ShopAndBooks, exact: Callable[[], None]
) -> None:
    left = drafts_of_an_earlier_version(pair, 3)
    exact()
    reopened(pair, left)
    left = planned_again(pair, left)
    pair.run()
    for order in left:
        (sale,) = pair.sales(order)
        placed = pair.shop_row("order", order)
        assert sale["state"] == "sale"
        assert amount(sale["amount_total"]) == amount(placed["grand_total"])


def test_a_draft_that_cannot_be_written_again_is_refused_with_odoo_s_reason(
    pair: ShopAndBooks, exact: Callable[[], None]
) -> None:
    left = drafts_of_an_earlier_version(pair, 5)
    exact()
    reopened(pair, left)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Orders, "rewrite", mock.Mock(side_effect=FixDocument("a line is gone")))
        pair.chain()
    drafts = [order for order in left if [sale["state"] for sale in pair.sales(order)] == ["draft"]]
    with pair.engine.connect() as connection:
        refused = connection.execute(
            text(
                "select order_key from change where kind = 'odoo_order_import' and state = 'refused' and reason = 'a line is gone'"
            )
        )
        assert set(map(int, refused.scalars())) == set(drafts) != set()
