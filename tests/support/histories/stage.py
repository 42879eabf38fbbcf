"""Shops for trials: each fresh, on a PostgreSQL of this process."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from shop_and_books import ShopAndBooks, shop_and_books

from magodoo import staging
from magodoo_devstack import ports
from magodoo_devstack.postgres import Cluster, new_password

FIXED_TAX = {"extra_totals": {"fixed_product_tax": {"nature": "levy", "in_tax_base": False, "product": "FEE"}}}
POLICIES: dict[str, dict[str, Any]] = {
    "usual": {},
    "eager": {
        "invoices": {"to_magento": "when_posted"}, "credit_memos": {"to_magento": "when_paid"}, "shipments": {"returns": "shipped_items"},
    },
    "drafts": {"invoices": {"to_odoo": "draft"}, "credit_memos": {"to_odoo": "draft"}},
    "one way": {
        "invoices": {"to_magento": "off"}, "shipments": {"to_magento": False, "tracking": "to_odoo"}, "orders": {"cancel": False},
    },
}  # fmt: skip


@contextmanager
def stage(checkout: Path) -> Iterator[Callable[[str], AbstractContextManager[ShopAndBooks]]]:
    """A function that gives a fresh shop under a policy."""
    folder = checkout / "var" / "histories" / f"postgres-{os.getpid()}"
    cluster = Cluster(checkout, folder, ports.any_free(), new_password(), durable=False)
    cluster.create()
    cluster.start()
    numbers = itertools.count(1)
    try:
        cluster.create_database("template_staging")
        staging.migrate(cluster.url("template_staging"))

        @contextmanager
        def shop(policy: str) -> Iterator[ShopAndBooks]:
            name = f"staging_{next(numbers)}"
            cluster.create_database(name, "template_staging")
            with (
                tempfile.TemporaryDirectory() as docs,
                shop_and_books(cluster.url(name), Path(docs), **FIXED_TAX, **POLICIES[policy]) as pair,
            ):
                yield pair
            cluster.drop_database(name)

        yield shop
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_name(f"{folder.name}.log").unlink(missing_ok=True)
