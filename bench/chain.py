"""`chain`: from a change in Magento to the document in Odoo, through a running Airflow, over the sandboxes.

An order is invoiced over Magento's REST; both extracts are started, as their schedule would start them; Airflow wakes reconcile,
quality and load. The time ends when the invoice is committed as done, after it was posted in Odoo and read back. The wait for the
schedule's next moment is a setting and is not in it.

The limit is the chain's own work: how much of that time a stage of ours ran, as the stages note it themselves (table `run`). The
rest is Airflow's: scheduling, starting and ending the tasks' processes, their imports, the wake-up of the next DAG, and the tasks
that only pass counts on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import requests
from sqlalchemy import Engine, text

from bench.contest import CHECKOUT, VAR, WrongResult, median, tell
from bench.entry import Entry, write
from magodoo import staging
from magodoo.money import to_units
from magodoo_devstack import lifecycle
from magodoo_devstack.demo import shop
from magodoo_devstack.demo.chain import Chain
from magodoo_devstack.environment import cluster_of
from magodoo_devstack.layout import Layout
from magodoo_devstack.progress import Progress
from magodoo_devstack.state import State
from magodoo_sandbox.magento import Line, MagentoShop

SIZES = {"quick": 20, "full": 300}
LEAST = 5  # changes that are measured

Span = tuple[datetime, datetime]


@dataclass
class Running:
    """A stack whose chain has run once and written what there was, and the orders that wait to be invoiced."""

    chain: Chain
    state: State
    database: Engine
    orders: list[int]
    lost: int = 0
    seconds: list[float] = field(default_factory=list)
    work: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """Invoice the next order and follow it to Odoo. Raises WrongResult when it does not arrive as it is."""
        self.chain.settle()
        order = self.orders.pop(0)
        began = self._clock()
        invoice, total = self.invoice(order)
        self.chain.run(self._told)
        ended = self._arrived(invoice, total)
        self.seconds.append((ended - began).total_seconds())
        self.work.append(worked(self._spans(began), began, ended))
        tell(f"  {len(self.seconds)} {self.seconds[-1]:8.2f} s, of which work {self.work[-1]:6.2f} s")

    def _told(self, line: str) -> None:
        self.lost += "did not begin by itself" in line

    def invoice(self, order: int) -> tuple[int, int]:
        """(entity id, units of its total) of the invoice that Magento made of all that is open."""
        url = f"{self.state.urls['magento']}/rest/V1"
        headers = {"Authorization": f"Bearer {self.state.secrets.magento_token}"}
        made = requests.post(f"{url}/order/{order}/invoice", json={"capture": False}, headers=headers, timeout=60)
        made.raise_for_status()
        row = requests.get(f"{url}/invoices/{int(made.json())}", headers=headers, timeout=60).json()
        return int(made.json()), to_units(str(row["grand_total"]))

    def _arrived(self, invoice: int, total: int) -> datetime:
        """When it was done; its counterpart in Odoo is posted and has the same total."""
        statement = """
            select change.finished_at, document.state, document.grand_total from change
            join document on document.side = 'odoo' and document.kind = 'invoice' and document.source_id = change.target_id
            where change.kind = 'odoo_invoice' and change.source_id = :invoice and change.state = 'done'"""
        with self.database.connect() as connection:
            row = connection.execute(text(statement), {"invoice": str(invoice)}).one_or_none()
        if row is None or (row.state, row.grand_total) != ("posted", total):
            raise WrongResult(f"invoice {invoice} of {total} is in Odoo as {row}")
        return row.finished_at

    def _clock(self) -> datetime:
        with self.database.connect() as connection:
            now: datetime = connection.scalar(text("select clock_timestamp()"))
        return now

    def _spans(self, since: datetime) -> list[Span]:
        statement = "select started_at, finished_at from run where finished_at > :since"
        with self.database.connect() as connection:
            return [(row.started_at, row.finished_at) for row in connection.execute(text(statement), {"since": since})]


def worked(spans: Sequence[Span], begin: datetime, end: datetime) -> float:
    """Seconds between `begin` and `end` in which at least one of the spans ran."""
    total, until = 0.0, begin
    for started, finished in sorted(spans):
        started, finished = max(started, until), min(finished, end)
        if finished > started:
            total += (finished - started).total_seconds()
            until = finished
    return total


@contextmanager
def running(size: int, changes: int) -> Iterator[Running]:
    """Yield a stack with `size` orders and one more for each change; stopped and removed afterwards."""
    layout, state = layout_of_its_own(), State(demo=True)
    lifecycle.clean(layout)
    orders = seed(layout, state, size, changes)
    state.save(layout.stack / "stack.json")
    try:
        state = lifecycle.up(layout, Progress())
        shop.print_address(layout, state)
        shop.switch_to_apply(layout)
        chain = Chain(lifecycle.api(state), shop.instances(layout))
        chain.switch_on()
        chain.run_first(tell)
        database = staging.connect(cluster_of(layout, state).url("magodoo"))
        yield Running(chain, state, database, orders)
        database.dispose()
    finally:
        lifecycle.clean(layout)


def layout_of_its_own() -> Layout:
    """Return a checkout of the benchmark's own with this one's DAGs: a stack that runs here already is left alone."""
    layout = Layout(VAR / "chain")
    layout.checkout.mkdir(parents=True, exist_ok=True)
    link = layout.checkout / "dags"
    link.unlink(missing_ok=True)
    link.symlink_to(CHECKOUT / "dags")
    return layout


def seed(layout: Layout, state: State, size: int, changes: int) -> list[int]:
    """Return the demo's data with some more orders, authorised by card and not invoiced; returns those."""
    shop.seed(layout, state, orders=size, seed=7)
    file = layout.demo / "magento.json"
    magento = MagentoShop.load(file)
    orders = []
    for number in range(changes):
        lines = [Line("SKU-001", 1 + number % 3), Line("SKU-002", 2)]
        order = magento.place_order(lines, payment="card", shipping_amount=Decimal(5))
        magento.authorize(order)
        orders.append(order)
    magento.dump(file)
    return orders


def told(found: Running, size: int) -> Entry:
    """Medians and 95th percentiles of what was measured."""
    airflow = [whole - work for whole, work in zip(found.seconds, found.work, strict=True)]
    ours: dict[str, Any] = {
        "seconds": median(found.seconds),
        "p95_seconds": _p95(found.seconds),
        "work_seconds": median(found.work),
        "airflow_seconds": median(airflow),
        "airflow_p95_seconds": _p95(airflow),
        "all_seconds": [round(each, 3) for each in found.seconds],
        "all_airflow_seconds": [round(each, 3) for each in airflow],
        "lost_wake_ups": found.lost,
    }
    return Entry(None, median([sum(found.work) / sum(found.seconds)]), ours, {}, size, len(found.seconds))


def main(size: str, runs: int, documents: int | None) -> None:
    orders, changes = documents or SIZES[size], max(runs, LEAST)
    began = time.monotonic()
    with running(orders, changes) as found:
        tell(f"  the stack is ready after {time.monotonic() - began:.0f} s")
        for _ in range(changes):
            found.measure()
    write("chain", told(found, orders), own=("apache-airflow",))


def _p95(values: Sequence[float]) -> float:
    return round(float(np.percentile(values, 95)), 4)
