"""Writes the seed: the states of both sandboxes, the settings of the pipeline, the manifest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from magodoo_sandbox.odoo.database import OdooDatabase
from magodoo_sandbox.seed.books import Books
from magodoo_sandbox.seed.desk import Rpc
from magodoo_sandbox.seed.manifest import Manifest
from magodoo_sandbox.seed.ordinary import Ordinary
from magodoo_sandbox.seed.plants import EXCLUDED_EMAIL, PLANTS, Garden
from magodoo_sandbox.seed.shop import DAYS, Shop

INSTANCE = "us"
BOOKS_FROM_DAYS = 25  # before the end of the seed: everything earlier is of before the cut-over
CLOSED_DAYS = 24  # what is older than this is in a closed period


def write(
    directory: Path,
    hidden: Path,
    *,
    orders: int = 300,
    seed: int = 7,
    now: datetime | None = None,
    sync_key: str = "",
    admin_key: str = "",
) -> Manifest:
    """Write `magento.json`, `odoo.json`, `magodoo.yaml` into `directory`, `manifest.json` into `hidden`; returns the manifest.

    The same `orders`, `seed` and `now` give the same data. `now` is the end of the 30 days (aware UTC; default: the last full hour).
    """
    database = OdooDatabase()
    database.provision(sync_key=sync_key, admin_key=admin_key)

    def clock(moment: datetime) -> None:
        database.now = moment

    manifest = write_with(database, clock, directory, hidden, orders=orders, seed=seed, now=now)
    database.now = None
    database.save_file(directory / "odoo.json")
    return manifest


def write_with(
    rpc: Rpc,
    clock: Callable[[datetime], None],
    directory: Path,
    hidden: Path,
    *,
    orders: int = 300,
    seed: int = 7,
    now: datetime | None = None,
) -> Manifest:
    """As `write`, with the documents entered into any provisioned Odoo through `rpc`; `clock` sets that Odoo's time."""
    until = (now or datetime.now(UTC)).replace(minute=0, second=0, microsecond=0)
    shop, manifest = fill(rpc, lambda moment: clock(min(moment, until)), orders=orders, seed=seed, until=until)
    directory.mkdir(parents=True, exist_ok=True)
    hidden.mkdir(parents=True, exist_ok=True)
    shop.magento.now = None
    shop.magento.dump(directory / "magento.json")
    manifest.save(hidden / "manifest.json")
    text = yaml.safe_dump(demo_settings(until), sort_keys=False, allow_unicode=True)
    (directory / "magodoo.yaml").write_text(text, encoding="utf-8")
    return manifest


def fill(
    rpc: Rpc, clock: Callable[[datetime], None], *, orders: int, seed: int, until: datetime
) -> tuple[Shop, Manifest]:
    """Fill a new Magento and, through `rpc`, a provisioned Odoo. `clock` sets Odoo's clock where it can be set."""
    shop, manifest = Shop(seed, until), Manifest()
    books = Books(rpc, shop, INSTANCE)
    books.provision(_products(shop))
    shop.magento.add_product("SKU-NEW", name="A product that Odoo lacks", price=Decimal("11.11"))
    ordinary = Ordinary(shop, books, manifest, clock, until - timedelta(days=BOOKS_FROM_DAYS))
    _ordinary_days(shop, ordinary, orders, until)
    garden = Garden(shop, books, manifest, ordinary, clock, until)
    for plant in PLANTS:
        plant(garden)
    clock(until)
    closed_until = (until - timedelta(days=CLOSED_DAYS)).date()
    rpc.call("res.company", "write", [1], vals={"sale_lock_date": f"{closed_until}"})
    return shop, manifest


def _ordinary_days(shop: Shop, ordinary: Ordinary, orders: int, until: datetime) -> None:
    """A tenth of the orders before the cut-over, entered by hand; then 60 % in both, 25 % missing in Odoo, the rest further advanced in Odoo."""
    early = orders // 10
    for number in range(early):
        at = until - timedelta(days=DAYS - 4.5 * number / early)
        history = ordinary.order(at)
        if number % 5:
            ordinary.enter(history, linked=False)
        else:
            ordinary.note_missing(history)
    for number in range(orders - early):
        at = until - timedelta(days=(CLOSED_DAYS - 1.2) * (1 - number / (orders - early)) + 0.2)
        share = number % 20
        if share >= 17:
            ordinary.odoo_ahead(at)
            continue
        history = ordinary.order(at)
        if share < 12:
            ordinary.enter(history)
        else:
            ordinary.note_missing(history)


def _products(shop: Shop) -> dict[str, tuple[str, Decimal, bool]]:
    """Return what Odoo sells: (name, price, storable) by SKU. A configurable is its child, a dynamic bundle is its children."""
    goods = {
        product["sku"]: (product["name"], Decimal(str(product["price"])), product["type_id"] != "virtual")
        for product in shop.magento.tables.products
        if product["type_id"] in ("simple", "virtual") or (product["type_id"] == "bundle" and not product["_dynamic"])
    }
    return goods | {"FEE": ("Fee", Decimal(0), False)}


def demo_settings(until: datetime) -> dict[str, Any]:
    """Return the content of the demo's settings file: one instance, `observe`, limits that nothing reaches."""
    cut_over = (until - timedelta(days=BOOKS_FROM_DAYS)).replace(tzinfo=None)
    return {
        "instances": {
            INSTANCE: {
                "title": "Demo shop",
                "magento_connection": "magento_demo",
                "odoo_connection": "odoo_demo",
                "time_zone": "UTC",
                "books_from": cut_over.isoformat(sep=" "),
                "mode": {"default": "observe"},
                "separate_duties": False,
                "payment_methods": {
                    "card": {"captured_by_provider": True, "journal": "CARD", "authorises": True},
                    "banktransfer": {},
                    "checkmo": {},
                    "cashondelivery": {"import_states": ["new", "processing", "complete", "closed"]},
                },
                "taxes": [
                    {"rate": "8.25", "odoo_tax": "US 8.25%", "country": "US"},
                    {"rate": "19", "odoo_tax": "DE 19%", "country": "DE"},
                    {"rate": "0", "odoo_tax": "0% Exempt", "country": "US"},
                    {"rate": "0", "odoo_tax": "0% Exempt", "country": "DE"},
                ],
                "odoo": {"pricelists": {"USD": "Magento USD", "EUR": "Magento EUR"}},
                "company_rate": "magento",
                "adjustment_tax": "none",
                "exclude": {"email_patterns": [EXCLUDED_EMAIL]},
                "limits": {
                    "changes_per_run": 100000, "changes_per_day": 100000, "document_amount": "100000", "run_amount": "10000000",
                    "refund_amount": "100000", "first_writes": 0,
                },
                "recipients": {"accounting": ["accounting@example.com"], "warehouse": ["warehouse@example.com"], "it": ["it@example.com"]},
            }
        }
    }  # fmt: skip
