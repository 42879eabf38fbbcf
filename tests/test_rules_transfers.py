"""docs/business-rules.md#deliveries: transfers of several orders, goods that are on no order, and goods that come back or go out again."""

from __future__ import annotations

from decimal import Decimal

from shop_and_books import ShopAndBooks
from stories import Story, run_chain, story
from transfers import give_back, intercompany, merge, open_in_odoo, shipped, still_open, two_orders, validate

# Several orders in one transfer


@story()
def test_each_order_of_a_merged_transfer_is_shipped_with_its_own_goods(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield run_chain()
    validate(pair, merge(pair, one, two)["id"], tracking="TOGETHER")
    yield run_chain()
    assert (shipped(pair, one), shipped(pair, two)) == ([2], [3])
    for order in (one, two):
        assert [track["track_number"] for row in pair.shipments(order) for track in row["tracks"]] == ["TOGETHER"]
        assert pair.findings(order) == set()


@story()
def test_a_merged_transfer_is_shipped_as_far_as_it_left_and_each_order_keeps_its_rest(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield run_chain()
    validate(pair, merge(pair, one, two)["id"], {"SKU-001": 1, "SKU-002": 2})
    yield run_chain()
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
    yield run_chain()
    assert (shipped(pair, one), shipped(pair, two)) == ([1, 1], [2, 1])
    assert (pair.findings(one), pair.findings(two)) == (set(), set())


@story(restless=True)
def test_our_delivery_out_of_a_merged_transfer_leaves_the_other_order_s_goods_open(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield run_chain()
    merge(pair, one, two)
    pair.shop.ship(two, tracks=[{"track_number": "OF-TWO", "title": "UPS", "carrier_code": "ups"}])
    yield run_chain()
    assert [(row["state"], pair.moved(row)) for row in pair.pickings(two)] == [("done", {"SKU-002": 3})]
    assert (still_open(pair, one), still_open(pair, two)) == (2, 0)
    assert (shipped(pair, one), shipped(pair, two)) == ([], [3])
    assert (pair.findings(one), pair.findings(two)) == (set(), set())
    (rest,) = open_in_odoo(pair, one)
    validate(pair, rest["id"])
    yield run_chain()
    assert (shipped(pair, one), shipped(pair, two)) == ([2], [3])
    assert (pair.findings(one), pair.findings(two)) == (set(), set())


@story(restless=True)
def test_two_orders_that_magento_shipped_leave_one_transfer_one_after_the_other(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield run_chain()
    merge(pair, one, two)
    for order, number in ((one, "OF-ONE"), (two, "OF-TWO")):
        pair.shop.ship(order, tracks=[{"track_number": number, "title": "UPS", "carrier_code": "ups"}])
    yield run_chain()
    yield run_chain()
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
    yield run_chain()
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
    yield run_chain()
    assert shipped(pair, order) == [2]
    assert pair.findings(order) == set()


@story(restless=True, orders={"cancel": True})
def test_an_order_whose_goods_lie_in_a_merged_transfer_is_not_cancelled_in_odoo(pair: ShopAndBooks) -> Story:
    """Odoo would cancel the whole transfer, the other order's goods too."""
    one, two = two_orders(pair)
    yield run_chain()
    merge(pair, one, two)
    pair.shop.cancel(one)
    yield run_chain()
    assert [row["state"] for row in pair.sales(one)] == ["sale"]
    assert still_open(pair, two) == 3
    assert any("other orders" in why for kind, _, why in pair.unfinished(one) if kind == "odoo_order_cancel")


@story(shipments={"returns": "shipped_items"})
def test_refunded_goods_come_back_from_the_merged_transfer_that_took_them(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield run_chain()
    validate(pair, merge(pair, one, two)["id"])
    yield run_chain()
    pair.shop.invoice(two)
    pair.shop.refund(two, {pair.items(two)["SKU-002"]: 1}, shipping=0)
    yield run_chain()
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
    yield run_chain()
    assert [row["state"] for row in pair.pickings(whole)] == ["done"], "nothing is left of it"
    assert still_open(pair, part) == 3
    assert ("missing_in_odoo", "shipment", "") in pair.findings(part)
    ((_, _, why),) = [each for each in pair.unfinished(part) if each[0] == "odoo_delivery"]
    assert "never makes a backorder" in why
    assert "SKU-001 x 2" in why
    backorders(pair, "always")
    yield run_chain()
    assert [(row["state"], pair.moved(row)) for row in pair.pickings(part)] == [
        ("done", {"SKU-001": 1}),
        ("assigned", {"SKU-001": 2}),
    ]
    backorders(pair, "ask")


@story(restless=True, shipments={"tracking": "to_odoo"})
def test_a_merged_transfer_waits_where_odoo_would_drop_the_other_order_s_goods(pair: ShopAndBooks) -> Story:
    one, two = two_orders(pair)
    yield run_chain()
    merge(pair, one, two)
    backorders(pair, "never")
    pair.shop.ship(one)
    yield run_chain()
    assert (still_open(pair, one), still_open(pair, two)) == (2, 3)
    assert any("never makes a backorder" in why for kind, _, why in pair.unfinished(one) if kind == "odoo_delivery")
    backorders(pair, "ask")
    yield run_chain()
    assert (still_open(pair, one), still_open(pair, two)) == (0, 3)


# Goods that are on no order


@story()
def test_a_gift_in_the_parcel_is_named_and_the_parcel_is_shipped(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
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
    yield run_chain()
    (shipment,) = pair.shipments(order)
    assert [(item["sku"], Decimal(str(item["qty"]))) for item in shipment["items"]] == [("SKU-001", 2)]
    assert [track["track_number"] for track in shipment["tracks"]] == ["WITH-A-GIFT"]
    (said,) = pair.reported(order)
    assert (said["type"], said["part"], said["odoo_value"]) == ("replacement", "goods", "SKU-004 x 1")


@story()
def test_goods_that_only_odoo_s_order_has_hold_the_shipment_for_the_true_reason(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
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
    yield run_chain()
    (said,) = pair.reported(order, type="missing_in_magento")
    assert "no item of Magento's order (SKU-003 x 1)" in said["no_change_reason"]
    assert pair.shipments(order) == []


# Direction


@story()
def test_goods_returned_and_sent_again_are_no_further_shipment_and_the_rest_stays_due(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 3}, "cashondelivery")
    yield run_chain()
    (picking,) = pair.pickings(order)
    validate(pair, picking["id"], {"SKU-001": 2})
    yield run_chain()
    back = give_back(pair, picking["id"], {"SKU-001": 1})
    again = give_back(pair, back, {"SKU-001": 1})
    yield run_chain()
    assert shipped(pair, order) == [2]
    (said,) = pair.reported(order)
    (sent,) = pair.rows("stock.picking", [["id", "=", again]], "name")
    assert (said["type"], said["odoo_number"]) == ("replacement", sent["name"])
    (rest,) = open_in_odoo(pair, order)
    validate(pair, rest["id"])
    yield run_chain()
    assert shipped(pair, order) == [2, 1]
    assert {row["type"] for row in pair.reported(order)} == {"replacement"}


@story()
def test_goods_moved_back_to_another_location_are_a_return(pair: ShopAndBooks) -> Story:
    """Not the stock that it left, and by a transfer of the type of deliveries."""
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    (picking,) = pair.pickings(order)
    kind = "picking_type_id location_id location_dest_id"
    (row,) = pair.rows("stock.picking", [["id", "=", picking["id"]]], kind)
    validate(pair, picking["id"])
    yield run_chain()
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
    yield run_chain()
    assert before["picking_type_id"] == row["picking_type_id"], "it has the type of a delivery"
    assert shipped(pair, order) == [2]
    assert pair.findings(order) == set()


@story()
def test_goods_of_an_order_that_go_to_the_vendor_are_no_shipment(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    (picking,) = pair.pickings(order)
    (vendors,) = pair.rows("stock.location", [["usage", "=", "supplier"]], "name")[:1]
    pair.call("stock.picking", "write", [picking["id"]], vals={"location_dest_id": vendors["id"]})
    validate(pair, picking["id"])
    yield run_chain()
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


@story()
def test_a_mirror_order_between_companies_is_named_and_is_no_duplicate(pair: ShopAndBooks) -> Story:
    """It exists before Magento's order is imported, with its number; its goods and its invoice are nothing of Magento's."""
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    mirror = mirror_of(pair, order)
    yield run_chain()
    sales = [row["id"] for row in pair.sales(order)]
    assert mirror in sales
    assert len(sales) == 2, "the shop's order was imported beside it"
    assert pair.findings(order) == set()
    assert intercompany(pair, mirror) == ["intercompany"]
    (picking,) = pair.rows("stock.picking", [["sale_id", "=", mirror]], "name")
    validate(pair, picking["id"])
    invoice = paid_invoice_of(pair, order, mirror)
    (own,) = [sale for sale in sales if sale != mirror]
    yield run_chain()
    assert (pair.shipments(order), pair.invoices(order)) == ([], [])
    pair.reverse(invoice)
    yield run_chain()
    assert (pair.invoices(order), pair.memos(order)) == ([], [])
    assert pair.findings(order) == set()
    (delivery,) = pair.rows("stock.picking", [["sale_id", "=", own]], "name")
    validate(pair, delivery["id"])
    yield run_chain()
    assert shipped(pair, order) == [2]
    assert (pair.findings(order), intercompany(pair, mirror)) == (set(), ["intercompany"])
