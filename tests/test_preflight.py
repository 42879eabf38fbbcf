"""Preflight: a prepared pair of systems passes; each thing that is wrong is found, named, and told what to do about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from magodoo.errors import FixConfiguration
from magodoo.magento.client import MagentoClient
from magodoo.magento.connection import MagentoConnection
from magodoo.odoo.client import OdooClient
from magodoo.odoo.connection import OdooConnection
from magodoo.pipeline import preflight
from magodoo.preflight import CheckLine, Status, passed, why_not
from magodoo.preflight.lines import table
from magodoo.preflight.subject import Subject
from magodoo.sandbox.magento import RunningSandbox as RunningMagento
from magodoo.sandbox.odoo import RunningSandbox as RunningOdoo
from magodoo.settings import Settings
from magodoo.staging import connect

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
INSTANCE = {
    "magento_connection": "shop",
    "odoo_connection": "books",
    "books_from": "2026-11-01 00:00",
    "time_zone": "America/Chicago",
    "payment_methods": {"card": {"captured_by_provider": True, "journal": "CARD"}, "checkmo": {}},
    "taxes": [{"rate": "8.25", "odoo_tax": "US 8.25%", "country": "US"}, {"rate": "0", "odoo_tax": "0% Exempt"}],
    "recipients": {"accounting": ["a@example.com"], "warehouse": ["w@example.com"], "it": ["i@example.com"]},
    "odoo": {"pricelists": {"USD": "Magento USD"}, "carriers": {"flatrate": "Flat Rate - Fixed"}},
}  # fmt: skip


@pytest.fixture(scope="module")
def engine(module_staging_url: str) -> Iterator[Engine]:
    made = connect(module_staging_url)
    with made.begin() as connection:
        for number, method, sku in ((1, "card", "SHIPPING"), (2, "klarna", "NO-SUCH-SKU")):
            connection.execute(
                text("""insert into document (instance, side, kind, source_id, number, state, currency, payment_method,
                    request_began_at, version) values ('us', 'magento', 'order', :id, :id, 'processing', 'USD', :method, now(), 1)"""),
                {"id": str(number), "method": method},
            )
            connection.execute(
                text("""insert into line (instance, side, kind, source_id, line_id, sku)
                    values ('us', 'magento', 'order', :id, '1', :sku)"""),
                {"id": str(number), "sku": sku},
            )
    yield made
    made.dispose()


@pytest.fixture
def magento() -> Iterator[RunningMagento]:
    with RunningMagento() as sandbox:
        yield sandbox


@pytest.fixture
def odoo() -> Iterator[RunningOdoo]:
    with RunningOdoo() as sandbox:
        yield sandbox


Examine = Callable[..., dict[str, CheckLine]]


@pytest.fixture
def examine(engine: Engine, magento: RunningMagento, odoo: RunningOdoo) -> Examine:
    """Runs preflight with the settings above and the given changes to them; the lines by name."""

    def run(
        *, token: str = "", key: str = "sync-key", others: dict[str, Any] | None = None, **more: Any
    ) -> dict[str, CheckLine]:
        return {line.name: line for line in preflight.run(subject(token=token, key=key, others=others, **more))}

    def subject(*, token: str, key: str, others: dict[str, Any] | None, **more: Any) -> Subject:
        settings = Settings.model_validate({"instances": {"us": {**INSTANCE, **more, "id": "us"}, **(others or {})}})
        reached: Any = more.pop("smtp", "mail:25")
        return Subject(
            settings=settings,
            instance=settings.instances["us"],
            engine=engine,
            magento=MagentoClient(
                MagentoConnection.from_mapping({"base_url": magento.url, "token": token or magento.token, "attempts": 1})
            ),
            odoo=OdooClient(OdooConnection(odoo.url, "odoo", key, 1, attempts=1)),
            reach_smtp=lambda: reached,
            now=lambda: NOW,
        )

    return run


def admin(odoo: RunningOdoo) -> Any:
    return odoo.db.env("admin")


def test_prepared_systems_pass_without_an_error(examine: Examine, engine: Engine) -> None:
    lines = examine()
    print(table(list(lines.values())))
    assert [line for line in lines.values() if line.status is Status.ERROR] == []
