"""Bundles of both prices and both ways of shipping, both ways, partly and whole; as kits in Odoo too.

BUNDLE-DYN (priced by its parts) and BUNDLE-FIX ship together, BUNDLE-SEP (priced by its parts) and BUNDLE-BOX (of fixed price)
ship separately: 1 SKU-007 and 2 SKU-011, 2 SKU-009 and 1 SKU-012.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from bundles import delivered, part, shipped
from components import made_of, validate
from shop_and_books import ShopAndBooks
from stories import Story, run_chain, story

from magodoo.staging import completeness
from magodoo_sandbox.magento import Line

RETURNED: dict[str, Any] = {"shipments": {"returns": "shipped_items"}}


def reasons(pair: ShopAndBooks, order: int) -> str:
    told = [str(row["no_change_reason"]) for row in pair.reported(order)]
    return " ".join([*told, *(why for _, _, why in pair.unfinished(order))])


def open_delivery(pair: ShopAndBooks, order: int) -> dict[str, int]:
    """Moves by SKU of the order's open delivery."""
    (picking,) = [row for row in pair.pickings(order) if row["state"] not in ("done", "cancel")]
    rows = pair.rows("stock.move", [["picking_id", "=", picking["id"]]], "product_id")
    return {pair.sku(row["product_id"][0]): row["id"] for row in rows}


def explode(pair: ShopAndBooks, order: int, components: dict[str, int]) -> None:
    """Odoo sells the order's bundle as a kit: its open delivery brings these components, reserved."""
    moves = made_of(pair, order, components)
    for sku, move in moves.items():
        pair.call("stock.move", "write", [move], vals={"quantity": components[sku], "picked": False})


def send(pair: ShopAndBooks, order: int, pieces: dict[str, int]) -> None:
    """The warehouse sends pieces by SKU of the order's open delivery, components of kits among them."""
    moves = open_delivery(pair, order)
    (picking,) = [row for row in pair.pickings(order) if row["state"] not in ("done", "cancel")]
    validate(pair, picking["id"], {move: pieces.get(sku, 0) for sku, move in moves.items()})


# Prices


@story()
def test_a_fixed_bundle_whose_parts_show_its_price_arrives_and_is_invoiced_back(pair: ShopAndBooks) -> Story:
    """Magento 2.4.8 and Mage-OS show the bundle's price on its parts."""
    orders = [pair.order([Line("BUNDLE-FIX", 2), Line("BUNDLE-BOX", 1)], "cashondelivery") for _ in range(2)]
    with_upgrade(pair, orders[1])
    yield run_chain()
    for order in orders:
        pair.pay(order, pair.bill(order))
        pair.deliver(order)
    yield run_chain()
    assert [len(pair.invoices(order)) for order in orders] == [1, 1]
    assert len({str(move["amount_total"]) for order in orders for move in pair.moves(order)}) == 1
    for order in orders:
        pair.shop.refund(order)
    yield run_chain()
    assert [len(pair.notes(order)) for order in orders] == [1, 1]
    assert [pair.findings(order) for order in orders] == [set(), set()]


def with_upgrade(pair: ShopAndBooks, order: int) -> None:
    """The order as a newer Magento shows it over REST: a part without a price shows its bundle's."""
    pair.shop.order(order)["_parts_show_bundle_price"] = True


@story()
def test_an_upgrade_of_the_shop_changes_nothing_of_orders_that_were_equal(pair: ShopAndBooks) -> Story:
    order = pair.order([Line("BUNDLE-FIX", 2), Line("SKU-001", 1)])
    pair.shop.invoice(order)
    pair.shop.ship(order)
    yield run_chain()
    with_upgrade(pair, order)
    pair.touch(order)
    yield run_chain()
    assert (len(pair.moves(order)), len(pair.pickings(order)), pair.findings(order)) == (1, 1, set())


# Parts that ship separately


