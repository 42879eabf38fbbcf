"""What a campaign runs on: a PostgreSQL that may be restarted, both sandboxes, the settings."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from load_lab import Lab, lab, stocked_shop

from faults.campaign import Campaign
from magodoo import staging
from magodoo.connectors.odoo.client import OdooClient
from magodoo_devstack import ports
from magodoo_devstack.live_odoo import live_odoo
from magodoo_devstack.postgres import Cluster, new_password
from magodoo_sandbox.magento import RunningSandbox as RunningMagento

POLICY = {
    "books_from": "2020-01-01",
    "invoices": {"to_magento": "when_posted"},
    "credit_memos": {"to_magento": "when_paid"},
    "shipments": {"returns": "shipped_items"},
    "lease_seconds": 3600,
    "settle_seconds": 1800,
    "magento_overlap_seconds": 5,
    "odoo_overlap_seconds": 5,
    "payment_methods": {
        "card": {"captured_by_provider": True, "journal": "CARD", "authorises": True},
        "checkmo": {"import_states": ["new", "processing", "complete", "closed"]},
    },
}


@dataclass
class LiveOdooSystem:
    """A live Odoo 19 where the lab has a sandbox: no faults on demand, but real ones when a client gives up on it."""

    url: str
    db: LiveDatabase
    faults: None = None


@dataclass
class LiveDatabase:
    """Calls as an administrator."""

    name: str
    admin: OdooClient

    def call(self, model: str, method: str, ids: Any = None, context: Any = None, **arguments: Any) -> Any:
        return self.admin.rpc.write_call(model, method, ids=ids, context=context, **arguments)


@contextmanager
def live_campaign(checkout: Path) -> Iterator[Campaign]:
    """The same against the live Odoo 19 of this machine (`make odoo`)."""
    with _cluster(checkout) as cluster, live_odoo() as live:
        database = live.clone()
        with OdooClient.connect(live.connection("admin", database)) as admin, RunningMagento(stocked_shop()) as magento:
            system = LiveOdooSystem(live.url, LiveDatabase(database, admin))
            made = Lab(magento, system, cluster.url("staging"), live.sync_key, **POLICY)
            yield Campaign(made, cluster.url("staging"), cluster)
            made.engine.dispose()


@contextmanager
def staged_campaign(checkout: Path, mutation: str = "") -> Iterator[Campaign]:
    """A campaign on a server of its own, which it may stop."""
    with _cluster(checkout) as cluster:
        url = cluster.url("staging")
        with lab(url, **POLICY) as made:
            yield Campaign(made, url, cluster, mutation, wave=5 if mutation else 10)


@contextmanager
def _cluster(checkout: Path) -> Iterator[Cluster]:
    folder = checkout / "var" / "faults" / f"postgres-{os.getpid()}"
    cluster = Cluster(checkout, folder, ports.any_free(), new_password())  # durable: it is killed
    cluster.create()
    cluster.start()
    try:
        cluster.create_database("staging")
        staging.migrate(cluster.url("staging"))
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_name(f"{folder.name}.log").unlink(missing_ok=True)
