"""A live Odoo 19 with a sandbox Magento: prepared databases on demand, filled by the pipeline's own writes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

from bench.contest import CHECKOUT
from bench.databases import Databases

sys.path.insert(0, str(CHECKOUT / "tests" / "support"))

WORKERS = 2
"""Of Odoo, as many as the machine has cores: in production it runs with workers, and threads of one process take turns."""

POLICY: dict[str, Any] = {"settle_seconds": 30, "lease_seconds": 600, "quality": {"volume_share": 0}}


@dataclass
class _Live:
    """What the test harness needs of an Odoo: its address, and calls as an administrator."""

    url: str
    name: str
    admin: Any

    @property
    def db(self) -> _Live:
        return self

    def call(self, model: str, method: str, ids: Any = None, context: Any = None, **arguments: Any) -> Any:
        return self.admin.rpc.write_call(model, method, ids=ids, context=context, **arguments)


class Books:
    """One Odoo and one Magento with orders, each paid by card and invoiced in Magento; `first` are not measured."""

    def __init__(self, odoo: Any, magento: Any, server: Databases, first: list[int]) -> None:
        self.odoo, self.magento, self.server, self.first = odoo, magento, server, first
        self._made: list[str] = []

    def database(self) -> dict[str, str]:
        """Return a new Odoo database with the products, for any calls."""
        while self._made:
            self.odoo.drop(self._made.pop())
        name = self.odoo.clone()
        self._made.append(name)
        from load_lab import Lab

        self._lab = Lab(
            self.magento, _Live(self.odoo.url, name, self._admin(name)), self._staging(), self.odoo.sync_key, **POLICY
        )
        return {"url": self.odoo.url, "database": name, "key": self.odoo.sync_key}

    def released(self) -> dict[str, str]:
        """Return the same, with the changes planned and released, and the first orders written: nothing is left to do but to write the rest."""
        from magodoo.pipeline import extract, load, reconcile
        from magodoo.quality import gate

        found, context = self.database(), self._lab.a_context("bench")
        for side in ("magento", "odoo"):
            extract.run(context, side)
        reconcile.run(context)
        with context.engine.begin() as connection:
            gate.judge(connection, context.instance, ())
        for order in self.first:
            load.run(context, order_keys=[str(order)])
        return {**found, "staging": self._staged, "magento": self.magento.url, "token": self.magento.token}

    def begun(self) -> dict[str, str]:
        """Return the same for a contestant that makes its own calls for the rest."""
        found = self.released()
        return {name: found[name] for name in ("url", "database", "key")}

    def loaded(self) -> dict[str, str]:
        """Return the same, written: an order, an invoice and a payment each."""
        from magodoo.pipeline import load

        found = self.released()
        load.run(self._lab.a_context("bench"))
        return found

    def record(self, file: Path) -> None:
        """Repeat the writes of a load run, as they went out: the batched calls without the protocol around them.

        One after the other: sent again, they have to get the same database ids.
        """
        from magodoo.connectors.odoo.client import OdooClient
        from magodoo.connectors.odoo.transport import Json2
        from magodoo.pipeline import load

        self.released()
        context = self._lab.a_context("bench")
        context.odoo_client = OdooClient.connect(replace(context.odoo.connection, parallel_writes=1))
        calls: list[dict[str, Any]] = []
        send = Json2.call

        def noted(
            transport: Any, model: str, method: str, ids: Any, context: Any, arguments: Any, *, write: bool
        ) -> Any:
            if write:
                body = {**arguments, "context": context, **({} if ids is None else {"ids": ids})}
                calls.append({"model": model, "method": method, "body": body})
            return send(transport, model, method, ids, context, arguments, write=write)

        with mock.patch.object(Json2, "call", noted):
            load.run(context)
        from magodoo.money import dump_json

        file.write_text(json.dumps(json.loads(dump_json(calls))), encoding="utf-8")

    def _admin(self, name: str) -> Any:
        from magodoo.connectors.odoo.client import OdooClient

        return OdooClient.connect(self.odoo.connection("admin", name))

    def _staging(self) -> str:
        self._staged = self.server.staged()
        return self._staged


@contextmanager
def books(orders: int, server: Databases, first: int = 0) -> Iterator[Books]:
    """Yield Books with `orders` orders besides `first`. Provisions the live Odoo, if that was not done (`make odoo`)."""
    from datetime import UTC, datetime, timedelta
    from decimal import Decimal

    from load_lab import stocked_shop

    from magodoo_devstack.live_odoo import live_odoo
    from magodoo_sandbox.magento import Address, Line, RunningSandbox

    shop, placed = stocked_shop(), []
    for number in range(first + orders):
        shop.now = datetime.now(UTC) - timedelta(hours=2)
        lines = [Line(sku, 1 + (number + turn) % 4) for turn, sku in enumerate(("A", "B", "C"))]
        address = Address(email=f"guest{number}@example.com")
        order = shop.place_order(lines, payment="card", shipping_amount=Decimal(5), billing=address)
        shop.authorize(order)
        shop.invoice(order, None)
        placed.append(order)
    shop.now = None
    with live_odoo(workers=WORKERS) as odoo, RunningSandbox(shop) as magento:
        yield Books(odoo, magento, server, placed[:first])