@story()
def test_parcels_of_parts_are_delivered_as_they_are_listed(pair: ShopAndBooks) -> Story:
    order = pair.order([Line("BUNDLE-SEP", 2), Line("SKU-001", 1)])
    pair.shop.ship(order, {part(pair, order, "SKU-011"): 3})
    yield run_chain()
    assert delivered(pair, order) == {"SKU-011": 3}
    pair.shop.ship(order)
    yield run_chain()
    assert delivered(pair, order) == {"SKU-007": 2, "SKU-011": 4, "SKU-001": 1}
    assert pair.findings(order) == set()
    with pair.engine.connect() as connection:
        assert completeness.of_magento(connection, "us", [str(order)]) == [], "nothing of it needs to be read again"


@pytest.mark.parametrize("parts_first", [True, False])
@story()
def test_the_label_of_a_bundle_in_the_parcel_of_another_article_delivers_nothing(
    pair: ShopAndBooks, parts_first: bool
) -> Story:
    """Shipped in the admin, a bundle that ships separately is in every parcel of its order (magento2#3486)."""
    order = pair.order([Line("BUNDLE-SEP", 3), Line("SKU-001", 1)])
    steps = [{part(pair, order, "SKU-007"): 1}, {pair.items(order)["SKU-001"]: 1}]
    expected: Counter[str] = Counter()
    for step in steps if parts_first else steps[::-1]:
        number = pair.shop.ship(order, step, by_clerk=True)
        assert len(pair.shop.tables.shipments[number]["items"]) == 2, "with the bundle's own line"
        yield run_chain()
        expected.update({"SKU-001": 1} if pair.items(order)["SKU-001"] in step else {"SKU-007": 1})
        assert delivered(pair, order) == expected
    assert pair.findings(order) == set()


@story()
def test_a_part_that_odoo_delivers_becomes_a_shipment_of_that_part(pair: ShopAndBooks) -> Story:
    order = pair.order([Line("BUNDLE-SEP", 2), Line("SKU-001", 1)], "cashondelivery")
    yield run_chain()
    pair.deliver(order, {"SKU-011": 3}, ["PART"])
    yield run_chain()
    assert shipped(pair, order) == [{"SKU-011": 3}]
    assert [track["track_number"] for track in pair.shipments(order)[0]["tracks"]] == ["PART"]
    pair.deliver(order, {"SKU-007": 2, "SKU-011": 1, "SKU-001": 1})
    yield run_chain()
    assert shipped(pair, order) == [{"SKU-011": 3}, {"SKU-007": 2, "SKU-011": 1, "SKU-001": 1}]
    assert pair.findings(order) == set()


@story()
def test_whole_bundles_of_both_ways_that_odoo_delivers_are_named_as_magento_wants_them(pair: ShopAndBooks) -> Story:
    lines = [Line("BUNDLE-SEP", 2), Line("BUNDLE-DYN", 1), Line("BUNDLE-BOX", 3), Line("BUNDLE-FIX", 1)]
    order = pair.order(lines, "cashondelivery")
    yield run_chain()
    pair.deliver(order)
    yield run_chain()
    (shipment,) = shipped(pair, order)
    assert shipment == {
        "SKU-007": 2, "SKU-011": 4, "BUNDLE-DYN-SKU-002-SKU-006": 1, "SKU-009": 6, "SKU-012": 3, "BUNDLE-FIX": 1,
    }  # fmt: skip
    assert pair.findings(order) == set()


@story()
def test_a_part_of_a_bundle_that_ships_together_is_named_as_the_cause(pair: ShopAndBooks) -> Story:
    order, other = (pair.order([Line("BUNDLE-DYN", 2)], "cashondelivery") for _ in range(2))
    pair.shop.ship(other, {pair.items(other)["BUNDLE-DYN-SKU-002-SKU-006"]: 1})
    yield run_chain()
    for each in (order, other):
        pair.deliver(each, {"SKU-002": 1})
    yield run_chain()
    assert len(pair.shipments(order)) == 0 and len(pair.shipments(other)) == 1
    assert 'shipment type "Together"' in reasons(pair, order), "Magento says so"
    assert "ships the bundle BUNDLE-DYN-SKU-002-SKU-006 together" in reasons(pair, other), "its first shipment shows it"
    assert "made twice" not in reasons(pair, order) + reasons(pair, other)


