"""The suite of the live Odoo, run against the sandbox: where the two differ, one of these fails.

The tests are those of tests/odoo; only the server behind the client is another one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "odoo"))

from live_shop import Shop
from test_live_errors import *  # noqa: F403
from test_live_reads import *  # noqa: F403
from test_live_route import *  # noqa: F403

from magodoo.odoo.client import OdooClient
from magodoo.odoo.connection import OdooConnection
from magodoo.sandbox.odoo import OdooDatabase, RunningSandbox
from magodoo.sandbox.odoo.installation import install, install_chart
from magodoo.stack import odoo_provision
from magodoo.stack.odoo_provision import Access

USERS = {"sync_both": [1, 5, 7, 9, 10], "weak": [1], "own_documents": [1, 4]}
TEMPLATE = "template"


class SandboxAsLive:
    """What the live suite asks of its server: databases cloned from a provisioned template, and their connections."""

    def __init__(self) -> None:
        self._running: dict[str, RunningSandbox] = {}
        template = OdooDatabase(TEMPLATE)
        install(template, "My Company")
        second = _add_second_company(template)
        _leave_out_sms(template)
        self.access = Access(_add_users(template, second), [1, second])
        self._serve(template)
        for company in self.access.companies:
            odoo_provision.provision(OdooClient(self.connection("admin", TEMPLATE, company)))
        self._template = json.dumps(template.dump(), default=float)

    @property
    def sync_key(self) -> str:
        return self.access.keys["sync"]

    def running(self, database: str) -> RunningSandbox:
        return self._running[database]

    def clone(self) -> str:
        name = f"{TEMPLATE}_{len(self._running)}"
        database = OdooDatabase(name)
        database.load(json.loads(self._template, parse_float=Decimal))
        self._serve(database)
        return name

    def drop(self, database: str) -> None:
        self._running[database].stop()

    def connection(self, user: str = "sync", database: str = TEMPLATE, company: int = 0) -> OdooConnection:
        url, key = self._running[database].url, self.access.keys[user]
        return OdooConnection(url=url, database=database, api_key=key, company_id=company or 1, login=user)

    def sql(self, database: str, statement: str, expires: datetime) -> None:
        """The one thing that the suite does beside the API: a date of expiry on the keys of sync."""
        assert statement.startswith("UPDATE res_users_apikeys SET expiration_date")
        db = self._running[database].db
        for key in db.tables["res.users.apikeys"].values():
            if key["user_id"] == db.uid_of("sync"):
                key["expiration_date"] = expires.strftime("%Y-%m-%d %H:%M:%S")

    def stop(self) -> None:
        for running in self._running.values():
            running.stop()

    def _serve(self, database: OdooDatabase) -> None:
        self._running[database.name] = RunningSandbox(database).start()


def _add_second_company(db: OdooDatabase) -> int:
    partner = db.call("res.partner", "create", vals_list=[{"name": odoo_provision.SECOND_COMPANY, "is_company": True}])
    facts = {"name": odoo_provision.SECOND_COMPANY, "partner_id": partner[0], "currency_id": 1, "country_id": 233}
    [second] = db.call("res.company", "create", vals_list=[{**facts, "account_fiscal_country_id": 233}])
    db.tables["res.users"][db.uid_of("admin")]["company_ids"] = [1, second]
    install_chart(db.env(), second)
    return int(second)


def _add_users(db: OdooDatabase, second: int) -> dict[str, str]:
    for login, groups in USERS.items():
        [partner] = db.call("res.partner", "create", vals_list=[{"name": login}])
        companies = [1, second] if login == "sync_both" else [1]
        vals = {"login": login, "partner_id": partner, "company_id": 1, "company_ids": companies, "group_ids": groups}
        db.call("res.users", "create", vals_list=[vals])
    keys = {login: f"key-of-{login}" for login in ("sync", "admin", *USERS)}
    db.give_keys(**keys)
    return keys


def _leave_out_sms(db: OdooDatabase) -> None:
    """The live template is installed without stock_sms."""
    for module in db.tables["ir.module.module"].values():
        if module["name"] in ("sms", "stock_sms"):
            module["state"] = "uninstalled"
    db.tables["res.company"][1]["stock_move_sms_validation"] = False


@pytest.fixture(scope="module")
def odoo() -> Iterator[SandboxAsLive]:
    live = SandboxAsLive()
    yield live
    live.stop()


@pytest.fixture
def database(odoo: SandboxAsLive, request: pytest.FixtureRequest) -> Iterator[str]:
    name = odoo.clone()
    database = odoo.running(name).db
    del database.models["res.company"].fields["stock_move_sms_validation"]
    if "times_out" in request.node.name:
        # A live Odoo is slow enough by itself.
        odoo.running(name).faults.add("latency", path="sale.order/load", seconds=1, times=1)
    yield name
    odoo.drop(name)


@pytest.fixture
def connect(odoo: SandboxAsLive, database: str) -> Iterator[Callable[..., OdooClient]]:
    clients: list[OdooClient] = []

    def client(user: str = "sync", company: int = 0) -> OdooClient:
        clients.append(OdooClient(odoo.connection(user, database, company)))
        return clients[-1]

    yield client
    for one in clients:
        one.close()


@pytest.fixture
def client(connect: Callable[..., OdooClient]) -> OdooClient:
    return connect()


@pytest.fixture
def admin(connect: Callable[..., OdooClient]) -> OdooClient:
    return connect("admin")


@pytest.fixture
def shop(client: OdooClient, admin: OdooClient) -> Shop:
    return Shop.stocked(client, admin)
