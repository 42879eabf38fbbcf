"""docs/business-rules.md#deliveries: orders that the warehouse of another company of the same Odoo sends to the customers of this one."""

from __future__ import annotations

from decimal import Decimal

from intercompany import MAPPED, mirror, own_order, rows_there, send, there
from shop_and_books import ShopAndBooks
from sqlalchemy import text
from stories import Story, run_chain, story
from transfers import QUIET, intercompany, open_in_odoo, shipped, validate


def call_off_ours(pair: ShopAndBooks, order: int) -> None:
    """Our own delivery is not needed where another company sends the goods."""
    for row in open_in_odoo(pair, order):
        pair.call("stock.picking", "action_cancel", [row["id"]])


@story(odoo=MAPPED)
def test_a_delivery_of_an_intercompany_mirror_is_the_order_s_shipment(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2, "SKU-002": 3}, "cashondelivery")
    yield run_chain()
    call_off_ours(pair, order)
    made = mirror(pair, own_order(pair, order)["name"], {"SKU-001": 2, "SKU-002": 3})
    yield run_chain()
    assert pair.findings(order) == set()
    send(pair, made, {"SKU-001": 2, "SKU-002": 1}, "FROM-THERE")
    yield run_chain()
    (shipment,) = pair.shipments(order)
    assert {item["sku"]: Decimal(str(item["qty"])) for item in shipment["items"]} == {"SKU-001": 2, "SKU-002": 1}
    assert [track["track_number"] for track in shipment["tracks"]] == ["FROM-THERE"]
    send(pair, made)
    yield run_chain()
    assert shipped(pair, order) == [3, 2]
    assert (pair.findings(order), intercompany(pair, made)) == (set(), [])


@story(odoo=MAPPED)
def test_a_mirror_is_recognised_by_magento_s_number_and_its_invoice_is_not_pushed(pair: ShopAndBooks) -> Story:
    """It exists before the order is imported, and the import is no duplicate of it."""
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    number = pair.shop.order(order)["increment_id"]
    made = mirror(pair, f"for {number}", {"SKU-001": 2})
    yield run_chain()
    assert [row["state"] for row in pair.sales(order)] == ["sale"]
    call_off_ours(pair, order)
    send(pair, made)
    yield run_chain()
    yield run_chain()
    assert shipped(pair, order) == [2]
    assert (pair.findings(order), pair.invoices(order)) == (set(), [])


