"""What was written, under which tax and rule and on which transaction, is kept longer than names and requests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from shop_and_books import ShopAndBooks, shop_and_books
from sqlalchemy import text

from magodoo.money import to_units
from magodoo.pipeline import upkeep
from magodoo.settings import Settings
from magodoo.timestamps import utc_now


@pytest.fixture(scope="module")
def pair(module_staging_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopAndBooks]:
    with shop_and_books(module_staging_url, tmp_path_factory.mktemp("data_docs")) as made:
        yield made


@pytest.fixture(scope="module")
def order(pair: ShopAndBooks) -> int:
    """An order that a card paid, with everything written for it."""
    order = pair.order({"SKU-001": 1}, payment="card", email="kim.evidence@example.com")
    pair.shop.invoice(order, capture=True)
    pair.run()
    pair.run()
    return order


def evidence(pair: ShopAndBooks, order: int) -> dict[str, Any]:
    statement = "select kind, evidence from change where order_key = :order and state = 'done'"
    with pair.engine.connect() as connection:
        return dict(map(tuple, connection.execute(text(statement), {"order": str(order)})))


def after(pair: ShopAndBooks, days: int) -> dict[str, int]:
    settings = Settings(instances={pair.instance.id: pair.instance})
    return upkeep.run(pair.engine, settings, utc_now() + timedelta(days=days))


def test_a_change_keeps_tax_rule_rate_and_transaction_after_requests_and_names_are_gone(
    pair: ShopAndBooks, order: int
) -> None:
    (invoice,) = pair.invoices(order)
    before = evidence(pair, order)
    counts = after(pair, Settings(instances={}).personal_days + 1)
    assert counts["requests"] > 0 and counts["forgotten"] > 0 and counts["evidence"] == 0
    kept = evidence(pair, order)
    assert kept == before
    taxes = kept["odoo_invoice"]["taxes"]
    assert ("US 8.25%", "rate: 8.25, country: US", "8.25") in {(row["tax"], row["rule"], row["rate"]) for row in taxes}
    assert sum(row["net"] + row["tax_amount"] for row in taxes) == to_units(invoice["grand_total"])
    assert kept["odoo_payment"]["transaction"] == invoice["transaction_id"]
    assert "kim" not in f"{kept}".lower()


def test_evidence_ends_too(pair: ShopAndBooks, order: int) -> None:
    assert after(pair, 3651)["evidence"] > 0
    assert set(evidence(pair, order).values()) == {None}
