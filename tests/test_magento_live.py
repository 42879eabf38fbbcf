"""The client against a live Magento: MAGENTO_URL with MAGENTO_TOKEN, or the four OAuth keys, or user and password.

MAGENTO_SKU names a simple product that a guest can buy three of; without it nothing is written. It makes one order with
its documents. Use a test shop.
"""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

import pytest
import requests
from magento_double import ids_of, quarantined_of

from magodoo.errors import FixDocument, UnknownField
from magodoo.magento import MagentoClient, MagentoConnection, Track, find_marker
from magodoo.magento.cursor import ById
from magodoo.magento.items import quantity_differences
from magodoo.magento.paging import Listing, walk
from magodoo.magento.search import Search
from magodoo.magento.shape import SHAPES
from magodoo.vocabulary import MATCHED_KINDS, Kind

pytestmark = [
    pytest.mark.magento,
    pytest.mark.skipif("MAGENTO_URL" not in os.environ, reason="not run: MAGENTO_URL and a login are not given"),
]

MARK = "magodoo:live:1f0c2f6e-0b1a-4c8e-9d51-0f5a2f6e7b11:account.move:42"
ZERO, ONE, TWO = Decimal(0), Decimal(1), Decimal(2)
KEYS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret", "token", "username", "password")
ADDRESS = {
    "firstname": "Live",
    "lastname": "Test",
    "street": ["1 Elm St"],
    "city": "Austin",
    "postcode": "73301",
    "country_id": "US",
    "region": "Texas",
    "region_id": 57,
    "region_code": "TX",
    "telephone": "5551234",
    "email": "live@example.com",
}


@pytest.fixture(scope="module")
def client() -> MagentoClient:
    given = {key: os.environ.get(f"MAGENTO_{key.upper()}", "") for key in KEYS}
    return MagentoClient(MagentoConnection.from_mapping(given | {"base_url": os.environ["MAGENTO_URL"]}))


def resized(client: MagentoClient, size: int) -> MagentoClient:
    return MagentoClient(MagentoConnection(client.connection.base_url, client.connection.auth, page_size=size))


def test_the_connection_is_whole(client: MagentoClient) -> None:
    report = client.test_connection()
    assert report.ok, report.summary()


@pytest.mark.parametrize("kind", MATCHED_KINDS)
def test_every_page_size_reads_the_same_rows(client: MagentoClient, kind: Kind) -> None:
    whole = list(client.changed(kind, None))
    small = list(resized(client, 7).changed(kind, None))
    assert not quarantined_of(whole)
    assert sorted(set(ids_of(whole))) == sorted(set(ids_of(small)))
    assert len(set(ids_of(whole))) >= whole[0].total_count
    numbers = ids_of(whole)[:50]
    assert ids_of(client.by_ids(kind, numbers)) == sorted(numbers)
    assert client.existing_ids(kind, [*numbers, 10**9]) == set(numbers)


def test_an_unknown_field_is_no_passing_trouble(client: MagentoClient) -> None:
    pages = walk(client._http, Listing("/orders", SHAPES[Kind.ORDER]), Search().where("nosuch", "eq", 1), ById(), 10)
    with pytest.raises(UnknownField):
        list(pages)


def place_order(sku: str) -> int:
    """As a guest, through the shop's own cart."""
    base = os.environ["MAGENTO_URL"].rstrip("/") + "/rest/V1/guest-carts"

    def post(path: str, body: dict[str, Any]) -> Any:
        response = requests.post(base + path, json=body, headers={"Accept": "application/json"}, timeout=60)
        assert response.ok, response.text
        return response.json()

    cart = post("", {})
    post(f"/{cart}/items", {"cartItem": {"sku": sku, "qty": 3, "quote_id": cart}})
    method = {"shipping_carrier_code": "flatrate", "shipping_method_code": "flatrate"}
    addresses = {"shipping_address": ADDRESS, "billing_address": ADDRESS}
    post(f"/{cart}/shipping-information", {"addressInformation": addresses | method})
    paid = {"email": ADDRESS["email"], "paymentMethod": {"method": "checkmo"}, "billingAddress": ADDRESS}
    return int(post(f"/{cart}/payment-information", paid))


@pytest.mark.skipif("MAGENTO_SKU" not in os.environ, reason="not run: MAGENTO_SKU is not given")
def test_the_life_of_an_order(client: MagentoClient) -> None:
    order_id = place_order(os.environ["MAGENTO_SKU"])
    order = next(row for page in client.by_ids("order", [order_id]) for row in page.rows)
    (item,) = (row["item_id"] for row in order["items"])
    client.comment_order(order_id, "Grüße, 100 % & mehr")
    client.create_invoice(order_id, [(item, TWO)], MARK)
    client.create_invoice(order_id, [(item, ONE)], MARK)
    shipment = client.create_shipment(order_id, [(item, TWO)], [Track("1Z1", "UPS", "ups")], MARK)
    client.add_track(order_id, shipment, Track("1Z2"))
    client.create_credit_memo(order_id, [(item, ONE)], ONE, ZERO, ZERO, MARK)
    client.create_credit_memo(order_id, [(item, ZERO)], ZERO, ONE, ZERO, MARK)
    for asked in (Decimal(50), TWO):
        with pytest.raises(FixDocument):
            client.create_shipment(order_id, [(item, asked)], [], MARK)

    rows = {kind: [row for page in client.by_order(kind, [order_id]) for row in page.rows] for kind in MATCHED_KINDS}
    assert [len(rows[kind]) for kind in MATCHED_KINDS] == [1, 2, 1, 2]
    assert all(str(find_marker(row)) == MARK for kind in MATCHED_KINDS[1:] for row in rows[kind])
    assert quantity_differences(rows[Kind.SHIPMENT][0], [(item, TWO)]) == {}
    assert {track["track_number"] for track in rows[Kind.SHIPMENT][0]["tracks"]} == {"1Z1", "1Z2"}
    assert rows[Kind.CREDIT_MEMO][1]["grand_total"] == 1
    with pytest.raises(FixDocument, match="did nothing"):
        client.cancel_order(order_id)
