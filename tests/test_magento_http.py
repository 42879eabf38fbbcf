"""Calls to Magento: what each answer means, what is repeated, what never leaks."""

from __future__ import annotations

import base64
import json
import logging
import pickle
import socket
import traceback
from collections.abc import Iterator
from decimal import Decimal

import pytest
import requests
from magento_double import REPLIES, Answer, Asked, Shop, client_of, json_answer, recorded, served
from oauthlib.common import Request as OAuthRequest
from oauthlib.oauth1.rfc5849 import signature

from magodoo import errors
from magodoo.connectors.magento import AdminLogin, BearerToken, MagentoClient, MagentoConnection, OAuth1
from magodoo.connectors.magento.auth import RenewedToken, lifetime_of
from magodoo.connectors.magento.replies import MissingRight, NotFound, PageTooLarge, ServerFault, error_of, interpolate
from magodoo.connectors.magento.search import CONDITIONS, Search, encode, read_stamp

ITEM = [(1, Decimal(1))]
KEYS = OAuth1("consumer-key", "consumer-secret", "access-token", "access-secret")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with served(Shop()) as running:
        yield running


def error(name: str, *, writing: bool) -> errors.MagodooError:
    reply = REPLIES[name]
    return error_of(reply["status"], reply["body"].encode(), call="x", writing=writing)


READS = [
    ("auth_oauth1_bad_signature", errors.Unauthorized),
    ("auth_oauth1_hmac_sha1", errors.Unauthorized),
    ("auth_oauth1_nonce_replay", errors.Unauthorized),
    ("auth_admin_token_badpw", errors.Unauthorized),
    ("auth_bearer_bad_token_401", MissingRight),
    ("get_order_404", NotFound),
    ("write_B_unknown_route", errors.UnknownField),
    ("get_filter_unknown_field", ServerFault),
    ("get_sort_unknown_field", ServerFault),
    ("write_invoice_set_transaction_id", ServerFault),
    ("err_maintenance_mode", errors.Unavailable),
    ("err_db_down", errors.Unavailable),
    ("err_php_down_502", errors.Unavailable),
    ("rate_guest_put_order_2", errors.Unavailable),
    ("get_accept_html", errors.Unavailable),
    ("get_orders_store_code_bad", errors.FixConfiguration),
    ("limits_max_page_50_ask_51", PageTooLarge),
    ("get_orders_no_criteria", errors.FixConfiguration),
    ("get_sort_bad_direction", errors.FixConfiguration),
    ("get_method_options", errors.FixConfiguration),
]
WRITES = [
    ("auth_missing_acl_write", MissingRight),
    ("write_A_invoice_twice", errors.FixDocument),
    ("write_A_ship_twice", errors.FixDocument),
    ("write_B_invoice_over_qty", errors.FixDocument),
    ("write_B_refund_more_than_paid_adjustment", errors.FixDocument),
    ("write_B_refund_shipping_more_than_paid", errors.FixDocument),
    ("write_B_track_missing_number", errors.FixDocument),
    ("write_C_comment_bad_status", errors.FixDocument),
    ("write_ship_source_code_bad", errors.FixDocument),
    ("write_E_refund_via_invoice_offline_method", errors.FixDocument),
    ("get_order_404", errors.FixDocument),
    ("write_B_invoice_malformed_json", errors.FixConfiguration),
    ("write_B_invoice_unknown_prop", errors.FixConfiguration),
    ("write_B_no_content_type", errors.FixConfiguration),
    ("limits_complex_array_4_of_3", errors.FixConfiguration),
    ("acl_readonly_write_raw_invoice", errors.OutcomeUnknown),
    ("write_invoice_set_transaction_id", errors.OutcomeUnknown),
    ("err_maintenance_mode_post", errors.OutcomeUnknown),
    ("err_db_down_post", errors.OutcomeUnknown),
    ("err_php_down_502", errors.OutcomeUnknown),
    ("rate_guest_put_order_2", errors.Unavailable),
]


@pytest.mark.parametrize(("name", "kind"), READS)
def test_a_recorded_refusal_of_a_read_means(name: str, kind: type[Exception]) -> None:
    assert type(error(name, writing=False)) is kind


@pytest.mark.parametrize(("name", "kind"), WRITES)
def test_a_recorded_refusal_of_a_write_means(name: str, kind: type[Exception]) -> None:
    problem = error(name, writing=True)
    assert isinstance(problem, kind)
    assert "<" not in str(problem)


