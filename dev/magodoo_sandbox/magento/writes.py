"""POST, PUT and DELETE routes: the body read as Magento reads it, then the operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from magodoo_sandbox.magento import render
from magodoo_sandbox.magento.amounts import Row
from magodoo_sandbox.magento.auth import issue_admin_token
from magodoo_sandbox.magento.calls import (
    ARGUMENTS,
    COMMENT,
    TRACK,
    Call,
    entity,
    flag,
    path_id,
    quantities,
    required,
    snake,
)
from magodoo_sandbox.magento.documents import Comment, next_increment
from magodoo_sandbox.magento.refusals import bad, internal_error, missing_field, no_such_entity
from magodoo_sandbox.magento.shop import MagentoShop

_STORED_COMMENT = {
    "comment": "string",
    "is_customer_notified": "int",
    "is_visible_on_front": "int",
    "parent_id": "int",
    "entity_name": "string",
    "status": "string",
    "created_at": "string",
    "entity_id": "int",
    "extension_attributes": "any",
}
_STORED_TRACK = TRACK | {
    "order_id": "int",
    "parent_id": "int",
    "weight": "float",
    "qty": "float",
    "description": "string",
    "entity_id": "int",
    "created_at": "string",
    "updated_at": "string",
}


def issue_token(shop: MagentoShop, call: Call) -> str:
    body = call.body()
    for name in ("username", "password"):
        if name not in body:
            raise missing_field(name)
    return issue_admin_token(shop.accounts, str(body["username"]), str(body["password"]))


def invoice_order(shop: MagentoShop, call: Call, order_id: str) -> str:
    """Answers a JSON string, though the schema promises an integer (docs/facts/magento-2.4.7.md#5)."""
    body, found = _order_body(shop, call, order_id)
    items = quantities(body.get("items"), shop.limits, "Invoice")
    return str(shop.invoice(found, items, comment=_comment(body), capture=flag(body.get("capture"))))


def ship_order(shop: MagentoShop, call: Call, order_id: str) -> str:
    body, found = _order_body(shop, call, order_id)
    items = quantities(body.get("items"), shop.limits, "Shipment")
    tracks = [entity(track, TRACK) for track in body.get("tracks") or []]
    extension = entity(body.get("arguments"), ARGUMENTS).get("extension_attributes") or {}
    source = {snake(key): value for key, value in extension.items()}.get("source_code") or "default"
    return str(shop.ship(found, items, tracks=tracks, source=source, comment=_comment(body)))


def refund_order(shop: MagentoShop, call: Call, order_id: str) -> str:
    body, found = _order_body(shop, call, order_id)
    items = quantities(body.get("items"), shop.limits, "Creditmemo")
    return str(shop.refund(found, items, **_refund_arguments(body)))


def refund_invoice(shop: MagentoShop, call: Call, invoice_id: str) -> str:
    found = path_id(invoice_id)
    body = call.body()
    items = quantities(body.get("items"), shop.limits, "Creditmemo")
    online = flag(body.get("isOnline", body.get("is_online")))
    return str(shop.refund_invoice(found, items, online=online, **_refund_arguments(body)))


def _order_body(shop: MagentoShop, call: Call, order_id: str) -> tuple[dict[str, Any], int]:
    found = path_id(order_id)
    body = call.body()
    shop.order(found)
    return body, found


def _refund_arguments(body: dict[str, Any]) -> dict[str, Any]:
    """Return an `arguments` object without a shipping amount is read as nothing sent."""
    sent = entity(body.get("arguments"), ARGUMENTS)
    extension = {snake(key): value for key, value in (sent.get("extension_attributes") or {}).items()}
    return {
        "shipping": sent.get("shipping_amount"),
        "adjustment_positive": sent.get("adjustment_positive"),
        "adjustment_negative": sent.get("adjustment_negative"),
        "return_to_stock": [int(item) for item in extension.get("return_to_stock_items") or []],
        "comment": _comment(body),
        "notify": flag(body.get("notify")),
    }


def _comment(body: dict[str, Any]) -> Comment | None:
    sent = entity(body.get("comment"), COMMENT)
    return Comment(str(sent["comment"]), flag(sent.get("is_visible_on_front"))) if sent.get("comment") else None


def cancel_order(shop: MagentoShop, call: Call, order_id: str) -> bool:
    return shop.cancel(path_id(order_id))


def hold_order(shop: MagentoShop, call: Call, order_id: str) -> bool:
    return shop.hold(path_id(order_id))


def unhold_order(shop: MagentoShop, call: Call, order_id: str) -> bool:
    return shop.unhold(path_id(order_id))


def comment_order(shop: MagentoShop, call: Call, order_id: str) -> bool:
    found = path_id(order_id)
    body = call.body()
    sent = entity(body.get("statusHistory", body.get("status_history")), _STORED_COMMENT)
    visible, notified = flag(sent.get("is_visible_on_front")), sent.get("is_customer_notified")
    return shop.comment(
        found, str(sent.get("comment", "")), status=sent.get("status"), visible=visible, notified=notified
    )


def email_order(shop: MagentoShop, call: Call, order_id: str) -> bool:
    shop.order(path_id(order_id))
    return True


def capture_invoice(shop: MagentoShop, call: Call, invoice_id: str) -> bool:
    return shop.capture(path_id(invoice_id))


def void_invoice(shop: MagentoShop, call: Call, invoice_id: str) -> bool:
    return shop.void(path_id(invoice_id))


def email_invoice(shop: MagentoShop, call: Call, invoice_id: str) -> bool:
    """Return the mail moves the invoice's updated_at (docs/facts/magento-2.4.7.md#4)."""
    invoice = shop.tables.invoices.get(path_id(invoice_id))
    if invoice is None:
        raise no_such_entity()
    invoice |= {"email_sent": 1, "updated_at": shop.clock.stamp()}
    return True


def comment_document(kind: str) -> Callable[..., Row]:
    """POST .../comments of a document; the id is in the path, or `parent_id` in the body."""

    def comment_it(shop: MagentoShop, call: Call, identifier: str = "") -> Row:
        sent = entity(call.body().get("entity"), _STORED_COMMENT)
        parent_id = path_id(identifier) if identifier else int(sent.get("parent_id") or 0)
        comment = Comment(str(sent.get("comment", "")), flag(sent.get("is_visible_on_front")))
        row = shop.comment_document(kind, parent_id, comment, int(sent.get("is_customer_notified") or 0))
        return {column: value for column, value in row.items() if column != "created_at"}

    return comment_it


def add_track(shop: MagentoShop, call: Call) -> Row:
    sent = entity(call.body().get("entity"), _STORED_TRACK)
    shipment = shop.tables.shipments.get(sent.get("parent_id") or 0)
    if shipment is None or shipment["order_id"] != sent.get("order_id"):
        raise bad("Could not save the shipment tracking.")
    more = {name: sent[name] for name in ("weight", "qty", "description") if name in sent}
    number, title, carrier = (str(sent.get(name) or "") for name in ("track_number", "title", "carrier_code"))
    return shop.add_track(shipment["entity_id"], number, title, carrier, **more)


def delete_track(shop: MagentoShop, call: Call, track_id: str) -> bool:
    return shop.delete_track(path_id(track_id))


def save_order(shop: MagentoShop, call: Call) -> Row:
    """Return a raw save. Only ext_order_id (32 characters) is taken over; the answer shows nulls for all that was not sent."""
    sent = _raw(call)
    order = shop.tables.orders.get(int(sent.get("entity_id") or 0))
    if order is None or len(str(sent.get("ext_order_id") or "")) > 32:
        raise internal_error()
    if "ext_order_id" in sent:
        order["ext_order_id"] = sent["ext_order_id"]
    order["updated_at"] = shop.clock.stamp()
    shown = render.order(order)
    kept = "billing_address_id created_at entity_id ext_order_id updated_at billing_address payment status_histories"
    blank = {"base_grand_total": None, "base_total_due": 0, "customer_email": None, "grand_total": None, "total_due": 0}
    answer = blank | {column: shown[column] for column in kept.split() if column in shown}
    answer["items"] = [{key: item[key] for key in item if key != "extension_attributes"} for item in shown["items"]]
    return answer


def save_invoice(shop: MagentoShop, call: Call) -> Row:
    """Return a raw save: an update takes over the transaction id, a creation stores what was sent and computes nothing."""
    sent = _raw(call)
    required(sent, "order_id", "total_qty", "items")
    if "entity_id" in sent:
        return _update(shop, "invoices", sent, ("total_qty",), with_items=False)
    return _create(shop, "invoices", sent, "invoice_items")


def save_creditmemo(shop: MagentoShop, call: Call) -> Row:
    sent = _raw(call)
    required(sent, "order_id", "items")
    if "entity_id" in sent:
        return _update(shop, "creditmemos", sent, (), with_items=True)
    return _create(shop, "creditmemos", sent, "creditmemo_items")


def save_shipment(shop: MagentoShop, call: Call) -> Row:
    raise bad("The shipment couldn't be saved.")


def refund_raw(shop: MagentoShop, call: Call) -> Row:
    """POST /V1/creditmemo/refund stores what is sent; the order does not change (docs/facts/magento-2.4.7.md#5.3)."""
    sent = {snake(key): value for key, value in (call.body().get("creditmemo") or {}).items()}
    required(sent, "order_id", "items")
    return _create(shop, "creditmemos", sent | {"state": 2}, "creditmemo_items")


def cancel_creditmemo(shop: MagentoShop, call: Call, creditmemo_id: str) -> Row:
    path_id(creditmemo_id)
    raise bad("You can not cancel Credit Memo")


def _raw(call: Call) -> Row:
    return {snake(key): value for key, value in (call.body().get("entity") or {}).items()}


def _update(shop: MagentoShop, kind: str, sent: Row, shown: tuple[str, ...], *, with_items: bool) -> Row:
    row = shop.tables.documents(kind).get(int(sent["entity_id"]))
    if row is None:
        raise internal_error()
    row["updated_at"] = shop.clock.stamp()
    if "transaction_id" in sent:
        row["transaction_id"] = sent["transaction_id"]
    answer = {name: row[name] for name in ("created_at", "entity_id", "order_id", "updated_at")}
    answer |= {name: row[name] for name in (*shown, "transaction_id") if name in row}
    return answer | {"items": row["items"] if with_items else [], "comments": row["comments"]}


def _create(shop: MagentoShop, kind: str, sent: Row, sequence: str) -> Row:
    order = shop.tables.orders.get(int(sent["order_id"]))
    if order is None:
        raise internal_error()
    stamp = shop.clock.stamp()
    row: Row = {column: value for column, value in sent.items() if column != "items"}
    row |= {f"base_{name}": sent[name] for name in ("adjustment_positive", "adjustment_negative") if name in sent}
    row |= {"created_at": stamp, "updated_at": stamp, "entity_id": shop.tables.next_id(kind)}
    row["increment_id"] = next_increment(shop.tables, kind, order["store_id"])
    blank = {"base_cost": None, "base_price": None} if kind == "creditmemos" else {}
    row["items"] = [
        blank
        | {"entity_id": shop.tables.next_id(sequence), "parent_id": row["entity_id"]}
        | {snake(key): value for key, value in item.items()}
        for item in sent["items"]
    ]
    row["comments"] = []
    shop.tables.documents(kind)[row["entity_id"]] = row
    return row
