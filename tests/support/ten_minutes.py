"""`make ten-minutes`: from two keys to a first reconciliation, as a person types it; counts questions, edits and seconds.

A seeded Magento and a fresh Odoo with a chart of accounts, its taxes and the shop's products, and nothing else (`--odoo live`: a real
Odoo 19). What is typed is what README says: commands, answers to what is asked, and a choice for each line that `make init` leaves open;
no other edit. The stack of this checkout is used, so none of one's own may be there. Writes `var/ten-minutes/summary.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.discovery import draft
from magodoo.settings.undecided import OPEN, open_lines
from magodoo_devstack import lifecycle, odoo_provision
from magodoo_devstack.airflow import Api
from magodoo_devstack.layout import Layout
from magodoo_devstack.live_odoo import live_odoo
from magodoo_devstack.state import State
from magodoo_sandbox.magento import RunningSandbox as RunningMagento
from magodoo_sandbox.odoo import OdooDatabase
from magodoo_sandbox.odoo import RunningSandbox as RunningOdoo
from magodoo_sandbox.odoo.installation import install
from magodoo_sandbox.seed.write import fill

CHECKOUT = Path(__file__).resolve().parents[2]
TAXES = (("US 8.25%", "8.25"), ("DE 19%", "19"))
PATIENCE = 1800  # seconds for a run of a DAG


@dataclass
class Story:
    """What a person did and what it took: seconds by command, answers given, lines decided."""

    odoo: str
    seconds: dict[str, float] = field(default_factory=dict)
    questions: int = 0
    edits: int = 0
    open_lines: int = 0
    made: int = 0
    preflight_errors: int = 0
    page: str = ""

    @property
    def total(self) -> float:
        return sum(self.seconds.values())


@dataclass
class Systems:
    magento_url: str
    magento_token: str
    odoo: OdooConnection
    admin: OdooConnection


@contextmanager
def systems(kind: str, orders: int) -> Iterator[Systems]:
    """A shop of so many orders, and an Odoo in which nobody has prepared anything for it."""
    elsewhere = OdooDatabase()
    elsewhere.provision()
    until = datetime.now(UTC)
    seeded, _ = fill(elsewhere, lambda moment: setattr(elsewhere, "now", moment), orders=orders, seed=7, until=until)
    seeded.magento.now = None
    skus = sorted({product["sku"] for product in seeded.magento.tables.products})
    with RunningMagento(seeded.magento) as magento:
        if kind == "live":
            with live_odoo() as odoo:
                database, access = odoo.fresh()
                daily = replace(odoo.connection("sync", database), api_key=access.keys["sync"])
                admin = replace(odoo.connection("admin", database), api_key=access.keys["admin"])
                _as_found(admin, skus)
                yield Systems(magento.url, magento.token, daily, admin)
            return
        fresh = OdooDatabase()
        install(fresh)
        fresh.give_keys(sync="sync-key", admin="admin-key")
        with RunningOdoo(fresh) as running:
            daily = OdooConnection(running.url, "odoo", "sync-key", 1, login="sync")
            admin = replace(daily, api_key="admin-key", login="admin")
            _as_found(admin, skus)
            yield Systems(magento.url, magento.token, daily, admin)


def _as_found(admin: OdooConnection, skus: list[str]) -> None:
    """What a company has of its own: taxes, an active currency, the products that it sells."""
    with OdooClient.connect(admin) as client:
        taxes = [
            {"name": name, "amount": float(rate), "amount_type": "percent", "type_tax_use": "sale",
             "price_include_override": "tax_excluded", "company_id": client.rpc.company_id}
            for name, rate in TAXES
        ]  # fmt: skip
        odoo_provision.create(client, "account.tax", taxes)
        (euro,) = client.rpc.call(
            "res.currency", "search", domain=[["name", "=", "EUR"]], context={"active_test": False}
        )
        client.rpc.write_call("res.currency", "write", ids=[euro], vals={"active": True})
        known = {row["default_code"] for row in client.master_data.products(skus)}
        odoo_provision.make_products(client, [{"default_code": sku, "name": sku} for sku in skus if sku not in known])


class Person:
    """Types commands in this checkout with a settings file of their own."""

    def __init__(self, story: Story, folder: Path) -> None:
        self.story, self.file = story, folder / "magodoo.yaml"
        named = ("AIRFLOW", "_AIRFLOW", "MAGENTO", "ODOO", "MAKE", "MFLAGS", "YES", "INSTANCE")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(named)}
        self.environment["MAGODOO_SETTINGS"] = str(self.file)

    def types(self, command: str, *answers: str, ok: bool = True, **variables: str) -> str:
        """Run a command, give the answers in their order, count both; return what it printed."""
        began = time.monotonic()
        done = subprocess.run(
            ["sh", "-c", command], cwd=CHECKOUT, env=self.environment | variables, input="".join(f"{each}\n" for each in answers),
            text=True, capture_output=True, check=False,
        )  # fmt: skip
        self.story.seconds[command] = round(time.monotonic() - began, 1)
        self.story.questions += len(answers)
        told = done.stdout + done.stderr
        print(f"$ {command}   ({self.story.seconds[command]} s, {len(answers)} answers)\n{told}", flush=True)
        if ok and done.returncode:
            raise SystemExit(f"{command} failed: {done.returncode}")
        return told

    def decides(self) -> None:
        """Decide each open line of the draft: the first candidate, which a person would compare; it is the only edit."""
        text = self.file.read_text(encoding="utf-8")
        left = open_lines(text)
        self.story.open_lines = len(left)
        for number, _ in left:
            text = draft.choose(text, number, text.split("\n")[number - 1].partition(OPEN)[2].split(" | ")[0].strip())
            self.story.edits += 1
        self.file.write_text(text, encoding="utf-8")


def play(kind: str, orders: int, folder: Path) -> Story:
    """Play it and return what it took. Exits where a command fails that README says works."""
    story = Story(kind)
    with systems(kind, orders) as there:
        me = Person(story, folder)
        me.types("make up")
        me.types(
            "make init", "us", there.magento_url, "", there.magento_token, "y", there.odoo.url, there.odoo.database, there.odoo.api_key, "y", "UTC", "",
            ODOO_LOGIN=there.odoo.login,
        )  # fmt: skip
        me.decides()
        me.types("make settings")
        made = me.types("YES=1 make provision", there.admin.api_key, ODOO_ADMIN_LOGIN=there.admin.login)
        story.made = int((re.search(r"(\d+) made, 0 not", made) or [0, -1])[1])
        checked = me.types("make preflight", ok=False)
        story.preflight_errors = len(re.findall(r"^ERROR", checked, re.MULTILINE))
        first_page(story, Layout.here())
    return story


def first_page(story: Story, layout: Layout) -> None:
    """Switch the DAGs of the instance on, as the switches in Airflow do, and wait for the overview with numbers on it."""
    state = State.load(layout.stack / "stack.json")
    assert state is not None
    api, began = lifecycle.api(state), time.monotonic()
    chain = [
        f"{name}__us" for name in ("sales_reconcile", "sales_quality", "sales_load", "magento_extract", "odoo_extract")
    ]
    api.wait_for_dags(set(chain), seconds=PATIENCE)
    for dag in chain:
        api.unpause(dag)
    api.wait("sales_quality__us", seconds=PATIENCE)
    page = _page(api)
    story.seconds["the first reconciliation"] = round(time.monotonic() - began, 1)
    story.page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))[:400]


def _page(api: Api) -> str:
    answer = api.session.get(f"{api.url}/magento/", timeout=60)
    answer.raise_for_status()
    return answer.text


def main() -> int:
    """Exit code 1 unless preflight has no error after provisioning and the first page is there."""
    parser = argparse.ArgumentParser(prog="make ten-minutes", description=__doc__)
    parser.add_argument("--odoo", choices=("sandbox", "live"), default="sandbox")
    parser.add_argument("--orders", type=int, default=100)
    chosen = parser.parse_args()
    layout = Layout.here()
    if (layout.stack / "stack.json").exists():
        print("this checkout has a stack already. Next: make clean, or another checkout", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        try:
            story = play(chosen.odoo, chosen.orders, Path(folder))
        finally:
            subprocess.run(["make", "clean"], cwd=CHECKOUT, env={**os.environ, "YES": "1"}, check=False)
    directory = CHECKOUT / "var" / "ten-minutes"
    directory.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Any] = {**vars(story), "total_seconds": round(story.total, 1)}
    (directory / "summary.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))
    return 0 if story.preflight_errors == 0 and story.made > 0 and story.page else 1


if __name__ == "__main__":
    raise SystemExit(main())
