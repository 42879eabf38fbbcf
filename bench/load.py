"""`load`: orders, their invoices and payments into the live Odoo 19, from released changes to posted and paid invoices.

Against odoorpc with one call for each record and step; the limit is the batched calls that the pipeline sends, recorded and sent
again by themselves. All three leave the same orders, invoices, totals and payments. The writes to Magento are measured beside the
bare POSTs of the same requests (magento_writes.py).
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench import contest
from bench.clock import Took
from bench.contest import VAR, Contestant, hold, median, ratio
from bench.databases import databases
from bench.entry import Entry, write

SIZES = {"quick": 10, "full": 100}
"""Orders. odoorpc takes over a second for each, and so do the runs before it that make a fresh database."""

FIRST = 6
"""Orders that are loaded one by one before the measurement, so that Odoo's workers have loaded each new database, as in operation."""

MAGENTO = 100
"""Invoices written to Magento at least: what a run asks once weighs as little as in operation."""


def measure(size: int, runs: int) -> Entry:
    """`size` orders."""
    from bench.books import books

    VAR.mkdir(parents=True, exist_ok=True)
    with databases() as server, books(size, server, FIRST) as live, tempfile.TemporaryDirectory(dir=VAR) as folder:
        calls = Path(folder) / "calls.json"
        live.record(calls)
        recorded = {"calls": str(calls)}
        found = hold(
            [
                Contestant("magodoo", "bench.load:ours", fresh=live.released),
                Contestant("batched", "bench.theirs.books:batched", recorded, theirs=True, fresh=live.begun),
                Contestant("odoorpc", "bench.theirs.books:odoorpc", recorded, theirs=True, fresh=live.begun),
            ],
            runs,
        )
        writes = [
            contest.run("bench.magento_writes:ours", {"staging": server.staged(), "orders": max(size, MAGENTO)})
            for _ in range(runs)
        ]
    for figures in found.values():
        figures["documents_per_second"] = median([3 * size / figures["seconds"]])
    magento = contest.summary(writes)
    ours = {
        **found["magodoo"],
        "magento": magento,
        "magento_ratio": median([magento["seconds"] / magento["bare_seconds"]]),
    }
    return Entry(
        ratio(found["odoorpc"], found["magodoo"]),
        ratio(found["batched"], found["magodoo"]),
        ours,
        {"odoorpc": found["odoorpc"], "batched": found["batched"]},
        size,
        runs,
    )


def ours(url: str, database: str, key: str, staging: str, magento: str, token: str) -> Took:
    """`pipeline.load`, as the DAG's task runs it."""
    from bench.books import POLICY  # puts the tests' lab on the path
    from load_lab import POLICY as SHOP  # isort: skip
    from bench.theirs.books import standing
    from bench.waiting import waited
    from magodoo.connectors.magento import BearerToken, MagentoClient, MagentoConnection
    from magodoo.connectors.odoo.client import OdooClient
    from magodoo.connectors.odoo.connection import OdooConnection
    from magodoo.context import Context
    from magodoo.pipeline import load
    from magodoo.settings import Instance, Settings
    from magodoo.staging import connect

    instance = Instance.model_validate({**SHOP, **POLICY})
    context = Context(
        Settings(instances={"us": instance}), instance, connect(staging), dag_run="bench", now=lambda: datetime.now(UTC),
        magento_client=MagentoClient(MagentoConnection(magento, BearerToken(token))), odoo_client=OdooClient.connect(OdooConnection(url, database, key, 1)),
    )  # fmt: skip
    took = Took()
    with waited() as spent, took.watch():
        counts = load.run(context)
    took.result, took.more = standing(url, database, key), {"counts": counts, "waited": spent}
    return took


def main(size: str, runs: int, documents: int | None) -> None:
    write("load", measure(documents or SIZES[size], runs), ("odoorpc",))
