"""Lines of Odoo that count in another unit than their product: a dozen is twelve pieces, on every way, and a kilogram is none."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from shop_and_books import ShopAndBooks
from stories import Story, run_chain, story

from magodoo.pipeline import refresh

SKU = "SKU-011"


def unit(pair: ShopAndBooks, name: str) -> int:
    """The id of one of Odoo's units, archived ones among them as dozens are in a new database."""
    return int(pair.rows("uom.uom", [["name", "=", name], ["active", "in", [True, False]]], "name")[0]["id"])


def enter_in(pair: ShopAndBooks, order: int, name: str, each: int, *, linked: bool = False) -> None:
    """A clerk enters the order with its goods in another unit, of which each holds so many pieces."""
    pair.enter_order(order, linked=linked, confirmed=False)
    (sale,) = pair.sales(order)
    lines = pair.rows(
        "sale.order.line", [["order_id", "=", sale["id"]]], "product_uom_qty price_unit product_id is_delivery tax_ids"
    )
    for line in lines:
        if line["is_delivery"]:
            continue
        vals: dict[str, Any] = {
            "product_uom_id": unit(pair, name),
            "product_uom_qty": line["product_uom_qty"] / each,
            "price_unit": line["price_unit"] * each,
            "tax_ids": [[6, 0, line["tax_ids"]]],
        }
        pair.call("sale.order.line", "write", [line["id"]], vals=vals)
    pair.call("sale.order", "action_confirm", [sale["id"]])


def dozen(pair: ShopAndBooks) -> int:
    """An order of twelve pieces that a clerk entered in Odoo as one dozen."""
    order = pair.order({SKU: 12}, days_ago=1)
    enter_in(pair, order, "Dozens", 12)
    return order


def counts(pair: ShopAndBooks, order: int, kind: str = "outgoing") -> list[tuple[str, float]]:
    """(state, quantity in pieces) of an order's transfers of one product."""
    return [(row["state"], sum(pair.moved(row).values())) for row in pair.pickings(order, kind)]


@story()
def test_a_dozen_invoiced_and_shipped_in_magento_is_written_in_pieces(pair: ShopAndBooks) -> Story:
    order = dozen(pair)
    pair.shop.invoice(order)
    pair.shop.ship(order)
    yield run_chain()
    (move,) = pair.moves(order)
    assert move["state"] == "posted"
    assert counts(pair, order) == [("done", 12)]
    (line,) = [row for row in sale_lines(pair, order) if not row["is_delivery"]]
    assert (line["qty_delivered"], line["qty_invoiced"], line["product_uom_qty"]) == (1, 1, 1)
    assert pair.findings(order) == set()


@story()
def test_parts_of_a_dozen_are_shipped_and_invoiced_one_after_the_other(pair: ShopAndBooks) -> Story:
    order = dozen(pair)
    item = pair.items(order)[SKU]
    pair.shop.invoice(order, {item: 5})
    pair.shop.ship(order, {item: 5})
    yield run_chain()
    assert counts(pair, order) == [("done", 5), ("assigned", 7)]
    assert pair.findings(order) == set()
    pair.shop.invoice(order, {item: 7})
    pair.shop.ship(order, {item: 7})
    yield run_chain()
    assert counts(pair, order) == [("done", 5), ("done", 7)]
    assert [row["state"] for row in pair.moves(order)] == ["posted", "posted"]
    assert pair.findings(order) == set()


@story()
def test_a_dozen_that_odoo_delivers_and_invoices_is_twelve_in_magento(pair: ShopAndBooks) -> Story:
    order = dozen(pair)
    yield run_chain()
    pair.deliver(order, {SKU: 12})
    pair.pay(order, pair.bill(order))
    yield run_chain()
    (invoice,), (shipment,) = pair.invoices(order), pair.shipments(order)
    item = pair.items(order)[SKU]
    assert [row["qty"] for row in shipment["items"]] == [12]
    assert {row["order_item_id"]: row["qty"] for row in invoice["items"]} == {item: 12}
    assert pair.findings(order) == set()


