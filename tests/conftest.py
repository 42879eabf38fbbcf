"""Fixtures for every test: a real PostgreSQL of the session, and a fresh staging database."""

from __future__ import annotations

import itertools
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from airflow_versions import TRIED, note
from hypothesis import HealthCheck, settings
from pgbouncer import POOLED, pooled
from sqlalchemy import Connection

from magodoo.staging import connect, migrate
from magodoo_devstack import ports
from magodoo_devstack.postgres import Cluster, new_password

if TYPE_CHECKING:
    from load_lab import Lab
    from shop_and_books import ShopAndBooks
    from stories import Told

CHECKOUT = Path(__file__).resolve().parents[1]
CLUSTERS = CHECKOUT / "var" / "tests"
# No test fails because the machine is slow.
settings.register_profile("magodoo", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("magodoo")
# Files with few tests that take long, the longest first. `--dist loadfile` hands out files in order: one of these at the end keeps one core while
# the others have nothing left (docs/tests.md#length).
LONGEST_FIRST = (
    "test_demo_e2e.py",
    "test_pages_e2e.py",
    "test_stack_e2e.py",
    "test_cutover_day.py",
    "test_flow_removal.py",
    "test_pgbouncer.py",
    "test_month.py",
    "test_histories.py",
    "test_scenarios_bad_input.py",
    "test_erasure.py",
    "test_hostile_alphabet.py",
    "test_load_interrupted.py",
    "test_leases.py",
    "test_load_faults.py",
    "test_statement_pdf.py",
    "test_bench.py",
    "test_upgrades.py",
    "test_key_expiry.py",
    "test_changed_after_import.py",
    "test_refunded_before_import.py",
    "test_before_import.py",
    "test_everyday_cases.py",
    "test_scenarios.py",
    "test_scenarios_later.py",
    "test_scenarios_bundles.py",
)
REPLAYED = "replayed: "  # before the system's name, among a test's properties


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL server of this session's own, not durable, gone afterwards."""
    remove_left_overs()
    cluster = Cluster(CHECKOUT, CLUSTERS / f"postgres-{os.getpid()}", ports.any_free(), new_password(), durable=False)
    cluster.create()
    cluster.start()
    yield cluster
    remove(cluster)


@pytest.fixture(scope="session")
def postgres_url(postgres: Cluster) -> str:
    """The SQLAlchemy URL of that server's `postgres` database."""
    return postgres.url("postgres")


@pytest.fixture(scope="session")
def new_staging(postgres: Cluster) -> Iterator[Callable[[], str]]:
    """A function that gives the URL of a fresh, migrated staging database; each is dropped at the session's end."""
    template = "staging_template"
    postgres.create_database(template)
    migrate(postgres.url(template))
    names = (f"staging_{number}" for number in itertools.count(1))

    def make() -> str:
        name = next(names)
        postgres.create_database(name, template)
        return through(postgres.url(name))

    with pooled(postgres, os.environ.get(POOLED, "")) as through:
        yield make


@pytest.fixture
def staging_url(new_staging: Callable[[], str], postgres: Cluster) -> Iterator[str]:
    """A fresh staging database for one test."""
    url = new_staging()
    yield url
    postgres.drop_database(url.rsplit("/", 1)[1])


@pytest.fixture
def connection(staging_url: str) -> Iterator[Connection]:
    """One transaction on a fresh staging database, undone afterwards."""
    engine = connect(staging_url)
    with engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()
    engine.dispose()


@pytest.fixture(scope="module")
def module_staging_url(new_staging: Callable[[], str], postgres: Cluster) -> Iterator[str]:
    """A fresh staging database that the tests of one module share."""
    url = new_staging()
    yield url
    postgres.drop_database(url.rsplit("/", 1)[1])


@pytest.fixture(scope="module")
def pair(module_staging_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopAndBooks]:
    """A small shop and its Odoo, empty but provisioned, that the tests of one module share."""
    from shop_and_books import shop_and_books  # pandas and Great Expectations, which most tests do without

    with shop_and_books(module_staging_url, tmp_path_factory.mktemp("data_docs")) as made:
        yield made


@pytest.fixture
def made(staging_url: str) -> Iterator[Lab]:
    """A shop and its Odoo where plans made by hand are carried out."""
    from load_lab import lab

    from magodoo.ledger import checkpoints

    with lab(staging_url) as made:
        yield made
    checkpoints.visit(None)


@pytest.fixture(scope="module")
def telling(pair: ShopAndBooks, request: pytest.FixtureRequest) -> Told:
    """What became of the stories of a module, run side by side."""
    from stories import tell

    return tell(pair, [item for item in request.session.items if item.getparent(pytest.Module) is request.node])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, then those with the most tests."""
    place, tests = {name: number for number, name in enumerate(LONGEST_FIRST)}, Counter(item.path for item in items)
    items.sort(key=lambda item: (place.get(item.path.name, len(place)), -tests[item.path]))


@pytest.fixture
def replayed(record_property: Callable[[str, object], None]) -> Callable[[str, int], None]:
    """Says how many recorded exchanges a test replays, and of whom; the run's last lines say how many were answered as recorded."""
    return lambda system, exchanges: record_property(f"{REPLAYED}{system}", exchanges)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if TRIED in config.stash and os.environ.get("EVIDENCE"):
        note(config.stash[TRIED], terminalreporter.stats)
    counts: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", []):
        for name, number in report.user_properties:
            if name.startswith(REPLAYED):
                counts[name.removeprefix(REPLAYED)] += int(number)
    for system, number in sorted(counts.items()):
        terminalreporter.write_line(f"contract: {number} recorded exchanges of {system} were answered as recorded")


def remove(cluster: Cluster) -> None:
    cluster.stop()
    shutil.rmtree(cluster.data, ignore_errors=True)
    cluster.data.with_name(f"{cluster.data.name}.log").unlink(missing_ok=True)


def remove_left_overs() -> None:
    """Stop and remove the servers of sessions that were killed."""
    for data in CLUSTERS.glob("postgres-*/"):
        if not psutil.pid_exists(int(data.name.rsplit("-", 1)[1])):
            remove(Cluster(CHECKOUT, data, 0, ""))
