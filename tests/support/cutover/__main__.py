"""`python -m cutover`: runs the first day of a shop of so many orders, prints what was measured, writes `var/cutover/summary.json`."""

from __future__ import annotations

import argparse
import json
import logging
import os
from pathlib import Path

from conftest import CLUSTERS, migrate, remove
from shop_and_books import shop_and_books

from cutover.first_day import FirstDay
from magodoo_devstack import ports
from magodoo_devstack.postgres import Cluster, new_password

CHECKOUT = Path(__file__).resolve().parents[3]


def main() -> int:
    """Exit code 1 unless every document is as it must be."""
    parser = argparse.ArgumentParser(prog="cutover", description=__doc__)
    parser.add_argument("--orders", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    directory = CHECKOUT / "var" / "cutover"
    directory.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(CHECKOUT, CLUSTERS / f"postgres-{os.getpid()}", ports.any_free(), new_password(), durable=False)
    cluster.create()
    cluster.start()
    try:
        cluster.create_database("staging")
        migrate(cluster.url("staging"))
        with shop_and_books(cluster.url("staging"), directory / "data_docs") as pair:
            day = FirstDay(pair, options.orders, options.seed).run()
    finally:
        remove(cluster)
    summary = json.dumps({"orders": options.orders, **vars(day)}, indent=2)
    (directory / "summary.json").write_text(summary + "\n", encoding="utf-8")
    print(summary)
    return 1 if day.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
