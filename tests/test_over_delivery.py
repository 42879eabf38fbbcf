"""Where the warehouse sends more of an order line than was ordered, Magento gets what was ordered, and the statement counts what left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from shop_and_books import ShopAndBooks, shop_and_books

from magodoo.pipeline import statement
from magodoo.statement.periods import Month


@pytest.fixture(scope="module")
def pair(module_staging_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopAndBooks]:
    with shop_and_books(module_staging_url, tmp_path_factory.mktemp("data_docs")) as made:
        yield made


@pytest.mark.parametrize("sent", [1, 2, 3, 5])
def test_what_left_beyond_the_order_is_delivered_and_not_invoiced(pair: ShopAndBooks, sent: int) -> None:
    order = pair.order({"SKU-001": 2})
    pair.shop.invoice(order)
    pair.chain()
    pair.deliver(order, {"SKU-001": sent})
    pair.run()
    shipped = sum(item["qty"] for shipment in pair.shipments(order) for item in shipment["items"])
    assert shipped == min(sent, 2), "never more than was ordered"
    body = statement.make(pair.context(), Month.of(datetime.now(UTC), pair.instance.zone)).body
    number = pair.shop.order(order)["increment_id"]
    for annex, wrong in (("invoiced_not_delivered", sent < 2), ("delivered_not_invoiced", sent > 2)):
        assert (number in {row["order_number"] for row in body["annexes"][annex]}) is wrong, annex
