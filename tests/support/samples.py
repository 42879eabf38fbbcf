"""`python -m samples`: the monthly statements of four shops, as PDF, Excel and CSV, into docs/samples; `--odoo live`: of a live Odoo 19 into docs/samples/live.

Over the sandbox both systems have a fixed clock and nothing is drawn by lot, so that the same code gives the same statements. docs/evidence/samples.md
gets what was run and what is in them.
"""

from __future__ import annotations

import argparse
import os
import shutil
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import country_month
from country_books import FIXED, CountryPair, charts, on_a_live_odoo, on_the_sandbox
from country_shops import SAMPLES, SHOPS, CountryShop
from live_counts import CHECKOUT, circumstances, replaced
from sqlalchemy import Connection

from magodoo import staging
from magodoo.statement import csv_export, pdf, store, summary, workbook
from magodoo_devstack import ports
from magodoo_devstack.live_odoo import live_odoo
from magodoo_devstack.postgres import Cluster, new_password

FOLDER = CHECKOUT / "docs" / "samples"
PAGE = CHECKOUT / "docs" / "evidence" / "samples.md"
MARKS = {
    "sandbox": "<!-- on the sandbox: written by make samples -->",
    "live": "<!-- on a live Odoo: written by make samples -->",
}


def files(kept: store.Kept, connection: Connection) -> dict[str, bytes]:
    """Return the files of a statement as the page *Statement* gives them, by name."""
    documents = "".join(csv_export.documents(store.documents(connection, kept.id)))
    return {
        "statement.pdf": pdf.pdf(kept),
        "statement.xlsx": workbook.workbook(kept, store.documents_by_line(connection, kept.id)),
        "statement.csv": BOM_UTF8 + csv_export.statement(kept.body).encode(),
        "documents.csv": BOM_UTF8 + documents.encode(),
    }


def sample(pair: CountryPair) -> tuple[dict[str, bytes], str]:
    """Live the month; return its files and its row of the evidence."""
    month = country_month.sell(pair)
    different = country_month.differences(month)
    assert different == [], different
    kept = country_month.made(month)
    with pair.engine.connect() as connection:
        made = files(kept, connection)
    counted = " | ".join(str(count) for count in country_month.counts(month).values())
    return (
        made,
        f"| {pair.own.title} ({pair.own.country}) | {pair.month} | {counted} | {summary.verdict(kept.body)} | `{kept.hash[:16]}` |",
    )


@contextmanager
def staging_urls(home: Path) -> Iterator[Iterator[str]]:
    """Empty staging databases of a PostgreSQL of its own, one after the other."""
    cluster = Cluster(CHECKOUT, home / f"postgres-{os.getpid()}", ports.any_free(), new_password(), durable=False)
    cluster.create()
    cluster.start()

    def urls() -> Iterator[str]:
        for shop in SHOPS:
            name = f"staging_{shop.lower()}"
            cluster.create_database(name)
            staging.migrate(cluster.url(name))
            yield cluster.url(name)

    try:
        yield urls()
    finally:
        cluster.stop()
        shutil.rmtree(cluster.data, ignore_errors=True)
        cluster.data.with_name(f"{cluster.data.name}.log").unlink(missing_ok=True)


def write(own: CountryShop, made: dict[str, bytes], folder: Path) -> None:
    """Write the files of a shop, in a folder of its own."""
    place = folder / own.id
    place.mkdir(parents=True, exist_ok=True)
    for name, content in made.items():
        (place / name).write_bytes(content)


def note(where: str, build: str, rows: Sequence[str]) -> None:
    """Write what was run to the page of evidence."""
    head = "| shop | month | orders | invoices | credit notes | deliveries | result | SHA-256 begins with |"
    text = "\n".join([f"{circumstances()}, {build}", "", head, "|---|---|---:|---:|---:|---:|---|---|", *rows, ""])
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), MARKS[where], text), encoding="utf-8")


def main() -> int:
    """Write all samples."""
    parser = argparse.ArgumentParser(prog="samples", description=__doc__)
    parser.add_argument("--odoo", choices=list(MARKS), default="sandbox")
    chosen = parser.parse_args()
    home = CHECKOUT / "var" / "samples"
    home.mkdir(parents=True, exist_ok=True)
    rows = []
    with staging_urls(home) as urls:
        if chosen.odoo == "sandbox":
            for country in SAMPLES:
                with on_the_sandbox(SHOPS[country], next(urls), home) as pair:
                    made, row = sample(pair)
                write(SHOPS[country], made, FOLDER)
                rows.append(row)
                print(row, flush=True)
            note("sandbox", f"the clocks of both at {FIXED:%-d %B %Y, %H:%M} UTC", rows)
            return 0
        with live_odoo() as live, charts(live, *SAMPLES) as (database, companies):
            for country in SAMPLES:
                own = SHOPS[country]
                with on_a_live_odoo(live, database, companies[country], own, next(urls), home) as pair:
                    made, row = sample(pair)
                write(own, made, FOLDER / "live")
                rows.append(row)
                print(row, flush=True)
            note("live", f"Odoo {live.build}", rows)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
