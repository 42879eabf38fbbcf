"""Writing to Magento: what is sent, what is refused before it is sent, what an answer means."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from magento_double import DOCUMENTS, Answer, Shop, client_of, json_answer, recorded, served

from magodoo.connectors.magento import MagentoClient, Marker, Track, find_marker
from magodoo.connectors.magento.items import Role, order_items, quantity_differences
from magodoo.connectors.magento.writes import parse_marker
from magodoo.domain.vocabulary import Kind
from magodoo.errors import FixConfiguration, FixDocument, InvariantError, OutcomeUnknown, Unreadable

MARK = "magodoo:main:1f0c2f6e-0b1a-4c8e-9d51-0f5a2f6e7b11:account.move:42"
ONE, TWO, NONE = Decimal(1), Decimal(2), Decimal(0)
ORDERS = {order["entity_id"]: order for order in DOCUMENTS["order"]}
CONFIGURABLE, DYNAMIC, FIXED, VIRTUAL = 4, 5, 6, 7


@pytest.fixture
def shop() -> Iterator[Shop]:
    with served(Shop()) as running:
        yield running


@pytest.fixture
def client(shop: Shop) -> MagentoClient:
    return client_of(shop)


def fresh(number: int) -> dict[str, Any]:
    """The recorded order as it was before anything was done with it."""
    order = copy.deepcopy(ORDERS[number])
    for item in order["items"]:
        item |= {"qty_invoiced": 0, "qty_shipped": 0, "qty_refunded": 0, "qty_canceled": 0}
    return order


def invoiced(number: int) -> dict[str, Any]:
    order = fresh(number)
    for item in order["items"]:
        item["qty_invoiced"] = item["qty_ordered"]
    return order


def items_of(order: dict[str, Any], role: Role) -> list[int]:
    return [item.item_id for item in order_items(order).values() if item.role is role]


def test_an_invoice_names_its_items_its_comment_and_that_nothing_is_captured_or_mailed(
    shop: Shop, client: MagentoClient
) -> None:
    shop.rows["order"] = [fresh(1)]
    item = fresh(1)["items"][0]["item_id"]
    assert client.create_invoice(1, [(item, ONE)], MARK) == 51
    sent = shop.asked[-1]
    assert (sent.method, sent.path) == ("POST", "/rest/V1/order/1/invoice")
    assert sent.body == {
        "items": [{"order_item_id": item, "qty": 1}],
        "capture": False,
        "notify": False,
        "appendComment": False,
        "comment": {"comment": MARK, "is_visible_on_front": 0},
    }
    assert sent.headers["Content-Type"] == "application/json"


def test_a_shipment_carries_its_tracks_and_its_source(shop: Shop, client: MagentoClient) -> None:
    order = fresh(1)
    item = order["items"][0]["item_id"]
    track = Track("1Z999", "UPS Ground", "ups")
    assert client.create_shipment(1, [(item, ONE)], [track], MARK, "de_berlin", order=order) == 51
    assert shop.asked[-1].path == "/rest/V1/order/1/ship"
    assert shop.asked[-1].body["tracks"] == [{"track_number": "1Z999", "title": "UPS Ground", "carrier_code": "ups"}]
    assert shop.asked[-1].body["arguments"] == {"extension_attributes": {"source_code": "de_berlin"}}
    assert len(shop.asked) == 1


def refund(client: MagentoClient, order: dict[str, Any], lines: Any, shipping: Decimal = NONE, **more: Any) -> int:
    plus, minus = more.pop("plus", NONE), more.pop("minus", NONE)
    return client.create_credit_memo(order["entity_id"], lines, shipping, plus, minus, MARK, order=order, **more)


def test_a_credit_memo_always_names_its_arguments(shop: Shop, client: MagentoClient) -> None:
    order = invoiced(2)
    first, second = (item["item_id"] for item in order["items"][:2])
    lines = [(first, ONE), (second, NONE)]
    assert refund(client, order, lines, Decimal("2.50"), plus=Decimal("1.11"), return_to_stock=[first]) == 51
    assert shop.asked[-1].path == "/rest/V1/order/2/refund"
    assert shop.asked[-1].body["items"] == [{"order_item_id": first, "qty": 1}]
    assert shop.asked[-1].body["arguments"] == {
        "shipping_amount": 2.5,
        "adjustment_positive": 1.11,
        "adjustment_negative": 0,
        "extension_attributes": {"return_to_stock_items": [first]},
    }


@pytest.mark.parametrize("number", [2, CONFIGURABLE, DYNAMIC, FIXED])
def test_a_refund_of_shipping_alone_names_every_refundable_item_with_quantity_0(
    shop: Shop, client: MagentoClient, number: int
) -> None:
    order = invoiced(number)
    refund(client, order, [(item["item_id"], NONE) for item in order["items"]], Decimal(3))
    named = {line["order_item_id"]: line["qty"] for line in shop.asked[-1].body["items"]}
    assert named
    assert set(named.values()) == {0}
    assert not set(named) & {*items_of(order, Role.DYNAMIC_BUNDLE), *items_of(order, Role.CONFIGURABLE_CHILD)}


Attempt = Callable[[MagentoClient, dict[str, Any]], object]


def ship(client: MagentoClient, order: dict[str, Any], *lines: tuple[int, Decimal]) -> int:
    return client.create_shipment(order["entity_id"], lines, [], MARK, order=order)


def bill(client: MagentoClient, order: dict[str, Any], *lines: tuple[int, Any], **more: Any) -> int:
    return client.create_invoice(order["entity_id"], lines, more.pop("comment", MARK), order=order, **more)


STOPPED: dict[str, Attempt] = {
    "invoice without items": lambda client, order: bill(client, order),
    "shipment without items": lambda client, order: ship(client, order),
    "memo without items": lambda client, order: refund(client, order, [], Decimal(1)),
    "one item twice": lambda client, order: bill(client, order, (2, ONE), (2, ONE)),
    "quantity 0": lambda client, order: bill(client, order, (2, NONE)),
    "negative quantity": lambda client, order: ship(client, order, (2, Decimal(-1))),
    "not a number": lambda client, order: ship(client, order, (2, Decimal("NaN"))),
    "a binary float": lambda client, order: bill(client, order, (2, 0.1)),
    "capture": lambda client, order: bill(client, order, (2, ONE), capture=True),
    "no marker": lambda client, order: bill(client, order, (2, ONE), comment=" "),
    "memo of nothing": lambda client, order: refund(client, order, [(2, NONE)]),
    "negative shipping": lambda client, order: refund(client, order, [(2, ONE)], Decimal(-1)),
    "return without refund": lambda client, order: refund(client, order, [(2, ONE)], return_to_stock=[3]),
    "another order": lambda client, order: client.create_invoice(3, [(2, ONE)], MARK, order=order),
    "empty track": lambda client, order: Track(" "),
    "empty comment": lambda client, order: client.comment_order(2, ""),
}


@pytest.mark.parametrize("name", STOPPED)
def test_an_invalid_write_is_stopped_before_anything_is_sent(shop: Shop, client: MagentoClient, name: str) -> None:
    with pytest.raises(InvariantError):
        STOPPED[name](client, invoiced(2) if "memo" in name or "return" in name or "shipping" in name else fresh(2))
    assert shop.asked == []


def first(order: dict[str, Any], role: Role) -> tuple[int, Decimal]:
    return items_of(order, role)[0], ONE


REFUSED: dict[str, Attempt] = {
    "an item of another order, which Magento drops in silence": lambda client, _: bill(
        client, fresh(2), (2, ONE), (1, ONE)
    ),
    "clamped over-shipping": lambda client, _: ship(client, fresh(2), (2, Decimal(50))),
    "more than ordered": lambda client, _: bill(client, fresh(2), (2, Decimal(99))),
    "more than invoiced": lambda client, _: refund(client, fresh(2), [(2, ONE)]),
    "variant of a configurable": lambda client, _: bill(
        client, fresh(CONFIGURABLE), first(fresh(CONFIGURABLE), Role.CONFIGURABLE_CHILD)
    ),
    "parts of a bundle in an invoice": lambda client, _: bill(
        client, fresh(DYNAMIC), first(fresh(DYNAMIC), Role.DYNAMIC_PART)
    ),
    "a bundle and a part of it in one shipment": lambda client, _: ship(
        client, fresh(FIXED), first(fresh(FIXED), Role.FIXED_BUNDLE), first(fresh(FIXED), Role.FIXED_PART)
    ),
    "a dynamic bundle refunded whole": lambda client, _: refund(
        client, invoiced(DYNAMIC), [first(invoiced(DYNAMIC), Role.DYNAMIC_BUNDLE)]
    ),
    "a virtual item shipped": lambda client, _: ship(client, fresh(VIRTUAL), first(fresh(VIRTUAL), Role.PLAIN)),
    "shipping of an order without invoices": lambda client, _: refund(client, fresh(2), [(2, NONE)], ONE),
    "an order that does not exist": lambda client, _: client.create_invoice(999, [(2, ONE)], MARK),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_unsafe_write_is_refused_before_anything_is_written(shop: Shop, client: MagentoClient, name: str) -> None:
    with pytest.raises(FixDocument):
        REFUSED[name](client, {})
    assert not [asked for asked in shop.asked if asked.method != "GET"]


@pytest.mark.parametrize(
    ("number", "roles"),
    [
        (CONFIGURABLE, [Role.CONFIGURABLE, Role.CONFIGURABLE_CHILD] * 2),
        (DYNAMIC, [Role.DYNAMIC_BUNDLE, Role.DYNAMIC_PART, Role.DYNAMIC_PART]),
        (FIXED, [Role.FIXED_BUNDLE, Role.FIXED_PART, Role.FIXED_PART, Role.PLAIN]),
        (VIRTUAL, [Role.PLAIN]),
    ],
)
def test_the_role_of_an_item_follows_the_recorded_orders(number: int, roles: list[Role]) -> None:
    assert [item.role for item in order_items(ORDERS[number]).values()] == roles


def test_a_bundle_is_invoiced_and_shipped_by_its_parent_and_refunded_by_its_parts(
    shop: Shop, client: MagentoClient
) -> None:
    bundle = first(fresh(DYNAMIC), Role.DYNAMIC_BUNDLE)
    assert bill(client, fresh(DYNAMIC), bundle) == ship(client, fresh(DYNAMIC), bundle) == 51
    assert refund(client, invoiced(DYNAMIC), [first(invoiced(DYNAMIC), Role.DYNAMIC_PART)]) == 51
    fixed = first(fresh(FIXED), Role.FIXED_BUNDLE)
    assert bill(client, fresh(FIXED), fixed) == ship(client, fresh(FIXED), fixed) == 51
    assert refund(client, invoiced(FIXED), [fixed]) == 51


def test_refunded_goods_that_were_not_shipped_stay_unshipped() -> None:
    order = fresh(2)
    order["items"][0] |= {"qty_ordered": 3, "qty_refunded": 1}
    assert order_items(order)[order["items"][0]["item_id"]].open_for(Kind.SHIPMENT) == 2


def test_what_was_written_is_compared_with_what_was_asked() -> None:
    document = {"items": [{"order_item_id": 1, "qty": 1}, {"order_item_id": 2, "qty": Decimal("0.5")}]}
    asked = [(1, Decimal(50)), (2, Decimal("0.5")), (3, ONE)]
    assert quantity_differences(document, asked) == {1: (Decimal(50), ONE), 3: (ONE, NONE)}


@pytest.mark.parametrize("body", [b'"51"', b"51"])
def test_a_new_id_comes_as_a_string_or_a_number(shop: Shop, client: MagentoClient, body: bytes) -> None:
    shop.writes = lambda asked: Answer(body=body)
    assert bill(client, fresh(2), (2, ONE)) == 51


@pytest.mark.parametrize(
    "body", [b'"0"', b"true", b"null", b"[]", b'"abc"', b"-1", b"5.5", b"{}", b'{"entity_id": null}']
)
def test_an_answer_that_names_no_document_leaves_the_outcome_unknown(
    shop: Shop, client: MagentoClient, body: bytes
) -> None:
    shop.writes = lambda asked: Answer(body=body)
    with pytest.raises(OutcomeUnknown, match="marker"):
        bill(client, fresh(2), (2, ONE))


def test_a_refusal_says_what_magento_said(shop: Shop, client: MagentoClient) -> None:
    shop.writes = lambda asked: recorded("write_A_invoice_twice")
    with pytest.raises(FixDocument, match="does not allow an invoice to be created"):
        bill(client, fresh(2), (2, ONE))


def test_cancel_that_answers_false_did_nothing(shop: Shop, client: MagentoClient) -> None:
    shop.writes = lambda asked: recorded("write_D_cancel_twice")
    with pytest.raises(FixDocument, match="did nothing"):
        client.cancel_order(17)
    shop.writes = lambda asked: recorded("write_D_cancel")
    client.cancel_order(17)


def test_a_comment_is_neither_visible_nor_mailed(shop: Shop, client: MagentoClient) -> None:
    shop.writes = lambda asked: json_answer(True)
    client.comment_order(3, "linked to SO123", "pending")
    assert shop.asked[-1].path == "/rest/V1/orders/3/comments"
    history = {"comment": "linked to SO123", "is_customer_notified": 0, "is_visible_on_front": 0, "status": "pending"}
    assert shop.asked[-1].body == {"statusHistory": history}


def test_a_track_is_added_to_its_shipment(shop: Shop, client: MagentoClient) -> None:
    shop.writes = lambda asked: json_answer({"entity_id": 7, "weight": None})
    assert client.add_track(2, 5, Track("LATE-1", description="x")) == 7
    entity = {"order_id": 2, "parent_id": 5, "track_number": "LATE-1", "title": "Tracking", "carrier_code": "custom"}
    assert shop.asked[-1].body == {"entity": entity | {"description": "x"}}


def test_a_transaction_reference_is_set_once_and_never_over_a_providers(shop: Shop, client: MagentoClient) -> None:
    shop.rows["invoice"] = shop.rows["invoice"][:2]
    shop.rows["invoice"][1]["transaction_id"] = "pi_123"
    shop.writes = lambda asked: json_answer(shop.rows["invoice"][0])
    client.set_transaction_reference("invoice", 1, "INV/2026/1")
    row = shop.rows["invoice"][0]
    expected = {"entity_id": 1, "order_id": row["order_id"], "total_qty": row["total_qty"], "items": []}
    assert shop.asked[-1].body == {"entity": expected | {"transaction_id": "INV/2026/1"}}
    with pytest.raises(FixDocument, match="provider"):
        client.set_transaction_reference("invoice", shop.rows["invoice"][1]["entity_id"], "INV/2026/2")
    with pytest.raises(InvariantError):
        client.set_transaction_reference("shipment", 1, "INV/2026/1")


def test_nothing_is_written_to_an_order_that_cannot_be_read_soundly(shop: Shop, client: MagentoClient) -> None:
    shop.sent_as = lambda row: row | {"items": "?"}
    with pytest.raises(Unreadable, match="order 2"):
        client.create_invoice(2, [(2, ONE)], MARK)


def test_a_limit_of_magento_is_not_an_error_of_the_document(shop: Shop, client: MagentoClient) -> None:
    shop.writes = lambda asked: recorded("limits_complex_array_4_of_3")
    with pytest.raises(FixConfiguration, match="InvoiceItemCreationInterface"):
        bill(client, fresh(2), (2, ONE))


def test_a_marker_is_found_again_in_comments_and_history() -> None:
    marker = Marker("main", "1f0c2f6e-0b1a-4c8e-9d51-0f5a2f6e7b11", "account.move", 42)
    assert str(marker) == MARK
    assert (
        find_marker({"comments": [{"comment": "x"}, {"comment": f"INV/1 {MARK}", "is_visible_on_front": 0}]}) == marker
    )
    assert find_marker({"status_histories": [{"comment": MARK, "is_visible_on_front": 0}]}) == marker


def test_a_marker_in_a_comment_that_the_customer_sees_is_not_trusted() -> None:
    assert find_marker({"comments": [{"comment": MARK, "is_visible_on_front": 1}]}) is None


@pytest.mark.parametrize(
    "document",
    [{}, {"comments": None}, {"comments": [None, 7, {"comment": None}, {"comment": "magodoo:main:x:y:z"}]}],
)
def test_a_missing_marker_is_no_failure(document: dict[str, Any]) -> None:
    assert find_marker(document) is None


@pytest.mark.parametrize(
    "text", [f"x{MARK}", f"{MARK}0a", f"{MARK}:1", MARK.replace(":42", ":0"), MARK.replace(":42", ":")]
)
def test_only_a_complete_marker_counts(text: str) -> None:
    assert parse_marker(text) is None


@pytest.mark.parametrize(
    "parts", [("a:b", "1f0c2f6e", "m", 1), ("a", "zz zz zz zz", "m", 1), ("a", "1f0c2f6e", "m", 0)]
)
def test_a_marker_that_could_not_be_read_back_is_not_made(parts: tuple[str, str, str, int]) -> None:
    with pytest.raises(InvariantError):
        Marker(*parts)
