"""docs/business-rules.md#deliveries: what else a clerk of the warehouse does with transfers that orders share, by routes, units and pieces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cut_off import LONG_AGO, cut_off
from shop_and_books import ShopAndBooks
from stories import Story, run_chain, story
from transfers import give_back, merge, open_in_odoo, shipped, still_open, two_orders, validate

from magodoo.statement.periods import Month


@story(books_from=LONG_AGO)
def test_a_shipment_that_odoo_delivered_in_two_parts_in_its_month_is_in_no_list(pair: ShopAndBooks) -> Story:
    month = Month.of(datetime.now(UTC), pair.instance.zone).before
    days_ago = (datetime.now(UTC) - month.next.begins) / timedelta(days=1) + 3
    order = pair.order({"SKU-001": 3}, "cashondelivery", days_ago=days_ago + 2)
    yield run_chain()
    pair.at(days_ago)
    (picking,) = pair.pickings(order)
    validate(pair, picking["id"], {"SKU-001": 2})
    (rest,) = open_in_odoo(pair, order)
    validate(pair, rest["id"])
    pair.shop.ship(order)
    pair.at(0)
    pair.touch(order)
    yield run_chain()
    assert cut_off(pair, month, order) == []


@story()
def test_both_orders_of_a_merged_transfer_get_goods_back(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield run_chain()
    transfer = merge(pair, one, two)["id"]
    validate(pair, transfer)
    yield run_chain()
    back = give_back(pair, transfer, {"SKU-001": 1, "SKU-002": 2})
    yield run_chain()
    assert (shipped(pair, one), shipped(pair, two)) == ([2], [3])
    assert (pair.findings(one), pair.findings(two)) == (set(), set())
    give_back(pair, back, {"SKU-001": 1})
    yield run_chain()
    assert {row["type"] for row in pair.reported(one)} == {"replacement"}
    assert pair.findings(two) == set()
    assert (shipped(pair, one), shipped(pair, two)) == ([2], [3])


@story()
def test_a_transfer_of_three_orders_one_of_which_is_taken_out_again(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    three = pair.order({"SKU-001": 4}, "cashondelivery")
    yield run_chain()
    transfer = merge(pair, one, two)
    (third,) = pair.pickings(three)
    lines = pair.rows("stock.move.line", [["move_id", "in", third["move_ids"]]], "picking_id")
    for model, ids in (("stock.move", third["move_ids"]), ("stock.move.line", [row["id"] for row in lines])):
        pair.call(model, "write", ids, vals={"picking_id": transfer["id"]})
    yield run_chain()
    for model, ids in (("stock.move", third["move_ids"]), ("stock.move.line", [row["id"] for row in lines])):
        pair.call(model, "write", ids, vals={"picking_id": third["id"]})
    validate(pair, transfer["id"])
    yield run_chain()
    assert (shipped(pair, one), shipped(pair, two), shipped(pair, three)) == ([2], [3], [])
    assert still_open(pair, three) == 4
    validate(pair, third["id"])
    yield run_chain()
    assert shipped(pair, three) == [4]
    assert [pair.findings(order) for order in (one, two, three)] == [set(), set(), set()]


@story()
def test_two_orders_of_the_same_goods_in_one_transfer_part_of_which_left(pair: ShopAndBooks) -> Story:
    one, two = pair.order({"SKU-001": 2}, "cashondelivery"), pair.order({"SKU-001": 3}, "cashondelivery")
    yield run_chain()
    transfer = merge(pair, one, two)
    (first, second) = pair.rows("stock.move", [["picking_id", "=", transfer["id"]]], "product_uom_qty")
    for move, quantity in ((first, 2), (second, 1)):
        pair.call("stock.move", "write", [move["id"]], vals={"quantity": quantity, "picked": True})
    pair.call("stock.picking", "button_validate", [transfer["id"]], context={"skip_backorder": True, "skip_sms": True})
    yield run_chain()
    assert (shipped(pair, one), shipped(pair, two)) == ([2], [1])
    assert (still_open(pair, one), still_open(pair, two)) == (0, 2)
    assert (pair.findings(one), pair.findings(two)) == (set(), set())


@story()
def test_a_merged_transfer_with_a_gift_names_it_once(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield run_chain()
    transfer = merge(pair, one, two)
    (old, *_) = pair.rows(
        "stock.move", [["picking_id", "=", transfer["id"]]], "location_id location_dest_id company_id"
    )
    places = {name: old[name][0] for name in ("location_id", "location_dest_id", "company_id")}
    gift = {
        **places,
        "product_id": pair.books.names.products["SKU-004"],
        "product_uom_qty": 1,
        "picking_id": transfer["id"],
    }
    pair.call("stock.move", "create", vals_list=[gift])
    validate(pair, transfer["id"], tracking="ALL")
    yield run_chain()
    assert (shipped(pair, one), shipped(pair, two)) == ([2], [3])
    assert sorted([*pair.findings(one), *pair.findings(two)]) == [("replacement", "shipment", "goods")]


@story()
def test_goods_whose_quantity_a_clerk_raises_beyond_the_order_are_shipped_as_far_as_it_goes(
    pair: ShopAndBooks,
) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    (picking,) = pair.pickings(order)
    (move,) = picking["move_ids"]
    pair.call("stock.move", "write", [move], vals={"quantity": 5, "picked": True})
    pair.call("stock.picking", "button_validate", [picking["id"]], context={"skip_backorder": True, "skip_sms": True})
    yield run_chain()
    assert shipped(pair, order) == [2]
    assert {row["type"] for row in pair.reported(order)} == {"replacement"}


@story()
def test_a_backorder_that_is_cancelled_leaves_the_rest_open_in_magento_alone(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 3}, "cashondelivery")
    yield run_chain()
    (picking,) = pair.pickings(order)
    validate(pair, picking["id"], {"SKU-001": 2})
    (rest,) = open_in_odoo(pair, order)
    pair.call("stock.picking", "action_cancel", [rest["id"]])
    yield run_chain()
    assert shipped(pair, order) == [2]
    assert still_open(pair, order) == 0


@story()
def test_a_transfer_that_a_clerk_duplicated_is_no_second_shipment(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    (picking,) = pair.pickings(order)
    validate(pair, picking["id"], tracking="ONE")
    yield run_chain()
    (made,) = [pair.call("stock.picking", "copy", [picking["id"]])[0]]
    for move in pair.rows("stock.move", [["picking_id", "=", made]], "product_uom_qty"):
        pair.call("stock.move", "write", [move["id"]], vals={"quantity": 2, "picked": True})
    pair.call("stock.picking", "action_confirm", [made])
    validate(pair, made)
    yield run_chain()
    assert shipped(pair, order) == [2]