@story()
def test_a_fixed_bundle_shipped_by_its_parts_is_delivered_once_its_parts_have_left(pair: ShopAndBooks) -> Story:
    order = pair.order([Line("BUNDLE-BOX", 2), Line("SKU-001", 1)])
    pair.shop.ship(order, {part(pair, order, "SKU-009"): 4})
    yield run_chain()
    assert delivered(pair, order) == {}
    assert "parts of the bundle BUNDLE-BOX were shipped separately" in reasons(pair, order)
    assert "made twice" not in reasons(pair, order)
    pair.shop.ship(order, {part(pair, order, "SKU-012"): 1, pair.items(order)["SKU-001"]: 1})
    yield run_chain()
    assert delivered(pair, order) == {"BUNDLE-BOX": 1, "SKU-001": 1}
    pair.shop.ship(order)
    yield run_chain()
    assert delivered(pair, order) == {"BUNDLE-BOX": 2, "SKU-001": 1}
    assert pair.findings(order) == set()


@story()
def test_a_fixed_bundle_that_odoo_delivers_is_shipped_by_its_parts_less_those_that_left(pair: ShopAndBooks) -> Story:
    order = pair.order([Line("BUNDLE-BOX", 3)], "cashondelivery")
    yield run_chain()
    pair.deliver(order, {"BUNDLE-BOX": 1})
    yield run_chain()
    assert shipped(pair, order) == [{"SKU-009": 2, "SKU-012": 1}]
    pair.shop.ship(order, {part(pair, order, "SKU-009"): 2})
    pair.deliver(order, {"BUNDLE-BOX": 2})
    yield run_chain()
    assert shipped(pair, order) == [{"SKU-009": 2, "SKU-012": 1}, {"SKU-009": 2}, {"SKU-009": 2, "SKU-012": 2}]
    assert pair.findings(order) == set()


# Kits


@story()
def test_a_kit_of_a_bundle_that_ships_together_goes_both_ways(pair: ShopAndBooks) -> Story:
    order, other = (pair.order([Line("BUNDLE-FIX", 3)], "cashondelivery") for _ in range(2))
    yield run_chain()
    for each in (order, other):
        explode(pair, each, {"SKU-009": 3, "SKU-010": 3})
    send(pair, order, {"SKU-009": 1, "SKU-010": 1})
    pair.shop.ship(other, {pair.items(other)["BUNDLE-FIX"]: 2})
    yield run_chain()
    assert shipped(pair, order) == [{"BUNDLE-FIX": 1}]
    assert delivered(pair, other) == {"SKU-009": 2, "SKU-010": 2}
    send(pair, order, {"SKU-009": 2, "SKU-010": 2})
    pair.shop.ship(other)
    yield run_chain()
    assert shipped(pair, order) == [{"BUNDLE-FIX": 1}, {"BUNDLE-FIX": 2}]
    assert delivered(pair, other) == {"SKU-009": 3, "SKU-010": 3}
    assert pair.findings(order) == pair.findings(other) == set()


@story()
def test_a_kit_of_a_bundle_that_ships_separately_goes_both_ways_part_by_part(pair: ShopAndBooks) -> Story:
    order, other = (pair.order([Line("BUNDLE-BOX", 2)], "cashondelivery") for _ in range(2))
    yield run_chain()
    for each in (order, other):
        explode(pair, each, {"SKU-009": 4, "SKU-012": 2})
    send(pair, order, {"SKU-009": 3})
    pair.shop.ship(other, {part(pair, other, "SKU-012"): 1})
    yield run_chain()
    assert shipped(pair, order) == [{"SKU-009": 3}]
    assert delivered(pair, other) == {"SKU-012": 1}
    send(pair, order, {"SKU-009": 1, "SKU-012": 2})
    pair.shop.ship(other)
    yield run_chain()
    assert shipped(pair, order) == [{"SKU-009": 3}, {"SKU-009": 1, "SKU-012": 2}]
    assert delivered(pair, other) == {"SKU-009": 4, "SKU-012": 2}
    assert pair.findings(order) == pair.findings(other) == set()


