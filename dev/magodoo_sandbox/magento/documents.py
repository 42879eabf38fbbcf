"""The rows of new invoices, shipments and credit memos, built from a draft."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from magodoo_sandbox.magento.amounts import Row, dec, of, stored
from magodoo_sandbox.magento.invoicing import InvoiceDraft
from magodoo_sandbox.magento.refunding import RefundDraft
from magodoo_sandbox.magento.shipping import ShipmentDraft
from magodoo_sandbox.magento.store import Tables

_CURRENCIES = (
    "base_currency_code",
    "order_currency_code",
    "store_currency_code",
    "global_currency_code",
    "base_to_global_rate",
    "base_to_order_rate",
    "store_to_base_rate",
    "store_to_order_rate",
)


@dataclass(frozen=True)
class Comment:
    """Stored with its document in the same transaction, whatever the value of `appendComment` (docs/facts/magento-2.4.7.md#7)."""

    text: str
    visible: bool = False


def next_increment(tables: Tables, kind: str, store_id: int) -> str:
    """Nine digits per store view and kind; other stores than 1 begin with their id (docs/facts/magento-2.4.7-more.md#2)."""
    number = tables.next_id(f"increment_{kind}_{store_id}")
    return f"{number:09d}" if store_id == 1 else f"{store_id}{number:09d}"


def invoice_row(tables: Tables, draft: InvoiceDraft, stamp: str, comment: Comment | None) -> Row:
    row = _document(tables, draft.order, "invoices", stamp) | _money(draft.order)
    row |= _stored(draft.header)
    row |= {"state": 2, "can_void_flag": 0, "total_qty": stored(draft.total_qty)}
    row["items"] = [_line(tables, line, row, "invoice_items") for line, _ in draft.lines]
    row["comments"] = _comments(tables, row, "invoice_comments", stamp, comment)
    return row


def creditmemo_row(tables: Tables, draft: RefundDraft, stamp: str, comment: Comment | None) -> Row:
    row = _document(tables, draft.order, "creditmemos", stamp) | _money(draft.order)
    row |= _stored(draft.header)
    row["state"] = 2
    if draft.invoice is not None:
        row["invoice_id"] = draft.invoice["entity_id"]
    row["items"] = [_line(tables, line, row, "creditmemo_items") for line, _ in draft.lines]
    row["comments"] = _comments(tables, row, "creditmemo_comments", stamp, comment)
    return row


def shipment_row(tables: Tables, draft: ShipmentDraft, stamp: str, comment: Comment | None, source_code: str) -> Row:
    row = _document(tables, draft.order, "shipments", stamp)
    if "customer_id" in draft.order:
        row["customer_id"] = draft.order["customer_id"]
    row |= {"total_qty": stored(draft.total_qty), "packages": [], "tracks": []}
    row["items"] = [_line(tables, line, row, "shipment_items") for line, _ in draft.lines]
    row["comments"] = _comments(tables, row, "shipment_comments", stamp, comment)
    row["extension_attributes"] = {"source_code": source_code}
    return row


def track_row(tables: Tables, shipment: Row, track: Row, stamp: str) -> Row:
    """Return a track as it is stored; weight, qty and description are null where they were not sent."""
    return {
        "order_id": shipment["order_id"],
        "created_at": stamp,
        "entity_id": tables.next_id("tracks"),
        "parent_id": shipment["entity_id"],
        "updated_at": stamp,
        "weight": _optional(track.get("weight")),
        "qty": _optional(track.get("qty")),
        "description": track.get("description"),
        "track_number": str(track["track_number"]),
        "title": track.get("title") or "",
        "carrier_code": track.get("carrier_code") or "custom",
    }


def comment_row(tables: Tables, sequence: str, parent_id: int, comment: Comment, stamp: str, notified: int = 0) -> Row:
    return {
        "is_customer_notified": notified,
        "parent_id": parent_id,
        "comment": as_text_column(comment.text),
        "is_visible_on_front": int(comment.visible),
        "created_at": stamp,
        "entity_id": tables.next_id(sequence),
    }


def history_row(
    tables: Tables, order: Row, text: str, stamp: str, entity_name: str | None, notified: int | None
) -> Row:
    row: Row = {"comment": as_text_column(text), "created_at": stamp, "entity_id": tables.next_id("histories")}
    if entity_name:
        row["entity_name"] = entity_name
    return row | {
        "is_customer_notified": notified,
        "is_visible_on_front": 0,
        "parent_id": order["entity_id"],
        "status": order.get("status"),
    }


def as_text_column(text: str) -> str:
    """Return a TEXT column silently keeps 65,535 bytes."""
    return text.encode()[:65535].decode(errors="ignore")


def _document(tables: Tables, order: Row, kind: str, stamp: str) -> Row:
    row: Row = {
        "entity_id": tables.next_id(kind),
        "increment_id": next_increment(tables, kind, order["store_id"]),
        "order_id": order["entity_id"],
        "store_id": order["store_id"],
        "billing_address_id": order["billing_address_id"],
        "created_at": stamp,
        "updated_at": stamp,
    }
    address = order.get("_shipping_address")
    return row if address is None else row | {"shipping_address_id": address["entity_id"]}


def _money(order: Row) -> Row:
    row = {column: order[column] for column in _CURRENCIES}
    if order.get("discount_description"):
        row["discount_description"] = order["discount_description"]
    return row


def _stored(columns: Row) -> Row:
    return {column: stored(value) if isinstance(value, Decimal) else value for column, value in columns.items()}


def _line(tables: Tables, line: Row, document: Row, sequence: str) -> Row:
    shown = {column: value for column, value in line.items() if column[0] != "_"}
    return {"entity_id": tables.next_id(sequence), "parent_id": document["entity_id"]} | _stored(shown)


def _comments(tables: Tables, document: Row, sequence: str, stamp: str, comment: Comment | None) -> list[Row]:
    if comment is None:
        return []
    return [comment_row(tables, sequence, document["entity_id"], comment, stamp)]


def _optional(value: Any) -> Decimal | None:
    return None if value is None else dec(value)


def refunded_by_invoice(creditmemos: list[Row], invoice: Row) -> dict[int, Decimal]:
    """Quantities that earlier credit memos of the invoice took, by order item id."""
    taken: dict[int, Decimal] = {}
    for memo in creditmemos:
        if memo.get("invoice_id") == invoice["entity_id"]:
            for line in memo["items"]:
                taken[line["order_item_id"]] = taken.get(line["order_item_id"], Decimal(0)) + of(line, "qty")
    return taken
