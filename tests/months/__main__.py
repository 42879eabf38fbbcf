"""`python -m months`: whole months over the change of the clocks in autumn and in spring; writes `var/months/summary.json`.

`without-overlap` lives the short one without overlaps, which must lose rows: the comparison can fail.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from magodoo import staging
from magodoo.stack import ports
from magodoo.stack.postgres import Cluster, new_password
from months.run import AUTUMN, SHORT, SPRING, compare, lost_rows

CHECKOUT = Path(__file__).resolve().parents[2]
PROOF = "without-overlap"
DEFAULT = ("autumn", "spring", PROOF)
SPANS = {"autumn": AUTUMN, "spring": SPRING, "short": SHORT}


def main() -> int:
    """Exit code 1 when an end state differs, a document is not as it must be, a row was lost, or none without overlaps."""
    parser = argparse.ArgumentParser(prog="months", description=__doc__)
    parser.add_argument("spans", nargs="*", default=[*DEFAULT], help=", ".join([*SPANS, PROOF]))
    options = parser.parse_args()
    logging.disable()
    folder = CHECKOUT / "var" / "months"
    folder.mkdir(parents=True, exist_ok=True)
    told, wrong = {}, 0
    with _databases(folder) as new_staging:
        for name in options.spans:
            began = time.monotonic()
            if name == PROOF:
                lost = lost_rows(SHORT, new_staging, magento_overlap_seconds=0, odoo_overlap_seconds=0)
                wrong += not lost
                told[name] = {"rows_lost": len(lost), "seconds": round(time.monotonic() - began)}
                print(name, json.dumps(told[name]), flush=True)
                continue
            outcome = compare(SPANS[name], new_staging)
            wrong += len(outcome.wrong)
            told[name] = {
                "orders": outcome.counts["trouble"]["orders"], "rows_lost": len(outcome.lost), "differences": len(outcome.differences),
                "complaints": len(outcome.complaints), "seconds": round(time.monotonic() - began), **outcome.counts,
            }  # fmt: skip
            print(name, *outcome.wrong, json.dumps(told[name]), sep="\n", flush=True)
    (folder / "summary.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 1 if wrong else 0


@contextmanager
def _databases(folder: Path) -> Iterator[Callable[[], str]]:
    cluster = Cluster(CHECKOUT, folder / f"postgres-{os.getpid()}", ports.any_free(), new_password(), durable=False)
    cluster.create()
    cluster.start()
    numbers = itertools.count(1)

    def make() -> str:
        name = f"staging_{next(numbers)}"
        cluster.create_database(name, "template_staging")
        return cluster.url(name)

    try:
        cluster.create_database("template_staging")
        staging.migrate(cluster.url("template_staging"))
        yield make
    finally:
        cluster.stop()
        shutil.rmtree(cluster.data, ignore_errors=True)
        cluster.data.with_name(f"{cluster.data.name}.log").unlink(missing_ok=True)


if __name__ == "__main__":
    raise SystemExit(main())
