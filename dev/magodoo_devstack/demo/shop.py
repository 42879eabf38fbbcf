"""The demo's data in both systems: seeded before the start, damaged by hand between two reconcile runs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.errors import FixConfiguration
from magodoo.settings import read_settings
from magodoo_devstack.environment import ODOO_DATABASE
from magodoo_devstack.layout import Layout
from magodoo_devstack.live_odoo import LiveOdoo
from magodoo_devstack.state import State
from magodoo_sandbox.seed import write, write_with
from magodoo_sandbox.seed.manifest import Manifest

MAGENTO_LISTS = {"order": "orders", "invoice": "invoices", "shipment": "shipments", "credit_memo": "creditmemos"}
ODOO_MODELS = {
    "order": "sale.order",
    "invoice": "account.move",
    "shipment": "stock.picking",
    "credit_memo": "account.move",
}


def seed(layout: Layout, state: State, *, orders: int, seed: int) -> Manifest:
    """Write both systems' data and the settings file to `var/demo`; return what the pipeline is to find.

    While the chain runs, the manifest exists in this process only: the pipeline cannot read what is in no file.
    """
    with tempfile.TemporaryDirectory(prefix="magodoo-") as hidden:
        return write(
            layout.demo,
            Path(hidden),
            orders=orders,
            seed=seed,
            sync_key=state.secrets.odoo_key,
            admin_key=state.secrets.odoo_admin_key,
        )


def instances(layout: Layout) -> list[str]:
    """Return the ids of the instances in the settings file."""
    return sorted(read_settings(layout.demo_settings).instances)


def print_address(layout: Layout, state: State) -> None:
    """Write Airflow's port into the settings file, for the links in emails."""
    with _settings(layout) as settings:
        settings["ui_url"] = state.urls["airflow"]


def switch_to_apply(layout: Layout) -> None:
    """Let every instance write what it has only reported so far."""
    with _settings(layout) as settings:
        for instance in settings["instances"].values():
            instance["mode"] = {"default": "apply"}


def seed_live(layout: Layout, state: State, odoo: LiveOdoo, *, orders: int, seed: int) -> Manifest:
    """As `seed`, with a real Odoo: its database is dumped to `var/demo` and restored into the stack's PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="magodoo-") as hidden, odoo.past(odoo.database) as past:
        manifest = write_with(past, past.clock, layout.demo, Path(hidden), orders=orders, seed=seed)
    odoo.dump(odoo.database, layout.odoo_dump)
    state.odoo_build = odoo.build
    state.secrets.odoo_key, state.secrets.odoo_admin_key = odoo.sync_key, odoo.admin_key
    return manifest


@contextmanager
def _settings(layout: Layout) -> Iterator[dict[str, Any]]:
    """Yield the settings file to be changed; it is replaced atomically, so that a task reads either the old or the new one."""
    file = layout.demo_settings
    settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    yield settings
    draft = file.with_suffix(".new")
    draft.write_text(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), encoding="utf-8")
    draft.replace(file)


def delete(state: State, deletions: list[dict[str, Any]]) -> None:
    """Remove documents on one side, without a trace, as a person in the back office might.

    Raises:
        FixConfiguration: a sandbox refused; its message is included.
    """
    for deletion in deletions:
        if deletion["side"] == "magento":
            body = {"kind": MAGENTO_LISTS[deletion["kind"]], "entity_id": deletion["id"]}
        else:
            body = {"model": ODOO_MODELS[deletion["kind"]], "ids": [deletion["id"]]}
        answer = requests.post(
            f"{state.urls[deletion['side']]}/__sandbox__/delete",
            json=body,
            headers={"X-Sandbox-Key": state.secrets.control},
            timeout=30,
        )
        if not answer.ok or not answer.json():
            raise FixConfiguration(f"the {deletion['side']} sandbox did not delete {body}: {answer.text[:300]}")


def books_of(state: State) -> OdooClient:
    """Return a client of the demo's Odoo, sandbox or real, with the key of the restricted user."""
    values = {"url": state.urls["odoo"], "database": ODOO_DATABASE, "login": "sync", "company_id": 1}
    return OdooClient.connect(OdooConnection.from_mapping({**values, "api_key": state.secrets.odoo_key}))


def take_apart(client: OdooClient, invoices: list[int]) -> None:
    """Unmatch the payments of invoices, as an accountant does when a provider charges the money back."""
    domain = [["move_id", "in", invoices], ["display_type", "=", "payment_term"]]
    items = [row["id"] for row in client.rpc.listed("account.move.line", ["id"], domain)]
    client.rpc.call("account.move.line", "remove_move_reconcile", ids=items, retry=False)
