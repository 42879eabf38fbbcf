"""The client against the sandbox shop: the whole life of an order, every login, faults before and after the effect."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from magento_double import ids_of

from magodoo.connectors.magento import (
    AdminLogin,
    BearerToken,
    MagentoClient,
    MagentoConnection,
    OAuth1,
    Track,
    find_marker,
)
from magodoo.connectors.magento.connection import Auth
from magodoo.connectors.magento.items import quantity_differences
from magodoo.domain.vocabulary import MATCHED_KINDS, Kind
from magodoo.errors import FixDocument, Forbidden, OutcomeUnknown, Unauthorized
from magodoo_sandbox.magento import Line, MagentoShop, RunningSandbox

MARK = "magodoo:main:1f0c2f6e-0b1a-4c8e-9d51-0f5a2f6e7b11:account.move:42"
ZERO, ONE, TWO = Decimal(0), Decimal(1), Decimal(2)


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    shop = MagentoShop()
    shop.add_product("A", price="19.99")
    shop.add_product("B", price="5.33")
    shop.add_product("V", price="99", product_type="virtual")
    shop.add_product("C-RED", price="24.50")
    shop.add_product("C", product_type="configurable", children=["C-RED"])
    shop.add_product("DYN", product_type="bundle", children=[("A", 1), ("B", 2)], dynamic=True)
    shop.add_product("FIX", price="60", product_type="bundle", children=[("A", 1), ("B", 1)])
    with RunningSandbox(shop) as running:
        yield running


def client_of(sandbox: RunningSandbox, auth: Auth | None = None, **changes: Any) -> MagentoClient:
    connection = MagentoConnection(sandbox.url, auth or BearerToken(sandbox.token), **changes)
    return MagentoClient(connection, sleep=lambda seconds: None)


@pytest.fixture
def client(sandbox: RunningSandbox) -> MagentoClient:
    return client_of(sandbox)


def one(client: MagentoClient, kind: Kind, number: int) -> dict[str, Any]:
    return next(row for page in client.by_ids(kind, [number]) for row in page.rows)


def lines_of(client: MagentoClient, order_id: int) -> dict[str, int]:
    """Item ids by product type and sku."""
    order = one(client, Kind.ORDER, order_id)
    return {
        f"{'part ' if item.get('parent_item_id') else ''}{item['product_type']} {item['sku']}": item["item_id"]
        for item in order["items"]
    }


def test_an_order_is_invoiced_shipped_and_refunded_in_parts(sandbox: RunningSandbox, client: MagentoClient) -> None:
    order_id = sandbox.shop.place_order([("A", 3), ("B", 1), ("V", 1)], shipping_amount=5)
    a, b, v = (item["item_id"] for item in one(client, Kind.ORDER, order_id)["items"])
    invoice = client.create_invoice(order_id, [(a, TWO), (v, ONE)], MARK)
    rest = client.create_invoice(order_id, [(a, ONE), (b, ONE)], MARK)
    shipment = client.create_shipment(order_id, [(a, TWO)], [Track("1Z1", "UPS", "ups")], MARK)
    track = client.add_track(order_id, shipment, Track("1Z2"))
    memo = client.create_credit_memo(order_id, [(a, ONE)], TWO, ZERO, ZERO, MARK, [a])
    only_fee = client.create_credit_memo(order_id, [(a, ZERO)], ZERO, ONE, ZERO, MARK)

    rows = {kind: [row for page in client.by_order(kind, [order_id]) for row in page.rows] for kind in MATCHED_KINDS}
    assert [row["entity_id"] for row in rows[Kind.INVOICE]] == [invoice, rest]
    assert [entry["entity_id"] for entry in rows[Kind.SHIPMENT][0]["tracks"]][-1] == track
    assert [row["entity_id"] for row in rows[Kind.CREDIT_MEMO]] == [memo, only_fee]
    assert all(str(find_marker(row)) == MARK for kind in MATCHED_KINDS[1:] for row in rows[kind])
    assert quantity_differences(rows[Kind.INVOICE][0], [(a, TWO), (v, ONE)]) == {}
    assert rows[Kind.CREDIT_MEMO][1]["grand_total"] == 1
    assert rows[Kind.CREDIT_MEMO][0]["shipping_amount"] == 2


def test_every_product_type_is_written_as_documented(sandbox: RunningSandbox, client: MagentoClient) -> None:
    order_id = sandbox.shop.place_order([Line("C", 2, child="C-RED"), ("DYN", 1), ("FIX", 1), ("V", 1)])
    lines = lines_of(client, order_id)
    parents = [number for name, number in lines.items() if not name.startswith("part")]
    parts = [number for name, number in lines.items() if name.startswith("part")]
    virtual = lines["virtual V"]
    client.create_invoice(order_id, [(number, ONE) for number in parents], MARK)
    client.create_shipment(order_id, [(number, ONE) for number in parents if number != virtual], [], MARK)
    for part in parts:
        with pytest.raises(FixDocument):
            client.create_shipment(order_id, [(part, ONE)], [], MARK)
        with pytest.raises(FixDocument):
            client.create_invoice(order_id, [(part, ONE)], MARK)
    order = one(client, Kind.ORDER, order_id)
    bundle = next(item for item in order["items"] if item["sku"].startswith("DYN"))
    children = [item["item_id"] for item in order["items"] if item.get("parent_item_id") == bundle["item_id"]]
    memo = client.create_credit_memo(order_id, [(number, ONE) for number in children], ZERO, ZERO, ZERO, MARK)
    assert one(client, Kind.CREDIT_MEMO, memo)["subtotal"] > 0
    with pytest.raises(FixDocument):
        client.create_credit_memo(order_id, [(bundle["item_id"], ONE)], ZERO, ZERO, ZERO, MARK)


def test_only_open_quantities_are_shipped(sandbox: RunningSandbox, client: MagentoClient) -> None:
    order_id = sandbox.shop.place_order([("A", 1)])
    (item,) = lines_of(client, order_id).values()
    with pytest.raises(FixDocument, match="50 asked, 1 open"):
        client.create_shipment(order_id, [(item, Decimal(50))], [], MARK)
    assert ids_of(client.by_order("shipment", [order_id])) == []


def auths(sandbox: RunningSandbox) -> dict[str, Auth]:
    known = sandbox.shop.accounts.add_integration()
    sandbox.shop.accounts.add_admin("bot", "correct horse 1")
    return {
        "bearer": BearerToken(sandbox.token),
        "oauth": OAuth1(known.consumer_key, known.consumer_secret, known.access_token, known.access_secret),
        "admin": AdminLogin("bot", "correct horse 1"),
    }


@pytest.mark.parametrize("way", ["bearer", "oauth", "admin"])
def test_every_login_reads_and_writes(sandbox: RunningSandbox, way: str) -> None:
    order_id = sandbox.shop.place_order([("A", 1)])
    client = client_of(sandbox, auths(sandbox)[way])
    since = datetime.now(UTC) - timedelta(days=1)
    pages = client.changed("order", since, since + timedelta(days=3), store_ids=[1, 2, 3])
    assert ids_of(pages) == [order_id]
    client.comment_order(order_id, "Grüße, 100 % & mehr")
    assert one(client, Kind.ORDER, order_id)["status_histories"][0]["comment"] == "Grüße, 100 % & mehr"
    assert client.test_connection().ok


def test_the_connection_test_names_what_is_wrong(sandbox: RunningSandbox) -> None:
    few = {"Magento_Sales::actions_view", "Magento_Sales::sales_invoice", "Magento_Backend::store"}
    narrow = sandbox.shop.accounts.add_integration(resources=few)
    report = client_of(sandbox, BearerToken(narrow.access_token)).test_connection()
    assert report.wrong == "rights"
    assert {"Magento_Sales::shipment", "Magento_Sales::ship", "Magento_Sales::invoice"} <= set(report.missing)
    assert client_of(sandbox, BearerToken("wrong")).test_connection().wrong == "token"
    oauth = OAuth1("a", "b", "c", "d")
    assert client_of(sandbox, oauth).test_connection().wrong == "token"
    assert client_of(sandbox, AdminLogin("bot", "wrong")).test_connection().wrong == "token"
    assert client_of(sandbox, store_code="nosuch").test_connection().wrong == "store code"
    with pytest.raises(Forbidden, match="Magento_Sales::comment"):
        client_of(sandbox, BearerToken(narrow.access_token)).comment_order(1, "x")
    with pytest.raises(Unauthorized):
        client_of(sandbox, BearerToken("wrong")).comment_order(1, "x")


@pytest.mark.parametrize(
    ("fault", "options", "written"),
    [
        ("status", {"status": 502}, 0),
        ("status_after", {"status": 504}, 1),
        ("cut_before", {}, 0),
        ("cut_after", {}, 1),
        ("truncate", {}, 1),
        ("maintenance", {}, 0),
    ],
)
def test_the_outcome_of_a_failed_write_is_unknown_until_its_marker_is_read(
    sandbox: RunningSandbox, client: MagentoClient, fault: str, options: dict[str, int], written: int
) -> None:
    order_id = sandbox.shop.place_order([("A", 1)])
    (item,) = lines_of(client, order_id).values()
    sandbox.faults.add(fault, method="POST", times=1, **options)
    with pytest.raises(OutcomeUnknown):
        client.create_invoice(order_id, [(item, ONE)], MARK)
    found = [find_marker(row) for page in client.by_order("invoice", [order_id]) for row in page.rows]
    assert [str(marker) for marker in found] == [MARK] * written


def test_reads_survive_faults(sandbox: RunningSandbox, client: MagentoClient) -> None:
    numbers = [sandbox.shop.place_order([("A", 1)]) for _ in range(12)]
    for kind in ("cut_before", "cut_after", "truncate", "maintenance"):
        sandbox.faults.add(kind, method="GET", times=1)
    assert sorted(ids_of(client_of(sandbox, page_size=5).changed("order", None))) == numbers
    assert ids_of(client_of(sandbox, page_size=5, parallel=2).by_ids("order", numbers)) == numbers


def test_a_damaged_row_of_the_shop_is_quarantined(sandbox: RunningSandbox, client: MagentoClient) -> None:
    numbers = [sandbox.shop.place_order([("A", 1)]) for _ in range(4)]
    sandbox.shop.tables.orders[numbers[1]]["grand_total"] = "a lot"
    pages = list(client.changed("order", None))
    assert ids_of(pages) == [numbers[0], *numbers[2:]]
    assert [entry.source_id for page in pages for entry in page.quarantined] == [numbers[1]]


def test_the_shop_is_described(sandbox: RunningSandbox, client: MagentoClient) -> None:
    assert {view["code"] for view in client.store_views()} >= {"admin", "default"}
    assert client.sources()[0]["source_code"] == "default"
    assert isinstance(client.tax_rates(), list)
    assert client.transactions([1, 2, 3]) == []
    sandbox.shop.place_order([("A", 1)])
    assert client.ping() == 1
    assert client.orders_by_increment(["000000001"], [1])[0][0]["entity_id"] == 1


def test_an_invoice_gets_a_searchable_reference(sandbox: RunningSandbox, client: MagentoClient) -> None:
    order_id = sandbox.shop.place_order([("A", 1)])
    (item,) = lines_of(client, order_id).values()
    invoice = client.create_invoice(order_id, [(item, ONE)], MARK)
    client.set_transaction_reference("invoice", invoice, "INV/2026/42")
    assert one(client, Kind.INVOICE, invoice)["transaction_id"] == "INV/2026/42"


def test_a_cancellation_without_effect_is_reported(sandbox: RunningSandbox, client: MagentoClient) -> None:
    order_id = sandbox.shop.place_order([("A", 1)])
    client.cancel_order(order_id)
    with pytest.raises(FixDocument, match="did nothing"):
        client.cancel_order(order_id)