@story(restless=True)
def test_a_kit_of_other_components_than_the_bundles_parts_is_left_to_a_person(pair: ShopAndBooks) -> Story:
    order = pair.order([Line("BUNDLE-FIX", 1)], "cashondelivery")
    yield run_chain()
    explode(pair, order, {"SKU-009": 1, "SKU-010": 1, "SKU-008": 1})
    pair.shop.ship(order)
    yield run_chain()
    assert delivered(pair, order) == {}
    assert "components of a kit" in reasons(pair, order)


# Refunds and returns


@story(**RETURNED)
def test_refunded_parts_and_bundles_come_back_as_they_left(pair: ShopAndBooks) -> Story:
    parts, box, kit = (pair.order([Line(sku, 2)]) for sku in ("BUNDLE-SEP", "BUNDLE-BOX", "BUNDLE-BOX"))
    for order in (parts, box, kit):
        pair.shop.invoice(order)
    yield run_chain()
    explode(pair, kit, {"SKU-009": 4, "SKU-012": 2})
    for order in (parts, box, kit):
        pair.shop.ship(order)
    yield run_chain()
    items = [part(pair, parts, sku) for sku in ("SKU-007", "SKU-011")]
    pair.shop.refund(parts, {items[0]: 0, items[1]: 3}, shipping=0)
    pair.shop.refund(box, {pair.items(box)["BUNDLE-BOX"]: 1}, shipping=0)
    pair.shop.refund(kit, {pair.items(kit)["BUNDLE-BOX"]: 1}, shipping=0)
    yield run_chain()
    assert delivered(pair, parts, "incoming") == {"SKU-011": 3}
    assert delivered(pair, box, "incoming") == {"BUNDLE-BOX": 1}
    assert delivered(pair, kit, "incoming") == {"SKU-009": 2, "SKU-012": 1}
    assert [pair.findings(order) for order in (parts, box, kit)] == [set(), set(), set()]


@story()
def test_a_bundle_that_magento_counts_as_refunded_is_shipped_by_its_parts_or_says_so(pair: ShopAndBooks) -> Story:
    """Money given back, or one part taken: Magento then counts the whole bundle as refunded (magento2#39060)."""
    apart, together, known, taken = (
        pair.order([Line(sku, 2)]) for sku in ("BUNDLE-SEP", "BUNDLE-DYN", "BUNDLE-DYN", "BUNDLE-DYN")
    )
    for order in (apart, together, known, taken):
        pair.shop.invoice(order)
    pair.shop.ship(known, {pair.items(known)["BUNDLE-DYN-SKU-002-SKU-006"]: 1})
    yield run_chain()
    for order, sku in ((apart, "SKU-007"), (together, "SKU-002"), (known, "SKU-002")):
        pair.shop.refund(order, {part(pair, order, sku): 0}, shipping=0, adjustment_positive=1)
    pair.shop.refund(taken, {part(pair, taken, "SKU-002"): 1}, shipping=0)
    yield run_chain()
    pair.deliver(apart)
    pair.deliver(together)
    pair.deliver(known)
    pair.deliver(taken, {"SKU-002": 3, "SKU-006": 2})
    yield run_chain()
    assert shipped(pair, apart) == [{"SKU-007": 2, "SKU-011": 4}]
    assert pair.findings(apart) == set()
    for order, shipments in ((together, 0), (known, 1), (taken, 0)):
        assert len(pair.shipments(order)) == shipments
        assert "counts the bundle BUNDLE-DYN-SKU-002-SKU-006 as refunded" in reasons(pair, order)
        assert "should be shipped instead" not in reasons(pair, order)


