"""Rows as REST shows them: private columns stripped, nested copies made, order lines altered as Magento alters them."""

from __future__ import annotations

import json
from decimal import InvalidOperation
from typing import Any

from magodoo_sandbox.magento.amounts import ZERO, Row, of
from magodoo_sandbox.magento.store import number

_SHIPPING_TOTAL = (
    "shipping_amount",
    "shipping_canceled",
    "shipping_discount_amount",
    "shipping_discount_tax_compensation_amount",
    "shipping_incl_tax",
    "shipping_invoiced",
    "shipping_refunded",
    "shipping_tax_amount",
    "shipping_tax_refunded",
)
_SHIPPING_COLUMNS = [
    *_SHIPPING_TOTAL,
    *(f"base_{column}" for column in _SHIPPING_TOTAL),
    "base_shipping_discount_tax_compensation_amnt",
]
_TAX_COLUMNS = ("code", "title", "percent", "amount", "base_amount")


def to_json(value: Any) -> bytes:
    """Bytes as PHP's json_encode writes them: non-ASCII and slashes escaped."""
    text = json.dumps(value, default=number, separators=(",", ":"))
    return text.replace("/", "\\/").encode("ascii")


def public(row: Row) -> Row:
    return {column: value for column, value in row.items() if column[0] != "_"}


def order(row: Row) -> Row:
    shown = public(row)
    plain_items = {item["item_id"]: _with_taxes(item) for item in row["items"]}
    items = []
    for item in plain_items.values():
        parent = plain_items.get(item.get("parent_item_id"))
        items.append(item if parent is None else _with_parent(row, item, parent))
    shown["items"] = items
    shown["payment"] = public(row["payment"])
    shown["status_histories"] = row["status_histories"][::-1]
    # Fields of modules that are not installed here (gift cards) are in the row itself.
    shown["extension_attributes"] = _order_extension(row, items) | row.get("extension_attributes", {})
    return shown


def _with_parent(row: Row, item: Row, parent: Row) -> Row:
    """Return a part beside its bundle. In an order marked so it is as from 2.4.8 on: without a price it shows its bundle's
    (`Webapi/ChangeOutputArray::getBundleProductPrice`, magento2#38687).
    """
    shown = item | {"parent_item": parent}
    if row.get("_parts_show_bundle_price") and parent.get("product_type") == "bundle" and not of(item, "price"):
        shown["price"] = parent["price"]
    return shown


def order_item(item: Row) -> Row:
    """row_total over REST is the stored one less the discount, never below 0 (docs/facts/magento-2.4.7-more.md#1.2)."""
    shown = public(item)
    for prefix in ("", "base_"):
        try:
            row_total, discount = of(item, f"{prefix}row_total"), of(item, f"{prefix}discount_amount")
            hidden, tax = of(item, f"{prefix}discount_tax_compensation_amount"), of(item, f"{prefix}tax_amount")
        except InvalidOperation:
            continue  # damaged on purpose: served as stored
        shown[f"{prefix}row_total"] = max(row_total - discount, ZERO)
        # Of the base figure Magento adds the tax of one piece (docs/facts/magento-versions.md).
        fixed = of(item, f"{prefix}weee_tax_applied_amount" if prefix else "weee_tax_applied_row_amount")
        including = row_total + tax + hidden - discount + fixed
        shown[f"{prefix}row_total_incl_tax"] = max(including, ZERO)
    return shown


def _with_taxes(item: Row) -> Row:
    """Inside an order a line shows its taxes; in the list of lines it does not."""
    own = item.get("extension_attributes", {})  # what modules add, as to the order
    return order_item(item) | {"extension_attributes": {"itemized_taxes": item.get("_taxes", [])} | own}


def _order_extension(row: Row, items: list[Row]) -> Row:
    total = {column: row[column] for column in _SHIPPING_COLUMNS if column in row}
    shipping: Row = {"total": total}
    if "_shipping_address" in row:
        shipping = {"address": row["_shipping_address"], "method": row["_shipping_method"], "total": total}
    taxes = row.get("_tax_rows", [])
    extension: Row = {
        "shipping_assignments": [{"shipping": shipping, "items": items}],
        "payment_additional_info": _payment_info(row),
        "applied_taxes": [{column: tax[column] for column in _TAX_COLUMNS} for tax in taxes],
        "item_applied_taxes": _item_applied_taxes(row),
        "converting_from_quote": False,
        "taxes": taxes,
        "additional_itemized_taxes": row.get("_shipping_taxes", []),
    }
    return extension


def _payment_info(row: Row) -> list[Row]:
    names = ("method_title", "instructions")
    values = row["payment"].get("additional_information") or []
    return [
        {"key": key, "value": "null" if value is None else value} for key, value in zip(names, values, strict=False)
    ]


def _item_applied_taxes(row: Row) -> list[Row]:
    shown: list[Row] = []
    if row.get("_shipping_taxes"):
        shown.append({"type": "shipping", "applied_taxes": [_applied(tax) for tax in row["_shipping_taxes"]]})
    for item in row["items"]:
        if item.get("_taxes"):
            applied = [_applied(tax) for tax in item["_taxes"]]
            shown.append({"type": "product", "item_id": item["item_id"], "applied_taxes": applied})
    return shown


def _applied(tax: Row) -> Row:
    return {
        "code": tax["tax_code"],
        "title": tax["tax_code"],
        "percent": tax["tax_percent"],
        "amount": tax["amount"],
        "base_amount": tax["base_amount"],
    }


def document(row: Row) -> Row:
    """Return an invoice, shipment or credit memo: what is stored is what is shown."""
    return public(row)
