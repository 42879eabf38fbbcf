"""A record of each model that we read is hidden, archived or deleted while its documents are being read: it costs its own documents alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hidden_records import ARCHIVABLE, EVER, KINDS, hide, sell
from odoo_shop import MOVE_FIELDS, ORDER_FIELDS, PAYMENT_FIELDS, Shop

from magodoo.connectors.odoo import documents, record_trees
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.record_kinds import READINGS

MODELS = (
    "sale.order", "sale.order.line", "account.move", "account.move.line", "stock.picking", "stock.move", "res.partner",
    "product.product", "account.tax", "account.payment",
)  # fmt: skip
WAYS = ("pages", "below", "batches")
Ids = set[int]


def interrupted(
    client: OdooClient, monkeypatch: pytest.MonkeyPatch, kind: str, then: Callable[[], None], way: str
) -> tuple[Ids, Ids]:
    """(ids read, ids set apart) of all documents of a kind, with `then` done in the middle.

    way: between two pages; between the list and what is below it, as versions without the nested read are asked; or between two of
    the batches that are read at the same time.
    """
    ids = sorted(row["id"] for page in client.documents.changed(kind, EVER) for row in page.rows)
    usual, left = client.rpc.call, [then]

    def call(model: str, method: str, **more: Any) -> Any:
        answer = usual(model, method, **more)
        if left and model == READINGS[kind].model and method in ("web_search_read", "search_read"):
            left.pop()()
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(client.rpc, "call", call)
        if way == "below":
            patched.setattr(record_trees, "NESTED_READ_SINCE", 99)
        patched.setattr(documents, "BATCH", 1)
        size = 1 if way == "pages" else documents.PAGE_SIZE
        pages = (
            [client.documents.by_ids(kind, ids)]
            if way == "batches"
            else list(client.documents.changed(kind, EVER, page_size=size))
        )
    assert not left, "something happened in the middle"
    read = {row["id"] for page in pages for row in page.rows}
    return read, {int(each.source_id or 0) for page in pages for each in page.quarantined}


@pytest.mark.parametrize("model", MODELS)
def test_a_record_hidden_during_a_read_costs_only_its_own_documents(
    shop: Shop, client: OdooClient, admin: OdooClient, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    one, other = sell(shop, 1), sell(shop, 2)
    for kind, way in itertools.product(KINDS, WAYS):
        rules: list[int] = []
        good, apart = interrupted(
            client, monkeypatch, kind, lambda rules=rules: rules.append(hide(admin, model, one.records[model])), way
        )
        assert other.documents[kind] in good, f"{kind} of the other order"
        assert apart <= {one.documents[kind]}, kind
        assert one.documents[kind] in good | apart or (way == "pages" and READINGS[kind].model == model), kind
        admin.rpc.write_call("ir.rule", "unlink", ids=rules)


@pytest.mark.parametrize("model", ARCHIVABLE)
def test_a_record_archived_during_a_read_costs_nothing(
    shop: Shop, client: OdooClient, admin: OdooClient, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    one, other = sell(shop, 1), sell(shop, 2)

    def archive() -> None:
        admin.rpc.write_call(model, "write", ids=[one.records[model]], vals={"active": False})

    for kind, way in itertools.product(KINDS, WAYS):
        good, apart = interrupted(client, monkeypatch, kind, archive, way)
        assert ({one.documents[kind], other.documents[kind]} <= good, apart) == (True, set()), kind
        admin.rpc.write_call(model, "write", ids=[one.records[model]], vals={"active": True})


def begin(shop: Shop, number: int) -> dict[str, tuple[str, int, int]]:
    """An order with what Odoo still lets be deleted: by model its kind of document, the document, and the record."""
    client = shop.client
    (order,) = client.orders.create(*shop.fitted("sale.order", ORDER_FIELDS, shop.order_rows(number))).ids.values()
    client.orders.confirm([order])
    (move,) = client.invoices.create(
        *shop.fitted("account.move", MOVE_FIELDS, shop.move_rows(number, number))
    ).ids.values()
    (draft,) = client.orders.create(*shop.fitted("sale.order", ORDER_FIELDS, shop.order_rows(number + 10))).ids.values()
    (payment,) = client.payments.create(PAYMENT_FIELDS, shop.payment_rows(move, number, "5")).ids.values()
    (picking,) = client.deliveries.open_transfers([order])
    line = client.documents.by_ids("order", [draft]).sure[0]["order_line"][-1]["id"]
    item = client.documents.by_ids("invoice", [move]).sure[0]["invoice_line_ids"][-1]["id"]
    return {
        "sale.order": ("order", draft, draft), "sale.order.line": ("order", draft, line),
        "account.move": ("invoice", move, move), "account.move.line": ("invoice", move, item),
        "stock.picking": ("shipment", picking["id"], picking["id"]),
        "stock.move": ("shipment", picking["id"], picking["move_ids"][-1]["id"]),
        "account.payment": ("payment", payment, payment),
    }  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", [model for model in MODELS if model not in ARCHIVABLE])
def test_a_record_deleted_during_a_read_costs_only_its_own_documents(
    shop: Shop, client: OdooClient, admin: OdooClient, monkeypatch: pytest.MonkeyPatch, model: str, way: str
) -> None:
    """Customers, products and taxes that a document names cannot be deleted in Odoo."""
    shop.load_partner()
    one, other = begin(shop, 1)[model], begin(shop, 2)[model]
    kind, document, record = one
    if model.startswith("stock"):
        admin.rpc.write_call("stock.picking", "action_cancel", ids=[document])
    good, apart = interrupted(
        client, monkeypatch, kind, lambda: admin.rpc.write_call(model, "unlink", ids=[record]), way
    )
    assert other[1] in good
    assert apart <= {document}
    assert client.visibility.hidden(READINGS[kind].model, [document]) == {}, "what is deleted is not hidden"
