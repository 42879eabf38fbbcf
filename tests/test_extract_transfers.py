"""Transfers by direction and order: whatever the operation type, and however many orders' goods lie in one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import recorded_documents as recorded
from hypothesis import given
from hypothesis import strategies as st
from staged import instance

from magodoo.domain.vocabulary import Kind
from magodoo.errors import Unreadable
from magodoo.extract import odoo_documents, odoo_transfers

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PLACES = {
    "stock": {"id": 5, "usage": "internal", "company_id": 1},
    "customer": {"id": 2, "usage": "customer", "company_id": False},
    "vendor": {"id": 1, "usage": "supplier", "company_id": False},
    "between companies": {"id": 3, "usage": "transit", "company_id": False},
    "between warehouses": {"id": 9, "usage": "transit", "company_id": 1},
    "scrap": {"id": 8, "usage": "inventory", "company_id": 1},
}
Row = dict[str, Any]


def move(
    id: int, order: int | None, quantity: int = 1, source: str = "stock", target: str = "customer", **more: Any
) -> Row:
    (like,) = recorded.odoo_row("shipment")["move_ids"][:1]
    line = {"id": 1000 + id, "order_id": order} if order else False
    places = {"location_id": PLACES[source], "location_dest_id": PLACES[target]}
    figures = {"quantity": quantity, "product_uom_qty": quantity}
    return {
        **like,
        "id": id,
        "sale_line_id": line,
        "state": "done",
        "origin_returned_move_id": False,
        **places,
        **figures,
        **more,
    }


def transfer(moves: list[Row], named: int | None = None, **more: Any) -> Row:
    sale = {"id": named, "name": f"S{named}", "client_order_ref": False} if named else False
    return {**recorded.odoo_row("shipment"), "id": 17, "move_ids": moves, "sale_id": sale, "state": "done", **more}


def read(row: Row, kind: Kind = Kind.SHIPMENT) -> list[Any]:
    return odoo_documents.read_all(instance(), kind, row, NOON)


@pytest.mark.parametrize(
    ("source", "target", "came_back", "direction"),
    [
        ("stock", "customer", False, Kind.SHIPMENT),
        ("vendor", "customer", False, Kind.SHIPMENT),
        ("between companies", "customer", False, Kind.SHIPMENT),
        ("between warehouses", "customer", False, Kind.SHIPMENT),
        ("stock", "customer", True, Kind.SHIPMENT),
        ("customer", "stock", True, Kind.RETURN),
        ("customer", "stock", False, Kind.RETURN),
        ("customer", "vendor", True, Kind.RETURN),
        ("customer", "scrap", True, Kind.RETURN),
        ("customer", "customer", False, None),
        ("stock", "vendor", True, None),
        ("vendor", "stock", False, None),
        ("stock", "between warehouses", False, None),
        ("stock", "between companies", False, Kind.SHIPMENT),
        ("stock", "between companies", True, None),
        ("between companies", "stock", False, None),
        ("between companies", "stock", True, Kind.RETURN),
    ],
)
def test_the_locations_of_a_move_decide_between_delivery_and_return(
    source: str, target: str, came_back: bool, direction: Kind | None
) -> None:
    moved = move(1, 7, source=source, target=target, origin_returned_move_id=3 if came_back else False)
    assert odoo_transfers.direction(moved) is direction


def test_a_move_without_a_location_is_not_guessed() -> None:
    with pytest.raises(Unreadable, match="location_dest_id"):
        odoo_transfers.direction({**move(1, 7), "location_dest_id": {"id": 5}})


def test_each_order_s_moves_are_a_document_and_the_named_order_keeps_the_transfer_s_id() -> None:
    row = transfer([move(1, 8, 2), move(2, 7, 3), move(3, None, 4), move(4, 7, 5)], named=8, x_magento_key="ship_us_5")
    mine, other = read(row)
    assert (mine.source_id, mine.own_order_id, mine.quantity) == ("17", "8", 60_000), "with what is on no order"
    assert (other.source_id, other.own_order_id, other.quantity) == ("70000000017", "7", 80_000)
    assert mine.number == other.number
    assert (mine.reference, other.reference) == (None, None), "the key names one Magento shipment of one order"
    assert other.other_references == ()
    assert odoo_transfers.picking_of(int(other.source_id)) == 17
    assert [odoo_transfers.share_for(row, order) for order in (7, 8, 9)] == [70000000017, 17, 17]


def test_the_order_is_taken_from_the_moves_where_the_transfer_names_none_or_another() -> None:
    for named in (None, 99):
        (document,) = read(transfer([move(1, 7)], named=named))
        assert (document.source_id, document.own_order_id) == ("17", "7")


def test_a_cancelled_move_makes_no_share() -> None:
    (document,) = read(transfer([move(1, 7), move(2, 8, state="cancel")], named=7, x_magento_key="ship_us_5"))
    assert (document.own_order_id, document.quantity, document.reference) == ("7", 10_000, "ship_us_5")


def test_goods_sent_again_are_counted_separately() -> None:
    (document,) = read(transfer([move(1, 7, 2), move(2, 7, 1, origin_returned_move_id=3)], named=7))
    assert [(line.role, line.quantity) for line in document.lines] == [("item", 20_000), ("again", 10_000)]


def test_an_order_whose_id_does_not_fit_is_not_read() -> None:
    with pytest.raises(Unreadable, match="too large"):
        read(transfer([move(1, 7), move(2, 50_000_000)], named=7))


@given(st.lists(st.tuples(st.one_of(st.none(), st.integers(1, 5)), st.integers(1, 9)), max_size=9), st.integers(1, 6))
def test_no_piece_is_lost_or_counted_twice_however_a_transfer_is_shared(
    goods: list[tuple[int | None, int]], named: int
) -> None:
    row = transfer([move(id, order, quantity) for id, (order, quantity) in enumerate(goods, 1)], named=named)
    documents = read(row)
    lines = [line for document in documents for line in document.lines]
    assert sorted(line.line_id for line in lines) == sorted(str(id) for id in range(1, len(goods) + 1))
    assert len({document.source_id for document in documents}) == len(documents)
    assert documents[0].source_id == "17"
    orders = {order for order, _ in goods if order}
    assert {document.own_order_id for document in documents} == ({str(order) for order in orders} or {str(named)})
    for document in documents:
        wanted = sum(quantity for order, quantity in goods if str(order) == document.own_order_id)
        loose = sum(quantity for order, quantity in goods if order is None) if document.source_id == "17" else 0
        assert document.quantity == (wanted + loose) * 10_000
        assert int(document.source_id) * 16 < 2**63


@pytest.mark.parametrize("orders", [[7], [7, 8]])
def test_a_cancelled_transfer_stays_a_document_of_the_orders_that_its_moves_name(orders: list[int]) -> None:
    """Else what it had open would still be open, and be named as goods that leave too much."""
    moves = [move(number, order, 2, state="cancel") for number, order in enumerate(orders, 1)]
    documents = read(transfer(moves, state="cancel"))
    assert [document.own_order_id for document in documents] == [str(order) for order in orders]
    assert [(document.state, document.lines) for document in documents] == [("cancel", [])] * len(orders)
