"""What settles an invoice in Odoo, and what Magento shows of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from shop_and_books import ShopAndBooks, amount

from magodoo_sandbox.magento import Address


def two_orders(pair: ShopAndBooks, **more: Any) -> tuple[int, int]:
    """Two orders of one customer, to be paid on delivery."""
    customer = pair.shop.add_customer(f"two{len(pair.tellers)}@example.com", "Two", "Orders")
    who = Address("Two", "Orders", email=f"two{len(pair.tellers)}@example.com")
    one, two = (pair.order({"SKU-005": 2}, "cashondelivery", customer=customer, billing=who, **more) for _ in range(2))
    return one, two


def paid_in_magento(pair: ShopAndBooks, order: int) -> list[Decimal]:
    return [amount(row["grand_total"]) for row in pair.invoices(order)]


def reason(pair: ShopAndBooks, order: int, kind: str = "invoice") -> str:
    """Why a document that Magento lacks is not written: one finding says so."""
    (finding,) = [row for row in pair.reported(order) if row["kind"] == kind]
    assert finding["type"] == "missing_in_magento"
    return str(finding["no_change_reason"])


def half_credited(pair: ShopAndBooks, move: int) -> int:
    """A credit note of one piece of the invoice, without its shipping: it settles that part."""
    context = {"active_model": "account.move", "active_ids": [move]}
    (row,) = pair.rows("account.move", [["id", "=", move]], "journal_id")
    values = {"journal_id": row["journal_id"][0], "reason": "rebate"}
    (made,) = pair.call("account.move.reversal", "create", vals_list=[values], context=context)
    note = int(pair.call("account.move.reversal", "refund_moves", [made], context=context)["res_id"])
    lines = [["move_id", "=", note], ["display_type", "=", "product"]]
    for line in pair.rows("account.move.line", lines, "quantity"):
        if line["quantity"] > 1:
            pair.call("account.move.line", "write", [line["id"]], vals={"quantity": 1})
        else:
            pair.call("account.move.line", "unlink", [line["id"]])
    pair.call("account.move", "action_post", [note])
    return note
