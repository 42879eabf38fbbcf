"""`quality`: the whole set of checks on staged and reconciled documents, with Data Docs, as the DAG's task runs it.

The limit is the same SELECTs run on PostgreSQL directly, without Great Expectations. Checked: both find the same.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from bench.clock import Took
from bench.contest import VAR, Contestant, hold, ratio, tell
from bench.databases import databases
from bench.entry import Entry, write
from magodoo.timestamps import utc_now

SIZES = {"quick": 20_000, "full": 1_000_000}


def measure(size: int, runs: int) -> Entry:
    with databases() as server:
        from bench import reconcile, sales

        tell(f"  staging and reconciling {size:,} documents")
        url = server.staged()
        sales.fill(url, size)
        reconcile.step(url)
        _settle(url)
        return compare(url, size, runs)


def compare(url: str, size: int, runs: int) -> Entry:
    """Return the contest on a database that is filled, reconciled and at rest."""
    of = {"url": url}
    found = hold(
        [Contestant("magodoo", "bench.quality:ours", of), Contestant("selects", "bench.quality:selects", of)], runs
    )
    limit = ratio(found["selects"], found["magodoo"])
    return Entry(None, limit, found["magodoo"], {"selects": found["selects"]}, size, runs)


def _settle(url: str) -> None:
    from magodoo.staging import connect

    engine = connect(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("vacuum analyze")
    engine.dispose()


# The contestants


def ours(url: str) -> Took:
    """`quality.suites.run` with Data Docs; Great Expectations is imported before the clock starts."""
    from bench import sales
    from magodoo.quality import suites
    from magodoo.staging import connect

    engine, took, docs = connect(url), Took(), Path(tempfile.mkdtemp(dir=VAR))
    with took.watch():
        failures = suites.run(engine, sales.INSTANCE, docs, utc_now())
    shutil.rmtree(docs)
    took.result = {failure.check.name: len(failure.rows) for failure in failures}
    return took


def selects(url: str) -> Took:
    """Every check's SELECT and no more."""
    from bench import sales
    from magodoo.quality import suites
    from magodoo.staging import connect

    engine, took = connect(url), Took()
    with took.watch(), engine.connect() as connection:
        failures = suites.found(connection, sales.INSTANCE, suites.ALL_CHECKS, utc_now())
    took.result = {failure.check.name: len(failure.rows) for failure in failures}
    return took


def main(size: str, runs: int, documents: int | None) -> None:
    write("quality", measure(documents or SIZES[size], runs))
