"""Fixed product tax, untaxed and beside the subtotal, as Magento_Weee charges, invoices and refunds it.

By the piece: in the grand totals and in the items of orders and credit memos; an invoice's items do not show it
(docs/facts/magento-versions.md).
"""

from __future__ import annotations

import json
from decimal import Decimal

from magodoo_sandbox.magento.amounts import ZERO, Row, add, cents, of

_ROWS = (("", "weee_tax_applied_row_amount"), ("base_", "base_weee_tax_applied_row_amnt"))
Lines = list[tuple[Row, Row]]


def charge(order: Row, a_piece: Decimal, is_dummy: list[bool]) -> None:
    """Charge an order that was just placed: `is_dummy` returns whether an item carries no money."""
    for item, dummy in zip(order["items"], is_dummy, strict=True):
        if dummy:
            continue
        rate = of(order, "base_to_order_rate") or Decimal(1)
        for prefix, row in _ROWS:
            piece = a_piece if not prefix else cents(a_piece / rate)
            item[f"{prefix}weee_tax_applied_amount"] = piece
            item[row] = cents(piece * of(item, "qty_ordered"))
            for total in ("grand_total", "total_due"):
                add(order, f"{prefix}{total}", item[row])
        item["weee_tax_applied"] = applied(item)


def applied(item: Row) -> str:
    """Return the taxes of an item as JSON, with what documents hold of them; an empty list without any."""
    if not of(item, _ROWS[0][1]):
        return "[]"
    shown = {"title": "Eco tax", "amount": item["weee_tax_applied_amount"], "row_amount": item[_ROWS[0][1]]}
    shown["row_amount_incl_tax"] = shown["row_amount"]
    done = {
        f"weee_amount_{name}": item[f"_weee_{name}"] for name in ("invoiced", "refunded") if f"_weee_{name}" in item
    }
    return json.dumps([{name: str(value) for name, value in (shown | done).items()}])


def on_invoice(header: Row, lines: Lines, is_last: list[bool]) -> None:
    """Add the pieces' tax to the totals of an invoice; the last one of an item takes the rest."""
    for (line, item), last in zip(lines, is_last, strict=True):
        for prefix, row in _ROWS:
            whole, done = of(item, row), of(item, f"_{prefix}weee_invoiced")
            line[f"_{prefix}weee"] = whole - done if last else _share(whole, line, item)
            header[f"{prefix}grand_total"] += line[f"_{prefix}weee"]


def on_refund(header: Row, lines: Lines, is_last: list[bool]) -> None:
    """Add the pieces' tax to a credit memo and its items."""
    for (line, item), last in zip(lines, is_last, strict=True):
        for prefix, row in _ROWS:
            left = of(item, f"_{prefix}weee_invoiced") - of(item, f"_{prefix}weee_refunded")
            part = left if last else min(_share(of(item, row), line, item), left)
            line[f"_{prefix}weee"] = part
            if part:
                line[row] = part
            header[f"{prefix}grand_total"] += part


def book(lines: Lines, name: str) -> None:
    """Note in the order's items what a document (`invoiced`, `refunded`) holds."""
    for line, item in lines:
        if not of(item, _ROWS[0][1]):
            continue
        for prefix, _ in _ROWS:
            add(item, f"_{prefix}weee_{name}", of(line, f"_{prefix}weee"))
        item["weee_tax_applied"] = applied(item)


def _share(whole: Decimal, line: Row, item: Row) -> Decimal:
    return cents(whole * of(line, "qty") / of(item, "qty_ordered")) if whole else ZERO
