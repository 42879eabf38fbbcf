"""Whether an adjustment of a credit memo lowers the tax: the setting `adjustment_tax`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop_and_books import ShopAndBooks, amount, shop_and_books

from magodoo.domain.adjustments import AT_THE_ORDERS_RATES, Sold, divided
from magodoo.money import to_units
from magodoo.pipeline import refresh, statement
from magodoo.staging.work_queue import WorkQueue
from magodoo.statement import summary
from magodoo.statement.explanation import WITHIN
from magodoo.statement.periods import Month
from magodoo_sandbox.magento import Address, Line

RATES = {"adjustment_tax": AT_THE_ORDERS_RATES}
SEVEN = Decimal(7)
GERMAN = Address(
    firstname="Eva", lastname="Roth", street=("Hauptstr. 1",), city="Berlin", country="DE", postcode="10115"
)


@pytest.fixture(scope="module")
def pair(module_staging_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopAndBooks]:
    with shop_and_books(module_staging_url, tmp_path_factory.mktemp("data_docs")) as made:
        made.shop.add_tax_rate("DE", SEVEN, "DE 7", "reduced")
        made.shop.add_product("BOOK", price=Decimal("10.69"), tax_class="reduced")
        book = {"name": "Book", "default_code": "BOOK", "type": "service", "invoice_policy": "order", "taxes_id": []}
        made.call("product.product", "create", vals_list=[book])
        yield made


def refunded(pair: ShopAndBooks, lines: Any = None, **adjustments: Any) -> int:
    """A German's order, invoiced, of which only an adjustment is refunded."""
    order = pair.order(lines or {"SKU-007": 1}, billing=GERMAN)
    pair.shop.invoice(order)
    pair.chain()
    nothing = dict.fromkeys(pair.items(order).values(), 0)
    pair.shop.refund(order, nothing, shipping=0, **adjustments)
    return order


def why(pair: ShopAndBooks, order: int) -> str:
    return "; ".join(str(row) for row in pair.reported(order))


def amounts(note: dict[str, Any]) -> tuple[Decimal, Decimal, Decimal]:
    return amount(note["amount_untaxed"]), amount(note["amount_tax"]), amount(note["amount_total"])


@pytest.mark.parametrize(
    ("positive", "negative", "expected"),
    [
        ("11.90", "0", ("10.00", "1.90", "11.90")),
        ("0.01", "0", ("0.01", "0.00", "0.01")),
        ("10.00", "0", ("8.40", "1.60", "10.00")),
        ("11.90", "1.19", ("9.00", "1.71", "10.71")),
    ],
)
def test_at_the_order_s_rates_the_tax_in_an_adjustment_is_taken_back(
    pair: ShopAndBooks, positive: str, negative: str, expected: tuple[str, str, str]
) -> None:
    with pair.policy(**RATES):
        order = refunded(pair, adjustment_positive=Decimal(positive), adjustment_negative=Decimal(negative))
        pair.run()
        (note,) = pair.notes(order)
        assert amounts(note) == tuple(map(Decimal, expected)), why(pair, order)
        assert not [found for found in pair.findings(order) if found[0] in ("tax_mismatch", "total_mismatch")]
        assert pair.find_more_to_do() == {}


def test_an_adjustment_is_divided_over_the_rates_that_the_order_was_sold_at(pair: ShopAndBooks) -> None:
    taxes = [*pair.instance.model_dump()["taxes"], {"rate": SEVEN, "odoo_tax": "DE 7%", "country": "DE"}]
    with pair.policy(**RATES, taxes=taxes):
        order = refunded(pair, [Line("SKU-007"), Line("BOOK", 3)], adjustment_positive=Decimal("20.00"))
        pair.run()
        (note,) = pair.notes(order)
        lines = pair.rows(
            "account.move.line", [["id", "in", note["invoice_line_ids"]]], "price_subtotal price_total tax_ids"
        )
    by_tax: dict[Decimal, tuple[Decimal, Decimal]] = {}
    for line in lines:
        (tax,) = pair.rows("account.tax", [["id", "in", line["tax_ids"]]], "amount")
        by_tax[amount(tax["amount"])] = (amount(line["price_subtotal"]), amount(line["price_total"]))
    bought = pair.shop.order(order)
    reduced = sum(
        amount(item["row_total"]) + amount(item["tax_amount"]) for item in bought["items"] if item["sku"] == "BOOK"
    )
    goods = sum(amount(item["row_total"]) + amount(item["tax_amount"]) for item in bought["items"])
    part = (20 * reduced / goods).quantize(Decimal("0.01"))
    assert by_tax[SEVEN][1] == part
    assert by_tax[Decimal(19)][1] == 20 - part
    for rate, (net, gross) in by_tax.items():
        assert gross - net == (gross * rate / (100 + rate)).quantize(Decimal("0.01"))
    assert amounts(note)[2] == 20


