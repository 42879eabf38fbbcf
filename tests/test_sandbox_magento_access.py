"""Signatures, tokens and rights of the sandbox shop, over HTTP with the libraries that real clients use."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import requests
from requests_oauthlib import OAuth1

from magodoo_sandbox.magento import MagentoShop, RunningSandbox
from magodoo_sandbox.magento.accounts import Integration
from magodoo_sandbox.magento.auth import natural_key


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    shop = MagentoShop()
    shop.add_product("SKU-001", price="19.99")
    shop.place_order([("SKU-001", 1)])
    with RunningSandbox(shop) as running:
        yield running


@pytest.fixture
def integration(sandbox: RunningSandbox) -> Integration:
    return sandbox.shop.accounts.add_integration()


def signer(integration: Integration, **changes: str) -> OAuth1:
    keys = {"signature_method": "HMAC-SHA256", **changes}
    names = (integration.consumer_key, integration.consumer_secret)
    return OAuth1(*names, integration.access_token, integration.access_secret, **keys)


def groups(count: int) -> str:
    """A query with that many filter groups, percent-encoded as Magento's check wants it."""
    parts = []
    for number in range(count):
        key = f"searchCriteria[filter_groups][{number}][filters][0]"
        parts += [f"{key}[field]=entity_id", f"{key}[value]=0", f"{key}[condition_type]=gt"]
    return quote("&".join(parts), safe="=&")


def get(sandbox: RunningSandbox, query: str, auth: OAuth1) -> requests.Response:
    return requests.get(f"{sandbox.url}/rest/V1/orders?{query}", auth=auth, timeout=5)


def test_a_signed_get_with_a_query_is_accepted(sandbox: RunningSandbox, integration: Integration) -> None:
    answer = get(sandbox, "searchCriteria%5BpageSize%5D=1", signer(integration))
    assert answer.status_code == 200
    assert answer.json()["total_count"] == 1


def test_a_signed_json_post_is_accepted_without_signing_its_body(
    sandbox: RunningSandbox, integration: Integration
) -> None:
    url = f"{sandbox.url}/rest/V1/orders/99999/comments"
    answer = requests.post(url, json={"statusHistory": {"comment": "x"}}, auth=signer(integration), timeout=5)
    assert answer.status_code == 404


@pytest.mark.parametrize(("count", "status"), [(9, 200), (10, 200), (11, 401), (12, 401)])
def test_more_than_ten_filter_groups_break_a_standard_signature(
    sandbox: RunningSandbox, integration: Integration, count: int, status: int
) -> None:
    assert get(sandbox, groups(count), signer(integration)).status_code == status


def test_a_space_must_be_sent_as_percent_20_and_not_as_plus(sandbox: RunningSandbox, integration: Integration) -> None:
    key = quote("searchCriteria[filter_groups][0][filters][0]")
    query = f"{key}%5Bfield%5D=created_at&{key}%5Bvalue%5D=2020-01-01{{}}00:00:00&{key}%5Bcondition_type%5D=gteq"
    assert get(sandbox, query.format("%20"), signer(integration)).status_code == 200
    refused = get(sandbox, query.format("+"), signer(integration))
    assert (refused.status_code, refused.json()["message"]) == (401, "The signature is invalid. Verify and try again.")


@pytest.mark.parametrize("method", ["HMAC-SHA1", "PLAINTEXT"])
def test_other_signature_methods_are_refused(sandbox: RunningSandbox, integration: Integration, method: str) -> None:
    answer = get(sandbox, "searchCriteria=", signer(integration, signature_method=method))
    assert answer.status_code == 400
    assert answer.json() == {"message": "Signature method %1 is not supported", "parameters": [method]}


def test_a_nonce_works_once(sandbox: RunningSandbox, integration: Integration) -> None:
    auth = signer(integration, nonce="once", timestamp=str(int(time.time())))
    assert get(sandbox, "searchCriteria=", auth).status_code == 200
    replayed = get(sandbox, "searchCriteria=", auth)
    assert replayed.status_code == 401
    assert replayed.json()["message"] == "The nonce is already being used by the consumer with ID %1"


def test_an_old_timestamp_is_accepted_and_a_future_one_is_not(
    sandbox: RunningSandbox, integration: Integration
) -> None:
    assert get(sandbox, "searchCriteria=", signer(integration, timestamp="1500000000")).status_code == 200
    future = get(sandbox, "searchCriteria=", signer(integration, timestamp=str(int(time.time()) + 4000)))
    assert (future.status_code, future.json()["message"]) == (401, "An error occurred validating the nonce")


def test_a_wrong_secret_is_a_wrong_signature(sandbox: RunningSandbox, integration: Integration) -> None:
    keys = (integration.consumer_key, "wrong", integration.access_token, integration.access_secret)
    answer = get(sandbox, "searchCriteria=", OAuth1(*keys, signature_method="HMAC-SHA256"))
    assert (answer.status_code, answer.json()["message"]) == (401, "The signature is invalid. Verify and try again.")


def test_magento_sorts_nine_before_ten() -> None:
    assert sorted(["a10", "a9", "a%"], key=natural_key) == ["a%", "a9", "a10"]


def test_an_admin_token_works_until_it_expires(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = sandbox.shop.accounts
    accounts.add_admin("boss", "secret")
    login = {"username": "boss", "password": "secret"}
    token = requests.post(f"{sandbox.url}/rest/V1/integration/admin/token", json=login, timeout=5).json()
    assert token.count(".") == 2

    def read(bearer: str) -> int:
        headers = {"Authorization": f"Bearer {bearer}"}
        return requests.get(f"{sandbox.url}/rest/V1/orders/1", headers=headers, timeout=5).status_code

    assert read(token) == 200
    assert read(token[:-2] + "xx") == 401
    monkeypatch.setattr(accounts, "admin_token_seconds", -1)
    expired = requests.post(f"{sandbox.url}/rest/V1/integration/admin/token", json=login, timeout=5).json()
    assert read(expired) == 401


def test_a_wrong_password_is_refused_with_magentos_words(sandbox: RunningSandbox) -> None:
    login = {"username": "boss", "password": "wrong"}
    answer = requests.post(f"{sandbox.url}/rest/V1/integration/admin/token", json=login, timeout=5)
    assert answer.status_code == 401
    assert answer.json()["message"].startswith("The account sign-in was incorrect")


def test_a_missing_right_is_named_like_a_missing_token(sandbox: RunningSandbox) -> None:
    reader = sandbox.shop.accounts.add_integration(resources={"Magento_Sales::actions_view"})
    headers = {"Authorization": f"Bearer {reader.access_token}"}
    assert requests.get(f"{sandbox.url}/rest/V1/orders/1", headers=headers, timeout=5).status_code == 200
    without_right = requests.post(f"{sandbox.url}/rest/V1/order/1/ship", json={}, headers=headers, timeout=5)
    without_token = requests.post(f"{sandbox.url}/rest/V1/order/1/ship", json={}, timeout=5)
    assert without_right.status_code == without_token.status_code == 401
    assert without_right.json() == without_token.json()
    assert without_right.json()["parameters"] == {"resources": "Magento_Sales::ship"}


def test_an_integration_token_is_no_bearer_where_the_shop_does_not_allow_it(sandbox: RunningSandbox) -> None:
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    sandbox.shop.accounts.bearer_enabled = False
    try:
        assert requests.get(f"{sandbox.url}/rest/V1/orders/1", headers=headers, timeout=5).status_code == 401
    finally:
        sandbox.shop.accounts.bearer_enabled = True
