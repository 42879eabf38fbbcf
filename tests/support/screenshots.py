"""Screenshots of every sales page through a running Airflow: desk and phone, light and dark (`make screenshots`).

Starts an Airflow with staged sales and the statement of a month that was lived in the sandboxes, photographs the pages into docs/screenshots, and stops it. They are to be looked at.
`--demo` photographs the demo that runs in this checkout instead, as a visitor sees it: the pictures of README and the tutorial.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import chromium
import statement_month
from chromium import Browser
from pages_double import SETTINGS
from pages_sales import keep_statement, stage
from PIL import Image
from shop_and_books import shop_and_books
from statement_month import ZONE

from magodoo import staging
from magodoo.money import dump_json
from magodoo.pipeline import statement
from magodoo.statement import store
from magodoo.statement.periods import Month
from magodoo.statement.statement import Statement
from magodoo_devstack import lifecycle
from magodoo_devstack.environment import cluster_of
from magodoo_devstack.layout import Layout
from magodoo_devstack.progress import Progress
from magodoo_devstack.state import State

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / "docs" / "screenshots"
PAGES = {
    "overview": "/magento/", "orders": "/magento/list/orders", "invoices": "/magento/list/invoices", "shipments": "/magento/list/shipments",
    "credit-memos": "/magento/list/credit_memos", "findings": "/magento/findings", "finding": "/magento/finding/1",
    "changes": "/magento/changes", "changes-waiting": "/magento/changes?tab=waiting", "change": "/magento/change/2",
    "document": "/magento/document/us/magento/invoice/i5", "document-missing": "/magento/document/us/magento/invoice/i9",
    "order": "/magento/document/us/magento/order/5", "quarantine": "/magento/quarantine", "quarantined": "/magento/quarantine/1",
    "runs": "/magento/runs", "statements": "/magento/statement", "statement": "/magento/statement/us/2026-10",
    "preflight": "/magento/preflight", "data-docs": "/magento/data-docs/us", "problem": "/magento/finding/999999",
}  # fmt: skip
LOOKS = {"": (1400, False), "-dark": (1400, True), "-phone": (400, False), "-phone-dark": (400, True)}


@contextmanager
def sales_in_airflow(checkout: Path) -> Iterator[State]:
    """An Airflow with the plugin, staged sales and the statement of a month, gone afterwards."""
    layout = Layout(checkout)
    (checkout / "dags").mkdir()
    (checkout / "magodoo.yaml").write_text(SETTINGS.format())
    try:
        state = lifecycle.up(layout, Progress())
        engine = staging.connect(cluster_of(layout, state).url("magodoo"))
        with engine.begin() as connection:
            stage(connection)
        with engine.begin() as connection:
            keep_statement(connection, datetime.now(UTC))
        engine.dispose()
        yield state
    finally:
        lifecycle.down(layout)


def live_a_month(checkout: Path, state: State) -> str:
    """Keeps the statement of a month that both sandboxes lived through, read from their documents and ledger; returns the month."""
    cluster = cluster_of(Layout(checkout), state)
    cluster.create_database("lived")
    staging.migrate(cluster.url("lived"))
    month = Month.of(datetime.now(UTC), ZONE).before
    with shop_and_books(cluster.url("lived"), checkout / "data_docs", **statement_month.policy(month)) as pair:
        statement_month.sell(pair)
        kept = statement.make(pair.context(), month)
        with pair.engine.connect() as connection:
            documents = tuple({**row, "day": f"{row['day']}"} for row in store.documents(connection, kept.id))
    made = Statement(kept.body, dump_json(kept.body), kept.hash, kept.figures_hash, kept.unexplained, documents)
    engine = staging.connect(cluster.url("magodoo"))
    with engine.begin() as connection:
        store.keep(connection, "us", month.first, made, kept.made_at, "run 1")
    engine.dispose()
    return f"{month}"


@contextmanager
def demo() -> Iterator[State]:
    """What `make demo` left running."""
    state = State.load(Layout(CHECKOUT).stack / "stack.json")
    if state is None:
        raise SystemExit("no demo runs in this checkout: make demo")
    yield state


def log_in(browser: Browser, state: State) -> None:
    browser.open(f"{state.urls['airflow']}/magento/")
    browser.fill("input[name=username]", "admin")
    browser.fill("input[name=password]", state.secrets.admin)
    browser.click("button[type=submit]")
    browser.wait("location.pathname === '/magento/' && document.readyState === 'complete'")


def photograph(browser: Browser, file: Path) -> None:
    """An image in 64 colours: pages of text need no more."""
    browser.screenshot(file)
    with Image.open(io.BytesIO(file.read_bytes())) as picture:
        picture.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(file, optimize=True)


def take(browser: Browser, airflow: str, month: str) -> None:
    """All pages in all themes and sizes, and one in Airflow's frame; the statement is that of `month`."""
    pages = PAGES | {"statement": f"/magento/statement/us/{month}"}
    for look, (width, dark) in LOOKS.items():
        browser.window(width, 900, dark=dark)
        for name, path in pages.items():
            browser.open(f"{airflow}{path}")
            photograph(browser, FOLDER / f"{name}{look}.png")
    frame(browser, airflow, "airflow")


def frame(browser: Browser, airflow: str, name: str) -> None:
    """The overview inside Airflow's frame."""
    browser.window(1400, 900)
    browser.open(f"{airflow}/plugin/magento-sales")
    browser.wait("document.readyState === 'complete' && document.querySelector('h1') !== null", frame="/magento/")
    photograph(browser, FOLDER / f"{name}.png")


def take_of_demo(browser: Browser, airflow: str) -> None:
    """The overview, and an invoice whose two sides differ in their totals."""
    frame(browser, airflow, "demo")
    browser.window(1400, 900)
    browser.open(f"{airflow}/magento/findings?type=total_mismatch&kind=invoice")
    browser.click("tbody a")
    browser.wait("document.readyState === 'complete' && document.querySelector('a[href*=\"/document/\"]') !== null")
    browser.click("a[href*='/document/']")
    browser.wait("document.readyState === 'complete' && location.pathname.includes('/document/')")
    photograph(browser, FOLDER / "demo-document.png")


def main() -> int:
    parser = argparse.ArgumentParser(prog="screenshots", description=__doc__)
    parser.add_argument("--demo", action="store_true", help="of the demo that runs in this checkout")
    of_demo = parser.parse_args().demo
    if not chromium.PROGRAM:
        print("Chromium is not installed (Debian: apt-get install chromium).", file=sys.stderr)
        return 1
    with (
        tempfile.TemporaryDirectory(prefix="magodoo-") as folder,
        demo() if of_demo else sales_in_airflow(Path(folder)) as state,
        chromium.chromium(Path(folder) / "profile") as browser,
    ):
        browser.window(1400, 900)
        log_in(browser, state)
        if of_demo:
            take_of_demo(browser, state.urls["airflow"])
        else:
            take(browser, state.urls["airflow"], live_a_month(Path(folder), state))
    print(f"the pictures are in {FOLDER.relative_to(CHECKOUT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
