"""docs/business-rules.md#deliveries: transfers of several orders, goods that are on no order, and goods that come back or go out again."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from decimal import Decimal
from typing import Any

from shop_and_books import ShopAndBooks
from sqlalchemy import text
from stories import story

Story = Generator[None, None, None]
QUIET = {"skip_backorder": True, "skip_sms": True}


def merge(pair: ShopAndBooks, one: int, two: int) -> dict[str, Any]:
    """The warehouse puts two orders' goods into one transfer, which Odoo then names after the first alone."""
    (first,), (second,) = pair.pickings(one), pair.pickings(two)
    lines = pair.rows("stock.move.line", [["move_id", "in", second["move_ids"]]], "picking_id")
    pair.call("stock.move", "write", second["move_ids"], vals={"picking_id": first["id"]})
    pair.call("stock.move.line", "write", [line["id"] for line in lines], vals={"picking_id": first["id"]})
    pair.call("stock.picking", "unlink", [second["id"]])
    return {**first, "move_ids": [*first["move_ids"], *second["move_ids"]]}


def two_orders(pair: ShopAndBooks) -> tuple[int, int]:
    """Two of SKU-001 and three of SKU-002, for two orders."""
    return pair.order({"SKU-001": 2}, "cashondelivery"), pair.order({"SKU-002": 3}, "cashondelivery")


def validate(pair: ShopAndBooks, picking: int, quantities: Mapping[str, int] | None = None, tracking: str = "") -> None:
    """The warehouse sends everything of a transfer, or these quantities by SKU and a backorder."""
    moves = pair.rows(
        "stock.move", [["picking_id", "=", picking], ["state", "!=", "cancel"]], "product_id product_uom_qty"
    )
    for move in moves:
        sku = pair._sku(move["product_id"][0])
        quantity = move["product_uom_qty"] if quantities is None else quantities.get(sku, 0)
        pair.call("stock.move", "write", [move["id"]], vals={"quantity": quantity, "picked": bool(quantity)})
    if tracking:
        pair.call("stock.picking", "write", [picking], vals={"carrier_tracking_ref": tracking})
    assert pair.call("stock.picking", "button_validate", [picking], context=QUIET) is True


def give_back(pair: ShopAndBooks, picking: int, quantities: Mapping[str, int]) -> int:
    """A return of these quantities by SKU, validated; of a return it sends the goods again. Returns its id."""
    (wizard,) = pair.call("stock.return.picking", "create", vals_list=[{"picking_id": picking}])
    for line in pair.rows("stock.return.picking.line", [["wizard_id", "=", wizard]], "product_id"):
        quantity = quantities.get(pair._sku(line["product_id"][0]), 0)
        pair.call("stock.return.picking.line", "write", [line["id"]], vals={"quantity": quantity})
    made = int(pair.call("stock.return.picking", "action_create_returns", [wizard])["res_id"])
    validate(pair, made)
    return made


def shipped(pair: ShopAndBooks, order: int) -> list[Decimal]:
    return [Decimal(str(row["total_qty"])) for row in pair.shipments(order)]


def open_in_odoo(pair: ShopAndBooks, order: int) -> list[dict[str, Any]]:
    return [row for row in pair.pickings(order) if row["state"] not in ("done", "cancel")]


def still_open(pair: ShopAndBooks, order: int) -> float:
    """What the order's own moves are still to deliver in Odoo, whichever transfer they are in."""
    lines = [line for sale in pair.sales(order) for line in sale["order_line"]]
    moves = pair.rows(
        "stock.move", [["sale_line_id", "in", lines], ["state", "not in", ["done", "cancel"]]], "product_uom_qty"
    )
    return sum(move["product_uom_qty"] for move in moves)


# Several orders in one transfer


