"""The same tests for the sandbox Odoo and for a live Odoo 19: where they differ, one of them fails.

Each test that asks for a client has a database of its own. The live half is marked `odoo` (`make test-odoo`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack

import pytest
from live_books import ShopAndLiveBooks, shop_and_live_books
from live_counts import CHECKOUT, EVIDENCE, LiveRun, circumstances, is_evidence, note
from odoo_shop import Shop
from reviewed import is_reviewed, told
from sandbox_backend import SandboxBackend

from magodoo.connectors.odoo.client import OdooClient
from magodoo_devstack.live_odoo import LiveOdoo, announced, live_odoo
from magodoo_devstack.odoo_remote import NotThere, RemoteOdoo, remote_odoo

Backend = LiveOdoo | RemoteOdoo | SandboxBackend
BUILD = pytest.StashKey[str]()


SANDBOXES = {"sandbox": 19, "sandbox_18": 18}
"""The versions that the sandbox is started as, by the name in a test's parameters."""


@pytest.fixture(scope="session", params=[*SANDBOXES, pytest.param("live", marks=pytest.mark.odoo)])
def odoo(request: pytest.FixtureRequest) -> Iterator[Backend]:
    with ExitStack() as stack:
        if request.param in SANDBOXES:
            yield stack.enter_context(SandboxBackend(SANDBOXES[request.param]))
            return
        if os.environ.get("ODOO_URL"):
            remote = stack.enter_context(remote_odoo())
            request.config.stash[BUILD] = remote.build
            yield remote
            return
        running = stack.enter_context(live_odoo())
        stack.enter_context(announced(running))  # the demo's test runs beside it
        request.config.stash[BUILD] = running.build
        yield running


def _skipping() -> Generator[None, object, object]:
    try:
        return (yield)
    except NotThere as why:
        pytest.skip(str(why))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    """A test that needs more than a server of somebody else gives is skipped, with the reason."""
    return (yield from _skipping())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    return (yield from _skipping())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """The run says which build it met, what to do where nobody has reviewed that one, and where its counts are."""
    build = config.stash.get(BUILD, "")
    if not build:
        return
    terminalreporter.write_line(told(build), yellow=not is_reviewed(build))
    option = config.option
    left_out = bool(option.keyword or option.deselect or option.maxfail or getattr(option, "lf", False))
    ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if not is_evidence(config.args, left_out=left_out, ended=ended):
        terminalreporter.write_line("No counts are kept of a part of a file.")
        return
    run = LiveRun.of(terminalreporter.stats, circumstances())
    file = note(run, build, str(option.markexpr), EVIDENCE if os.environ.get("EVIDENCE") else None)
    terminalreporter.write_line(f"Counts of the live tests by file: {file.relative_to(CHECKOUT)}")


@pytest.fixture(scope="module")
def odoo_modules() -> Sequence[str]:
    """Modules of Odoo that the stories of a module need besides; a module overrides it."""
    return ()


@pytest.fixture(scope="module")
def pair(
    odoo: LiveOdoo, module_staging_url: str, tmp_path_factory: pytest.TempPathFactory, odoo_modules: Sequence[str]
) -> Iterator[ShopAndLiveBooks]:
    """The shop and its documents in a live Odoo, that the stories of one module share."""
    docs = tmp_path_factory.mktemp("data_docs")
    with shop_and_live_books(odoo, module_staging_url, docs, odoo_modules) as made:
        yield made


@pytest.fixture
def database(odoo: Backend) -> Iterator[str]:
    """A fresh provisioned database."""
    name = odoo.clone()
    yield name
    odoo.drop(name)


@pytest.fixture
def connect(odoo: Backend, database: str) -> Iterator[Callable[..., OdooClient]]:
    """Clients of the test's database: `connect("admin")`, `connect("sync_both", company=2)`."""
    clients: list[OdooClient] = []

    def client(user: str = "sync", company: int = 0) -> OdooClient:
        clients.append(OdooClient.connect(odoo.connection(user, database, company)))
        return clients[-1]

    yield client
    for one in clients:
        one.close()


@pytest.fixture
def client(connect: Callable[..., OdooClient]) -> OdooClient:
    """The restricted user that the pipeline works as."""
    return connect()


@pytest.fixture
def admin(connect: Callable[..., OdooClient]) -> OdooClient:
    return connect("admin")


@pytest.fixture
def shop(client: OdooClient, admin: OdooClient) -> Shop:
    """Products on stock, and rows of documents to load."""
    return Shop.stocked(client, admin)
