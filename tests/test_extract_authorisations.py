"""What became of an authorisation: read from Magento's transactions, of the orders alone whose money is only authorised."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from magodoo.domain import authorisation
from magodoo.domain.vocabulary import Kind
from magodoo.errors import Forbidden
from magodoo.extract import authorisations
from magodoo.extract.canonical import CanonicalDocument


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([("authorization", 0)], "open"),
        ([("authorization", "0")], "open"),
        ([("order", 0)], "open"),
        ([("authorization", 1)], "closed"),
        ([("authorization", 1), ("void", 0)], "voided 2026-11-02"),
        ([("authorization", 1), ("void", 1), ("authorization", 0)], "open"),
        ([("authorization", 1), ("capture", 0)], "captured"),
        ([], "none"),
    ],
)
def test_the_state_of_an_authorisation_follows_its_transactions(rows: list[Any], state: str) -> None:
    client = Transactions(
        [
            {"order_id": 7, "txn_type": kind, "is_closed": closed, "created_at": "2026-11-02 10:00:00"}
            for kind, closed in rows
        ]
    )
    orders = [an_order(7), an_order(8, paid_online=1), an_order(9, state="closed"), an_order(10, authorised=0)]
    authorisations.add(client, Kind.ORDER, orders)
    assert client.asked == [7], "no other order is asked for"
    assert [order.details.get("authorisation") for order in orders] == [state, None, None, None]


def test_without_access_to_transactions_orders_are_read_with_an_unknown_authorisation() -> None:
    order = an_order(7)
    authorisations.add(Transactions(None), Kind.ORDER, [order])
    assert not authorisation.is_over(order.details["authorisation"])
    assert "not known: the transactions could not be read" in authorisation.words(order.details["authorisation"])
    assert "Magento_Sales::transactions_fetch" in authorisation.words("")


class Transactions:
    """A client that knows the transactions of one order, or may not read any."""

    def __init__(self, rows: list[dict[str, Any]] | None) -> None:
        self.rows, self.asked = rows, list[int]()

    def transactions(self, order_ids: Iterable[int]) -> list[dict[str, Any]]:
        self.asked += order_ids
        if self.rows is None:
            raise Forbidden(
                "the consumer isn't authorized to access Magento_Sales::transactions_fetch", system="magento"
            )
        return self.rows


def an_order(
    source_id: int, *, state: str = "processing", authorised: int = 10_000, paid_online: int = 0
) -> CanonicalDocument:
    payment = {"amount_authorized": authorised, "base_amount_paid_online": paid_online}
    return CanonicalDocument(
        instance="us", side="magento", kind="order", source_id=str(source_id), number="1", state=state, active=True,
        request_began_at=datetime.now(UTC), details={"payment": payment},
    )  # fmt: skip