@story(restless=True)
def test_a_dozen_rounded_by_odoo_is_not_invoiced_in_magento(pair: ShopAndBooks) -> Story:
    order = dozen(pair)
    yield run_chain()
    pair.deliver(order, {SKU: 5})
    # 5 pieces are 0.42 dozen to Odoo, which invoices 5.04 of them; Magento would make 5 of that, and another total.
    pair.pay(order, pair.bill(order, {SKU: Decimal("0.42")}))  # type: ignore[dict-item]
    yield run_chain()
    assert pair.invoices(order) == []
    assert [[item["qty"] for item in row["items"]] for row in pair.shipments(order)] == [[5]]
    (told,) = pair.reported(order, type="missing_in_magento", kind="invoice")
    assert f"({SKU}) is sold in whole pieces in Magento, which would cut 5.04" in told["no_change_reason"]


@story(restless=True)
def test_a_fraction_of_a_piece_is_shipped_in_magento_only_where_it_sells_fractions(pair: ShopAndBooks) -> Story:
    whole, divided = (pair.order({sku: 3}, days_ago=1) for sku in ("SKU-001", "SKU-012"))
    pair.shop.order(divided)["items"][0]["is_qty_decimal"] = 1
    for order in (whole, divided):
        pair.enter_order(order, linked=False)
    yield run_chain()
    pair.deliver(whole, {"SKU-001": Decimal("1.5")})  # type: ignore[dict-item]
    pair.deliver(divided, {"SKU-012": Decimal("1.5")})  # type: ignore[dict-item]
    yield run_chain()
    assert pair.shipments(whole) == []
    (told,) = pair.reported(whole, type="missing_in_magento", kind="shipment")
    assert "would cut 1.5:" in told["no_change_reason"]
    assert [[item["qty"] for item in row["items"]] for row in pair.shipments(divided)] == [[Decimal("1.5")]]
    assert pair.findings(divided) == set()


@story()
def test_a_transfer_that_counts_in_dozens_is_delivered_by_its_share(pair: ShopAndBooks) -> Story:
    order = pair.order({SKU: 12}, payment="cashondelivery")
    yield run_chain()
    count_in_dozens(pair, order)
    pair.shop.ship(order, {pair.items(order)[SKU]: 6})
    yield run_chain()
    assert sorted(counts(pair, order)) == [("assigned", 0.5), ("done", 0.5)]
    assert pair.findings(order) == set()


@story(restless=True)
def test_a_quantity_that_a_transfer_s_unit_cannot_hold_is_refused_before_it_is_written(pair: ShopAndBooks) -> Story:
    order = pair.order({SKU: 12}, payment="cashondelivery")
    yield run_chain()
    count_in_dozens(pair, order)
    pair.shop.ship(order, {pair.items(order)[SKU]: 5})
    yield run_chain()
    assert counts(pair, order) == [("assigned", 1)]
    assert any(
        (kind, state) == ("odoo_delivery", "planned") and f"cannot hold 5 of {SKU} exactly" in why
        for kind, state, why in pair.unfinished(order)
    ), "it goes on once the accuracy is raised"


@story()
def test_a_refund_of_a_dozen_brings_its_pieces_back(pair: ShopAndBooks) -> Story:
    order = dozen(pair)
    pair.shop.invoice(order)
    pair.shop.ship(order)
    yield run_chain()
    pair.shop.refund(order, {pair.items(order)[SKU]: 3})
    yield run_chain()
    (note,) = pair.notes(order)
    assert note["state"] == "posted"
    assert pair.findings(order) == set()


