"""What the sandbox Odoo is held to, the real one is held to as well: a difference between them fails here.

Two ways: the recorded exchanges that need little state are sent to the real server, and the same shop is entered into the
books of both, which must then be equal field by field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import requests
from odoo_shop import Shop
from reviewed import FOLDER, differences, is_reviewed, told
from sandbox_backend import LIVE, SandboxBackend
from sandbox_odoo_replay import RECORDINGS, compare

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.record_kinds import READINGS
from magodoo.connectors.odoo.versions import Version
from magodoo_devstack.live_odoo import LiveOdoo
from magodoo_devstack.odoo_package import TESTED_BUILD
from magodoo_sandbox.odoo import OdooDatabase
from magodoo_sandbox.odoo.transport import parse
from magodoo_sandbox.seed.manifest import Manifest
from magodoo_sandbox.seed.write import fill

USERS = {"sync": "sync", "admin": "admin", "limited": "own_documents"}
EXACT = (
    "200_err_bad_key", "201_err_no_auth", "202_err_wrong_scheme", "203_err_password_as_key", "204_err_unknown_db",
    "206_err_unknown_model", "207_err_unknown_method", "208_err_private_method", "209_err_get_verb",
    "210_err_bad_path", "211_err_malformed_json", "212_err_json_array_body", "213_err_wrong_content_type",
    "214_no_body", "215_err_missing_argument", "216_err_unknown_kwarg", "217_err_ids_on_api_model",
    "218_err_positional_args_key", "219_err_unknown_field_read", "220_err_unknown_field_search_read",
    "221_err_unknown_field_domain", "222_err_unknown_field_write", "224_err_bad_domain",
    "225_err_missing_record_read", "226_err_missing_record_write", "227_err_access_model", "228_err_access_write",
    "229_err_access_field_group", "230_record_rule_own_orders", "232_err_required_field", "235_err_wrong_type_float",
    "236_err_bad_selection", "237_err_fk_missing", "238_err_iso_datetime_T", "244_ids_empty_read",
    "248_context_unknown_lang", "249_err_action_returns_none", "250_err_singleton", "258_fields_get_account_move",
    "262_export_data", "264_search_fetch_recordset", "265_exists", "266_default_get", "267_check_access",
    "400_jsonrpc_common_version", "401_jsonrpc_authenticate_api_key", "402_jsonrpc_authenticate_password",
    "403_jsonrpc_authenticate_bad", "407_jsonrpc_err_bad_key", "408_jsonrpc_err_unknown_model",
    "409_jsonrpc_err_unknown_method", "410_jsonrpc_err_private", "411_jsonrpc_err_access",
    "412_jsonrpc_err_user_error", "413_jsonrpc_err_validation", "414_jsonrpc_err_missing_arg",
    "417_jsonrpc_none_result", "418_jsonrpc_malformed", "463_jsonrpc_cooldown_after_bad_logins",
    "464_authenticate_after_60_failures",
)  # fmt: skip
SHAPED = (
    "239_iso_datetime_plain", "240_domain_microseconds", "246_err_context_not_object", "247_context_lang_tz",
    "251_name_search", "252_search_count_limit", "253_read_load_false", "254_search_read_load_none",
    "255_web_search_read", "256_formatted_read_group", "260_or_domain_keyset", "261_search_active_test",
    "404_jsonrpc_search_read", "416_jsonrpc_context", "472_account_move_line_search_read",
    "473_account_move_incremental", "476_delivery_carrier", "477_product_product", "478_account_tax",
    "480_read_group_count_by_state",
)  # fmt: skip
AUTHORIZATION = {
    "200_err_bad_key": "bearer wrong", "201_err_no_auth": "", "202_err_wrong_scheme": "basic c3luYw==",
    "203_err_password_as_key": "bearer password",
}  # fmt: skip
USER = {
    "227_err_access_model": "limited",
    "230_record_rule_own_orders": "limited",
    "235_err_wrong_type_float": "admin",
}


# Recorded exchanges


@pytest.fixture(scope="module")
def server(odoo: LiveOdoo) -> Iterator[str]:
    """A database with two orders and their invoices: enough for the exchanges that read something."""
    database = odoo.clone()
    with (
        OdooClient.connect(odoo.connection("sync", database)) as sync,
        OdooClient.connect(odoo.connection("admin", database)) as admin,
    ):
        shop = Shop.stocked(sync, admin)
        for number in (1, 2):
            shop.confirmed_order(number)
            shop.posted_invoice(number, number)
    yield database
    odoo.drop(database)


@LIVE
@pytest.mark.parametrize("name", [*EXACT, *SHAPED])
def test_the_real_server_answers_as_recorded(
    odoo: LiveOdoo, server: str, name: str, replayed: Callable[[str, int], None]
) -> None:
    replayed(f"Odoo {odoo.build}", 1)
    recording = parse((RECORDINGS / "lab" / f"{name}.json").read_bytes())
    if not odoo.build.startswith("19."):
        pytest.skip(f"the exchanges were recorded on Odoo 19, and this is {odoo.build}")
    answer, expected = send(odoo, server, recording["request"], name), recording["response"]
    found = [] if answer.status_code == expected["status"] else [f"status: {answer.status_code}"]
    kind = answer.headers.get("Content-Type", "").split(";")[0]
    if kind != expected["content_type"].split(";")[0]:
        found.append(f"content type: {kind}")
    elif "json" in expected:
        found += compare(expected["json"], parse(answer.content), {"debug"}, name in SHAPED)
    elif expected.get("text"):
        found += [] if answer.text == expected["text"] else [f"text: {answer.text!r}"]
    known = differences(odoo.build).get(name, {})
    assert [line for line in found if not any(line.startswith(path) for path in known)] == [], told(odoo.build)


def send(odoo: LiveOdoo, database: str, request: dict[str, Any], name: str) -> requests.Response:
    """The recorded request with this server's keys, database and user id."""
    keys = {login: odoo.access.keys[user] for login, user in USERS.items()}
    headers = dict(request["headers"])
    if headers.get("X-Odoo-Database") == "odoo":
        headers["X-Odoo-Database"] = database
    authorization = AUTHORIZATION.get(name, f"bearer {keys[USER.get(name, 'sync')]}")
    if "/json/2" in request["path"] and authorization:
        headers["Authorization"] = authorization
    body = request["body"]
    if isinstance(body, dict) and "<raw>" in body:
        body = body["<raw>"]
    elif isinstance(body, dict | list):
        if request["path"] == "/jsonrpc":
            arguments = body["params"]["args"]
            if arguments and arguments[0] == "odoo":
                arguments[0] = database
            if body["params"]["service"] == "object":
                arguments[1] = uid(odoo, database)
        body = json.dumps(body, default=float)
        for login, key in keys.items():
            body = body.replace(f"<API_KEY:{login}>", key).replace(f"<PASSWORD:{login}>", key)
    data = None if body is None else body.encode()
    return requests.request(request["method"], odoo.url + request["path"], headers=headers, data=data, timeout=60)


