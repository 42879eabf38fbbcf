"""The shop's sandbox with a live Odoo 19 in the place of the sandbox Odoo: the stories of the rules are told over both."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import shop_and_books
from live_administrator import Administrator
from shop_and_books import ShopAndBooks

from magodoo.odoo.client import OdooClient
from magodoo.odoo.connection import OdooConnection
from magodoo.sandbox.magento import RunningSandbox as RunningMagento
from magodoo.sandbox.seed.books import Books
from magodoo.stack.live_odoo import LiveOdoo


class ShopAndLiveBooks(ShopAndBooks):
    """As ShopAndBooks. Odoo's clock cannot be set: what happens there, happens today."""

    def __init__(self, live: LiveOdoo, database: str, *others: Any) -> None:
        super().__init__(*others)
        self.live, self.database = live, database

    def books_connection(self) -> OdooConnection:
        return self.live.connection("sync", self.database)

    def writes(self) -> list[str]:
        """Those of Magento; what was written to Odoo stands in the ledger of changes."""
        return [entry["path"] for entry in self.magento.app.log if entry["method"] != "GET"]


class _NoClock:
    """In the place of the sandbox whose time `at` sets."""

    def __init__(self) -> None:
        self.db = self
        self.now: Any = None


@contextmanager
def shop_and_live_books(live: LiveOdoo, staging_url: str, docs: Path) -> Iterator[ShopAndLiveBooks]:
    """A pair of its own with a fresh database of the live Odoo, provisioned as the sandbox's is."""
    template = shop_and_books._template()
    shop = copy.copy(template[0])
    shop.magento = template[0].magento.copy()
    database = live.clone()
    with OdooClient(live.connection("admin", database)) as admin:
        books = Books(Administrator(admin), shop, "us")
        books.provision(shop_and_books.goods(shop))
        with pytest.MonkeyPatch.context() as patch, RunningMagento(shop.magento) as magento:
            patch.setenv("MAGODOO_DATA_DOCS", str(docs))
            pair = ShopAndLiveBooks(live, database, shop, books, magento, _NoClock(), staging_url)
            yield pair
            pair.engine.dispose()
    live.drop(database)