@story(restless=True)
def test_a_unit_that_does_not_convert_is_named_and_nothing_is_written_onto_it(pair: ShopAndBooks) -> Story:
    order = pair.order({SKU: 2}, days_ago=1)
    enter_in(pair, order, "kg", 1)
    pair.shop.invoice(order)
    pair.shop.ship(order)
    yield run_chain()
    assert pair.moves(order) == []
    assert "done" not in [state for state, _ in counts(pair, order)]
    assert pair.findings(order) == {
        ("unit_mismatch", "order", ""),
        ("missing_in_odoo", "invoice", ""),
        ("missing_in_odoo", "shipment", ""),
    } | ({("unit_mismatch", "shipment", "")} & pair.findings(order))
    (told,) = pair.reported(order, type="unit_mismatch", kind="order")
    assert f"{SKU} counts in kg, its product in Units" in told["message"]
    assert all("do not convert" in row["no_change_reason"] for row in pair.reported(order, type="missing_in_odoo"))


def sale_lines(pair: ShopAndBooks, order: int) -> list[dict[str, Any]]:
    (sale,) = pair.sales(order)
    fields = "product_uom_qty qty_delivered qty_invoiced is_delivery product_uom_id"
    return pair.rows("sale.order.line", [["order_id", "=", sale["id"]]], fields)


def count_in_dozens(pair: ShopAndBooks, order: int) -> None:
    """The warehouse counts the open transfer in dozens."""
    (picking,) = pair.pickings(order)
    for move in picking["move_ids"]:
        pair.call("stock.move", "write", [move], vals={"product_uom": unit(pair, "Dozens"), "product_uom_qty": 1.0})
    pair.call("stock.picking", "action_assign", [picking["id"]])
    assert Decimal(str(sum(pair.moved(picking).values()))) == 1


@story(restless=True)
def test_a_quantity_finer_than_odoo_keeps_is_refused_before_anything_is_written_and_goes_on_once_odoo_keeps_it(
    pair: ShopAndBooks,
) -> Story:
    order = pair.order({"SKU-012": Decimal("0.333"), "SKU-001": 1}, payment="cashondelivery")
    in_parts = pair.order({"SKU-012": 1}, payment="cashondelivery")
    pair.shop.order(in_parts)["items"][0]["is_qty_decimal"] = 1
    yield run_chain()
    part = {pair.items(in_parts)["SKU-012"]: Decimal("0.333")}
    pair.shop.invoice(in_parts, part)
    pair.shop.ship(in_parts, part)
    yield run_chain()
    assert (pair.moves(in_parts), [state for state, _ in counts(pair, in_parts)]) == ([], ["assigned"])
    assert {row["no_change_reason"].split(" have ")[0] for row in pair.reported(in_parts)} == {"0.333 Units of SKU-012"}
    assert pair.sales(order) == []
    (told,) = pair.reported(order, type="not_representable")
    assert (told["part"], told["who"]) == ("quantity:SKU-012", "it")
    assert "0.333 Units of SKU-012" in told["message"]
    assert "Decimal Accuracy" in told["next_step"]
    (waits,) = pair.reported(order, type="missing_in_odoo")
    assert "decimal accuracy" in waits["no_change_reason"]
    keep_decimals(pair, 3)
    refresh.run(pair.context())  # at night
    yield run_chain()
    (sale,) = pair.sales(order)
    assert sale["state"] == "sale"
    asked = sum(line["product_uom_qty"] for line in sale_lines(pair, order) if not line["is_delivery"])
    assert float(asked) == 1.333
    assert pair.findings(order) == set()
    assert [row["state"] for row in pair.moves(in_parts)] == ["posted"]
    assert [(state, float(moved)) for state, moved in counts(pair, in_parts)] == [("done", 0.333), ("assigned", 0.667)]
    assert pair.findings(in_parts) == set()


def keep_decimals(pair: ShopAndBooks, digits: int) -> None:
    """The administrator has Odoo keep quantities to so many decimals."""
    (accuracy,) = pair.rows("decimal.precision", [["name", "=", "Product Unit"]], "digits")
    pair.call("decimal.precision", "write", [accuracy["id"]], vals={"digits": digits})
