"""The sandbox Odoo with the face of `LiveOdoo`."""

from __future__ import annotations

import itertools
from typing import Self

import pytest

from magodoo.connectors.odoo.connection import OdooConnection
from magodoo_devstack.odoo_provision import Access
from magodoo_sandbox.odoo import OdooDatabase, RunningSandbox

LIVE = pytest.mark.parametrize("odoo", [pytest.param("live", marks=pytest.mark.odoo)], indirect=True)
"""For what only a real server can show."""


class SandboxBackend:
    """Each database is a server of its own, of one version; users are `sync` and `admin`, with both companies."""

    def __init__(self, series: int = 19) -> None:
        self.series = series
        self.access = Access({"sync": "sync-key", "sync_both": "sync-key", "admin": "admin-key"}, [1, 2])
        self._running: dict[str, RunningSandbox] = {}
        self._numbers = itertools.count(1)
        self.database = ""

    def __enter__(self) -> Self:
        self.database = self.clone()
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._running):
            self.drop(name)

    @property
    def sync_key(self) -> str:
        return self.access.keys["sync"]

    def clone(self) -> str:
        name = f"sandbox_{next(self._numbers)}"
        database = OdooDatabase(name)
        database.provision(sync_key=self.access.keys["sync"], admin_key=self.access.keys["admin"])
        database.series = self.series
        self._running[name] = RunningSandbox(database).start()
        return name

    def inside(self, name: str) -> OdooDatabase:
        """A database itself, for what no call can do."""
        return self._running[name].db

    def drop(self, name: str) -> None:
        self._running.pop(name).stop()

    def connection(self, user: str = "sync", database: str = "", company: int = 0) -> OdooConnection:
        name = database or self.database
        login = "sync" if user == "sync_both" else user
        return OdooConnection(self._running[name].url, name, self.access.keys[user], company or 1, login)
