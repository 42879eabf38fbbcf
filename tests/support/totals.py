"""Amounts beside the parts of a document: what an extension adds, gift cards and credit, and what was booked."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from shop_and_books import ShopAndBooks

Row = dict[str, Any]
GIFT = {"nature": "payment_part", "journal": "GIFT"}


def number(value: Any) -> Decimal:
    return Decimal(str(value or 0))


def raise_total(pair: ShopAndBooks, document: Row, amount: str, tax: str = "0") -> None:
    """An extension adds an amount to the total of a document, and its tax to the tax."""
    for prefix in ("", "base_"):
        document[f"{prefix}grand_total"] = number(document.get(f"{prefix}grand_total")) + Decimal(amount) + Decimal(tax)
        document[f"{prefix}tax_amount"] = number(document.get(f"{prefix}tax_amount")) + Decimal(tax)


def extend(document: Row, **given: Any) -> None:
    document["extension_attributes"] = {**(document.get("extension_attributes") or {}), **given}


def tender(document: Row, field: str, amount: int) -> None:
    """Part of a document is paid by gift card, credit or points: Adobe Commerce lowers the total."""
    extend(document, **{field: amount, f"base_{field}": amount})
    for prefix in ("", "base_"):
        document[f"{prefix}grand_total"] = number(document[f"{prefix}grand_total"]) - amount


def gift_journal(pair: ShopAndBooks) -> None:
    """A journal whose outstanding account is the liability for gift cards, as an accountant sets it up; once."""
    if pair.rows("account.journal", [["code", "=", "GIFT"]], "code"):
        return
    company = pair.instance.odoo.company_id
    account = {
        "name": "Gift cards and credit",
        "code": "219900",
        "account_type": "liability_current",
        "reconcile": True,
    }
    (liability,) = pair.call("account.account", "create", vals_list=[{**account, "company_ids": [[6, 0, [company]]]}])
    journal = {"name": "Gift cards and credit", "code": "GIFT", "type": "bank", "company_id": company}
    (made,) = pair.call("account.journal", "create", vals_list=[journal])
    lines = pair.rows("account.payment.method.line", [["journal_id", "=", made]], "id")
    pair.call(
        "account.payment.method.line", "write", [line["id"] for line in lines], vals={"payment_account_id": liability}
    )


def booked(pair: ShopAndBooks, order: int) -> dict[str, Decimal]:
    """What all posted entries of an order and their payments leave on accounts, by type of account; debit is positive."""
    documents = [row["id"] for row in (*pair.moves(order), *pair.notes(order)) if row["state"] == "posted"]
    paid = [
        row["id"] for row in pair.rows("account.payment", [], "invoice_ids") if set(row["invoice_ids"]) & set(documents)
    ]
    entries = pair.rows("account.payment", [["id", "in", paid]], "move_id")
    moves = documents + [row["move_id"][0] for row in entries if row["move_id"]]
    lines = pair.rows("account.move.line", [["move_id", "in", moves]], "balance account_id tax_line_id")
    types = {row["id"]: row["account_type"] for row in pair.rows("account.account", [], "account_type")}
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        sums["tax" if line["tax_line_id"] else types[line["account_id"][0]]] += number(line["balance"])
    return {name: amount for name, amount in sums.items() if amount}
