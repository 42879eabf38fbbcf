"""The same tests for the sandbox Magento and for a live one: where they differ, one of them fails.

The live half is marked `magento` (`make test-magento`); it needs MAGENTO_URL and a login, and says so without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from live_shop import LiveShop, SandboxShop, missing_login

from magodoo.connectors.magento import MagentoClient, MagentoConnection
from magodoo.connectors.magento.connection import Auth
from magodoo_sandbox.magento import RunningSandbox

Shop = LiveShop | SandboxShop


@pytest.fixture(scope="session", params=["sandbox", pytest.param("live", marks=pytest.mark.magento)])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A shop with goods, taxes and a coupon. What one test bought stays for the next, as in every shop."""
    if request.param == "sandbox":
        with RunningSandbox(SandboxShop.stocked()) as running:
            yield SandboxShop(running)
        return
    missing = missing_login()
    if missing:
        pytest.skip(f"not run: {missing}")
    live = LiveShop()
    live.provision()
    yield live


@pytest.fixture
def connect(shop: Shop) -> Iterator[Callable[..., MagentoClient]]:
    """Clients of the shop: `connect(page_size=7)`, `connect(auth=BearerToken("wrong"))`."""
    clients: list[MagentoClient] = []

    def client(auth: Auth | None = None, base_url: str = "", **changes: Any) -> MagentoClient:
        usual = shop.connection
        connection = MagentoConnection(base_url or usual.base_url, auth or usual.auth, **changes)
        clients.append(MagentoClient(connection, sleep=lambda seconds: None))
        return clients[-1]

    yield client
    for one in clients:
        one.close()


@pytest.fixture
def client(connect: Callable[..., MagentoClient]) -> MagentoClient:
    return connect()