def test_templates_are_interpolated_and_lines_joined() -> None:
    assert "paid to refund is: %1" not in str(error("write_B_refund_shipping_more_than_paid", writing=True))
    assert "refund is: $60.00" in str(error("write_B_refund_shipping_more_than_paid", writing=True))
    assert 'item "Widget"' in str(error("write_B_invoice_over_qty", writing=True))
    assert "Magento_Sales::invoice" in str(error("auth_missing_acl_write", writing=True))
    assert "\n" not in str(error("write_A_invoice_twice", writing=True))
    assert interpolate("%field of %fieldName %1", {"field": "a", "fieldName": "%field"}) == "a of %field %1"
    assert interpolate("%10 %1", list(range(1, 11))) == "10 1"
    assert len(interpolate("x" * 5000, None)) == 600


def test_500_for_an_unknown_field_is_permanent_and_500_for_a_dead_database_is_not() -> None:
    assert isinstance(error("get_filter_unknown_field", writing=False), errors.FixConfiguration)
    assert isinstance(error("err_db_down", writing=False), errors.TransientError)


def test_html_and_plain_text_errors_are_reported_without_markup() -> None:
    for name in ("err_maintenance_mode", "err_db_down", "err_php_down_502", "write_invoice_set_transaction_id"):
        assert "<" not in str(error(name, writing=False))
    assert "exception log" in str(error("write_invoice_set_transaction_id", writing=False))


def test_the_limit_of_a_page_is_read_from_the_interpolated_message() -> None:
    problem = error("limits_max_page_50_ask_51", writing=False)
    assert isinstance(problem, PageTooLarge)
    assert problem.most == 50


