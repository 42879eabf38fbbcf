"""A seeded shop and its Odoo, served over HTTP, with a staging database: the whole engine without Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from permit import permit
from sqlalchemy import Engine

from magodoo.connectors.magento.client import MagentoClient
from magodoo.connectors.magento.connection import MagentoConnection
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.context import Context
from magodoo.pipeline import extract, load, quality, reconcile
from magodoo.settings import Instance, Settings, read_settings
from magodoo.staging import connect
from magodoo_sandbox import magento, odoo
from magodoo_sandbox.seed import write
from magodoo_sandbox.seed.manifest import Manifest


@dataclass
class Pair:
    """Both sandboxes, the settings, and the stories run in order."""

    shop: magento.RunningSandbox
    books: odoo.RunningSandbox
    engine: Engine
    settings: Settings
    manifest: Manifest
    runs: int = 0

    @property
    def instance(self) -> Instance:
        return next(iter(self.settings.instances.values()))

    def context(self) -> Context:
        return Context(
            settings=self.settings,
            instance=self.instance,
            engine=self.engine,
            magento_client=MagentoClient(
                MagentoConnection.from_mapping({"base_url": self.shop.url, "token": self.shop.token})
            ),
            odoo_client=OdooClient.connect(
                OdooConnection.from_mapping(
                    {"url": self.books.url, "database": "odoo", "api_key": "sync-key", "company_id": 1, "login": "sync"}
                ),
                number_fields=self.instance.odoo.reference_fields,
                delivery_key=self.instance.odoo.delivery_key_field,
            ),
            dag_run=f"test__{self.runs}",
            now=lambda: datetime.now(UTC),
        )

    def apply(self) -> None:
        """Settings as they are, but every kind in `apply`."""
        name = self.instance.id
        applying = self.instance.model_copy(update={"mode": type(self.instance.mode)(default="apply")})
        self.settings = self.settings.model_copy(update={"instances": {name: applying}})

    def look(self) -> dict[str, object]:
        """Extract both sides and reconcile what is due."""
        self.runs += 1
        context = self.context()
        return {
            "magento": extract.run(context, "magento", None),
            "odoo": extract.run(context, "odoo", None),
            "reconcile": reconcile.run(context),
        }

    def chain(self) -> dict[str, object]:
        """One whole round."""
        counts = self.look()
        context = self.context()
        permit(self.engine, self.instance)
        counts["quality"] = quality.run(context)
        counts["load"] = load.run(context)
        return counts


@contextmanager
def seeded_pair(directory: Path, staging_url: str, *, orders: int = 40, seed: int = 7) -> Iterator[Pair]:
    """A pair as the demo starts it, smaller."""
    manifest = write(
        directory / "seen", directory / "hidden", orders=orders, seed=seed, sync_key="sync-key", admin_key="admin-key"
    )
    shop = magento.MagentoShop.load(directory / "seen" / "magento.json")
    books = odoo.OdooDatabase.load_file(directory / "seen" / "odoo.json")
    engine = connect(staging_url)
    try:
        with magento.RunningSandbox(shop) as shop_server, odoo.RunningSandbox(books) as books_server:
            yield Pair(shop_server, books_server, engine, read_settings(directory / "seen" / "magodoo.yaml"), manifest)
    finally:
        engine.dispose()
