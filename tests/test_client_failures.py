"""What each way of failing means to a client: nothing was sent, nobody knows, wait, or a person has to fix something."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from odoo_double import Answer, OdooDouble
from requests import exceptions as failing
from urllib3.exceptions import InvalidHeader as HeaderOfTheAnswer
from urllib3.exceptions import MaxRetryError, NewConnectionError

from magodoo import errors
from magodoo.connectors.failures import FAILURES, Failure, Garbled, System, failure, failure_of
from magodoo.connectors.magento import needed, schema
from magodoo.connectors.magento.connection import MagentoConnection
from magodoo.connectors.magento.replies import error_of
from magodoo.connectors.magento.search import Filter, read_stamp
from magodoo.connectors.magento.writes import Track, transaction_body
from magodoo.connectors.odoo import refusals
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.transport import JsonRpc, open_session
from magodoo.connectors.odoo.validation import flaw, listed_flaw
from magodoo.connectors.odoo.versions import Version
from magodoo.domain.vocabulary import Kind
from magodoo.flows import magento_credit_memo, magento_invoice
from magodoo.flows.magento_documents import ExpectedTotal, OrderItem

SYSTEMS: tuple[System, System] = ("magento", "odoo")


def refused() -> requests.ConnectionError:
    return requests.ConnectionError(MaxRetryError(None, "/", NewConnectionError(None, "refused")))  # type: ignore[arg-type]


def untrusted() -> failing.SSLError:
    problem = failing.SSLError("secret.example")
    problem.__cause__ = ssl.SSLCertVerificationError("self-signed")
    return problem


SENT_AND_BROKEN = (errors.Unreachable, errors.OutcomeUnknown)
NOT_SENT = (errors.Unreachable, errors.Unreachable)
SLOW = (errors.Unavailable, errors.OutcomeUnknown)
TO_BE_FIXED = (errors.FixConfiguration, errors.FixConfiguration)


@pytest.mark.parametrize(
    ("problem", "magento", "odoo"),
    [
        (refused(), NOT_SENT, NOT_SENT),
        (requests.ConnectTimeout(), NOT_SENT, NOT_SENT),
        (failing.ProxyError("secret.example"), NOT_SENT, NOT_SENT),
        (untrusted(), TO_BE_FIXED, TO_BE_FIXED),
        (failing.ProxyError(untrusted()), TO_BE_FIXED, TO_BE_FIXED),
        (failing.SSLError("secret.example"), SENT_AND_BROKEN, SENT_AND_BROKEN),
        (failing.InvalidURL("secret.example"), TO_BE_FIXED, TO_BE_FIXED),
        (failing.InvalidSchema("secret.example"), TO_BE_FIXED, TO_BE_FIXED),
        (failing.InvalidHeader("secret.example"), TO_BE_FIXED, TO_BE_FIXED),
        (failing.InvalidHeader(HeaderOfTheAnswer("secret.example")), SENT_AND_BROKEN, SENT_AND_BROKEN),
        (requests.ReadTimeout("secret.example"), SLOW, SLOW),
        (
            failing.ContentDecodingError("secret.example"),
            (Garbled, errors.OutcomeUnknown),
            (errors.Unreadable, errors.OutcomeUnknown),
        ),
        (requests.ConnectionError("secret.example"), SENT_AND_BROKEN, SENT_AND_BROKEN),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, Exception) else "",
)
def test_a_failed_exchange_says_whether_anything_can_have_arrived_and_not_the_address(
    problem: requests.RequestException, magento: tuple[type, type], odoo: tuple[type, type]
) -> None:
    what, name = failure_of(problem), type(problem).__name__
    for write in (False, True):
        for_magento = failure(what, "magento", call="GET orders", write=write, name=name)
        for_odoo = failure(what, "odoo", call="sale.order.read", write=write, name=name)
        assert (type(for_magento), type(for_odoo)) == (magento[write], odoo[write])
        assert "secret.example" not in f"{for_magento} {for_magento!r} {for_odoo} {for_odoo!r}"


def test_a_certificate_that_is_not_trusted_is_named_as_the_reason() -> None:
    for system in SYSTEMS:
        problem = failure(failure_of(untrusted()), system, call="GET orders", write=False)
        assert "certificate is not trusted; nothing was sent" in str(problem)


@pytest.mark.parametrize("what", [*Failure, 408, 425, 429, 500, 502, 503, 504], ids=str)
def test_both_systems_give_a_failure_the_same_meaning(what: Failure | int) -> None:
    """Besides these, which only one system knows: Odoo's page for a database that is down; HTML for data is maintenance in Magento."""
    if what in (Failure.NO_DATABASE, Failure.HTML):
        return
    details = {"name": "x", "bytes": 1, "megabytes": 1, "host": "x", "elsewhere": "x", "problem": "x", "media": "x"}
    for write in (False, True):
        found = [type(failure(what, each, call="x", write=write, **details)) for each in SYSTEMS]  # type: ignore[arg-type]
        assert len({errors.Unreadable if kind is Garbled else kind for kind in found}) == 1


