"""What an order's rows cost, whatever the version of Magento shows as their `row_total`: the stored rows, or no reading at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
import recorded_documents as recorded
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from staged import NOON, instance

from magodoo.errors import FixDocument
from magodoo.extract import magento_documents
from magodoo.extract.canonical import CanonicalDocument
from magodoo.extract.magento_rows import Rows, read_rows
from magodoo.flows.magento_invoice import predicted_invoice
from magodoo.money import to_units

CENT = Decimal("0.01")
FORMS = ("2.4.7", "2.4.8", "2.4.8 with tax", "Mage-OS with tax", "2.2")
"""What `row_total` is over REST (docs/facts/magento-versions.md): net of the discount, without the quantity, of prices with tax, or
as it is stored."""


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Sold:
    """A row as Magento stores it: price and amounts in currency."""

    quantity: Decimal
    price: Decimal
    price_incl: Decimal
    row: Decimal
    row_incl: Decimal
    discount: Decimal
    tax: Decimal
    compensation: Decimal

    @classmethod
    def of(cls, price: Decimal, quantity: Decimal, rate: Decimal, percent: int, with_tax: bool) -> Sold:
        """`with_tax`: the catalogue's prices include tax, and so does the discount."""
        if not with_tax:
            row = cents(price * quantity)
            discount = cents(row * percent / 100)
            tax = cents((row - discount) * rate / 100)
            incl = row + cents(row * rate / 100)
            return cls(quantity, price, cents(price * (100 + rate) / 100), row, incl, discount, tax, Decimal(0))
        incl = cents(price * quantity)
        whole_tax = cents(incl * rate / (100 + rate))
        discount = cents(incl * percent / 100)
        tax = cents((incl - discount) * rate / (100 + rate))
        net = incl - whole_tax
        return cls(quantity, cents(net / quantity), price, net, incl, discount, tax, whole_tax - tax)

    def shown(self, form: str) -> dict[str, Any]:
        after = max(self.row + self.tax + self.compensation - self.discount, Decimal(0))
        totals = {
            "2.4.7": (self.row - self.discount, after),
            "2.4.8": (self.price - self.discount, after),
            "2.4.8 with tax": (self.price_incl - self.discount - self.tax, after),
            "Mage-OS with tax": (self.row_incl - self.discount - self.tax, after),
            "2.2": (self.row, self.row_incl),
        }
        row_total, incl = totals[form]
        shown = {
            "price": self.price, "row_total": max(row_total, Decimal(0)), "row_total_incl_tax": incl,
            "discount_amount": self.discount, "tax_amount": self.tax,
            "discount_tax_compensation_amount": self.compensation,
        }  # fmt: skip
        return {"qty_ordered": self.quantity, **shown, **{f"base_{name}": value for name, value in shown.items()}}


def sold(with_tax: bool) -> st.SearchStrategy[Sold]:
    return st.builds(
        Sold.of,
        st.decimals("0.05", 500, places=2),
        st.sampled_from([Decimal(number) for number in ("1", "2", "3", "7", "12", "100", "0.5", "1.5", "0.25")]),
        st.sampled_from([Decimal(rate) for rate in ("0", "7", "8.25", "19", "20")]),
        st.sampled_from([0, 0, 10, 15, 33, 100]),
        st.just(with_tax),
    )


CARTS = st.booleans().flatmap(lambda with_tax: st.lists(sold(with_tax), min_size=1, max_size=4))


def read(rows: list[dict[str, Any]], subtotal: Decimal) -> Rows:
    items = {str(number): row for number, row in enumerate(rows)}
    return read_rows(items, {"subtotal": subtotal, "base_subtotal": subtotal})


@settings(max_examples=600, deadline=None)
@given(CARTS, st.sampled_from(FORMS))
def test_the_rows_are_those_that_are_stored_or_none(cart: list[Sold], form: str) -> None:
    found = read([each.shown(form) for each in cart], sum((each.row for each in cart), Decimal(0)))
    stored = [to_units(each.row) for each in cart]
    assert found.flaw or (list(found.gross.values()), list(found.base_gross.values())) == (stored, stored)