@story(odoo=MAPPED)
def test_a_mirror_delivery_to_our_own_warehouse_is_no_shipment(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    made = mirror(pair, own_order(pair, order)["name"], {"SKU-001": 2})
    transit = [["usage", "=", "transit"], ["company_id", "=", False], ["active", "in", [True, False]]]
    (between, *_) = there(pair, "stock.location", "search", domain=transit)
    (picking,) = rows_there(pair, "stock.picking", [["sale_id", "=", made]], "name")
    there(pair, "stock.picking", "write", [picking["id"]], vals={"location_dest_id": between})
    send(pair, made)
    yield run_chain()
    assert pair.shipments(order) == []
    pair.deliver(order)
    yield run_chain()
    assert shipped(pair, order) == [2]
    assert pair.findings(order) == set()


@story()
def test_an_unmapped_company_ships_nothing_of_ours(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    send(pair, mirror(pair, own_order(pair, order)["name"], {"SKU-001": 2}))
    yield run_chain()
    assert (pair.shipments(order), pair.findings(order)) == ([], set())


@story(odoo=MAPPED, restless=True)
def test_a_mirror_of_several_orders_is_quarantined_and_nothing_is_shipped(pair: ShopAndBooks) -> Story:
    one, two = pair.order({"SKU-001": 2}, "cashondelivery"), pair.order({"SKU-001": 1}, "cashondelivery")
    yield run_chain()
    names = ", ".join(own_order(pair, order)["name"] for order in (one, two))
    send(pair, mirror(pair, names, {"SKU-001": 3}))
    yield run_chain()
    assert (pair.shipments(one), pair.shipments(two)) == ([], [])
    with pair.engine.connect() as connection:
        said = connection.execute(
            text("select message from finding where type = 'quarantined' and resolved_at is null")
        )
        assert any("mirrors 2 orders of this company" in message for message in said.scalars())


@story(odoo=MAPPED, restless=True)
def test_a_magento_shipment_of_a_mirrored_order_is_left_to_the_sending_company(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    made = mirror(pair, own_order(pair, order)["name"], {"SKU-001": 2})
    pair.shop.ship(order, tracks=[{"track_number": "BY-MAGENTO", "title": "UPS", "carrier_code": "ups"}])
    yield run_chain()
    assert [row["state"] for row in pair.pickings(order)] == ["assigned"], "ours is not delivered beside theirs"
    assert any("company delivers it" in why for kind, _, why in pair.unfinished(order) if kind == "odoo_delivery")
    call_off_ours(pair, order)
    send(pair, made, tracking="BY-MAGENTO")
    yield run_chain()
    assert shipped(pair, order) == [2], "and no second one"
    assert pair.findings(order) == set()


@story(odoo=MAPPED)
def test_our_own_drop_shipment_of_goods_that_a_mirror_sends_is_the_same_shipment(pair: ShopAndBooks) -> Story:
    """Ours is read before there is a mirror, and open when the mirror's leaves; a clerk validates it later."""
    order = pair.order({"SKU-001": 2, "SKU-002": 1}, "cashondelivery")
    yield run_chain()
    (picking,) = pair.pickings(order)
    (vendors, *_) = pair.call("stock.location", "search", domain=[["usage", "=", "supplier"]])
    pair.call("stock.picking", "write", [picking["id"]], vals={"location_id": vendors})
    yield run_chain()
    send(pair, mirror(pair, own_order(pair, order)["name"], {"SKU-001": 2, "SKU-002": 1}), tracking="DIRECT")
    yield run_chain()
    assert shipped(pair, order) == [3]
    assert pair.findings(order) == set(), "nothing is open beside it"
    validate(pair, picking["id"])
    yield run_chain()
    assert shipped(pair, order) == [3]
    assert pair.findings(order) == set()


@story(odoo=MAPPED)
def test_a_return_to_the_sending_company_is_the_order_s_return(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 3}, "cashondelivery")
    yield run_chain()
    call_off_ours(pair, order)
    made = mirror(pair, own_order(pair, order)["name"], {"SKU-001": 3})
    sent = send(pair, made, {"SKU-001": 2})
    yield run_chain()
    (wizard,) = there(pair, "stock.return.picking", "create", vals_list=[{"picking_id": sent}])
    for line in rows_there(pair, "stock.return.picking.line", [["wizard_id", "=", wizard]], "product_id"):
        there(pair, "stock.return.picking.line", "write", [line["id"]], vals={"quantity": 1})
    back = int(there(pair, "stock.return.picking", "action_create_returns", [wizard])["res_id"])
    moves = rows_there(pair, "stock.move", [["picking_id", "=", back]], "product_uom_qty")
    there(pair, "stock.move", "write", [row["id"] for row in moves], vals={"quantity": 1, "picked": True})
    there(pair, "stock.picking", "button_validate", [back], context=QUIET)
    yield run_chain()
    with pair.engine.connect() as connection:
        statement = "select order_key, active from document where kind = 'return' and side = 'odoo' and source_id = :id"
        assert connection.execute(text(statement), {"id": str(back)}).all() == [(str(order), True)]
    send(pair, made)
    yield run_chain()
    assert shipped(pair, order) == [2, 1]


@story(odoo=MAPPED, restless=True, shipments={"tracking": "to_odoo"})
def test_a_tracking_number_is_not_written_into_another_company(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    call_off_ours(pair, order)
    sent = send(pair, mirror(pair, own_order(pair, order)["name"], {"SKU-001": 2}))
    yield run_chain()
    (shipment,) = pair.shipments(order)
    pair.shop.add_track(shipment["entity_id"], "LATER", "UPS", "ups")
    yield run_chain()
    (row,) = rows_there(pair, "stock.picking", [["id", "=", sent]], "carrier_tracking_ref")
    assert not row["carrier_tracking_ref"]
    assert all("another company" in why for kind, _, why in pair.unfinished(order) if kind == "odoo_tracking")
