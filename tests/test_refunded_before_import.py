"""What was refunded of an order before its first import: what never left is not to be delivered, and the money still agrees to the cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop_and_books import ShopAndBooks, amount
from stories import Story, run_chain, story

from magodoo.domain.given_up import given_up
from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.flows.order_contents import is_refunded_whole, nothing_left, remaining
from magodoo_sandbox.magento import Coupon, Line

ONE = 10_000


def on_lines(pair: ShopAndBooks, order: int) -> dict[str, tuple[float, float, float]]:
    """Ordered, invoiced and still to invoice by SKU of the goods on the order in Odoo."""
    (sale,) = pair.sales(order)
    names = "product_id product_uom_qty qty_invoiced qty_to_invoice is_delivery"
    rows = pair.rows("sale.order.line", [["order_id", "=", sale["id"]]], names)
    skus = {product: sku for sku, product in pair.books.names.products.items()}
    return {
        skus[row["product_id"][0]]: (row["product_uom_qty"], row["qty_invoiced"], row["qty_to_invoice"])
        for row in rows
        if not row["is_delivery"]
    }


def to_deliver(pair: ShopAndBooks, order: int) -> dict[str, float]:
    """Pieces by SKU that Odoo would still deliver."""
    open_: dict[str, float] = {}
    for picking in pair.pickings(order):
        if picking["state"] not in ("done", "cancel"):
            for sku, pieces in pair.moved(picking).items():
                open_[sku] = open_.get(sku, 0) + pieces
    return open_


def agree(pair: ShopAndBooks, order: int) -> None:
    """Invoices and credit notes are those of the shop to the cent, and nothing is reported."""
    assert pair.findings(order) == set(), pair.reported(order)
    for rows, moves in ((pair.invoices(order), pair.moves(order)), (pair.memos(order), pair.notes(order))):
        assert sorted(amount(row["grand_total"]) for row in rows) == sorted(
            amount(each["amount_total"]) for each in moves
        )
        assert sorted(amount(row["tax_amount"]) for row in rows) == sorted(amount(each["amount_tax"]) for each in moves)
        assert {each["state"] for each in moves} <= {"posted"}
    assert pair.to_invoice(order) == 0


@story()
def test_goods_refunded_before_shipping_are_not_to_be_delivered(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 3, "SKU-002": 2})
    item = pair.items(order)["SKU-001"]
    pair.shop.invoice(order)
    pair.shop.refund(order, {item: 1}, shipping=0)
    yield run_chain()
    agree(pair, order)
    assert on_lines(pair, order) == {"SKU-001": (2, 2, 0), "SKU-002": (2, 2, 0)}
    assert to_deliver(pair, order) == {"SKU-001": 2, "SKU-002": 2}
    pair.shop.ship(order)
    yield run_chain()
    agree(pair, order)
    assert to_deliver(pair, order) == {}


@story()
def test_a_fully_refunded_item_keeps_its_line_and_delivers_nothing(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 3, "SKU-002": 2})
    pair.shop.invoice(order)
    pair.shop.refund(order, {pair.items(order)["SKU-001"]: 3}, shipping=0)
    yield run_chain()
    agree(pair, order)
    assert on_lines(pair, order) == {"SKU-001": (0, 0, 0), "SKU-002": (2, 2, 0)}
    assert to_deliver(pair, order) == {"SKU-002": 2}


@story()
def test_a_fully_refunded_order_is_imported_with_nothing_to_deliver(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 3, "SKU-002": 2})
    pair.shop.invoice(order)
    pair.shop.refund(order)
    assert pair.shop.order(order)["state"] == "closed"
    yield run_chain()
    agree(pair, order)
    assert on_lines(pair, order) == {"SKU-001": (0, 0, 0), "SKU-002": (0, 0, 0)}
    assert to_deliver(pair, order) == {}


@story()
def test_of_an_order_that_was_shipped_in_part_the_refunded_rest_is_not_delivered(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 3})
    item = pair.items(order)["SKU-001"]
    pair.shop.invoice(order)
    pair.shop.ship(order, {item: 1})
    pair.shop.refund(order, {item: 2}, shipping=0)
    yield run_chain()
    agree(pair, order)
    assert on_lines(pair, order) == {"SKU-001": (1, 1, 0)}
    assert [row["state"] for row in pair.pickings(order)] == ["done"]


@story()
def test_goods_refunded_after_shipping_are_delivered_as_shipped(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 3})
    item = pair.items(order)["SKU-001"]
    pair.shop.invoice(order)
    pair.shop.ship(order)
    pair.shop.refund(order, {item: 1}, shipping=0, return_to_stock=[item])
    yield run_chain()
    assert on_lines(pair, order)["SKU-001"][0] == 3
    assert [row["state"] for row in pair.pickings(order)] == ["done"]
    assert "will_ship_too_much" not in {found for found, _, _ in pair.findings(order)}
    assert [amount(note["amount_total"]) for note in pair.notes(order)] == [
        amount(memo["grand_total"]) for memo in pair.memos(order)
    ]


@story()
def test_money_refunded_before_the_import_does_not_change_the_goods(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 3})
    item = pair.items(order)["SKU-001"]
    pair.shop.invoice(order)
    pair.shop.refund(order, {item: 0}, shipping=0, adjustment_positive=2)
    yield run_chain()
    agree(pair, order)
    assert to_deliver(pair, order) == {"SKU-001": 3}


@story()
def test_a_further_refund_after_the_import_is_a_warehouse_finding(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 3})
    item = pair.items(order)["SKU-001"]
    pair.shop.invoice(order)
    pair.shop.refund(order, {item: 1}, shipping=0)
    yield run_chain()
    agree(pair, order)
    pair.shop.refund(order, {item: 1}, shipping=0)
    yield run_chain()
    assert pair.findings(order) == {("will_ship_too_much", "order", "")}
    assert on_lines(pair, order) == {"SKU-001": (2, 2, 0)}
    assert len(pair.notes(order)) == 2


@story()
def test_several_invoices_and_refunds_before_the_import_agree(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 4, "SKU-002": 2}, coupon=Coupon("SAVE10", percent=Decimal(10)))
    item = pair.items(order)["SKU-001"]
    pair.shop.invoice(order, {item: 2})
    pair.shop.refund(order, {item: 1}, shipping=0)
    pair.shop.invoice(order, {item: 1})
    pair.shop.ship(order, {item: 1})
    pair.shop.refund(order, {item: 1}, shipping=0)
    yield run_chain()
    assert pair.findings(order) == set()
    assert on_lines(pair, order) == {"SKU-001": (2, 1, 1), "SKU-002": (2, 0, 2)}
    assert to_deliver(pair, order) == {"SKU-001": 1, "SKU-002": 2}
    pair.shop.invoice(order)
    pair.shop.ship(order, {item: 1, pair.items(order)["SKU-002"]: 2})
    yield run_chain()
    agree(pair, order)


@pytest.mark.parametrize("sku", ["BUNDLE-DYN", "BUNDLE-FIX"])
@story()
def test_a_bundle_refunded_before_shipping_is_not_to_be_delivered(pair: ShopAndBooks, sku: str) -> Story:
    order = pair.order([Line(sku, 2), Line("SKU-001", 1)])
    pair.shop.invoice(order)
    other = pair.items(order)["SKU-001"]
    money = {
        item["item_id"]: int(item["qty_ordered"]) for item in pair.desk.money_items(order) if item["item_id"] != other
    }
    pair.shop.refund(order, money, shipping=0)
    yield run_chain()
    agree(pair, order)
    assert to_deliver(pair, order) == {"SKU-001": 1}


@story()
def test_a_part_of_a_fixed_bundle_order_that_was_refunded_is_not_delivered(pair: ShopAndBooks) -> Story:
    order = pair.order([Line("BUNDLE-FIX", 3)])
    pair.shop.invoice(order)
    pair.shop.refund(order, {pair.items(order)["BUNDLE-FIX"]: 1}, shipping=0)
    yield run_chain()
    agree(pair, order)
    assert on_lines(pair, order)["BUNDLE-FIX"][:2] == (2, 2)


@story()
def test_any_quantities_that_were_refunded_before_the_import_agree(pair: ShopAndBooks) -> Story:
    """Every way to ship and refund three pieces that Magento allows."""
    orders = {}
    for shipped, refunded in [(s, r) for s in range(4) for r in range(1, 4)]:
        order = pair.order({"SKU-001": 3, "SKU-002": 1})
        item = pair.items(order)["SKU-001"]
        pair.shop.invoice(order)
        if shipped:
            pair.shop.ship(order, {item: shipped})
        pair.shop.refund(order, {item: refunded}, shipping=0)
        orders[order] = (shipped, refunded)
    yield run_chain()
    for order, (shipped, refunded) in orders.items():
        never = min(refunded, 3 - shipped)
        assert {found for found, _, _ in pair.findings(order)} <= {"refunded_not_returned"}, (shipped, refunded)
        assert on_lines(pair, order)["SKU-001"][0] == 3 - never, (shipped, refunded)
        assert to_deliver(pair, order).get("SKU-001", 0) == 3 - never - shipped, (shipped, refunded)
        (invoice,), (note,) = pair.moves(order), pair.notes(order)
        assert amount(invoice["amount_total"]) == amount(pair.invoices(order)[0]["grand_total"])
        assert amount(note["amount_total"]) == amount(pair.memos(order)[0]["grand_total"])
        assert on_lines(pair, order)["SKU-001"][2] == 0, (shipped, refunded)


# Over all quantities

PIECES = st.integers(0, 9).map(lambda pieces: pieces * ONE)


@st.composite
def an_item(draw: st.DrawFn) -> CanonicalLine:
    ordered = draw(st.integers(1, 9)) * ONE
    cancelled = draw(PIECES.filter(lambda units: units <= ordered))
    net, tax = draw(st.integers(0, 10**9)), draw(st.integers(0, 10**8))
    return CanonicalLine(
        line_id="1", sku="SKU", product_type=draw(st.sampled_from(["simple", "virtual"])), quantity=ordered,
        qty_ordered=ordered, qty_canceled=cancelled, qty_shipped=draw(PIECES), qty_refunded=draw(PIECES), gross=net,
        untaxed=net, tax=tax, base_untaxed=net, base_tax=tax,
    )  # fmt: skip


@given(st.lists(an_item(), min_size=1, max_size=4))
def test_the_open_rest_of_an_order_excludes_cancelled_and_refunded_quantities_and_amounts(
    lines: Sequence[CanonicalLine],
) -> None:
    for number, line in enumerate(lines):
        line.item_key = line.line_id = str(number + 1)
    net, tax = sum(line.untaxed for line in lines), sum(line.tax for line in lines)
    order = CanonicalDocument(
        "us", "magento", "order", "1", "1", "processing", datetime.now(UTC), tax=tax, grand_total=net + tax,
        base_grand_total=net + tax, lines=list(lines),
    )  # fmt: skip
    gone: Mapping[str, object] = given_up(lines)
    left = remaining(order, 2)
    assert (left is order) == (not gone)
    for before, after in zip(lines, left.lines, strict=True):
        unshipped = max(before.qty_ordered - before.qty_canceled - before.qty_shipped, 0)
        never = min(before.qty_refunded, unshipped) if before.product_type == "simple" else 0
        assert after.qty_ordered == before.qty_ordered - before.qty_canceled - never
        assert is_refunded_whole(after) <= (before.qty_refunded > 0)
        if after.qty_ordered == before.qty_ordered:
            assert after == before
    if gone:
        assert left.grand_total == sum(line.untaxed + line.tax for line in left.lines)
        assert left.tax == sum(line.tax for line in left.lines)
    refunded = any(line.qty_refunded > 0 for line in left.lines)
    assert bool(nothing_left(left)) == (not refunded and not any(line.qty_ordered for line in left.lines))
