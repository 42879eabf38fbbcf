"""`python -m months`: whole months over the change of the clocks in autumn and in spring; writes `var/months/summary.json`.

`without-overlap` lives the short one without overlaps, which must lose rows: the comparison can fail.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from magodoo import staging
from magodoo_devstack import ports
from magodoo_devstack.postgres import Cluster, new_password
from months.run import AUTUMN, SHORT, SPRING, Urls, in_peace, in_trouble, outcome, timed

CHECKOUT = Path(__file__).resolve().parents[3]
PROOF = "without-overlap"
DEFAULT = ("autumn", "spring", PROOF)
SPANS = {"autumn": AUTUMN, "spring": SPRING, "short": SHORT, PROOF: SHORT}


def main() -> int:
    """Exit code 1 when an end state differs, a document is not as it must be, a row was lost, or none without overlaps."""
    parser = argparse.ArgumentParser(prog="months", description=__doc__)
    parser.add_argument("spans", nargs="*", default=[*DEFAULT], help=", ".join(SPANS))
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="lives at once, each in a process of its own")
    options = parser.parse_args()
    folder = CHECKOUT / "var" / "months"
    folder.mkdir(parents=True, exist_ok=True)
    told, wrong = {}, 0
    # A process takes the clock's time for the whole of it, so each life has one.
    workers = ProcessPoolExecutor(
        options.jobs, multiprocessing.get_context("spawn"), logging.disable, max_tasks_per_child=1
    )
    with _databases(folder) as new_urls, workers:
        lives = {}
        for name in options.spans:
            policy = {"magento_overlap_seconds": 0, "odoo_overlap_seconds": 0} if name == PROOF else {}
            lives[name, "trouble"] = workers.submit(timed, in_trouble, SPANS[name], new_urls(), **policy)
        for name in options.spans:
            if name != PROOF:
                lives[name, "peace"] = workers.submit(timed, in_peace, SPANS[name], new_urls())
        for name in options.spans:
            troubled, seconds = lives[name, "trouble"].result()
            if name == PROOF:
                wrong += not troubled.lost
                told[name] = {"rows_lost": len(troubled.lost), "seconds": seconds}
                print(name, json.dumps(told[name]), flush=True)
                continue
            peace, in_peace_seconds = lives[name, "peace"].result()
            ended = outcome(peace, troubled)
            wrong += len(ended.wrong)
            told[name] = {
                "orders": troubled.counts["orders"], "rows_lost": len(ended.lost), "differences": len(ended.differences),
                "complaints": len(ended.complaints), "seconds": {"peace": in_peace_seconds, "trouble": seconds}, **ended.counts,
            }  # fmt: skip
            print(name, *ended.wrong, json.dumps(told[name]), sep="\n", flush=True)
    (folder / "summary.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 1 if wrong else 0


@contextmanager
def _databases(folder: Path) -> Iterator[Callable[[], Urls]]:
    cluster = Cluster(CHECKOUT, folder / f"postgres-{os.getpid()}", ports.any_free(), new_password(), durable=False)
    cluster.create()
    cluster.start()
    numbers = itertools.count(1)

    def make() -> str:
        name = f"staging_{next(numbers)}"
        cluster.create_database(name, "template_staging")
        return cluster.url(name)

    def three() -> Urls:
        return make(), make(), make()

    try:
        cluster.create_database("template_staging")
        staging.migrate(cluster.url("template_staging"))
        yield three
    finally:
        cluster.stop()
        shutil.rmtree(cluster.data, ignore_errors=True)
        cluster.data.with_name(f"{cluster.data.name}.log").unlink(missing_ok=True)


if __name__ == "__main__":
    raise SystemExit(main())
