"""docs/business-rules.md#periods-and-numbers: goods left on the local day on which Magento shipped them, whenever Odoo learned of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cut_off import LONG_AGO, cut_off
from shop_and_books import ShopAndBooks
from stories import Story, run_chain, story

from magodoo.statement.periods import Month


def delivery_dates(pair: ShopAndBooks, order: int) -> list[str | bool]:
    moves = [move["id"] for move in pair.moves(order)]
    return [row["delivery_date"] for row in pair.rows("account.move", [["id", "in", moves]], "delivery_date")]


def shipped_on(pair: ShopAndBooks, shipment: dict[str, str]) -> str:
    """The local day of a shipment of Magento."""
    moment = datetime.fromisoformat(str(shipment["created_at"])).replace(tzinfo=UTC)
    return moment.astimezone(pair.instance.zone).date().isoformat()


@story()
def test_an_invoice_has_the_date_of_the_magento_shipment(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, days_ago=9)
    pair.at(5)
    pair.shop.invoice(order)
    pair.shop.ship(order)
    pair.at(0)
    pair.touch(order)
    yield run_chain()
    assert [row["state"] for row in pair.pickings(order)] == ["done"]
    assert delivery_dates(pair, order) == [shipped_on(pair, pair.shipments(order)[0])]


@story()
def test_an_invoice_made_before_the_shipment_gets_the_shipping_date_with_the_delivery(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2, "SKU-002": 1}, days_ago=9)
    pair.shop.invoice(order)
    yield run_chain()
    assert delivery_dates(pair, order) == [False]
    items = pair.items(order)
    pair.at(4)
    first = pair.shop.ship(order, {items["SKU-001"]: 2})
    pair.at(0)
    pair.touch(order)
    yield run_chain()
    (shipment,) = [row for row in pair.shipments(order) if row["entity_id"] == first]
    assert delivery_dates(pair, order) == [shipped_on(pair, shipment)]
    pair.at(2)
    last = pair.shop.ship(order, {items["SKU-002"]: 1})
    pair.at(0)
    pair.touch(order)
    yield run_chain()
    (shipment,) = [row for row in pair.shipments(order) if row["entity_id"] == last]
    assert delivery_dates(pair, order) == [shipped_on(pair, shipment)]


@story()
def test_each_invoice_has_the_shipping_date_of_its_own_goods(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2, "SKU-002": 1}, days_ago=9)
    items = pair.items(order)
    for days, sku in ((6, "SKU-001"), (3, "SKU-002")):
        pair.at(days)
        quantity = {"SKU-001": 2, "SKU-002": 1}[sku]
        pair.shop.invoice(order, {items[sku]: quantity})
        pair.shop.ship(order, {items[sku]: quantity})
    pair.at(0)
    pair.touch(order)
    yield run_chain()
    yield run_chain()
    assert delivery_dates(pair, order) == [shipped_on(pair, row) for row in pair.shipments(order)]


@story()
def test_each_invoice_of_an_item_shipped_in_two_parcels_has_the_date_of_its_own_pieces(pair: ShopAndBooks) -> Story:
    """The second parcel leaves in another month perhaps: the first invoice is right, and stays as it is."""
    order = pair.order({"SKU-001": 3}, days_ago=9)
    (item,) = pair.items(order).values()
    pair.at(8)
    pair.shop.invoice(order, {item: 2})
    pair.shop.invoice(order, {item: 1})
    pair.at(6)
    pair.shop.ship(order, {item: 2})
    pair.at(0)
    pair.touch(order)
    yield run_chain()
    first = shipped_on(pair, pair.shipments(order)[0])
    assert delivery_dates(pair, order)[0] == first
    pair.at(2)
    pair.shop.ship(order, {item: 1})
    pair.at(0)
    pair.touch(order)
    yield run_chain()
    assert delivery_dates(pair, order) == [shipped_on(pair, row) for row in pair.shipments(order)]


@story()
def test_a_delivery_made_in_odoo_keeps_odoo_s_date(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    yield run_chain()
    move = pair.bill(order)
    pair.deliver(order)
    (before,) = pair.rows("account.move", [["id", "=", move]], "delivery_date")
    assert before["delivery_date"], "Odoo dates it by itself"
    yield run_chain()
    assert [row["delivery_date"] for row in pair.rows("account.move", [["id", "=", move]], "delivery_date")] == [
        before["delivery_date"]
    ]


# The end of a month


@story(books_from=LONG_AGO)
def test_a_shipment_of_the_last_day_that_odoo_delivered_later_is_listed_with_quantity_and_cost(
    pair: ShopAndBooks,
) -> Story:
    month = Month.of(datetime.now(UTC), pair.instance.zone)
    last_evening = month.begins - timedelta(hours=1)  # local time: in UTC it may be the first already
    days_ago = (datetime.now(UTC) - last_evening) / timedelta(days=1)
    pair.call("product.product", "write", [pair.books.names.products["SKU-001"]], vals={"standard_price": 4.25})
    order = pair.order({"SKU-001": 2, "SKU-002": 1}, days_ago=days_ago + 3)
    pair.at(days_ago)
    pair.shop.invoice(order)
    pair.shop.ship(order, {pair.items(order)["SKU-001"]: 2})
    pair.at(0)
    pair.touch(order)
    yield run_chain()
    for each in (month.before, month):
        (row,) = cut_off(pair, each, order)
        assert (row["sku"], row["quantity"], row["cost"]) == ("SKU-001", 20_000, 85_000)
        assert (row["day"], row["later"]) == (month.before.last.isoformat(), "Odoo")
        assert row["other_day"] >= month.first.isoformat()
    assert cut_off(pair, month.before.before, order) == []


@story(books_from=LONG_AGO, shipments={"to_odoo": False})
def test_a_shipment_that_odoo_has_not_delivered_is_listed_at_the_end_of_its_month(pair: ShopAndBooks) -> Story:
    month = Month.of(datetime.now(UTC), pair.instance.zone).before
    days_ago = (datetime.now(UTC) - month.next.begins) / timedelta(days=1) + 1
    pair.call("product.product", "write", [pair.books.names.products["SKU-003"]], vals={"standard_price": 3})
    order = pair.order({"SKU-003": 3}, days_ago=days_ago + 1)
    pair.at(days_ago)
    pair.shop.ship(order)
    pair.at(0)
    pair.touch(order)
    yield run_chain()
    (row,) = cut_off(pair, month, order)
    assert (row["sku"], row["quantity"], row["cost"], row["later"]) == ("SKU-003", 30_000, 90_000, "")
    assert cut_off(pair, month.next, order) == []
