"""What Odoo does only with more of its modules: kits (`sale_mrp`) and goods that the vendor sends (`stock_dropshipping`).

The sandbox tells both by hand (tests/test_rules_deliveries.py); here Odoo's own bills of materials and routes make the transfers.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from bundles import delivered, part, shipped
from components import validate
from live_books import ShopAndLiveBooks, sent_by_vendor, template
from shop_and_books import ShopAndBooks
from stories import Story, run_chain, story

from magodoo_sandbox.magento import Line

BUNDLED = {"SKU-003": 2, "SKU-004": 1}
# The first test waits until all stories are told.
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo_stories,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]


@pytest.fixture(scope="module")
def odoo_modules() -> tuple[str, ...]:
    return ("sale_mrp", "stock_dropshipping")


@pytest.fixture(scope="module")
def pair(pair: ShopAndLiveBooks) -> ShopAndLiveBooks:
    """SKU-009 is a kit of two SKU-010 and one SKU-011; SKU-012 is sent by its vendor. SET and CASE are bundles of fixed price with
    two SKU-003 and one SKU-004, and kits of the same in Odoo; CASE ships separately.
    """
    products = pair.books.names.products
    for sku, separately in (("SET", False), ("CASE", True)):
        options: dict[str, Any] = {"children": tuple(BUNDLED.items()), "ships_separately": separately}
        pair.shop.add_product(sku, price=20, product_type="bundle", **options)
        values = {"default_code": sku, "name": sku, "type": "consu", "is_storable": True, "invoice_policy": "order"}
        (products[sku],) = pair.call("product.product", "create", vals_list=[values])
    for sku, parts in (("SKU-009", {"SKU-010": 2, "SKU-011": 1}), ("SET", BUNDLED), ("CASE", BUNDLED)):
        rows = [{"product_id": products[part], "product_qty": each} for part, each in parts.items()]
        lines = [[0, 0, row] for row in rows]
        kit = {"product_tmpl_id": template(pair, sku), "type": "phantom", "bom_line_ids": lines}
        pair.call("mrp.bom", "create", vals_list=[kit])
    sent_by_vendor(pair, "SKU-012")
    return pair


def send(pair: ShopAndBooks, order: int, kits: int) -> None:
    """The warehouse sends the components of so many kits."""
    (open_,) = [row for row in pair.pickings(order) if row["state"] not in ("done", "cancel")]
    parts = pair.rows("stock.move", [["id", "in", open_["move_ids"]]], "product_id")
    each = {pair.books.names.products[sku]: count for sku, count in (("SKU-010", 2), ("SKU-011", 1))}
    validate(pair, open_["id"], {row["id"]: kits * each[row["product_id"][0]] for row in parts})


def send_parts(pair: ShopAndBooks, order: int, pieces: dict[str, int]) -> None:
    """The warehouse sends pieces by SKU, from the first moves of the open delivery that ask for them."""
    (open_,) = [row for row in pair.pickings(order) if row["state"] not in ("done", "cancel")]
    left = {pair.books.names.products[sku]: count for sku, count in pieces.items()}
    quantities = {}
    for row in pair.rows("stock.move", [["id", "in", open_["move_ids"]]], "product_id product_uom_qty"):
        taken = min(left.get(row["product_id"][0], 0), int(row["product_uom_qty"]))
        left[row["product_id"][0]] = left.get(row["product_id"][0], 0) - taken
        quantities[row["id"]] = taken
    validate(pair, open_["id"], quantities)


@story()
def test_kits_of_a_bill_of_materials_are_shipped_by_what_their_order_line_says(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-009": 3}, "cashondelivery")
    yield run_chain()
    assert pair.moved(pair.pickings(order)[0]) == {"SKU-010": 6, "SKU-011": 3}
    send(pair, order, 1)
    yield run_chain()
    assert [Decimal(str(row["total_qty"])) for row in pair.shipments(order)] == [1]
    send(pair, order, 2)
    yield run_chain()
    assert [Decimal(str(row["total_qty"])) for row in pair.shipments(order)] == [1, 2]
    assert pair.findings(order) == set()


@story()
def test_a_bundle_that_is_a_kit_of_its_parts_ships_completely_in_both_directions(pair: ShopAndBooks) -> Story:
    here, there = (pair.order([Line("SET", 3), Line("CASE", 1)], "cashondelivery") for _ in range(2))
    before = pair.order([Line("SET", 2)], "cashondelivery")
    pair.shop.ship(before)
    yield run_chain()
    send_parts(pair, there, {"SKU-003": 4, "SKU-004": 2})  # two SETs: Odoo's moves of the line that was sold first
    pair.shop.ship(here, {pair.items(here)["SET"]: 2})
    yield run_chain()
    assert delivered(pair, here) == {"SKU-003": 4, "SKU-004": 2}
    assert delivered(pair, before) == {"SKU-003": 4, "SKU-004": 2}, "shipped before Odoo had the order"
    assert [Decimal(str(row["total_qty"])) for row in pair.shipments(there)] == [2]
    send_parts(pair, there, {"SKU-003": 4, "SKU-004": 2})
    pair.shop.ship(here)
    yield run_chain()
    assert delivered(pair, here) == {"SKU-003": 8, "SKU-004": 4}
    assert shipped(pair, there) == [{"SET": 2}, {"SET": 1, "SKU-003": 2, "SKU-004": 1}]
    assert pair.findings(here) == pair.findings(there) == set()


@story()
def test_a_separately_shipped_kit_bundle_ships_part_by_part_in_both_directions(
    pair: ShopAndBooks,
) -> Story:
    here, there = (pair.order([Line("CASE", 2)], "cashondelivery") for _ in range(2))
    yield run_chain()
    send_parts(pair, there, {"SKU-003": 3})
    pair.shop.ship(here, {part(pair, here, "SKU-004"): 1})
    yield run_chain()
    assert delivered(pair, here) == {"SKU-004": 1}
    assert shipped(pair, there) == [{"SKU-003": 3}]
    send_parts(pair, there, {"SKU-003": 1, "SKU-004": 2})
    pair.shop.ship(here)
    yield run_chain()
    assert delivered(pair, here) == {"SKU-003": 4, "SKU-004": 2}
    assert shipped(pair, there) == [{"SKU-003": 3}, {"SKU-003": 1, "SKU-004": 2}]
    assert pair.findings(here) == pair.findings(there) == set()


@story(restless=True)
def test_a_kit_that_magento_shipped_is_left_to_a_person(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-009": 1}, "cashondelivery")
    yield run_chain()
    pair.shop.ship(order)
    yield run_chain()
    assert "done" not in [row["state"] for row in pair.pickings(order)]
    assert any("kit" in why for kind, _, why in pair.unfinished(order) if kind == "odoo_delivery")


@story()
def test_goods_sent_by_the_vendor_count_as_shipped(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-012": 2}, "cashondelivery")
    yield run_chain()
    (sale,) = pair.sales(order)
    (bought,) = pair.rows("purchase.order", [["origin", "like", sale["name"]]], "state")
    pair.call("purchase.order", "button_confirm", [bought["id"]])
    assert pair.pickings(order) == [], "nothing leaves our own warehouse"
    (transfer,) = pair.pickings(order, "dropship")
    validate(pair, transfer["id"], dict.fromkeys(transfer["move_ids"], 2))
    yield run_chain()
    assert [Decimal(str(row["total_qty"])) for row in pair.shipments(order)] == [2]
    assert pair.findings(order) == set()
