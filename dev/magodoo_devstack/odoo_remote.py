"""An Odoo that somebody else runs: the live suite is run on copies of one of its databases.

    make test-odoo ODOO_URL=https://odoo.example.com ODOO_DB=magodoo_test ODOO_KEY=... [ODOO_ADMIN_KEY=...] [ODOO_MASTER_PASSWORD=...]

The named database is only read. With the master password Odoo's own database manager copies it for each test and drops the copy;
without it, or without an administrator's key, the tests that need them are skipped with that reason.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.transport import JsonRpc, open_session
from magodoo.connectors.odoo.versions import Version
from magodoo.errors import FixConfiguration
from magodoo_devstack.odoo_past import OdooPast
from magodoo_devstack.odoo_provision import Access

NAMES = ("ODOO_URL", "ODOO_DB", "ODOO_KEY")
LOGINS = {"sync": ("ODOO_LOGIN", "sync"), "admin": ("ODOO_ADMIN_LOGIN", "admin")}
COPYING = 600.0
"""Seconds that a copy of a database may take."""


class NotThere(Exception):
    """A server that somebody else runs does not provide what a test needs; the message has the cause. The test is skipped."""


@dataclass
class RemoteOdoo:
    """As `LiveOdoo`, as far as the API and the database manager reach."""

    url: str
    database: str
    access: Access
    logins: Mapping[str, str] = field(repr=False)
    master_password: str = field(default="", repr=False)
    build: str = ""
    _made: list[str] = field(default_factory=list, repr=False)

    @property
    def sync_key(self) -> str:
        """The key of the restricted user that the pipeline works as."""
        return self.access.keys["sync"]

    def connection(self, user: str = "sync", database: str = "", company: int = 0) -> OdooConnection:
        """Return a connection as `sync` or `admin`.

        Raises:
            NotThere: no key of that user was given.
        """
        if user not in self.access.keys:
            raise NotThere(f"no key of a user {user!r} was given for {self.url}")
        return OdooConnection(
            url=self.url,
            database=database or self.database,
            api_key=self.access.keys[user],
            company_id=company or self.access.companies[0],
            login=self.logins[user],
        )

    def clone(self) -> str:
        """Return the name of a new copy of the database, made by Odoo's database manager, with an identity of its own.

        Raises:
            NotThere: the master password was not given.
        """
        if not self.master_password:
            raise NotThere(f"a copy of {self.database} is needed, and ODOO_MASTER_PASSWORD was not given")
        name = f"magodoo_{uuid.uuid4().hex[:12]}"
        self._made.append(name)
        self._manage("duplicate_database", self.database, name)
        return name

    def drop(self, database: str) -> None:
        """Drop a copy that `clone` made; never another database."""
        if database not in self._made:
            raise ValueError(f"{database!r} is no copy of ours")
        self._manage("drop", database)
        self._made.remove(database)

    def drop_all(self) -> None:
        for database in list(self._made):
            self.drop(database)

    def install(self, database: str, *modules: str) -> None:
        """More of Odoo's modules into a copy, as its administrator does."""
        with OdooClient.connect(self.connection("admin", database)) as admin:
            ids = admin.rpc.call("ir.module.module", "search", domain=[["name", "in", modules]])
            if len(ids) < len(modules):
                raise NotThere(f"{self.url} has not all of the modules {', '.join(modules)}")
            admin.rpc.write_call("ir.module.module", "button_immediate_install", ids=ids)

    def past(self, database: str) -> OdooPast:
        self._lacks("what happened in the past is entered inside Odoo's own Python")

    def sql(self, database: str, statement: str, *values: object) -> list[tuple[object, ...]]:
        self._lacks("the database itself is written to")

    def _lacks(self, why: str) -> NoReturn:
        raise NotThere(f"{why}, which only an Odoo on this machine allows (ODOO_HOME)")

    def _manage(self, method: str, *arguments: str) -> Any:
        connection = OdooConnection(
            self.url, self.database, self.sync_key, self.access.companies[0], attempts=1, write_timeout=COPYING
        )
        manager = JsonRpc(open_session(connection), connection, Version(0))
        return manager.service("db", method, [self.master_password, *arguments], f"db.{method}", write=True)


@contextmanager
def remote_odoo(environ: Mapping[str, str] = os.environ) -> Iterator[RemoteOdoo]:
    """Yield the server that the environment names; at the end our copies of its database are gone.

    Raises:
        FixConfiguration: one of ODOO_URL, ODOO_DB and ODOO_KEY is missing.
        MagodooError: it does not answer, or the key is wrong.
    """
    missing = [name for name in NAMES if not environ.get(name)]
    if missing:
        raise FixConfiguration(f"{' and '.join(missing)} must be given besides", hint="see docs/live-systems.md")
    keys = {"sync": environ["ODOO_KEY"], "admin": environ.get("ODOO_ADMIN_KEY", "")}
    companies = [int(each) for each in environ.get("ODOO_COMPANIES", "1").split(",")]
    odoo = RemoteOdoo(
        environ["ODOO_URL"].rstrip("/"),
        environ["ODOO_DB"],
        Access({user: key for user, key in keys.items() if key}, companies),
        {user: environ.get(name, usual) for user, (name, usual) in LOGINS.items()},
        environ.get("ODOO_MASTER_PASSWORD", ""),
    )
    with OdooClient.connect(odoo.connection()) as client:
        odoo.build = str(client.rpc.version)
    try:
        yield odoo
    finally:
        odoo.drop_all()