@settings(max_examples=300, deadline=None)
@given(CARTS.filter(lambda cart: all(each.row > 1 for each in cart)), st.sampled_from(FORMS[:2]))
def test_a_cart_of_2_4_has_a_reading(cart: list[Sold], form: str) -> None:
    """A sum that the rounded unit prices happen to give says nothing against the rows; one that other figures give by chance does."""
    rows = [each.shown(form) for each in cart]
    stored = [each.row for each in cart]
    as_shown = [row["row_total"] for row in rows]
    before_discount = [  # of a row that was floored at 0, the row including tax shows what it was
        row["row_total"] + row["discount_amount"] if row["row_total"] else each.row
        for row, each in zip(rows, cart, strict=True)
    ]
    for figures in (as_shown, before_discount):
        assume(figures == stored or sum(figures) != sum(stored))
    assert read(rows, sum(stored, Decimal(0))).flaw == ""


@settings(max_examples=200, deadline=None)
@given(st.lists(sold(with_tax=False), min_size=2, max_size=4), st.data())
def test_an_order_that_adds_up_in_two_ways_is_read_in_neither(cart: list[Sold], data: st.DataObject) -> None:
    """An amount goes from one row to another in some of the figures: every sum stays, and nothing says which row is right."""
    rows = [each.shown("2.4.7") for each in cart]
    moved = data.draw(st.sampled_from([CENT, Decimal(3), Decimal(25)]))
    one, other = data.draw(st.permutations(range(len(cart))))[:2]
    assume(all(cart[each].row - cart[each].discount > moved for each in (one, other)))
    names = data.draw(st.sampled_from([("row_total",), ("row_total", "row_total_incl_tax")]))
    assume(moved > CENT or names == ("row_total",))  # rows that are a cent off their prices are what they should be
    for name in names:
        rows[one][name] += moved
        rows[other][name] -= moved
    assert "ways that differ" in read(rows, sum((each.row for each in cart), Decimal(0))).flaw


def test_rows_in_base_currency_are_read_in_one_way_or_none() -> None:
    """The readings of the order's currency do not add up in base currency, and two others do there and differ."""
    row = {
        "qty_ordered": 1, "price": 10, "row_total": 10, "row_total_incl_tax": 10,
        "base_price": 8, "base_row_total": 9, "base_row_total_incl_tax": 9,
    }  # fmt: skip
    other = {**row, "base_price": 10, "base_row_total": 9, "base_row_total_incl_tax": 9}
    header = {"subtotal": 20, "base_subtotal": 18, "grand_total": 20, "base_grand_total": 18}
    flaw = read_rows({"1": row, "2": other}, header).flaw
    assert flaw.startswith("In base currency: The rows add up to the subtotal in 2 ways that differ"), flaw


def test_a_contradiction_names_the_readings_and_the_rows() -> None:
    first, second = (
        Sold.of(Decimal(10), Decimal(1), Decimal(0), 0, False),
        Sold.of(Decimal(20), Decimal(1), Decimal(0), 0, False),
    )
    rows = [first.shown("2.4.7"), second.shown("2.4.7")]
    for name in ("row_total", "row_total_incl_tax"):
        rows[0][name], rows[1][name] = rows[1][name], rows[0][name]
    flaw = read(rows, Decimal(30)).flaw
    for part in (
        "30.00",
        "2 ways",
        "price times quantity gives 10.00 for item 0, 20.00 for item 1",
        "gives 20.00 for item 0",
    ):
        assert part in flaw or part == "30.00", flaw


def test_rows_that_nothing_sums_are_named_with_every_reading() -> None:
    flaw = read([Sold.of(Decimal(10), Decimal(2), Decimal(20), 10, False).shown("2.4.7")], Decimal(21)).flaw
    assert "subtotal 21.00" in flaw and "price times quantity gives 20.00" in flaw