@pytest.mark.parametrize(("what", "system"), FAILURES)
def test_a_write_that_may_have_happened_is_never_sent_again(what: Failure | int, system: System) -> None:
    """Where a write fails otherwise than a read, nobody knows whether it happened; else it certainly did not."""
    read, write = (meaning.error for meaning in FAILURES[what, system])
    assert write in (read, errors.OutcomeUnknown)


def test_a_status_that_the_table_does_not_name_is_a_refusal_or_a_failure_of_the_server() -> None:
    for status, named in ((418, 400), (507, 500)):
        for write in (False, True):
            found = failure(status, "odoo", call="x", write=write, media="text/html")
            assert type(found) is FAILURES[named, "odoo"][write].error
            assert f"HTTP {status} with text/html" in str(found)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, errors.FixConfiguration),
        (403, errors.Forbidden),
        (408, errors.Unavailable),
        (425, errors.Unavailable),
        (429, errors.Unavailable),
    ],
)
def test_a_status_of_a_proxy_in_front_of_magento_is_reported(status: int, kind: type[Exception]) -> None:
    assert isinstance(error_of(status, b"<html>", call="GET orders", writing=False), kind)


@pytest.mark.parametrize(
    ("status", "media", "kind"),
    [
        (401, "text/html", errors.Unauthorized),
        (403, "text/html", errors.Forbidden),
        (404, "text/html", errors.Unavailable),
        (413, "text/html", errors.FixDocument),
        (414, "", errors.FixDocument),
        (429, "text/plain", errors.Unavailable),
        (502, "text/html", errors.Unavailable),
    ],
)
def test_a_status_of_a_proxy_in_front_of_odoo_is_reported(status: int, media: str, kind: type[Exception]) -> None:
    assert isinstance(refusals.unclassified(status, media, call="res.users.read", write=False), kind)


@pytest.mark.parametrize("error", [None, "broken", {"data": None}, {"data": {"name": 7}}])
def test_a_json_rpc_error_without_its_name_is_unreadable_for_a_read_and_unknown_for_a_write(error: Any) -> None:
    double = OdooDouble()
    double.answers = [Answer({"jsonrpc": "2.0", "id": 1, "error": error})]
    connection = OdooConnection(double.url, "shop", "key", 1)
    rpc = JsonRpc(open_session(connection), connection, Version(17))
    for write, kind in ((False, errors.Unreadable), (True, errors.OutcomeUnknown)):
        with pytest.raises(kind, match="without its name"):
            rpc.service("object", "execute_kw", [], "x", write=write)
    double.close()


# What is never sent


def test_a_filter_that_magento_would_misread_is_stopped() -> None:
    for value in ([], ["1", ""], ["1,2"]):
        with pytest.raises(errors.InvariantError, match="empty or holds a comma"):
            Filter.of("entity_id", "in", value)
    with pytest.raises(errors.InvariantError, match="no condition"):
        Filter.of("entity_id", "like that", "1")
    assert Filter.of("entity_id", "in", [1, 2]).value == "1,2"


