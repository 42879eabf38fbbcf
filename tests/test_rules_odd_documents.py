"""Documents as real shops send them: tracks as clerks type them, fields without use, states of extensions, deleted store views."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from shop_and_books import ShopAndBooks
from stories import story

Story = Generator[None, None, None]


def tracks(pair: ShopAndBooks, order: int) -> list[str]:
    return [track["track_number"] for row in pair.shipments(order) for track in row["tracks"]]


def track(number: str) -> dict[str, str]:
    return {"track_number": number, "title": "UPS", "carrier_code": "ups"}


def in_full(pair: ShopAndBooks, payment: str = "banktransfer", **more: Any) -> int:
    order = pair.order({"SKU-001": 1}, payment)
    pair.shop.invoice(order)
    pair.shop.ship(order, **more)
    return order


# Tracks


@story()
def test_a_number_with_commas_blanks_and_small_letters_arrives_in_odoo_as_it_was_typed(pair: ShopAndBooks) -> Story:
    order = in_full(pair, tracks=[track("jd 01, jd 02"), track("RR 123,456 de")])
    yield
    assert pair.pickings(order)[0]["carrier_tracking_ref"] == "jd 01, jd 02,RR 123,456 de"
    assert pair.findings(order) == set()
    pair.shop.add_track(pair.shipments(order)[0]["entity_id"], "Late, 3")
    pair.touch(order)
    yield
    assert pair.pickings(order)[0]["carrier_tracking_ref"] == "jd 01, jd 02,RR 123,456 de,Late, 3"
    assert pair.findings(order) == set()
    assert tracks(pair, order) == ["jd 01, jd 02", "RR 123,456 de", "Late, 3"]


@story()
def test_numbers_that_a_clerk_typed_in_odoo_arrive_in_magento_as_they_were_typed(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 1}, "cashondelivery")
    yield
    pair.deliver(order, tracking=["jd 01", "RR 123 de"])
    yield
    assert tracks(pair, order) == ["jd 01", "RR 123 de"]
    assert pair.findings(order) == set()
    (done,) = pair.pickings(order)
    pair.call("stock.picking", "write", [done["id"]], vals={"carrier_tracking_ref": "jd 01, RR 123 de, Box 3"})
    yield
    assert tracks(pair, order) == ["jd 01", "RR 123 de", "Box 3"]
    assert pair.findings(order) == set()
    assert pair.pickings(order)[0]["carrier_tracking_ref"] == "jd 01, RR 123 de, Box 3"


@story()
def test_a_number_that_stands_on_the_open_delivery_is_kept(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 1}, "cashondelivery")
    yield
    (picking,) = pair.pickings(order)
    pair.call("stock.picking", "write", [picking["id"]], vals={"carrier_tracking_ref": "typed before"})
    pair.shop.invoice(order)
    pair.shop.ship(order, tracks=[track("1Z9")])
    yield
    assert pair.pickings(order)[0]["carrier_tracking_ref"] == "typed before,1Z9"
    yield
    assert sorted(tracks(pair, order)) == ["1Z9", "typed before"]
    assert pair.findings(order) == set()
