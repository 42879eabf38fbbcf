"""Read the state of authorisations that no provider has captured.

An order does not show it: after a void its payment still has `amount_authorized`, and it stays `processing`
(`Payment::_void`, docs/facts/magento-versions.md). Only the payment's transactions show it, so they are read for such
orders. An authorisation that expires at the provider shows nowhere, unless the provider's module reports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from magodoo.domain.authorisation import CAPTURED, CLOSED, NONE, OPEN, UNREAD, VOIDED
from magodoo.domain.states import MAY_BE_UNCAPTURED
from magodoo.domain.vocabulary import Kind
from magodoo.errors import FixConfiguration, Unreadable
from magodoo.extract import fields
from magodoo.extract.canonical import CanonicalDocument

if TYPE_CHECKING:
    from magodoo.connectors.magento.client import MagentoClient

HOLDS = ("authorization", "order")


def add(client: MagentoClient, kind: Kind, documents: Sequence[CanonicalDocument]) -> None:
    """Read the transactions of authorised orders, in one list, and set `details.authorisation` from them.

    Without the right to read transactions the orders are read all the same, with the state UNREAD.
    """
    waiting = [each for each in documents if kind is Kind.ORDER and _waits(each)]
    if not waiting:
        return
    try:
        rows: list[dict[str, Any]] | None = client.transactions(int(each.source_id) for each in waiting)
    except (FixConfiguration, Unreadable):
        rows = None
    for each in waiting:
        own = [row for row in rows or () if str(row["order_id"]) == each.source_id]
        each.details["authorisation"] = UNREAD if rows is None else _state(own)


def _waits(order: CanonicalDocument) -> bool:
    payment: dict[str, Any] = {**order.details.get("payment", {})}
    authorised = (payment.get("amount_authorized") or 0) > 0 and not payment.get("base_amount_paid_online")
    return bool(authorised and order.state in MAY_BE_UNCAPTURED)


def _state(transactions: Sequence[dict[str, Any]]) -> str:
    """Return the state of the authorisations among an order's transactions, with the day (UTC) of a void."""
    if any(row.get("txn_type") in ("capture", "payment") for row in transactions):
        return CAPTURED
    if any(row.get("txn_type") in HOLDS and not fields.flag(row, "is_closed") for row in transactions):
        return OPEN
    voids = sorted(str(row.get("created_at") or "")[:10] for row in transactions if row.get("txn_type") == "void")
    if voids:
        return f"{VOIDED} {voids[-1]}"
    return CLOSED if transactions else NONE
