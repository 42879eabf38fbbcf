"""docs/business-rules.md#deliveries: what may leave the warehouse in Odoo, and what may not."""

from __future__ import annotations

from decimal import Decimal

from components import made_of, validate
from shop_and_books import ShopAndBooks
from stories import Story, run_chain, story

EAST = {"odoo": {"warehouses": {"WH": "east"}}}


def set_stock(pair: ShopAndBooks, sku: str, quantity: int) -> None:
    product = pair.books.names.products[sku]
    (quant,) = pair.rows(
        "stock.quant", [["product_id", "=", product], ["location_id.usage", "=", "internal"]], "quantity"
    )
    pair.call(
        "stock.quant", "write", [quant["id"]], vals={"inventory_quantity": quantity}, context={"inventory_mode": True}
    )
    pair.call("stock.quant", "action_apply_inventory", [quant["id"]])


@story(restless=True)
def test_goods_not_fully_reserved_are_not_delivered_until_stock_arrives(pair: ShopAndBooks) -> Story:
    set_stock(pair, "SKU-007", 1)
    order = pair.order({"SKU-007": 2})
    pair.shop.ship(order)
    yield run_chain()
    assert [row["state"] for row in pair.pickings(order)] != ["done"]
    assert ("missing_in_odoo", "shipment", "") in pair.findings(order)
    assert any(kind == "odoo_delivery" and "reserved" in why for kind, _, why in pair.unfinished(order))
    quants = pair.rows(
        "stock.quant", [["product_id", "=", pair.books.names.products["SKU-007"]]], "quantity location_id"
    )
    assert min(row["quantity"] for row in quants if row["location_id"][1].startswith("WH")) >= 0
    set_stock(pair, "SKU-007", 5)
    pair.call("stock.picking", "action_assign", [pair.pickings(order)[0]["id"]])
    yield run_chain()
    assert [row["state"] for row in pair.pickings(order)] == ["done"]


@story(restless=True)
def test_goods_that_need_a_lot_are_not_delivered(pair: ShopAndBooks) -> Story:
    pair.call("product.product", "write", [pair.books.names.products["SKU-008"]], vals={"tracking": "lot"})
    order = pair.order({"SKU-008": 1})
    pair.shop.ship(order)
    yield run_chain()
    assert "done" not in [row["state"] for row in pair.pickings(order)]
    assert any(kind == "odoo_delivery" for kind, _, _ in pair.unfinished(order))
    assert ("missing_in_odoo", "shipment", "") in pair.findings(order)


@story(**EAST)
def test_a_delivery_takes_its_stock_from_the_mapped_source(pair: ShopAndBooks) -> Story:
    pair.shop.add_source("east", name="East")
    for sku in ("SKU-001", "SKU-002"):
        pair.shop.set_stock(sku, 100, "east")
    order = pair.order(payment="cashondelivery")
    yield run_chain()
    pair.deliver(order)
    yield run_chain()
    (shipment,) = pair.shipments(order)
    assert shipment["extension_attributes"]["source_code"] == "east"


@story()
def test_several_shipments_of_one_day_are_delivered_one_by_one(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 3})
    item = pair.items(order)["SKU-001"]
    for number in range(3):
        pair.shop.ship(
            order, {item: 1}, tracks=[{"track_number": f"N-{number}", "title": "UPS", "carrier_code": "ups"}]
        )
    yield run_chain()
    done = pair.pickings(order)
    assert [(row["state"], pair.moved(row)) for row in done] == [("done", {"SKU-001": 1})] * 3
    assert [row["carrier_tracking_ref"] for row in done] == ["N-0", "N-1", "N-2"]


@story()
def test_virtual_items_are_never_delivered(pair: ShopAndBooks) -> Story:
    order = pair.order({"E-BOOK": 1}, "cashondelivery")
    yield run_chain()
    assert (len(pair.sales(order)), pair.pickings(order)) == (1, [])


@story()
def test_a_shipment_that_both_sides_made_is_one_delivery(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    pair.deliver(order, tracking=["BOTH"])
    pair.shop.ship(order, tracks=[{"track_number": "BOTH", "title": "UPS", "carrier_code": "ups"}])
    yield run_chain()
    assert (len(pair.shipments(order)), len(pair.pickings(order))) == (1, 1)
    assert pair.findings(order) == set()
    assert Decimal(str(pair.shipments(order)[0]["total_qty"])) == 2


# Kits, several steps, drop shipments


@story()
def test_a_kit_is_shipped_by_what_its_order_line_says_is_delivered(pair: ShopAndBooks) -> Story:
    """A kit of two SKU-010 and one SKU-011: three are sold, one is delivered, then two."""
    order = pair.order({"SKU-009": 3}, "cashondelivery")
    yield run_chain()
    moves = made_of(pair, order, {"SKU-010": 6, "SKU-011": 3})
    validate(pair, pair.pickings(order)[0]["id"], {moves["SKU-010"]: 2, moves["SKU-011"]: 1})
    yield run_chain()
    assert [Decimal(str(row["total_qty"])) for row in pair.shipments(order)] == [1]
    rest = next(row for row in pair.pickings(order) if row["state"] != "done")
    validate(pair, rest["id"], {move: (4, 2)[place] for place, move in enumerate(rest["move_ids"])})
    yield run_chain()
    assert [Decimal(str(row["total_qty"])) for row in pair.shipments(order)] == [1, 2]
    assert pair.findings(order) == set()


@story(restless=True)
def test_a_kit_that_magento_shipped_is_delivered_by_a_person(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-009": 1}, "cashondelivery")
    yield run_chain()
    made_of(pair, order, {"SKU-010": 2, "SKU-011": 1})
    pair.shop.ship(order)
    yield run_chain()
    assert "done" not in [row["state"] for row in pair.pickings(order)]
    assert any("kit" in why for kind, _, why in pair.unfinished(order) if kind == "odoo_delivery")


@story()
def test_a_drop_shipment_counts_as_shipped(pair: ShopAndBooks) -> Story:
    """The vendor sends it: the transfer's type is `dropship`."""
    order = pair.order({"SKU-010": 1}, "cashondelivery")
    yield run_chain()
    picking = pair.pickings(order)[0]["id"]
    types = pair.odoo.db.tables["stock.picking.type"]
    usual = next(row for row in types.values() if row["code"] == "outgoing" and row["company_id"] == 1)
    names = ("warehouse_id", "company_id", "default_location_src_id", "default_location_dest_id")
    values = {name: usual[name] for name in names if usual.get(name)}
    (drop,) = pair.call(
        "stock.picking.type",
        "create",
        vals_list=[{**values, "name": "Dropship", "code": "dropship", "sequence_code": "DS"}],
    )
    pair.call("stock.picking", "write", [picking], vals={"picking_type_id": drop})
    (move,) = pair.rows("stock.picking", [["id", "=", picking]], "move_ids")[0]["move_ids"]
    validate(pair, picking, {move: 1})
    yield run_chain()
    assert len(pair.shipments(order)) == 1
    assert pair.findings(order) == set()