BAD_BODIES = {
    "empty": b"",
    "truncated": b'{"items": [{"entity_id": 1,',
    "wrong charset": '{"items": "Müller"}'.encode("latin-1"),
    "not a number": b'{"items": [], "total_count": NaN}',
    "nested without end": b"[" * 100_000,
    "a number of 5000 digits": b'{"total_count": ' + b"9" * 5000 + b"}",
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_damaged_body_is_unreadable_for_a_read_and_unknown_for_a_write(shop: Shop, name: str) -> None:
    shop.answer = lambda asked: Answer(body=BAD_BODIES[name])  # type: ignore[method-assign]
    with pytest.raises(errors.Unreadable):
        client_of(shop).store_views()
    with pytest.raises(errors.OutcomeUnknown):
        client_of(shop).comment_order(1, "text")


def test_a_page_of_html_with_status_200_is_transient_for_a_read_and_unknown_for_a_write(shop: Shop) -> None:
    shop.answer = lambda asked: Answer(body=b"<!DOCTYPE html><html>login</html>")  # type: ignore[method-assign]
    client = client_of(shop, attempts=2)
    with pytest.raises(errors.Unavailable, match="HTML"):
        client.store_views()
    assert client.stats.retries == 1
    with pytest.raises(errors.OutcomeUnknown):
        client_of(shop).comment_order(1, "text")


def test_a_redirect_to_another_host_is_refused_and_the_token_stays_here(shop: Shop) -> None:
    with served(Shop()) as other:
        moved = Answer(
            302, headers={"Location": f"{other.url.replace('127.0.0.1', 'localhost')}/rest/V1/orders?token=x"}
        )
        shop.faults = [moved, moved]
        with pytest.raises(errors.FixConfiguration, match="redirected to http://localhost") as caught:
            client_of(shop).store_views()
        with pytest.raises(errors.FixConfiguration):
            client_of(shop).comment_order(1, "text")
        assert other.asked == []
        assert "token=x" not in str(caught.value)


@pytest.mark.parametrize("fault", [Answer(drop=True), Answer(body=b'"51"' * 99, cut=True)], ids=["no answer", "cut"])
def test_a_write_without_a_sound_answer_is_unknown_and_sent_once(shop: Shop, fault: Answer) -> None:
    shop.faults = [fault]
    with pytest.raises(errors.OutcomeUnknown):
        client_of(shop).comment_order(1, "text")
    assert len(shop.asked) == 1


def test_a_write_that_takes_too_long_is_unknown(shop: Shop) -> None:
    shop.faults = [Answer(body=b"true", delay=0.6)]
    with pytest.raises(errors.OutcomeUnknown, match="no sound answer"):
        client_of(shop, write_timeout=0.2).comment_order(1, "text")


def test_a_refused_connection_is_unreachable_for_reads_and_writes() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        client = client_of_url(f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(errors.Unreachable, match="nothing was sent"):
            client.comment_order(1, "text")
        with pytest.raises(errors.Unreachable):
            client.store_views()
        assert client.stats.retries == 1


def test_an_unknown_host_is_unreachable() -> None:
    with pytest.raises(errors.Unreachable, match="nothing was sent"):
        client_of_url("http://shop.invalid").comment_order(1, "text")


def test_a_proxy_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(errors.Unreachable):
        client_of_url("http://shop.invalid", proxies={"http": "http://u:hidden@127.0.0.1:9"}).comment_order(1, "text")


def test_a_server_that_speaks_no_tls_is_not_taken_for_a_success(shop: Shop) -> None:
    with pytest.raises(errors.MagodooError):
        client_of_url(shop.url.replace("http:", "https:")).comment_order(1, "text")
    assert shop.asked == []


def client_of_url(url: str, **changes: object) -> MagentoClient:
    connection = MagentoConnection.from_mapping({"base_url": url, "token": "t", "attempts": 2} | changes)
    return MagentoClient(connection, sleep=lambda seconds: None)


def test_queries_say_percent_20_and_never_plus() -> None:
    query = encode(Search().where("updated_at", "gteq", read_stamp("2026-11-22 09:00:00")).query())
    assert "2026-11-22%2009%3A00%3A00" in query
    assert "+" not in query


def test_only_conditions_that_exist_are_sent() -> None:
    assert "moreq" not in CONDITIONS
    with pytest.raises(errors.InvariantError, match="silently"):
        Search().where("updated_at", "moreq", 1)


def test_there_are_never_more_than_nine_filter_groups() -> None:
    search = Search()
    for number in range(9):
        search = search.where("entity_id", "neq", number)
    with pytest.raises(errors.InvariantError):
        search.where("entity_id", "neq", 10)


def test_an_oauth_call_is_signed_with_sha256_over_the_query_as_sent(shop: Shop) -> None:
    list(client_of(shop, auth=KEYS).changed("order", read_stamp("2026-11-22 09:00:00"), store_ids=[1, 3]))
    asked = shop.asked[0]
    assert 'oauth_signature_method="HMAC-SHA256"' in asked.headers["Authorization"]
    assert is_signed(shop, asked, "GET")
    shop.writes = lambda asked: json_answer(True)
    client_of(shop, auth=KEYS).comment_order(1, "text")
    assert is_signed(shop, shop.asked[-1], "POST")


def is_signed(shop: Shop, asked: Asked, method: str) -> bool:
    request = OAuthRequest(f"{shop.url}{asked.path}?{asked.query}", method, None, asked.headers)
    collected = signature.collect_parameters(
        uri_query=asked.query, headers=asked.headers, exclude_oauth_signature=False
    )
    request.params = [pair for pair in collected if pair[0] != "oauth_signature"]
    request.signature = dict(collected)["oauth_signature"]
    return signature.verify_hmac_sha256(request, "consumer-secret", "access-secret")


def jwt(issued: int, expires: int) -> str:
    claims = (
        base64.urlsafe_b64encode(json.dumps({"uid": 1, "iat": issued, "exp": expires}).encode()).rstrip(b"=").decode()
    )
    return f"e30.{claims}.c2ln"


def test_an_admin_token_lives_as_long_as_it_says_whatever_the_clock_of_the_shop() -> None:
    assert lifetime_of(jwt(0, 3600)) == 3600
    assert lifetime_of("opaque") == 3600
    assert lifetime_of("a.b.c") == 3600


def test_an_admin_token_is_renewed_before_it_expires() -> None:
    now, fetched = [0.0], []

    def fetch() -> str:
        fetched.append(now[0])
        return jwt(10_000, 13_600)

    auth = RenewedToken(fetch, lambda: now[0])
    for now[0] in (0.0, 3200.0, 3301.0, 3400.0):
        auth(requests.Request("GET", "http://x").prepare())
    assert fetched == [0.0, 3301.0]


def admin(shop: Shop) -> MagentoClient:
    return client_of(shop, auth=AdminLogin("bot", "pass wörd"))


def test_an_admin_token_that_the_shop_refuses_is_fetched_anew_once(shop: Shop) -> None:
    shop.faults = [
        json_answer(jwt(0, 3600)),
        recorded("auth_bearer_bad_token_401"),
        json_answer(jwt(5, 3605)),
        json_answer([]),
    ]
    assert admin(shop).store_views() == []
    assert [asked.path.rsplit("/", 1)[1] for asked in shop.asked] == ["token", "storeViews", "token", "storeViews"]
    assert shop.asked[0].body == {"username": "bot", "password": "pass wörd"}
    assert "Authorization" not in shop.asked[0].headers


def test_a_refused_login_is_not_tried_again_because_six_failures_lock_the_user(shop: Shop) -> None:
    shop.writes = lambda asked: recorded("auth_admin_token_badpw")
    client = admin(shop)
    for _ in range(3):
        with pytest.raises(errors.Unauthorized, match="sign-in was incorrect"):
            client.store_views()
    assert len(shop.asked) == 1


def test_a_login_that_fails_before_a_write_leaves_nothing_unknown(shop: Shop) -> None:
    shop.writes = lambda asked: recorded("err_maintenance_mode")
    with pytest.raises(errors.Unavailable):
        admin(shop).comment_order(1, "text")


def test_a_missing_right_is_distinguished_from_a_wrong_token(shop: Shop) -> None:
    shop.faults = [recorded("auth_missing_acl_write")]
    with pytest.raises(errors.Forbidden, match="Magento_Sales::invoice"):
        client_of(shop).comment_order(1, "text")
    shop.answer = lambda asked: recorded("auth_missing_acl_write")  # type: ignore[method-assign]
    with pytest.raises(errors.Unauthorized, match="unknown, expired"):
        client_of(shop).comment_order(1, "text")


SECRETS = ["secret-token-1", "consumer-secret", "access-secret", "access-token", "consumer-key", "pass wörd", "hidden"]


@pytest.mark.parametrize("auth", [BearerToken("secret-token-1"), KEYS, AdminLogin("bot", "pass wörd")])
def test_secrets_appear_in_no_log_url_exception_or_repr(
    shop: Shop, auth: BearerToken | OAuth1 | AdminLogin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shop.faults = [json_answer(jwt(0, 3600))] if isinstance(auth, AdminLogin) else []
    client = client_of(shop, auth=auth, attempts=2, write_timeout=0.2, proxies={"ftp": "http://u:hidden@h"})
    texts = [repr(client.connection), repr(client), repr(vars(client)), str(client.connection)]
    for fault, call in (
        (Answer(drop=True), lambda: client.comment_order(1, "x")),
        (recorded("get_order_404"), lambda: client.comment_order(1, "x")),
        (Answer(delay=0.4), lambda: client.comment_order(1, "x")),
        (Answer(302, headers={"Location": "http://elsewhere"}), client.store_views),
    ):
        shop.faults.append(fault)
        with pytest.raises(errors.MagodooError) as caught:
            call()
        texts += ["".join(traceback.format_exception(caught.value)), repr(caught.value), repr(vars(caught.value))]
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
    texts += [caplog.text, *(f"{asked.path}?{asked.query}" for asked in shop.asked)]
    assert not [secret for secret in SECRETS for text in texts if secret in text]


def test_the_user_agent_names_the_product_and_cookies_are_not_kept(shop: Shop) -> None:
    client = client_of(shop)
    list(client.changed("order", None))
    list(client.changed("order", None))
    assert shop.asked[-1].headers["User-Agent"].startswith("magodoo/0.")
    assert "Cookie" not in shop.asked[-1].headers


def test_amounts_arrive_exact(shop: Shop) -> None:
    shop.rows["credit_memo"] = [row for row in shop.rows["credit_memo"] if row["entity_id"] > 60][:1]
    row = next(iter(client_of(shop).changed("credit_memo", None))).rows[0]
    assert isinstance(row["discount_amount"], Decimal)
    assert row["discount_amount"].as_tuple().exponent in (-3, -4)


def test_a_store_code_is_part_of_the_url(shop: Shop) -> None:
    list(client_of(shop, store_code="eu").changed("order", None))
    assert shop.asked[0].path == "/rest/eu/V1/orders"


@pytest.mark.parametrize(
    ("given", "means"),
    [
        ({"token": "t"}, BearerToken),
        ({"username": "u", "password": "p w"}, AdminLogin),
        (dict.fromkeys(("consumer_key", "consumer_secret", "access_token", "access_token_secret"), "k"), OAuth1),
    ],
)
def test_the_kind_of_login_follows_from_the_keys_that_are_there(given: dict[str, str], means: type) -> None:
    connection = MagentoConnection.from_mapping(
        {"base_url": "https://shop.example/rest/V1/", "page_size": "50"} | given
    )
    assert isinstance(connection.auth, means)
    assert (connection.base_url, connection.page_size) == ("https://shop.example", 50)
    assert pickle.loads(pickle.dumps(connection)) == connection


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"token": "t", "base_url": "shop.example"}, "https://"),
        ({"token": "t", "base_url": "https://u:hidden@shop.example"}, "password"),
        ({}, "no complete login"),
        ({"consumer_key": "k", "access_token": "k"}, "consumer_secret, access_token_secret"),
        ({"token": "t\n"}, "token"),
        ({"token": "t", "verify": False}, "always verified"),
        ({"token": "t", "page_size": "many"}, "page_size"),
        ({"token": "t", "page_size": 0}, "page_size"),
        ({"token": "t", "store_code": "../admin"}, "store code"),
    ],
)
def test_a_wrong_connection_is_named_without_its_secrets(given: dict[str, object], named: str) -> None:
    with pytest.raises(errors.BadSettings, match=named) as caught:
        MagentoConnection.from_mapping({"base_url": "https://shop.example"} | given)
    assert "hidden" not in str(caught.value)
