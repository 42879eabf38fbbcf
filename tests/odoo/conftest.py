"""A live Odoo 19 for the session, a database of its own for each test that writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from live_shop import Shop

from magodoo.odoo.client import OdooClient
from magodoo.stack.live_odoo import LiveOdoo, live_odoo

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("odoo")


@pytest.fixture(scope="session")
def odoo() -> Iterator[LiveOdoo]:
    with live_odoo() as running:
        yield running


@pytest.fixture
def database(odoo: LiveOdoo) -> Iterator[str]:
    """A fresh provisioned database."""
    name = odoo.clone()
    yield name
    odoo.drop(name)


@pytest.fixture
def connect(odoo: LiveOdoo, database: str) -> Iterator[Callable[..., OdooClient]]:
    """Clients of the test's database: `connect("admin")`, `connect("sync_both", company=2)`."""
    clients: list[OdooClient] = []

    def client(user: str = "sync", company: int = 0) -> OdooClient:
        clients.append(OdooClient(odoo.connection(user, database, company)))
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