def test_without_the_setting_an_adjustment_on_a_taxed_order_waits_for_a_person(pair: ShopAndBooks) -> None:
    with pair.policy(adjustment_tax=None):
        order = refunded(pair, adjustment_positive=Decimal(5))
        pair.run()
        assert pair.notes(order) == []
        assert "whether they lower the tax is for a person to say" in why(pair, order)
    with pair.policy(adjustment_tax="none"):
        refresh.run(pair.context())  # the nightly one
        pair.run()
        (note,) = pair.notes(order)
        assert amounts(note) == (5, 0, 5)


def test_a_credit_note_whose_adjustment_has_another_tax_than_the_setting_says_is_a_finding(pair: ShopAndBooks) -> None:
    with pair.policy(adjustment_tax="none"):
        order = refunded(pair, adjustment_positive=Decimal("11.90"))
        pair.run()
    with pair.policy(**RATES):
        with pair.engine.begin() as connection:
            WorkQueue(connection, pair.instance.id).bump([str(order)])
        pair.look()
        (found,) = pair.reported(order, type="tax_mismatch")
    assert "its adjustment of 11.90 holds 1.90 of tax" in found["message"]


def test_in_company_currency_the_tax_in_an_adjustment_is_its_share_too(pair: ShopAndBooks) -> None:
    with pair.policy(**RATES):
        order = pair.order({"SKU-007": 1}, store="eu", rate=Decimal("0.84"), billing=GERMAN)
        pair.shop.invoice(order)
        pair.chain()
        pair.shop.refund(
            order, dict.fromkeys(pair.items(order).values(), 0), shipping=0, adjustment_positive=Decimal("11.90")
        )
        pair.run()
        (note,), (memo,) = pair.notes(order), pair.memos(order)
        signed = "amount_untaxed_signed amount_tax_signed amount_total_signed"
        (row,) = pair.rows("account.move", [["id", "=", note["id"]]], signed)
    total = amount(memo["base_grand_total"])
    tax = (total * 19 / 119).quantize(Decimal("0.01"))
    assert [abs(amount(row[name])) for name in signed.split()] == [total - tax, tax, total]


def test_the_statement_says_which_tax_is_within_adjustments(pair: ShopAndBooks) -> None:
    with pair.policy(**RATES):
        refunded(pair, adjustment_positive=Decimal("11.90"))
        pair.run()
        body = statement.make(pair.context(), Month.of(datetime.now(UTC), pair.instance.zone)).body
    (row,) = [row for row in body["rows"] if row["kind"] == "credit_memo" and row["currency"] == "USD"]
    lines = pair.rows(
        "account.move.line",
        [["move_id.move_type", "=", "out_refund"], ["currency_id.name", "=", "USD"]],
        "price_subtotal price_total parent_state",
    )
    within = sum(amount(line["price_total"]) - amount(line["price_subtotal"]) for line in lines)
    assert row["steps"][WITHIN] == {"net": -to_units(within), "tax": to_units(within), "total": 0}
    assert "unexplained" not in summary.verdict(body)


@given(
    st.integers(-(10**8), 10**8).map(lambda cents: cents * 100),
    st.lists(
        st.tuples(st.integers(0, 10**7), st.sampled_from(["0", "5.5", "7", "8.25", "19", "25"]), st.booleans()),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([0, 2, 3]),
)
def test_the_parts_of_an_adjustment_sum_to_it_and_their_tax_is_of_their_rate(
    amount_: int, goods: list[tuple[int, str, bool]], decimals: int
) -> None:
    step = 10 ** (4 - decimals)
    sold = []
    for cents, rate, charged in goods:
        net, percent = cents * 100, Decimal(rate)
        sold.append(Sold(net, round(net * percent / 100), None if charged else percent))
    parts = divided(amount_ // step * step, sold, decimals)
    if not any(each.net + each.tax > 0 for each in sold):
        assert not any(parts[0])
        return
    assert sum(each.net + each.tax for each in parts) == amount_ // step * step
    for part, each in zip(parts, sold, strict=True):
        assert part.tax % step == 0
        within = (
            Decimal(each.tax) / max(each.net + each.tax, 1)
            if each.percent is None
            else each.percent / (100 + each.percent)
        )
        assert abs(part.tax - (part.net + part.tax) * within) <= Decimal(step) / 2