def uid(odoo: LiveOdoo, database: str) -> int:
    with OdooClient.connect(odoo.connection("sync", database)) as client:
        return int(client.rpc.call("res.users", "context_get")["uid"])


# Equal books

UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
ORDERS = 20


@dataclass
class Entered:
    """The rows of one system by kind and number, and what was planted in them."""

    rows: dict[str, dict[str, Any]]
    manifest: Manifest


@pytest.fixture(scope="module")
def in_odoo(odoo: LiveOdoo) -> Iterator[Entered]:
    database = odoo.clone()
    with odoo.past(database) as past:
        _, manifest = fill(past, past.clock, orders=ORDERS, seed=5, until=UNTIL)
    with OdooClient.connect(odoo.connection("sync", database)) as client:
        yield Entered(rows_of(client), manifest)
    odoo.drop(database)


@pytest.fixture(scope="module")
def in_sandbox(odoo: LiveOdoo) -> Iterator[Entered]:
    """The same in a sandbox of the live server's version."""
    with SandboxBackend() as sandbox:
        database: OdooDatabase = sandbox.inside(sandbox.database)
        database.series = Version.parsed(odoo.build).major

        def clock(moment: datetime) -> None:
            database.now = moment

        _, manifest = fill(database, clock, orders=ORDERS, seed=5, until=UNTIL)
        with OdooClient.connect(sandbox.connection("sync")) as client:
            yield Entered(rows_of(client), manifest)