def test_a_track_without_a_number_or_with_an_endless_one_is_stopped() -> None:
    for number in ("", " ", "1" * 65_536):
        with pytest.raises(errors.InvariantError):
            Track(number)
    with pytest.raises(errors.InvariantError):
        Track("1Z", carrier_code=" ")


@pytest.mark.parametrize("reference", ["", "x" * 51, "line\nbreak"])
def test_a_transaction_reference_that_magento_would_cut_is_stopped(reference: str) -> None:
    with pytest.raises(errors.InvariantError, match="1 to 50 printable"):
        transaction_body({"entity_id": 1, "order_id": 1}, reference)


@pytest.mark.parametrize("stamp", [None, 7, "soon", "0000-00-00 00:00:00", "1969-12-31 23:59:59"])
def test_an_impossible_timestamp_is_unreadable(stamp: Any) -> None:
    with pytest.raises(errors.Unreadable):
        read_stamp(stamp)


def test_a_certificate_and_proxies_of_a_connection_are_read_and_checked(tmp_path: Path) -> None:
    made = {"base_url": "https://shop.example", "token": "t"}
    certificate = tmp_path / "ca.pem"
    certificate.write_text("")
    read = MagentoConnection.from_mapping({**made, "verify": str(certificate), "proxies": {"https": "http://proxy:8080"}})  # fmt: skip
    assert (read.verify, read.proxies) == (str(certificate), {"https": "http://proxy:8080"})
    assert MagentoConnection.from_mapping({**made, "verify": "true"}).verify is True
    for wrong in ({"verify": "false"}, {"verify": str(tmp_path / "none.pem")}, {"proxies": "proxy:8080"}):
        with pytest.raises(errors.BadSettings):
            MagentoConnection.from_mapping({**made, **wrong})


# What is never taken for a sound row


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else 1


@pytest.mark.parametrize("damage", [nested(40), "a\0b", "half \ud83d", 10**31, Decimal("1e31")])
def test_a_value_that_cannot_be_stored_is_unreadable_if_needed_and_dropped_otherwise(damage: Any) -> None:
    with pytest.raises(errors.Unreadable):
        schema.sound(needed.SHAPES[Kind.INVOICE], {**INVOICE, "increment_id": damage})
    assert schema.sound(needed.SHAPES[Kind.INVOICE], {**INVOICE, "note": damage}) == INVOICE


def test_json_nested_as_deeply_as_magento_nests_it_is_accepted() -> None:
    assert schema.sound(needed.ONLY_ID, {"entity_id": 1, "note": nested(10)})["note"] == nested(10)


INVOICE = {
    "entity_id": 1, "order_id": 1, "increment_id": "1", "created_at": "2026-01-01 00:00:00", "updated_at": "2026-01-01 00:00:00",
    "order_currency_code": "USD", "base_currency_code": "USD", "grand_total": 1, "base_grand_total": 1, "total_qty": 1, "items": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"grand_total": True}, "not an amount"),
        ({"grand_total": ""}, "not an amount"),
        ({"grand_total": 10**18}, "grand_total"),
        ({"increment_id": ""}, "not a text"),
        ({"order_currency_code": "usd"}, "not a currency"),
        ({"items": {"a": {}}}, "not a list"),
    ],
)
def test_a_value_that_magento_cannot_send_is_named(change: dict[str, Any], named: str) -> None:
    assert schema.sound(needed.SHAPES[Kind.INVOICE], INVOICE)["items"] == []
    with pytest.raises(errors.Unreadable, match=named):
        schema.sound(needed.SHAPES[Kind.INVOICE], {**INVOICE, **change})


def test_an_invalid_optional_quantity_is_dropped_alone_and_reported() -> None:
    clean = schema.sound(needed.SHAPES[Kind.INVOICE], {**INVOICE, "total_qty": Decimal(-1)})
    assert (clean["total_qty"], clean[schema.SET_ASIDE]) == (
        None,
        ["total_qty cannot be read: the quantity is summed from its rows"],
    )