@story()
def test_each_order_of_a_merged_transfer_is_shipped_with_its_own_goods(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield
    validate(pair, merge(pair, one, two)["id"], tracking="TOGETHER")
    yield
    assert (shipped(pair, one), shipped(pair, two)) == ([2], [3])
    for order in (one, two):
        assert [track["track_number"] for row in pair.shipments(order) for track in row["tracks"]] == ["TOGETHER"]
        assert pair.findings(order) == set()


@story()
def test_a_merged_transfer_is_shipped_as_far_as_it_left_and_each_order_keeps_its_rest(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield
    validate(pair, merge(pair, one, two)["id"], {"SKU-001": 1, "SKU-002": 2})
    yield
    assert (shipped(pair, one), shipped(pair, two)) == ([1], [2])
    rest = pair.rows(
        "stock.picking", [["backorder_id", "!=", False], ["state", "not in", ["done", "cancel"]]], "move_ids"
    )
    lines = [line for order in (one, two) for sale in pair.sales(order) for line in sale["order_line"]]
    (shared,) = {
        row["picking_id"][0]
        for row in pair.rows(
            "stock.move", [["sale_line_id", "in", lines], ["state", "not in", ["done", "cancel"]]], "picking_id"
        )
    }
    assert shared in [row["id"] for row in rest]
    validate(pair, shared)
    yield
    assert (shipped(pair, one), shipped(pair, two)) == ([1, 1], [2, 1])
    assert (pair.findings(one), pair.findings(two)) == (set(), set())


@story(restless=True)
def test_our_delivery_out_of_a_merged_transfer_leaves_the_other_order_s_goods_open(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield
    merge(pair, one, two)
    pair.shop.ship(two, tracks=[{"track_number": "OF-TWO", "title": "UPS", "carrier_code": "ups"}])
    yield
    assert [(row["state"], pair.moved(row)) for row in pair.pickings(two)] == [("done", {"SKU-002": 3})]
    assert (still_open(pair, one), still_open(pair, two)) == (2, 0)
    assert (shipped(pair, one), shipped(pair, two)) == ([], [3])
    assert (pair.findings(one), pair.findings(two)) == (set(), set())
    (rest,) = open_in_odoo(pair, one)
    validate(pair, rest["id"])
    yield
    assert (shipped(pair, one), shipped(pair, two)) == ([2], [3])
    assert (pair.findings(one), pair.findings(two)) == (set(), set())


@story(restless=True)
def test_two_orders_that_magento_shipped_leave_one_transfer_one_after_the_other(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield
    merge(pair, one, two)
    for order, number in ((one, "OF-ONE"), (two, "OF-TWO")):
        pair.shop.ship(order, tracks=[{"track_number": number, "title": "UPS", "carrier_code": "ups"}])
    yield
    yield
    done = [
        (row["state"], pair.moved(row), row["carrier_tracking_ref"])
        for order in (one, two)
        for row in pair.pickings(order)
    ]
    assert done == [("done", {"SKU-001": 2}, "OF-ONE"), ("done", {"SKU-002": 3}, "OF-TWO")]
    assert (pair.findings(one), pair.findings(two)) == (set(), set())


@story()
def test_an_order_that_is_not_magento_s_may_share_the_transfer(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield
    (mine,) = pair.pickings(order)
    values = {
        "partner_id": pair.sales(order)[0]["partner_id"][0],
        "order_line": [[0, 0, {"product_id": pair.books.names.products["SKU-003"], "product_uom_qty": 4}]],
    }
    (own,) = pair.call("sale.order", "create", vals_list=[values])
    pair.call("sale.order", "action_confirm", [own])
    (theirs,) = pair.rows("stock.picking", [["sale_id", "=", own]], "move_ids")
    lines = pair.rows("stock.move.line", [["move_id", "in", mine["move_ids"]]], "picking_id")
    pair.call("stock.move", "write", mine["move_ids"], vals={"picking_id": theirs["id"]})
    pair.call("stock.move.line", "write", [line["id"] for line in lines], vals={"picking_id": theirs["id"]})
    validate(pair, theirs["id"])
    yield
    assert shipped(pair, order) == [2]
    assert pair.findings(order) == set()


@story(restless=True, orders={"cancel": True})
def test_an_order_whose_goods_lie_in_a_merged_transfer_is_not_cancelled_in_odoo(pair: ShopAndBooks) -> Story:
    """Odoo would cancel the whole transfer, the other order's goods too."""
    one, two = two_orders(pair)
    yield
    merge(pair, one, two)
    pair.shop.cancel(one)
    yield
    assert [row["state"] for row in pair.sales(one)] == ["sale"]
    assert still_open(pair, two) == 3
    assert any("other orders" in why for kind, _, why in pair.unfinished(one) if kind == "odoo_order_cancel")


@story(shipments={"returns": "shipped_items"})
def test_refunded_goods_come_back_from_the_merged_transfer_that_took_them(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield
    validate(pair, merge(pair, one, two)["id"])
    yield
    pair.shop.invoice(two)
    pair.shop.refund(two, {pair.items(two)["SKU-002"]: 1}, shipping=0)
    yield
    lines = [line for sale in pair.sales(two) for line in sale["order_line"]]
    back = pair.rows(
        "stock.move", [["sale_line_id", "in", lines], ["origin_returned_move_id", "!=", False]], "quantity state"
    )
    assert [(row["quantity"], row["state"]) for row in back] == [(1, "done")]
    assert pair.findings(two) == set()


# Operation types that make no backorder


def backorders(pair: ShopAndBooks, policy: str) -> None:
    kinds = pair.rows("stock.picking.type", [["code", "=", "outgoing"], ["company_id", "=", 1]], "name")
    pair.call("stock.picking.type", "write", [row["id"] for row in kinds], vals={"create_backorder": policy})


@story(restless=True, shipments={"tracking": "off"})
def test_a_partial_shipment_waits_where_odoo_would_drop_the_rest(pair: ShopAndBooks) -> Story:
    """Under a policy of its own, so that no other story meets this operation type."""
    backorders(pair, "never")
    part, whole = pair.order({"SKU-001": 3}), pair.order({"SKU-001": 2})
    pair.shop.ship(part, {pair.items(part)["SKU-001"]: 1})
    pair.shop.ship(whole)
    yield
    assert [row["state"] for row in pair.pickings(whole)] == ["done"], "nothing is left of it"
    assert still_open(pair, part) == 3
    assert ("missing_in_odoo", "shipment", "") in pair.findings(part)
    ((_, _, why),) = [each for each in pair.unfinished(part) if each[0] == "odoo_delivery"]
    assert "never makes a backorder" in why
    assert "SKU-001 x 2" in why
    backorders(pair, "always")
    yield
    assert [(row["state"], pair.moved(row)) for row in pair.pickings(part)] == [
        ("done", {"SKU-001": 1}),
        ("assigned", {"SKU-001": 2}),
    ]
    backorders(pair, "ask")


@story(restless=True, shipments={"tracking": "to_odoo"})
def test_a_merged_transfer_waits_where_odoo_would_drop_the_other_order_s_goods(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield
    merge(pair, one, two)
    backorders(pair, "never")
    pair.shop.ship(one)
    yield
    assert (still_open(pair, one), still_open(pair, two)) == (2, 3)
    assert any("never makes a backorder" in why for kind, _, why in pair.unfinished(one) if kind == "odoo_delivery")
    backorders(pair, "ask")
    yield
    assert (still_open(pair, one), still_open(pair, two)) == (0, 3)


# Goods that are on no order


@story()
def test_a_gift_in_the_parcel_is_named_and_the_parcel_is_shipped(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield
    (picking,) = pair.pickings(order)
    (old,) = pair.rows("stock.move", [["id", "in", picking["move_ids"]]], "location_id location_dest_id company_id")
    places = {name: old[name][0] for name in ("location_id", "location_dest_id", "company_id")}
    gift = {
        **places,
        "product_id": pair.books.names.products["SKU-004"],
        "product_uom_qty": 1,
        "picking_id": picking["id"],
    }
    pair.call("stock.move", "create", vals_list=[gift])
    validate(pair, picking["id"], tracking="WITH-A-GIFT")
    yield
    (shipment,) = pair.shipments(order)
    assert [(item["sku"], Decimal(str(item["qty"]))) for item in shipment["items"]] == [("SKU-001", 2)]
    assert [track["track_number"] for track in shipment["tracks"]] == ["WITH-A-GIFT"]
    (said,) = pair.reported(order)
    assert (said["type"], said["part"], said["odoo_value"]) == ("replacement", "goods", "SKU-004 x 1")


@story()
def test_goods_that_only_odoo_s_order_has_hold_the_shipment_for_the_true_reason(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield
    (sale,) = pair.sales(order)
    line = {
        "order_id": sale["id"],
        "product_id": pair.books.names.products["SKU-003"],
        "product_uom_qty": 1,
        "price_unit": 7,
    }
    pair.call("sale.order.line", "create", vals_list=[line])
    (picking,) = pair.pickings(order)
    validate(pair, picking["id"])
    yield
    (said,) = pair.reported(order, type="missing_in_magento")
    assert "no item of Magento's order (SKU-003 x 1)" in said["no_change_reason"]
    assert pair.shipments(order) == []


# Direction


@story()
def test_what_comes_back_and_is_sent_again_is_no_further_shipment_and_the_rest_stays_due(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 3}, "cashondelivery")
    yield
    (picking,) = pair.pickings(order)
    validate(pair, picking["id"], {"SKU-001": 2})
    yield
    back = give_back(pair, picking["id"], {"SKU-001": 1})
    again = give_back(pair, back, {"SKU-001": 1})
    yield
    assert shipped(pair, order) == [2]
    (said,) = pair.reported(order)
    (sent,) = pair.rows("stock.picking", [["id", "=", again]], "name")
    assert (said["type"], said["odoo_number"]) == ("replacement", sent["name"])
    (rest,) = open_in_odoo(pair, order)
    validate(pair, rest["id"])
    yield
    assert shipped(pair, order) == [2, 1]
    assert {row["type"] for row in pair.reported(order)} == {"replacement"}


@story()
def test_what_comes_back_to_another_place_is_a_return(pair: ShopAndBooks) -> Story:
    """Not the stock that it left, and by a transfer of the type of deliveries."""
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield
    (picking,) = pair.pickings(order)
    kind = "picking_type_id location_id location_dest_id"
    (row,) = pair.rows("stock.picking", [["id", "=", picking["id"]]], kind)
    validate(pair, picking["id"])
    yield
    (place,) = pair.call("stock.location", "create", vals_list=[{"name": "Damaged", "usage": "internal"}])
    (wizard,) = pair.call("stock.return.picking", "create", vals_list=[{"picking_id": picking["id"]}])
    for line in pair.rows("stock.return.picking.line", [["wizard_id", "=", wizard]], "product_id"):
        pair.call("stock.return.picking.line", "write", [line["id"]], vals={"quantity": 2})
    made = int(pair.call("stock.return.picking", "action_create_returns", [wizard])["res_id"])
    pair.call(
        "stock.picking", "write", [made], vals={"location_dest_id": place, "picking_type_id": row["picking_type_id"][0]}
    )
    (before,) = pair.rows("stock.picking", [["id", "=", made]], kind)
    pair.call(
        "stock.picking", "write", [made], vals={"location_id": row["location_dest_id"][0], "location_dest_id": place}
    )
    validate(pair, made)
    yield
    assert before["picking_type_id"] == row["picking_type_id"], "it has the type of a delivery"
    assert shipped(pair, order) == [2]
    assert pair.findings(order) == set()


@story()
def test_goods_of_an_order_that_go_to_the_vendor_are_no_shipment(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield
    (picking,) = pair.pickings(order)
    (vendors,) = pair.rows("stock.location", [["usage", "=", "supplier"]], "name")[:1]
    pair.call("stock.picking", "write", [picking["id"]], vals={"location_dest_id": vendors["id"]})
    validate(pair, picking["id"])
    yield
    assert pair.shipments(order) == []


# Between companies


def mirror_of(pair: ShopAndBooks, order: int) -> int:
    """A clerk enters the order once more for the company that sells it: its customer is that company, its number the shop's."""
    (company,) = pair.rows("res.company", [["id", "!=", 1]], "partner_id")
    (receiver,) = pair.call("res.partner", "create", vals_list=[{"name": "Whoever bought it"}])
    row = pair.shop.order(order)
    product = pair.books.names.products[row["items"][0]["sku"]]
    line = {
        "product_id": product,
        "product_uom_qty": 2,
        "price_unit": float(row["subtotal"]) / 2,
        "tax_ids": [[5, 0, 0]],
    }
    values = {
        "partner_id": company["partner_id"][0],
        "partner_shipping_id": receiver,
        "client_order_ref": row["increment_id"],
        "order_line": [[0, 0, line]],
    }
    (made,) = pair.call("sale.order", "create", vals_list=[values])
    pair.call("sale.order", "action_confirm", [made])
    return int(made)


def paid_invoice_of(pair: ShopAndBooks, order: int, sale: int) -> int:
    """What one company asks of the other for a sales order: posted, with the shop's number in it, and paid."""
    values = {"sale_order_ids": [[6, 0, [sale]]], "advance_payment_method": "delivered", "consolidated_billing": False}
    (wizard,) = pair.call("sale.advance.payment.inv", "create", vals_list=[values])
    move = int(pair.call("sale.advance.payment.inv", "create_invoices", [wizard])["res_id"])
    pair.call("account.move", "write", [move], vals={"ref": pair.shop.order(order)["increment_id"]})
    pair.call("account.move", "action_post", [move])
    pair.pay(order, move)
    return move


def intercompany(pair: ShopAndBooks, sale: int) -> list[str]:
    """The kinds of findings about a sales order that are open."""
    with pair.engine.connect() as connection:
        statement = "select type from finding where odoo_id = :id and kind = 'order' and resolved_at is null"
        return list(connection.execute(text(statement), {"id": str(sale)}).scalars())


@story()
def test_a_mirror_order_between_companies_is_named_and_is_no_duplicate(pair: ShopAndBooks) -> Story:
    """It stands before the shop's order is imported, with its number; its goods and its invoice are nothing of Magento's."""
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    mirror = mirror_of(pair, order)
    yield
    sales = [row["id"] for row in pair.sales(order)]
    assert mirror in sales
    assert len(sales) == 2, "the shop's order was imported beside it"
    assert pair.findings(order) == set()
    assert intercompany(pair, mirror) == ["intercompany"]
    (picking,) = pair.rows("stock.picking", [["sale_id", "=", mirror]], "name")
    validate(pair, picking["id"])
    invoice = paid_invoice_of(pair, order, mirror)
    (own,) = [sale for sale in sales if sale != mirror]
    yield
    assert (pair.shipments(order), pair.invoices(order)) == ([], [])
    pair.reverse(invoice)
    yield
    assert (pair.invoices(order), pair.memos(order)) == ([], [])
    assert pair.findings(order) == set()
    (delivery,) = pair.rows("stock.picking", [["sale_id", "=", own]], "name")
    validate(pair, delivery["id"])
    yield
    assert shipped(pair, order) == [2]
    assert (pair.findings(order), intercompany(pair, mirror)) == (set(), ["intercompany"])