def credit(pair: ShopAndBooks, order: int, pieces: dict[str, int]) -> None:
    """A clerk credits pieces by SKU of the order's invoice by Odoo's wizard, and pays them out."""
    (move,) = pair.moves(order)
    context = {"active_model": "account.move", "active_ids": [move["id"]]}
    (row,) = pair.rows("account.move", [["id", "=", move["id"]]], "journal_id")
    values = {"journal_id": row["journal_id"][0], "reason": "rebate"}
    (wizard,) = pair.call("account.move.reversal", "create", vals_list=[values], context=context)
    note = int(pair.call("account.move.reversal", "refund_moves", [wizard], context=context)["res_id"])
    of_note = [["move_id", "=", note], ["display_type", "=", "product"]]
    for line in pair.rows("account.move.line", of_note, "product_id quantity"):
        wanted = pieces.get(pair.sku(line["product_id"][0]))
        if wanted:
            pair.call("account.move.line", "write", [line["id"]], vals={"quantity": wanted})
        else:
            pair.call("account.move.line", "unlink", [line["id"]])
    pair.call("account.move", "action_post", [note])
    pair.pay(order, note, outbound=True)


@story(credit_memos={"to_magento": "when_paid"})
def test_a_refund_after_which_magento_would_ship_nothing_of_a_bundle_waits_until_it_has_left(
    pair: ShopAndBooks,
) -> Story:
    """Money back, or a part of the bundle: Magento would count the bundle as refunded and refuse to ship it (magento2#39060)."""
    money, piece, one = (pair.order([Line("BUNDLE-DYN", 2), Line("SKU-005", 1)]) for _ in range(3))
    whole, beside, fixed = (
        pair.order([Line(sku, 2), Line("SKU-005", 1)]) for sku in ("BUNDLE-DYN", "BUNDLE-DYN", "BUNDLE-FIX")
    )
    taken = {
        money: {"SHIPPING": 1}, piece: {"SKU-002": 1}, one: {"SKU-002": 2, "SKU-006": 1}, whole: {"SKU-002": 4, "SKU-006": 2},
        beside: {"SKU-005": 1}, fixed: {"SHIPPING": 1},
    }  # fmt: skip
    for order in taken:
        pair.shop.invoice(order)
    yield run_chain()
    for order, pieces in taken.items():
        move = pair.moves(order)[0]["id"]
        pair.pay(order, move)
        credit(pair, order, pieces)
    yield run_chain()
    for order in (money, piece, one):
        assert pair.memos(order) == []
        assert "would count all of the bundle BUNDLE-DYN-SKU-002-SKU-006 as refunded" in reasons(pair, order)
        assert pair.shop.ship(order), "Magento still ships it"
        pair.touch(order)
    for order in (whole, beside, fixed):
        assert len(pair.memos(order)) == 1, pair.reported(order)
    yield run_chain()
    for order in (money, piece, one):
        assert len(pair.memos(order)) == 1
        assert "would count" not in reasons(pair, order)


# Parcels that both sides cut differently


def complete(pair: ShopAndBooks, order: int) -> tuple[int, int, set[tuple[str, str, str]]]:
    """Shipments in Magento, done deliveries in Odoo, findings."""
    done = [row for row in pair.pickings(order) if row["state"] == "done"]
    return len(pair.shipments(order)), len(done), pair.findings(order)


