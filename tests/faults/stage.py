"""What a campaign stands on: a PostgreSQL that may be restarted, both sandboxes, the settings."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from load_lab import lab, provisioned

from faults.campaign import Campaign
from magodoo import staging
from magodoo.stack import ports
from magodoo.stack.postgres import Cluster, new_password

POLICY = {
    "books_from": "2020-01-01",
    "invoices": {"to_magento": "when_posted"},
    "lease_seconds": 60,
    "payment_methods": {
        "card": {"captured_by_provider": True, "journal": "CARD", "authorises": True},
        "checkmo": {"import_states": ["new", "processing", "complete", "closed"]},
    },
}


@contextmanager
def staged_campaign(checkout: Path, mutation: str = "") -> Iterator[Campaign]:
    """A campaign on a server of its own, which it may stop."""
    folder = checkout / "var" / "faults" / f"postgres-{os.getpid()}"
    cluster = Cluster(checkout, folder, ports.any_free(), new_password(), durable=False)
    cluster.create()
    cluster.start()
    try:
        cluster.create_database("staging")
        url = cluster.url("staging")
        staging.migrate(url)
        with lab(url, provisioned(), **POLICY) as made:
            yield Campaign(made, url, cluster, mutation)
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_name(f"{folder.name}.log").unlink(missing_ok=True)
