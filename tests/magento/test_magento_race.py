"""Several writers of one document at the same moment: the shop takes one of them and refuses the others (docs/facts/magento-2.4.7.md#7)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from conftest import Shop

from magodoo.connectors.magento import MagentoClient
from magodoo.domain.vocabulary import Kind
from magodoo.errors import FixDocument, MagodooError

WRITERS = 4
ZERO, TWO, THREE = Decimal(0), Decimal(2), Decimal(3)
Connect = Callable[..., MagentoClient]
Write = Callable[[MagentoClient, int, int], int]


def invoice(client: MagentoClient, order: int, item: int) -> int:
    return client.create_invoice(order, [(item, THREE)], "one of several writers")


def part_of_an_invoice(client: MagentoClient, order: int, item: int) -> int:
    """More than half: for a second one too little is left."""
    return client.create_invoice(order, [(item, TWO)], "one of several writers")


def shipment(client: MagentoClient, order: int, item: int) -> int:
    return client.create_shipment(order, [(item, THREE)], [], "one of several writers")


def credit_memo(client: MagentoClient, order: int, item: int) -> int:
    return client.create_credit_memo(order, [(item, THREE)], ZERO, ZERO, ZERO, "one of several writers")


@pytest.mark.parametrize(
    ("write", "kind", "quantity"),
    [
        (invoice, Kind.INVOICE, 3),
        (part_of_an_invoice, Kind.INVOICE, 2),
        (shipment, Kind.SHIPMENT, 3),
        (credit_memo, Kind.CREDIT_MEMO, 3),
    ],
)
def test_of_several_concurrent_writers_one_creates_the_document(
    shop: Shop, client: MagentoClient, connect: Connect, write: Write, kind: Kind, quantity: int
) -> None:
    order = shop.buy([("LIVE-A", 3)])
    (row,) = next(iter(client.by_ids(Kind.ORDER, [order]))).rows
    item = int(row["items"][0]["item_id"])
    if kind is Kind.CREDIT_MEMO:
        client.create_invoice(order, [(item, THREE)], "to be refunded")
    clients, together = [connect() for _ in range(WRITERS)], threading.Barrier(WRITERS)

    def at_once(one: MagentoClient) -> int | MagodooError:
        together.wait()
        try:
            return write(one, order, item)
        except MagodooError as problem:
            return problem

    with ThreadPoolExecutor(WRITERS) as pool:
        answers = list(pool.map(at_once, clients))
    made = [answer for answer in answers if isinstance(answer, int)]
    assert len(made) == 1, answers
    assert all(isinstance(answer, FixDocument) for answer in answers if not isinstance(answer, int)), answers
    found = [row for page in client.by_order(kind, [order]) for row in page.rows]
    assert [int(row["entity_id"]) for row in found] == made
    assert sum(Decimal(str(line["qty"])) for line in found[0]["items"]) == quantity