@story(**RETURNED)
def test_parcels_split_differently_on_both_sides_are_written_to_neither(pair: ShopAndBooks) -> Story:
    """One parcel in Magento, two deliveries in Odoo and the other way, of an order of which more is open; then the rest, and a refund."""
    dynamic, kit, loose, turned = (
        pair.order(lines, "cashondelivery")
        for lines in ([Line("BUNDLE-DYN", 4)], [Line("BUNDLE-FIX", 4)], {"SKU-001": 4}, {"SKU-001": 4})
    )
    yield run_chain()
    explode(pair, kit, {"SKU-009": 4, "SKU-010": 4})
    for order, name, parcels in (
        (dynamic, "BUNDLE-DYN-SKU-002-SKU-006", [{"SKU-002": 4}, {"SKU-006": 2}]),
        (loose, "SKU-001", [{"SKU-001": 1}, {"SKU-001": 1}]),
    ):
        pair.shop.ship(order, {pair.items(order)[name]: 2})
        for parcel in parcels:
            pair.deliver(order, parcel)
    pair.shop.ship(kit, {pair.items(kit)["BUNDLE-FIX"]: 2})
    send(pair, kit, {"SKU-009": 2})
    send(pair, kit, {"SKU-010": 2})
    pair.deliver(turned, {"SKU-001": 2})
    for _ in range(2):
        pair.shop.ship(turned, {pair.items(turned)["SKU-001"]: 1})
    yield run_chain()
    for order in (dynamic, kit, loose):
        assert complete(pair, order) == (1, 2, set())
    assert complete(pair, turned) == (2, 1, set())
    for order in (dynamic, kit, loose, turned):
        pair.touch(order)
    pair.shop.ship(dynamic)
    pair.shop.ship(kit)
    pair.deliver(loose, {"SKU-001": 2})
    pair.deliver(turned, {"SKU-001": 1})
    yield run_chain()
    assert complete(pair, dynamic) == complete(pair, kit) == (2, 3, set())
    assert delivered(pair, dynamic) == {"SKU-002": 8, "SKU-006": 4}
    assert delivered(pair, kit) == {"SKU-009": 4, "SKU-010": 4}
    assert sum(parcel["SKU-001"] for parcel in shipped(pair, loose)) == 4, "which two of them went first is no matter"
    assert complete(pair, loose) == (3, 3, set())
    assert complete(pair, turned) == (3, 2, set())
    pair.shop.invoice(loose)
    yield run_chain()
    pair.shop.refund(loose, {pair.items(loose)["SKU-001"]: 3}, shipping=0)
    yield run_chain()
    assert delivered(pair, loose, "incoming") == {"SKU-001": 3}
    assert complete(pair, loose) == (3, 3, set())


@story()
def test_a_bundle_shipped_together_half_of_which_odoo_has_delivered_waits_for_the_other_half(
    pair: ShopAndBooks,
) -> Story:
    order = pair.order([Line("BUNDLE-DYN", 4)], "cashondelivery")
    yield run_chain()
    pair.shop.ship(order, {pair.items(order)["BUNDLE-DYN-SKU-002-SKU-006"]: 2})
    pair.deliver(order, {"SKU-002": 4})
    yield run_chain()
    assert complete(pair, order) == (1, 1, {("quantity_mismatch", "shipment", "")})
    pair.deliver(order, {"SKU-006": 2})
    yield run_chain()
    assert complete(pair, order) == (1, 2, set())


@story(**RETURNED)
def test_kits_that_were_delivered_in_part_come_back_part_by_part(pair: ShopAndBooks) -> Story:
    """A kit that ships together and one that ships separately: half delivered, refunded, the other half sent."""
    together, apart = (pair.order([Line(sku, 4)]) for sku in ("BUNDLE-FIX", "BUNDLE-BOX"))
    for order in (together, apart):
        pair.shop.invoice(order)
    yield run_chain()
    explode(pair, together, {"SKU-009": 4, "SKU-010": 4})
    explode(pair, apart, {"SKU-009": 8, "SKU-012": 4})
    send(pair, together, {"SKU-009": 2, "SKU-010": 2})
    pair.shop.ship(apart, {part(pair, apart, "SKU-009"): 4, part(pair, apart, "SKU-012"): 2})
    yield run_chain()
    assert shipped(pair, together) == [{"BUNDLE-FIX": 2}]
    assert delivered(pair, apart) == {"SKU-009": 4, "SKU-012": 2}
    pair.shop.refund(together, {pair.items(together)["BUNDLE-FIX"]: 3}, shipping=0)
    pair.shop.refund(apart, {pair.items(apart)["BUNDLE-BOX"]: 3}, shipping=0)
    yield run_chain()
    assert delivered(pair, together, "incoming") == {"SKU-009": 1, "SKU-010": 1}, "two of three had not left"
    assert delivered(pair, apart, "incoming") == {"SKU-009": 2, "SKU-012": 1}
