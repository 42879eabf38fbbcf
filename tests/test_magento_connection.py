"""The connection test: what is wrong, although Magento answers most of it with the same 401."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from magento_double import Answer, Asked, Shop, client_of, json_answer, recorded, served

from magodoo.connectors.magento import MagentoClient, MagentoConnection
from magodoo.connectors.magento.connection import BearerToken
from magodoo.errors import Unauthorized

RESOURCES = {
    "/orders": "Magento_Sales::actions_view",
    "/invoices": "Magento_Sales::sales_invoice",
    "/shipments": "Magento_Sales::shipment",
    "/creditmemos": "Magento_Sales::sales_creditmemo",
    "/transactions": "Magento_Sales::transactions_fetch",
    "/store/storeViews": "Magento_Backend::store",
    "/taxRates/search": "Magento_Tax::manage_tax",
    "/inventory/sources": "Magento_InventoryApi::source",
    "/order/0/invoice": "Magento_Sales::invoice",
    "/order/0/ship": "Magento_Sales::ship",
    "/order/0/refund": "Magento_Sales::creditmemo",
    "/orders/0/comments": "Magento_Sales::comment",
    "/modules": "Magento_Backend::admin",
}


@pytest.fixture
def shop() -> Iterator[Shop]:
    with served(Shop()) as running:
        yield running


def granting(*lacking: str, token: str = "secret-token-1", multi_source: bool = True) -> Callable[[Asked], Answer]:
    """A shop that grants everything but some resources, to one token."""

    def answer(asked: Asked) -> Answer:
        if asked.path == "/magento_version":
            return Answer(200, b"Magento/2.4 (Community)", "text/html")
        route = asked.path.split("/V1", 1)[1]
        if route == "/directory/currency":
            return json_answer({"base_currency_code": "USD"})
        resource = RESOURCES[route]
        if asked.headers.get("Authorization") != f"Bearer {token}" or resource in lacking:
            body = {
                "message": "The consumer isn't authorized to access %resources.",
                "parameters": {"resources": resource},
            }
            return json_answer(body, 401)
        if asked.method == "POST":
            return recorded("get_order_404")
        if route == "/inventory/sources" and not multi_source:
            return recorded("write_B_unknown_route")
        return json_answer([] if route in ("/store/storeViews", "/modules") else {"items": [], "total_count": 0})

    return answer


def report_of(shop: Shop, answer: Callable[[Asked], Answer], **changes: object):
    shop.answer = answer  # type: ignore[method-assign]
    return client_of(shop, attempts=1, **changes).test_connection()


def test_a_good_connection_passes_every_check(shop: Shop) -> None:
    report = report_of(shop, granting())
    assert report.ok, report
    assert report.missing == []
    assert "Connected" in str(report)
    assert "Magento 2.4, of which the release is not published" in str(report)


def test_the_version_is_told_without_the_right_to_read_modules(shop: Shop) -> None:
    report = report_of(shop, granting("Magento_Backend::admin"))
    assert report.ok, report
    assert report.version.startswith("Magento 2.4, ")


def test_missing_rights_are_listed_by_resource(shop: Shop) -> None:
    lacking = ("Magento_Sales::ship", "Magento_Sales::shipment", "Magento_Sales::creditmemo")
    report = report_of(shop, granting(*lacking))
    assert report.wrong == "rights"
    assert report.missing == sorted(lacking)
    assert "Magento_Sales::ship" in str(report)


def test_a_wrong_token_is_distinguished_from_missing_rights(shop: Shop) -> None:
    report = report_of(shop, granting(token="another"))
    assert report.wrong == "token"
    assert report.missing == []
    assert "unknown or expired" in str(report)


def test_a_bad_signature_is_a_wrong_token(shop: Shop) -> None:
    def answer(asked: Asked) -> Answer:
        return json_answer({}) if "currency" in asked.path else recorded("auth_oauth1_bad_signature")

    report = report_of(shop, answer)
    assert report.wrong == "token"
    assert "signature is invalid" in str(report)


def test_a_wrong_store_code_is_named(shop: Shop) -> None:
    report = report_of(shop, lambda asked: recorded("get_orders_store_code_bad"), store_code="nosuch")
    assert report.wrong == "store code"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, b"<html>not found</html>", "text/html"),
        Answer(301, headers={"Location": "https://www.shop.example/"}),
        Answer(200, b"<!doctype html><html>welcome</html>", "text/html"),
        Answer(503, b"<html>maintenance</html>", "text/html"),
    ],
    ids=["no Magento there", "redirect", "a web page", "maintenance"],
)
def test_a_wrong_host_is_named(shop: Shop, answer: Answer) -> None:
    report = report_of(shop, lambda asked: answer)
    assert report.wrong == "host"
    assert not report.ok


def test_a_host_that_does_not_exist_is_named() -> None:
    client = MagentoClient(MagentoConnection("http://shop.invalid", BearerToken("t"), attempts=1))
    assert client.test_connection().wrong == "host"


def test_a_shop_without_multi_source_inventory_is_fine(shop: Shop) -> None:
    assert report_of(shop, granting(multi_source=False)).ok
    assert client_of(shop).sources() == []


def test_the_test_writes_nothing_and_can_leave_the_write_rights_out(shop: Shop) -> None:
    asked: list[Asked] = []
    answer = granting()
    shop.answer = lambda call: asked.append(call) or answer(call)  # type: ignore[method-assign,func-returns-value]
    client_of(shop).test_connection(writes=False)
    assert {call.method for call in asked} == {"GET"}
    client_of(shop).test_connection()
    posts = [call for call in asked if call.method == "POST"]
    assert len(posts) == 4
    assert all("/0/" in call.path for call in posts)
    assert all(json.dumps(call.body.get("items", [{"qty": 0}])).count('"qty": 0') == 1 for call in posts)


def test_calls_without_tls_to_another_machine_are_warned_of() -> None:
    client = MagentoClient(MagentoConnection("http://shop.invalid", BearerToken("t"), attempts=1))
    assert "TLS" in client.test_connection().warnings[0]


def test_ping_needs_a_valid_login(shop: Shop) -> None:
    shop.answer = granting()  # type: ignore[method-assign]
    assert client_of(shop).ping() == 0
    shop.answer = granting(token="another")  # type: ignore[method-assign]
    with pytest.raises(Unauthorized):
        client_of(shop).ping()


def test_the_version_is_the_one_published_by_magento_or_none(shop: Shop) -> None:
    shop.answer = lambda asked: Answer(body=b"Magento/2.4 (Community)", content_type="text/plain")  # type: ignore[method-assign]
    assert client_of(shop).version() == "Magento/2.4 (Community)"
    shop.answer = lambda asked: Answer(404, b"<html>")  # type: ignore[method-assign]
    assert client_of(shop).version() == ""


def test_small_lists_are_read_to_their_end(shop: Shop) -> None:
    rates = [{"id": number, "rate": 19} for number in range(5)]

    def answer(asked: Asked) -> Answer:
        number = int(asked.parameters["searchCriteria[currentPage]"])
        return json_answer({"items": rates[(number - 1) * 2 : number * 2], "total_count": 5})

    shop.answer = answer  # type: ignore[method-assign]
    assert client_of(shop, page_size=2).tax_rates() == rates