def _order(form: str) -> tuple[CanonicalDocument, dict[str, Any]]:
    """The recorded order with prices with tax and a coupon, as another version shows its rows; before and after."""
    row = recorded.magento_row("order", 133)
    before = magento_documents.read(instance(), "order", row, NOON)
    items = []
    for item, line in zip(row["items"], before.lines, strict=False):
        net, discount, tax = Decimal(line.gross) / 10_000, item["discount_amount"], item["tax_amount"]
        shown = {
            "2.4.8": item["price"] - discount,
            "2.4.8 with tax": item["price_incl_tax"] - discount - tax,
            "Mage-OS with tax": item["price_incl_tax"] * item["qty_ordered"] - discount - tax,
            "2.2": net,
        }[form]
        changed = {"row_total": max(shown, Decimal(0))}
        if form == "2.2":
            changed["row_total_incl_tax"] = item["price_incl_tax"] * item["qty_ordered"]
        items.append({**item, **changed, **{f"base_{name}": value for name, value in changed.items()}})
    return before, {**row, "items": items}


@pytest.mark.parametrize("form", FORMS[1:])
def test_an_upgrade_of_the_shop_changes_nothing_on_an_order(form: str) -> None:
    before, row = _order(form)
    after = magento_documents.read(instance(), "order", row, NOON)
    assert after.sound and after.lines == before.lines


@pytest.mark.parametrize("form", FORMS[1:])
def test_the_invoice_that_magento_would_make_is_the_same_in_every_version(form: str) -> None:
    _, row = _order(form)
    fresh = {
        **row,
        "shipping_invoiced": 0,
        "items": [{**item, "qty_invoiced": 0, **_nothing_done(item)} for item in row["items"]],
    }
    items = [[item["item_id"], to_units(item["qty_ordered"])] for item in row["items"]]
    assert predicted_invoice(fresh, items) == to_units(row["grand_total"])


def _nothing_done(item: dict[str, Any]) -> dict[str, int]:
    return {name: 0 for name in item if name.endswith("_invoiced")}


def test_a_published_order_of_2_2_is_predicted_as_it_was_invoiced() -> None:
    """An order whose row_total is gross: 22.00 with a discount of 3.30, tax 4.30, shipping 5.00."""
    item = {
        "item_id": 224, "product_type": "simple", "sku": "WS12", "qty_ordered": 1, "price": 22, "price_incl_tax": Decimal("27.06"),
        "row_total": 22, "row_total_incl_tax": Decimal("27.06"), "tax_amount": Decimal("4.30"), "discount_amount": Decimal("3.30"),
    }  # fmt: skip
    order = {"subtotal": 22, "shipping_amount": 5, "items": [item]}
    assert predicted_invoice(order, [[224, 10_000]]) == 280_000


def test_nothing_is_predicted_for_an_order_that_does_not_add_up() -> None:
    row = recorded.magento_row("order", 133)
    with pytest.raises(FixDocument, match="do not add up to the subtotal"):
        predicted_invoice({**row, "subtotal": row["subtotal"] + 1}, [[342, 10_000]])


@pytest.mark.parametrize(("quantity", "done", "total"), [(3, 0, "36.54"), (1, 0, "12.18"), (1, 2, "12.18")])
def test_fixed_product_tax_with_its_tax_is_in_what_magento_would_invoice(quantity: int, done: int, total: str) -> None:
    """Three pieces at 10.00 with 10 % and a fixed tax of 1.07 that is taxed itself: 0.11 on each."""
    applied = {"title": "Eco", "amount": "1.07", "row_amount": "3.21", "row_amount_incl_tax": "3.54"}
    if done:
        applied |= {"weee_amount_invoiced": "2.14", "weee_tax_amount_invoiced": "0.22"}
    item = {
        "item_id": 1, "product_type": "simple", "sku": "S", "qty_ordered": 3, "qty_invoiced": done, "price": 10, "row_total": 30,
        "row_total_incl_tax": Decimal("36.21"), "tax_amount": 3, "row_invoiced": 10 * done, "tax_invoiced": done,
        "weee_tax_applied_row_amount": Decimal("3.21"), "weee_tax_applied": json.dumps([applied]),
    }  # fmt: skip
    order = {"subtotal": 30, "tax_amount": Decimal("3.33"), "grand_total": Decimal("36.54"), "items": [item]}
    assert predicted_invoice(order, [[1, quantity * 10_000]]) == to_units(total)
