"""Stores of the shop that no instance reads, and how much was invoiced in them: a month that balances may still lack a store.

RULES, *Taxes, products, customers, companies*: an unmapped store is `unmapped`. Its documents are nobody's, so they stand in no list and no
finding; preflight warns of the store, and each statement counts what it lacks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from magodoo.settings import Instance
from magodoo.statement.months import Month
from magodoo.vocabulary import Kind

if TYPE_CHECKING:
    from magodoo.magento.client import MagentoClient


def without_store(
    client: MagentoClient, instances: Iterable[Instance], instance: Instance, month: Month
) -> list[dict[str, Any]]:
    """One row per document of the month that has no store, where every instance of the shop leaves those to another: kind, number,
    source_id. Magento keeps the documents of a store view that was deleted without one. Empty when an instance reads them.
    """
    ours = [one for one in instances if one.magento_connection == instance.magento_connection]
    if not all(one.stores and one.deleted_stores == "ignore" for one in ours):
        return []
    rows: list[dict[str, Any]] = []
    for kind in (Kind.INVOICE, Kind.CREDIT_MEMO):
        for page in client.made_without_store(kind, month.begins, month.next.begins):
            rows += [_row(kind, row["entity_id"], row.get("increment_id")) for row in page.rows]
            rows += [_row(kind, each.source_id, None) for each in page.quarantined]
    return rows


def _row(kind: Kind, source_id: int | None, number: str | None) -> dict[str, Any]:
    return {"kind": kind.value, "number": number or "", "source_id": str(source_id or "")}


def read(
    client: MagentoClient, instances: Iterable[Instance], instance: Instance, month: Month
) -> list[dict[str, Any]]:
    """One row per store view of the instance's shop that is in the `stores` of no instance: store, code, invoices, credit_memos.

    The counts are of the documents that the store made in the month. Empty when an instance of this shop reads all stores.
    """
    ours = [one for one in instances if one.magento_connection == instance.magento_connection]
    if not all(one.stores for one in ours):
        return []
    known = {store for one in ours for store in one.stores}
    views = {int(view["id"]): str(view.get("code", "")) for view in client.store_views()}
    return [
        {
            "store": store, "code": code,
            "invoices": client.made(Kind.INVOICE, month.begins, month.next.begins, store),
            "credit_memos": client.made(Kind.CREDIT_MEMO, month.begins, month.next.begins, store),
        }
        for store, code in sorted(views.items()) if store and store not in known
    ]  # fmt: skip
