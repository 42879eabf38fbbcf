"""The demo from seed to summary."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from datetime import datetime

from sqlalchemy import Engine

from magodoo import staging
from magodoo.errors import FixConfiguration
from magodoo_devstack import lifecycle
from magodoo_devstack.demo import comparison, shop
from magodoo_devstack.demo.chain import Chain
from magodoo_devstack.demo.summary import Summary
from magodoo_devstack.environment import cluster_of
from magodoo_devstack.layout import Layout
from magodoo_devstack.live_odoo import live_odoo
from magodoo_devstack.odoo_package import OdooPackage
from magodoo_devstack.progress import Progress
from magodoo_devstack.state import State
from magodoo_sandbox.seed.manifest import Manifest

STEPS = 13
LEAST_PATIENCE = 600  # seconds for one run of a DAG
PATIENCE_OF_AN_ORDER = 0.5  # more seconds per order; one takes 0.05 on an idle machine


def run(layout: Layout, progress: Progress, *, orders: int, seed: int, live: bool = False) -> tuple[Summary, State]:
    """Run the demo from a clean start and leave the stack running; return its summary, which is saved as well.

    `live`: with a real Odoo 19 instead of the sandbox.

    Raises:
        MagodooError: a step failed; the message names it and the cause.
    """
    progress.steps, began = STEPS + 2 * live, time.monotonic()
    with progress.step("a clean start: the last demo is stopped and removed"):
        _clean(layout)
    state = State(demo=True)
    manifest = _seed(layout, state, progress, orders=orders, seed=seed, live=live)
    before = time.monotonic()
    state.save(layout.stack / "stack.json")
    state = lifecycle.up(layout, progress)
    shop.print_address(layout, state)
    ready = time.monotonic()
    patience = LEAST_PATIENCE + PATIENCE_OF_AN_ORDER * orders
    chain = Chain(lifecycle.api(state), shop.instances(layout), seconds=patience)
    database = staging.connect(cluster_of(layout, state).url("magodoo"))
    with progress.step("the DAGs are switched on"):
        chain.switch_on()
    with progress.step("first look, in observe mode") as detail:
        chain.run_first(detail)
    by_hand = f"by hand: documents deleted: {len(manifest.deletions)}, payments charged back: {len(manifest.unmatched)}"
    with progress.step(f"{by_hand}; recent orders are read again"):
        shop.delete(state, manifest.deletions)
        shop.take_apart(shop.books_of(state), manifest.unmatched)
        chain.refresh()
    with progress.step("second look, in observe mode") as detail:
        chain.run(detail)
    with progress.step("what was found, beside what was planted") as detail:
        compared = comparison.compare(manifest, database)
        both = len(compared.planted & compared.found)
        detail(f"{both} of {len(compared.planted)} found, {len(compared.unexpected)} that nobody planted")
    with progress.step("writing, in apply mode") as detail:
        shop.switch_to_apply(layout)
        chain.run(detail)
        chain.settle()
    with progress.step("once more, which must change nothing") as detail:
        second_run_at = comparison.clock(database)
        chain.run(detail)
        chain.settle()
    chain.switch_on_the_rest()
    manifest.save(layout.demo / "manifest.json")
    installed = float(os.environ.get("MAGODOO_INSTALL_SECONDS", 0))
    seconds = parts(installed, began, before, ready, time.monotonic())
    summary = _summary(layout, state, database, compared, second_run_at, seconds)
    summary.save(layout.demo / "summary.json")
    return summary, state


def parts(installed: float, began: float, seeded: float, ready: float, ended: float) -> dict[str, float]:
    """Return the seconds of each part of the demo, in their order, and `total`, which is their sum; all but `installed` are moments."""
    seconds = {"install": installed, "seed": seeded - began, "start": ready - seeded, "chain": ended - ready}
    return {**seconds, "total": sum(seconds.values())}


def _seed(layout: Layout, state: State, progress: Progress, *, orders: int, seed: int, live: bool) -> Manifest:
    title = f"a shop with {orders} orders and differences planted in its books"
    if not live:
        with progress.step(title) as detail:
            manifest = shop.seed(layout, state, orders=orders, seed=seed)
            detail(f"{len(manifest.planted) + len(manifest.later)} findings to be found")
        return manifest
    with ExitStack() as provisioned:
        with progress.step("a real Odoo 19; the first time it is fetched and provisioned, which takes minutes"):
            odoo = provisioned.enter_context(live_odoo(package=OdooPackage(layout.odoo)))
        with progress.step(title) as detail:
            manifest = shop.seed_live(layout, state, odoo, orders=orders, seed=seed)
            detail(f"{len(manifest.planted) + len(manifest.later)} findings to be found")
    return manifest


def _clean(layout: Layout) -> None:
    """Raise FixConfiguration if the stack contains other data than the demo's."""
    state = State.load(layout.stack / "stack.json")
    if state and state.settings and not state.demo:
        raise FixConfiguration(
            f"the stack in {layout.var} works for {state.settings}, and the demo would remove its data.",
            hint="make clean, if the data may go; otherwise run the demo in another checkout",
        )
    lifecycle.clean(layout)


def _summary(
    layout: Layout,
    state: State,
    database: Engine,
    compared: comparison.Comparison,
    second_run_at: datetime,
    seconds: dict[str, float],
) -> Summary:
    return Summary(
        documents=comparison.documents(database),
        comparison=compared,
        changes=comparison.changes(database),
        second_run=comparison.changes(database, since=second_run_at),
        remaining=comparison.remaining(database),
        mails=len(list(layout.mail.glob("*.eml"))),
        airflow_url=state.urls["airflow"],
        odoo=f"Odoo {state.odoo_build}" if state.odoo_build else "sandbox",
        seconds=seconds,
    )
