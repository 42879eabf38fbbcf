"""`reconcile`: documents of both sides matched and compared; then with lines and planning; then from tables to written findings.

Against datacompy's pandas comparison of the same two header tables, which is given the matching documents (its join columns);
the limit is a plain outer merge of them. What agrees, differs and is missing has to be the same for all three.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.clock import Took
from bench.contest import VAR, Contestant, hold, ratio, tell
from bench.databases import Databases, databases
from bench.entry import Entry, write

if TYPE_CHECKING:
    import pandas as pd

SIZES = {"quick": 20_000, "full": 1_000_000}
COLUMNS = ("kind", "source_id", "order_key", "currency", "subtotal", "untaxed", "quantity", "grand_total")


def measure(size: int, runs: int) -> Entry:
    """Every way of reconciling in turns; the step's database is filled once and copied for each run."""
    with tempfile.TemporaryDirectory(dir=VAR) as folder, databases() as server:
        from bench import sales

        write_headers(sales.headers(size), Path(folder))
        tell(f"  staging {size:,} documents")
        filled = server.staged()
        sales.fill(filled, size)
        found = hold(
            [
                Contestant("headers", "bench.reconcile:headers", {"documents": size}),
                Contestant("datacompy", "bench.theirs.headers:datacompy", {"folder": folder}, theirs=True),
                Contestant("merge", "bench.theirs.headers:merge", {"folder": folder}, theirs=True),
                Contestant("lines", "bench.reconcile:with_lines", {"documents": size}, compared=False),
                Contestant("half", "bench.reconcile:with_lines", {"documents": size // 2}, compared=False),
                Contestant("step", "bench.reconcile:step", fresh=_copies(server, filled), compared=False),
            ],
            runs,
        )
    return entry(found, size, runs)


def entry(found: dict[str, dict[str, Any]], size: int, runs: int) -> Entry:
    """Ratios of time: headers to datacompy's and to the merge; lines and the step to datacompy's; twice the documents to half."""
    theirs = found["datacompy"]
    ours = {
        **found["headers"],
        "with_lines": found["lines"],
        "with_lines_ratio": ratio(found["lines"], theirs),
        "doubling_ratio": ratio(found["lines"], found["half"]),
        "half": found["half"],
        "step": found["step"],
        "step_ratio": ratio(found["step"], theirs),
    }
    return Entry(
        ratio(found["headers"], theirs),
        ratio(found["headers"], found["merge"]),
        ours,
        {"datacompy": theirs, "merge": found["merge"]},
        size,
        runs,
    )


def _copies(server: Databases, filled: str) -> Any:
    """Return a function that gives a fresh copy of the filled database and drops the one before."""
    made: list[str] = []

    def copy() -> dict[str, str]:
        if made:
            server.drop(made.pop())
        made.append(server.copy_of(filled))
        return {"url": made[-1]}

    return copy


def write_headers(documents: pd.DataFrame, folder: Path) -> None:
    """Both header tables as CSV for the others; Odoo's ids are made Magento's, as the others cannot match them."""
    from bench import sales

    for side in ("magento", "odoo"):
        rows = documents.loc[documents["side"] == side, list(COLUMNS)]
        if side == "odoo":
            rows = rows.assign(source_id=rows["source_id"] - sales.ODOO_IDS)
        rows.to_csv(folder / f"{side}.csv", index=False)


def verdict(
    both: int, differing: Iterable[str], only_magento: Iterable[str], only_odoo: Iterable[str]
) -> dict[str, Any]:
    """Return counts and a digest of which documents (`kind magento_id`) they are."""
    names = [sorted(group) for group in (differing, only_magento, only_odoo)]
    digest = hashlib.sha256(repr(names).encode()).hexdigest()[:16]
    counts = dict(zip(("differing", "only_magento", "only_odoo"), map(len, names), strict=True))
    return {"both": both, **counts, "which": digest}


# The contestants


def headers(documents: int) -> Took:
    """Canonical headers matched and compared by our rules."""
    import numpy as np

    from bench import sales
    from magodoo.reconcile import orders
    from magodoo.reconcile.dataset import canonical

    frames, took = canonical(sales.headers(documents)), Took()
    with took.watch():
        situation = orders.situation_of(frames, sales.INSTANCE, sales.NOW)
    table, pairs = frames.documents, situation.pairs
    ids = table["source_id"].to_numpy() - np.where(table["side"] == "odoo", sales.ODOO_IDS, 0)
    names = np.array([f"{kind} {each}" for kind, each in zip(table["kind"], ids, strict=True)], dtype=object)
    alone, magento = ~situation.matching.paired, (table["side"] == "magento").to_numpy()
    took.result = verdict(
        len(pairs), names[pairs.loc[pairs["amounts"] != "", "magento"]], names[alone & magento], names[alone & ~magento]
    )
    return took


def with_lines(documents: int) -> Took:
    """Canonical documents with their lines matched, compared, every difference named, and changes planned.

    In chunks of as many orders as a task has at a time, which is how staging gives them.
    """
    from bench import sales
    from magodoo.flows import planner
    from magodoo.pipeline.pages import rarely_collected
    from magodoo.pipeline.reconcile import CHUNK
    from magodoo.reconcile.dataset import canonical
    from magodoo.reconcile.orders import reconcile

    table = sales.headers(documents)
    parts = [part.reset_index(drop=True) for _, part in table.groupby((table["order_key"] - 1) // CHUNK)]
    chunks, took = [canonical(part, sales.lines(part)) for part in parts], Took()
    counts: Counter[str] = Counter()
    with rarely_collected(), took.watch():  # as the task does
        for frames in chunks:
            found = reconcile(frames, sales.INSTANCE, sales.NOW)
            _, changes = planner.plan(found.situation, found.findings)
            counts.update({**found.counts, "changes": len(changes)})
    took.result = dict(counts)
    return took


def step(url: str, with_lists: bool = True) -> Took:
    """Return the whole step, as the DAG's task does it: staged rows of due orders to written pairs, findings and changes.

    What the task does afterwards for the pages, the lines of the sales lists, is reported separately, or left out.
    """
    from bench import sales
    from magodoo.context import Context
    from magodoo.pipeline import reconcile, sales_lists
    from magodoo.reconcile import orders
    from magodoo.settings import Settings
    from magodoo.staging import connect

    assert orders.reconcile  # pandas is imported before the clock starts
    engine = connect(url)
    context = Context(Settings(instances={"us": sales.INSTANCE}), sales.INSTANCE, engine, dag_run="bench")
    took, for_pages = Took(), Took()
    with took.watch():
        counts = reconcile.reconcile_orders(context, reconcile.due(context))
    if with_lists:
        with for_pages.watch():
            sales_lists.run(context)
    took.result = {name: counts[name] for name in ("orders", "pairs", "findings", "changes")}
    took.more = {"lists_seconds": for_pages.seconds, "lists_cpu": for_pages.cpu}
    engine.dispose()
    return took


def main(size: str, runs: int, documents: int | None) -> None:
    write("reconcile", measure(documents or SIZES[size], runs), ("datacompy",))
