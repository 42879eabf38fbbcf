"""Each writer against both sandboxes over HTTP: what is written equals its source to the cent, once, whatever is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from load_lab import Lab, lab, provisioned

from magodoo.vocabulary import ChangeKind, Kind


@pytest.fixture(scope="module")
def state() -> dict[str, Any]:
    return provisioned()


@pytest.fixture
def made(staging_url: str, state: dict[str, Any]) -> Iterator[Lab]:
    with lab(staging_url, state) as made:
        yield made


def test_an_order_its_invoice_and_its_payment_arrive_equal_to_the_cent(made: Lab) -> None:
    order = made.order(payment="card")
    invoice = made.shop.invoice(order)
    made.read()
    made.plan(*made.whole_order(order, invoice, paid=True))
    counts = made.load()
    assert (counts["applied"], set(made.states())) == (3, {"done"})
    (entry,) = made.moves()
    source = made.shop.tables.invoices[invoice]
    assert Decimal(str(entry["amount_total"])) == Decimal(source["grand_total"])
    assert (entry["state"], entry["payment_state"], entry["ref"]) == ("posted", "paid", source["increment_id"])
    (sale,) = made.records("sale.order", "state amount_total client_order_ref date_order")
    assert (sale["state"], sale["client_order_ref"]) == ("sale", made.shop.order(order)["increment_id"])
    assert sale["date_order"] == made.shop.order(order)["created_at"]