@LIVE
def test_the_same_findings_are_planted_in_the_sandbox_and_in_odoo(in_odoo: Entered, in_sandbox: Entered) -> None:
    assert in_odoo.manifest == in_sandbox.manifest


@LIVE
@pytest.mark.parametrize("kind", list(READINGS))
def test_the_same_shop_gives_equal_documents_in_the_sandbox_and_in_odoo(
    odoo: LiveOdoo, in_odoo: Entered, in_sandbox: Entered, kind: str
) -> None:
    real, sandbox = in_odoo.rows[kind], in_sandbox.rows[kind]
    assert sorted(real) == sorted(sandbox)
    assert real
    differing: dict[str, str] = {}
    for number, row in real.items():
        for path, values in unequal(row, sandbox[number], ""):
            differing.setdefault(
                path, f"{number} {row.get('ref') or row.get('client_order_ref') or row.get('state')}: {values}"
            )
    known = differences(odoo.build).get(kind, {})
    unknown = [f"{path}: {values}" for path, values in differing.items() if path not in known]
    assert not unknown, f"{told(odoo.build)}\n" + "\n".join(unknown)
    assert sorted(set(known) - set(differing)) == [], "reviewed, and equal by now"


def rows_of(client: OdooClient) -> dict[str, dict[str, Any]]:
    """Rows by kind and by what people call them; a draft has no number, but the reference that we gave it."""
    return {
        kind: {
            str(row["name"] or row.get("ref")): row
            for page in client.documents.changed(kind, datetime(2020, 1, 1, tzinfo=UTC))
            for row in page.rows
        }
        for kind in READINGS
    }


def unequal(real: Any, sandbox: Any, path: str) -> Iterator[tuple[str, str]]:
    """(path of the field, both values); a record's id is a matter of each database."""
    if isinstance(real, dict) and isinstance(sandbox, dict):
        for name in sorted({*real, *sandbox} - {"id"}):
            yield from unequal(real.get(name, "-"), sandbox.get(name, "-"), f"{path}.{name}".lstrip("."))
    elif isinstance(real, list) and isinstance(sandbox, list) and len(real) == len(sandbox):
        for one, other in zip(real, sandbox, strict=True):
            yield from unequal(one, other, path)
    elif is_id(real) and is_id(sandbox) and path.rpartition(".")[2] in IDS:
        return
    elif isinstance(real, Decimal) and isinstance(sandbox, Decimal):
        if abs(real - sandbox) > Decimal("0.000001"):  # price_tax is a float that nobody rounds
            yield path, f"Odoo {real}, sandbox {sandbox}"
    elif isinstance(real, str) and isinstance(sandbox, str) and DRAWN.sub("", real) == DRAWN.sub("", sandbox):
        return
    elif real != sandbox:
        yield path, f"Odoo {real!r}, sandbox {sandbox!r}"


DRAWN = re.compile("CAP-[0-9a-f]+")
"""The transaction that the provider of each shop drew: a payment's memo, and part of its entry's name."""
IDS = {"invoice_ids", "picking_ids", "reversal_move_ids", "order_id", "origin_returned_move_id"}


def is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# Builds


def test_another_build_is_reported_and_compared_with_the_reviewed_differences() -> None:
    assert is_reviewed(TESTED_BUILD) and not is_reviewed("19.0.0+dfsg-99")
    assert "another build than the reviewed" in told("19.0.0+dfsg-99")
    assert differences("19.0.0+dfsg-99") == differences(TESTED_BUILD)


def test_every_reviewed_difference_has_its_reason() -> None:
    for file in FOLDER.glob("*.yaml"):
        for where, paths in differences(file.stem).items():
            assert where in (*READINGS, *EXACT, *SHAPED)
            assert all(isinstance(why, str) and why for why in paths.values())
