"""One call to Odoo: what every answer and every accident means, and what may be repeated."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo_double import Answer, OdooDouble

from magodoo import errors
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.refusals import refusal
from magodoo.connectors.odoo.rpc import Rpc
from magodoo.connectors.odoo.transport import Json2, JsonRpc, open_session
from magodoo.connectors.odoo.versions import Version, method_of, name_of

KEY = "s3cr3t-0123456789abcdef"
RECORDED = json.loads((Path(__file__).parent / "recordings/odoo-client/errors.json").read_text())


@pytest.fixture
def odoo() -> Iterator[OdooDouble]:
    double = OdooDouble()
    yield double
    double.close()


@pytest.fixture
def caller(odoo: OdooDouble, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Rpc]:
    monkeypatch.setattr("magodoo.connectors.odoo.transport.LONGEST_WAIT", 0.01)

    def make(**options: Any) -> Rpc:
        values = {"url": odoo.url, "database": "shop", "api_key": KEY, "company_id": 1, "login": "sync", **options}
        return Rpc(OdooConnection.from_mapping(values))

    return make


def over_rpc(caller: Rpc) -> Rpc:
    connection = caller.connection
    return Rpc(connection, JsonRpc(open_session(connection), connection, Version(17)))


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case["recording"])
def test_a_recorded_error_is_of_its_class_for_reads_and_writes(
    case: dict[str, Any], odoo: OdooDouble, caller: Callable[..., Rpc]
) -> None:
    odoo.answers = [Answer(case["body"], case["status"], case["media"])]
    client = caller(attempts=1)
    if case["transport"] == "JSON-RPC":
        client = over_rpc(client)
        odoo.answers.insert(0, Answer({"jsonrpc": "2.0", "id": 1, "result": 5}))  # the login
    for send, wanted in ((client.call, case["read"]), (client.write_call, case["write"])):
        with pytest.raises(errors.MagodooError) as caught:
            send("account.move", "action_post", ids=[1])
        assert type(caught.value).__name__ == wanted
        assert "Traceback" not in str(caught.value)
        assert "secret-debug" not in str(caught.value)
        assert KEY not in repr(caught.value)


def test_a_call_names_one_company_the_database_and_the_key_in_headers_only(
    odoo: OdooDouble, caller: Callable[..., Rpc]
) -> None:
    odoo.answers = [Answer([1])]
    assert caller(company_id="3").call("sale.order", "search", domain=[], context={"active_test": False}) == [1]
    (asked,) = odoo.asked
    assert asked.path == "/json/2/sale.order/search"
    assert asked.headers["X-Odoo-Database"] == "shop"
    assert asked.headers["Authorization"] == f"bearer {KEY}"
    assert asked.headers["User-Agent"].startswith("magodoo/")
    assert asked.body["context"]["allowed_company_ids"] == [3]
    assert asked.body["context"]["active_test"] is False
    assert "ids" not in asked.body


def test_neither_netrc_nor_a_cookie_takes_the_place_of_the_key(
    odoo: OdooDouble, caller: Callable[..., Rpc], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    odoo.answers = [Answer([1], headers={"Set-Cookie": "session_id=other; Path=/"})]
    client = caller()
    for _ in range(2):
        client.call("sale.order", "search", domain=[])
    assert {asked.headers["Authorization"] for asked in odoo.asked} == {f"bearer {KEY}"}
    assert not any("Cookie" in asked.headers for asked in odoo.asked)


def test_a_context_of_the_caller_cannot_widen_the_companies(odoo: OdooDouble, caller: Callable[..., Rpc]) -> None:
    odoo.answers = [Answer([])]
    caller().call("sale.order", "search", domain=[], context={"allowed_company_ids": [1, 2]})
    assert odoo.asked[0].body["context"]["allowed_company_ids"] == [1]


def test_a_database_without_english_is_asked_in_its_own_language(odoo: OdooDouble, caller: Callable[..., Rpc]) -> None:
    refused = {"name": "odoo.exceptions.UserError", "message": "Invalid language code: en_US"}
    odoo.answers = [Answer(refused, 422), Answer([1])]
    client = caller()
    assert client.write_call("account.move", "action_post", ids=[1]) == [1]
    client.call("sale.order", "search", domain=[])
    assert ["lang" in asked.body["context"] for asked in odoo.asked] == [True, False, False]


def test_fractions_arrive_exactly(odoo: OdooDouble, caller: Callable[..., Rpc]) -> None:
    odoo.answers = [Answer(b'[{"amount_total": 20.29, "quantity": 2.0, "id": 7}]')]
    assert caller().call("account.move", "read", ids=[7]) == [
        {"amount_total": Decimal("20.29"), "quantity": Decimal("2.0"), "id": 7}
    ]


def test_a_read_is_repeated_until_the_server_is_back(odoo: OdooDouble, caller: Callable[..., Rpc]) -> None:
    conflict = {"name": "psycopg2.errors.SerializationFailure", "message": "could not serialize access"}
    odoo.answers = [Answer("maintenance", 503, "text/html"), Answer(conflict, 500), Answer(silent=True), Answer([1])]
    client = caller()
    assert client.call("sale.order", "search", domain=[]) == [1]
    assert (client.stats.requests, client.stats.retries) == (5, 3), "the first asks for the version"


def test_a_read_gives_up_after_its_attempts(odoo: OdooDouble, caller: Callable[..., Rpc]) -> None:
    odoo.answers = [Answer("down", 502, "text/html")]
    with pytest.raises(errors.Unavailable):
        caller(attempts=3).call("sale.order", "search", domain=[])
    assert len(odoo.asked) == 3


def test_a_refusal_is_not_repeated(odoo: OdooDouble, caller: Callable[..., Rpc]) -> None:
    odoo.answers = [Answer({"name": "builtins.ValueError", "message": "Invalid field 'nope' on 'x'"}, 500)]
    with pytest.raises(errors.UnknownField):
        caller().call("x", "search", domain=[])
    assert len(odoo.asked) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(silent=True), errors.OutcomeUnknown),
        (Answer([1, 2, 3], cut=4), errors.OutcomeUnknown),
        (Answer([1], delay=0.6), errors.OutcomeUnknown),
        (Answer("bad gateway", 502, "text/html"), errors.OutcomeUnknown),
        (Answer("timeout", 504, "text/html"), errors.OutcomeUnknown),
        (Answer("<html>sign in</html>", 200, "text/html"), errors.OutcomeUnknown),
        (Answer(b'{"ids": [1', 200), errors.OutcomeUnknown),
        (Answer(b"", 200), errors.OutcomeUnknown),
        (Answer(b"\xff\xfe\xfa", 200), errors.OutcomeUnknown),
        (Answer({"unexpected": 1}, 500), errors.OutcomeUnknown),
        (
            Answer({"name": "psycopg2.OperationalError", "message": "server closed the connection unexpectedly"}, 500),
            errors.OutcomeUnknown,
        ),
        (Answer("no database", 404, "text/html; charset=utf-8"), errors.Unavailable),
        (Answer("slow down", 429, "text/plain"), errors.Unavailable),
        (Answer({"name": "psycopg2.errors.LockNotAvailable", "message": "lock"}, 500), errors.Unavailable),
    ],
)
def test_a_write_is_sent_once_and_only_a_certain_answer_is_certain(
    answer: Answer, error: type[errors.MagodooError], odoo: OdooDouble, caller: Callable[..., Rpc]
) -> None:
    odoo.answers = [answer]
    with pytest.raises(error) as caught:
        caller(write_timeout="0.3").write_call("account.move", "load", fields=[], data=[])
    assert type(caught.value) is error
    assert len(odoo.asked) == 1


def test_a_refused_connection_means_that_nothing_was_sent(caller: Callable[..., Rpc]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        connection = caller(url=f"http://127.0.0.1:{taken.getsockname()[1]}", attempts=1).connection
        nobody = Rpc(connection, Json2(open_session(connection), connection, Version(19)))
        with pytest.raises(errors.Unreachable):
            nobody.write_call("account.move", "action_post", ids=[1])


@pytest.mark.parametrize("target", ["http://elsewhere.example/json/2/x/y", "/other"])
def test_a_redirect_is_never_followed(target: str, odoo: OdooDouble, caller: Callable[..., Rpc]) -> None:
    odoo.answers = [Answer("moved", 302, "text/html", {"Location": target})]
    with pytest.raises(errors.FixConfiguration, match="redirects"):
        caller().call("sale.order", "search", domain=[])
    assert len(odoo.asked) == 1


def test_an_endless_page_is_cut_off(odoo: OdooDouble, caller: Callable[..., Rpc]) -> None:
    odoo.answers = [Answer(b'["' + b"x" * 2_000_000 + b'"]')]
    connection = replace(caller().connection, largest_body=1_000_000)
    with pytest.raises(errors.Unreadable, match="more than"):
        Rpc(connection).call("sale.order", "search", domain=[])


def test_json_rpc_is_used_where_json2_does_not_exist(odoo: OdooDouble, caller: Callable[..., Rpc]) -> None:
    odoo.version = Answer("not found", 404, "text/html")

    def rpc(result: Any) -> Answer:
        return Answer({"jsonrpc": "2.0", "id": 1, "result": result})

    odoo.answers = [
        rpc({"server_version": "17.0", "server_serie": "17.0"}),
        rpc(5),
        rpc([8]),
        Answer({"jsonrpc": "2.0", "id": 4}),
    ]
    client = caller()
    assert client.write_call("res.partner", "create", vals_list=[{"name": "x"}]) == [8]
    assert client.write_call("account.move", "button_draft", ids=[1]) is None
    assert (client.transport.name, client.version) == ("JSON-RPC", Version(17))
    database, user, key, model, method, positional, named = odoo.asked[2].body["params"]["args"]
    assert (database, user, key, model, method) == ("shop", 5, KEY, "res.partner", "create")
    assert positional == [[{"name": "x"}]]
    assert named == {"context": {"lang": "en_US", "tz": "UTC", "allowed_company_ids": [1]}}
    assert odoo.asked[3].body["params"]["args"][5] == [[1]]


def test_json_rpc_without_a_login_says_so(odoo: OdooDouble, caller: Callable[..., Rpc]) -> None:
    odoo.version = Answer("not found", 404, "text/html")
    odoo.answers = [Answer({"jsonrpc": "2.0", "id": 1, "result": {"server_serie": "16.0"}})]
    with pytest.raises(errors.FixConfiguration, match="login"):
        caller(login="").call("sale.order", "search", domain=[])


def test_an_authentication_that_answers_false_is_a_wrong_key(odoo: OdooDouble, caller: Callable[..., Rpc]) -> None:
    odoo.version = Answer("not found", 404, "text/html")
    rpc = {"jsonrpc": "2.0", "id": 1}
    odoo.answers = [Answer({**rpc, "result": {"server_serie": "16.0"}}), Answer({**rpc, "result": False})]
    with pytest.raises(errors.Unauthorized):
        caller().call("sale.order", "search", domain=[])


@pytest.mark.parametrize("version", [{"version": "15.0"}, {"version": None}, {}, []])
def test_an_unknown_odoo_version_is_refused(version: Any, odoo: OdooDouble, caller: Callable[..., Rpc]) -> None:
    odoo.version = Answer(version)
    with pytest.raises(errors.FixConfiguration):
        caller().call("sale.order", "search", domain=[])


def test_no_secret_is_in_texts_or_logs(
    odoo: OdooDouble, caller: Callable[..., Rpc], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    odoo.answers = [Answer(silent=True)]
    client = caller(attempts=1)
    with pytest.raises(errors.MagodooError) as caught:
        client.call("sale.order", "search", domain=[])
    said = [repr(client), repr(client.connection), str(caught.value), repr(caught.value), caplog.text]
    assert not any(KEY in text for text in said)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "changes",
    [
        {"url": ""},
        {"url": "shop.example"},
        {"url": "ftp://shop.example"},
        {"url": "https://user:password@shop.example"},
        {"database": ""},
        {"api_key": "with\nnewline"},
        {"company_id": "first"},
        {"company_id": "0"},
    ],
)
def test_a_connection_that_cannot_work_is_refused_without_its_values(changes: dict[str, str]) -> None:
    values = {"url": "https://shop.example/", "database": "shop", "api_key": KEY, "company_id": "1", **changes}
    with pytest.raises(errors.BadSettings) as caught:
        OdooConnection.from_mapping(values)
    assert KEY not in str(caught.value)
    assert "password@" not in str(caught.value)


def test_renamed_fields_are_in_one_table() -> None:
    assert name_of(Version(18), "sale.order.line", "tax_ids") == "tax_id"
    assert name_of(Version(19), "sale.order.line", "tax_ids") == "tax_ids"
    assert name_of(Version(16), "stock.move", "quantity") == "quantity_done"
    assert name_of(Version(16), "stock.move", "picked") is None
    assert name_of(Version(16), "sale.order", "name") == "name"
    assert method_of(Version(17), "account.move", "has_access") == "check_access_rights"
    assert method_of(Version(18), "account.move", "has_access") == "has_access"
    assert Version.parsed("saas~18.2") == Version(18, 2)


@given(st.text(max_size=80), st.text(max_size=200), st.booleans())
def test_any_error_body_raises_an_error_of_ours(name: str, message: str, write: bool) -> None:
    assert isinstance(refusal(name, message, call="x.y", write=write), errors.MagodooError)


@pytest.mark.parametrize(
    "message",
    [
        "Oh-oh! Es sieht so aus, als wären Sie über einige streng geheime Datensätze gestolpert.\n\nEs tut uns leid, sync (id=5) hat keinen"
        " „lesen“-Zugriff auf:\n- Verkaufsauftrag (sale.order)",
        "Uh-oh! Looks like you have stumbled upon some top-secret records.\n\nSorry, sync (id=5) doesn't have 'read' access to:\n- X (x.y)",
        "Due to security restrictions, you are not allowed to access 'Sales Order' (sale.order) records.",
    ],
)
def test_a_record_rule_s_refusal_is_recognised_by_the_user_it_names_and_not_by_its_text(message: str) -> None:
    assert type(refusal("odoo.exceptions.AccessError", message, call="x.y", write=False)) is errors.UnreadableRecord


@pytest.mark.parametrize(
    "message",
    [
        "Sie dürfen nicht auf 'Datensatzregel' (ir.rule) Datensätze zugreifen.\n\nDieser Vorgang ist für folgende Gruppen erlaubt:\n\t- Zugriffsrechte",
        "You are not allowed to access 'Record Rule' (ir.rule) records.",
    ],
)
def test_missing_access_to_a_model_is_no_record_rule_in_any_language(message: str) -> None:
    assert type(refusal("odoo.exceptions.AccessError", message, call="x.y", write=False)) is errors.Forbidden


@pytest.mark.parametrize(
    "name", ["psycopg2.OperationalError", "psycopg2.errors.AdminShutdown", "psycopg2.InterfaceError"]
)
def test_a_connection_that_broke_in_a_write_is_uncertain_in_any_language(name: str) -> None:
    message = "FATAL:  breche Verbindung ab aufgrund von Anweisung des Administrators"
    assert type(refusal(name, message, call="x.y", write=True)) is errors.OutcomeUnknown
    assert type(refusal(name, message, call="x.y", write=False)) is errors.Unavailable