FIELDS = {
    "order": {"id": {"type": "integer"}, "partner_id": {"type": "many2one", "relation": "partner"},
              "lines": {"type": "one2many", "relation": "line"}, "tags": {"type": "many2many", "relation": "tag"}, "name": {"type": "char"}},
    "partner": {"name": {"type": "char"}}, "line": {"qty": {"type": "float"}},
}  # fmt: skip
TREE = {"id": {}, "name": {}, "partner_id": {"fields": {"name": {}}}, "lines": {"fields": {"qty": {}}}, "tags": {}}
ROW = {"id": 1, "name": "S1", "partner_id": {"id": 3, "name": "Zoé"}, "lines": [{"id": 4, "qty": Decimal(1)}], "tags": [5]}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({}, ""),
        ({"partner_id": False}, ""),
        ({"id": 0}, "id"),
        ({"name": 7}, "name"),
        ({"partner_id": 3}, "partner_id.id"),
        ({"partner_id": {"id": 3}}, "partner_id.name"),
        ({"lines": False}, "lines"),
        ({"lines": [{"id": 4, "qty": "1"}]}, "lines.qty"),
        ({"lines": [{"id": 4, "qty": 1}, {"id": 4, "qty": 1}]}, "lines.id"),
        ({"tags": [True]}, "tags"),
    ],
)
def test_a_record_s_first_flaw_is_named_by_its_path(change: dict[str, Any], path: str) -> None:
    assert flaw(FIELDS.__getitem__, "order", TREE, ROW | change) == path
    assert flaw(FIELDS.__getitem__, "order", TREE, None) == "id"
    assert flaw(FIELDS.__getitem__, "order", TREE, {"id": 1}) == "name"


def test_fields_of_an_unknown_record_are_validated_by_their_names() -> None:
    names = ["res_id", "company_id", "tag_ids", "comment"]
    row = {"id": 1, "res_id": 7, "company_id": [1, "Us"], "tag_ids": [2], "comment": object()}
    assert listed_flaw(names, {}, row) == ""
    assert listed_flaw(names, {}, row | {"res_id": [7, "x"]}) == "res_id"
    assert listed_flaw(names, {}, row | {"company_id": 1}) == "company_id"
    assert listed_flaw(names, {}, row | {"tag_ids": False}) == "tag_ids"
    assert listed_flaw(names, {}, {"id": 1}) == "res_id"
    assert listed_flaw(names, {}, "a record") == "id"


# What Magento would make of odd orders


def a_memo(*items: OrderItem, shipping: int = 0, adjustment: int = 0) -> magento_credit_memo.CreditMemoRequest:
    return magento_credit_memo.CreditMemoRequest(
        order_id=1, marker="", notify=False, items=items, expect=ExpectedTotal(0, "USD"),
        shipping_amount=shipping, adjustment_positive=adjustment, adjustment_negative=0,
    )  # fmt: skip


def test_an_order_line_of_quantity_0_or_nothing_invoiced_adds_nothing() -> None:
    item = {"item_id": 1, "product_type": "simple", "qty_ordered": 0, "price": 10, "row_total": 0}
    order = {"items": [item], "base_to_order_rate": 1}
    whole = OrderItem(1, 10_000)
    assert magento_invoice.predicted_invoice(order, [whole]) == 0
    assert magento_credit_memo.predicted_credit_memo(order, a_memo(OrderItem(1, 0))) == 0
    sold = item | {"qty_ordered": 2, "row_total": 20}
    assert magento_credit_memo.predicted_credit_memo({**order, "items": [sold]}, a_memo(whole)) == 0
    moment = datetime(2026, 1, 31, tzinfo=UTC)
    assert read_stamp(moment.strftime("%Y-%m-%d %H:%M:%S")) == moment


def test_shipping_that_has_a_discount_in_full_is_refunded_with_it() -> None:
    order = {"items": [], "base_shipping_amount": 10, "shipping_amount": 10, "shipping_tax_amount": 2, "shipping_discount_amount": 4}  # fmt: skip
    request = a_memo(shipping=50_000, adjustment=10_000)
    assert magento_credit_memo.predicted_credit_memo(order, request) == 50_000 + 10_000 - 20_000 + 10_000
    assert magento_credit_memo.predicted_credit_memo({**order, "base_shipping_amount": 0}, request) == 10_000
