"""The stories of transfers (tests/test_rules_transfers.py) with a live Odoo 19, and those that need more of its modules.

Drop shipments (`stock_dropshipping`) and batches (`stock_picking_batch`) are made by Odoo's own routes and buttons here.
"""

# ruff: noqa: F403 - an imported story is a test of this module
from __future__ import annotations

from collections.abc import Mapping

import pytest
from live_books import ShopAndLiveBooks, sent_by_vendor
from shop_and_books import ShopAndBooks
from stories import Story, run_chain, story
from test_rules_ship_dates import *
from test_rules_transfers import *
from transfers import QUIET, give_back, open_in_odoo, shipped, still_open, two_orders, validate

# The first test waits until all stories are told.
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo_stories,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]


@pytest.fixture(scope="module")
def odoo_modules() -> tuple[str, ...]:
    return ("stock_dropshipping", "stock_picking_batch")


@pytest.fixture(scope="module")
def pair(pair: ShopAndLiveBooks) -> ShopAndLiveBooks:
    """SKU-012 is sent by its vendor."""
    sent_by_vendor(pair, "SKU-012")
    return pair


def drop_ship(pair: ShopAndBooks, order: int, quantities: Mapping[str, int]) -> int:
    """The vendor sends what was ordered, or a part of it. Returns the transfer."""
    (sale,) = pair.sales(order)
    (bought,) = pair.rows("purchase.order", [["origin", "like", sale["name"]]], "state")
    pair.call("purchase.order", "button_confirm", [bought["id"]])
    (transfer,) = pair.pickings(order, "dropship")
    validate(pair, transfer["id"], quantities)
    return int(transfer["id"])


@story()
@pytest.mark.parametrize("sent", [3, 2])
def test_a_drop_shipment_that_came_back_is_no_delivery_and_the_rest_stays_due(pair: ShopAndBooks, sent: int) -> Story:
    order = pair.order({"SKU-012": 3}, "cashondelivery")
    yield run_chain()
    transfer = drop_ship(pair, order, {"SKU-012": sent})
    yield run_chain()
    assert shipped(pair, order) == [sent]
    back = give_back(pair, transfer, {"SKU-012": 1})
    (kind,) = pair.rows("stock.picking", [["id", "=", back]], "picking_type_code")
    assert kind["picking_type_code"] == "dropship", "the type says delivery, the direction says return"
    yield run_chain()
    assert shipped(pair, order) == [sent]
    assert pair.findings(order) == set()
    again = give_back(pair, back, {"SKU-012": 1})
    yield run_chain()
    assert shipped(pair, order) == [sent]
    (sent_again,) = pair.rows("stock.picking", [["id", "=", again]], "name")
    assert [(row["type"], row["odoo_number"]) for row in pair.reported(order)] == [("replacement", sent_again["name"])]


@story()
def test_an_exchange_is_no_further_shipment_and_the_rest_stays_due(pair: ShopAndBooks) -> Story:
    """Odoo makes the exchange by a procurement, which names nothing that it replaces, and puts it into the open transfer."""
    order = pair.order({"SKU-001": 3}, "cashondelivery")
    yield run_chain()
    (picking,) = pair.pickings(order)
    validate(pair, picking["id"], {"SKU-001": 2})
    yield run_chain()
    (wizard,) = pair.call("stock.return.picking", "create", vals_list=[{"picking_id": picking["id"]}])
    for line in pair.rows("stock.return.picking.line", [["wizard_id", "=", wizard]], "product_id"):
        pair.call("stock.return.picking.line", "write", [line["id"]], vals={"quantity": 1})
    back = int(pair.call("stock.return.picking", "action_create_exchanges", [wizard])["res_id"])
    validate(pair, back)
    yield run_chain()
    assert shipped(pair, order) == [2]
    assert pair.findings(order) == set()
    (rest,) = open_in_odoo(pair, order)
    assert pair.moved(rest) == {"SKU-001": 2}, "one is still owed, one is exchanged, in one move"
    validate(pair, rest["id"])
    yield run_chain()
    assert shipped(pair, order) == [2, 1], "what was exchanged was shipped once"
    (said,) = pair.reported(order)
    assert (said["type"], said["part"], said["odoo_value"]) == ("replacement", "goods", "SKU-001 x 1")


@story()
def test_an_exchange_of_an_order_that_left_whole_is_a_replacement(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-002": 2}, "cashondelivery")
    yield run_chain()
    (picking,) = pair.pickings(order)
    validate(pair, picking["id"])
    yield run_chain()
    known = {row["id"] for row in pair.rows("stock.picking", [], "name")}
    (wizard,) = pair.call("stock.return.picking", "create", vals_list=[{"picking_id": picking["id"]}])
    for line in pair.rows("stock.return.picking.line", [["wizard_id", "=", wizard]], "product_id"):
        pair.call("stock.return.picking.line", "write", [line["id"]], vals={"quantity": 1})
    back = int(pair.call("stock.return.picking", "action_create_exchanges", [wizard])["res_id"])
    validate(pair, back)
    (other,) = [row["id"] for row in pair.rows("stock.picking", [], "name") if row["id"] not in known | {back}]
    validate(pair, other)
    yield run_chain()
    assert shipped(pair, order) == [2]
    (sent,) = pair.rows("stock.picking", [["id", "=", other]], "name")
    assert [(row["type"], row["odoo_number"]) for row in pair.reported(order)] == [("replacement", sent["name"])]


@story()
def test_each_transfer_of_a_batch_is_its_order_s_shipment(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield run_chain()
    pickings = [pair.pickings(order)[0]["id"] for order in (one, two)]
    (batch,) = pair.call("stock.picking.batch", "create", vals_list=[{"picking_ids": [[6, 0, pickings]]}])
    pair.call("stock.picking.batch", "action_confirm", [batch])
    moves = pair.rows("stock.move", [["picking_id", "in", pickings]], "product_uom_qty")
    for move in moves:
        pair.call("stock.move", "write", [move["id"]], vals={"quantity": move["product_uom_qty"], "picked": True})
    pair.call("stock.picking.batch", "action_done", [batch], context=QUIET)
    yield run_chain()
    assert (shipped(pair, one), shipped(pair, two)) == ([2], [3])
    assert (pair.findings(one), pair.findings(two)) == (set(), set())


@story(restless=True)
def test_a_shipment_out_of_a_batch_leaves_the_batch_s_other_transfers_open(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield run_chain()
    pickings = [pair.pickings(order)[0]["id"] for order in (one, two)]
    (batch,) = pair.call("stock.picking.batch", "create", vals_list=[{"picking_ids": [[6, 0, pickings]]}])
    pair.call("stock.picking.batch", "action_confirm", [batch])
    pair.shop.ship(one)
    yield run_chain()
    assert [row["state"] for row in pair.pickings(one)] == ["done"]
    assert "done" not in [row["state"] for row in pair.pickings(two)]
    assert (still_open(pair, one), still_open(pair, two)) == (0, 3)
