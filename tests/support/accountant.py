"""What an accountant does in Odoo with money: bank statement lines, entries, payments by the wizard, taking a matching apart.

The calls are those of Odoo's own screens, and the same for the sandbox and for a live Odoo.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from shop_and_books import Row, ShopAndBooks


def due(pair: ShopAndBooks, move: int) -> Row:
    """The receivable item of an invoice or credit note."""
    domain = [["move_id", "=", move], ["display_type", "=", "payment_term"]]
    (item,) = pair.rows("account.move.line", domain, "account_id amount_residual amount_residual_currency currency_id")
    return item


def account(pair: ShopAndBooks, kind: str) -> int:
    """An account of a type; of the bank journal for `asset_cash`."""
    if kind == "asset_cash":
        return int(journal(pair)["default_account_id"][0])
    return int(pair.rows("account.account", [["account_type", "=", kind]], "name")[0]["id"])


def journal(pair: ShopAndBooks, code: str = "BNK1") -> Row:
    return pair.rows("account.journal", [["code", "=", code], ["company_id", "=", 1]], "name default_account_id")[0]


def bank_line(
    pair: ShopAndBooks, moves: Sequence[int], amount: Decimal | None = None, *, charges: Decimal = Decimal(0),
    foreign: tuple[str, Decimal] | None = None,
) -> int:  # fmt: skip
    """A line of the bank statement, matched with these documents. Returns its id.

    amount: what came (what is open of them, without it; negative: what went out). charges: what the bank kept of it and the
    accountant booked on the line. foreign: the currency and amount of the transfer, where the bank account has another.
    """
    _may_keep_statements(pair)
    items = [due(pair, move) for move in moves]
    open_ = sum((Decimal(str(item["amount_residual"])) for item in items), Decimal(0))
    came = open_ - charges if amount is None else amount
    (partner,) = pair.rows("account.move", [["id", "=", moves[0]]], "partner_id")
    own, receivable = journal(pair), items[0]["account_id"][0]
    values: Row = {
        "journal_id": own["id"], "payment_ref": "transfer", "partner_id": partner["partner_id"][0], "amount": float(came),
    }  # fmt: skip
    if charges:
        lines = {own["default_account_id"][0]: came, receivable: -came - charges, account(pair, "expense"): charges}
        values["line_ids"] = [
            [0, 0, {"account_id": id, "balance": float(value), "amount_currency": float(value), "name": "transfer"}]
            for id, value in lines.items()
        ]
    else:
        values["counterpart_account_id"] = receivable
    if foreign:
        (currency,) = pair.rows("res.currency", [["name", "=", foreign[0]]], "name")
        values |= {"foreign_currency_id": currency["id"], "amount_currency": float(foreign[1])}
    (line,) = pair.call("account.bank.statement.line", "create", vals_list=[values])
    (made,) = pair.rows("account.bank.statement.line", [["id", "=", line]], "move_id")
    match(pair, moves, made["move_id"][0])
    return int(line)


def match(pair: ShopAndBooks, moves: Sequence[int], entry: int) -> None:
    """Match documents with what an entry has on their receivable account."""
    items = [due(pair, move) for move in moves]
    on_account = [["move_id", "=", entry], ["account_id", "=", items[0]["account_id"][0]]]
    (counterpart,) = pair.rows("account.move.line", on_account, "name")
    pair.call("account.move.line", "reconcile", [*(item["id"] for item in items), counterpart["id"]])


def entry_against(pair: ShopAndBooks, move: int, other: int, code: str = "MISC") -> int:
    """A journal entry that settles a document against another account, matched with it. Returns its id."""
    item = due(pair, move)
    rest = float(item["amount_residual"])
    lines = [{"account_id": other, "balance": rest}, {"account_id": item["account_id"][0], "balance": -rest}]
    values = {
        "move_type": "entry",
        "journal_id": journal(pair, code)["id"],
        "line_ids": [[0, 0, {**line, "name": "settled"}] for line in lines],
    }
    (entry,) = pair.call("account.move", "create", vals_list=[values])
    pair.call("account.move", "action_post", [entry])
    match(pair, [move], entry)
    return int(entry)


def unmatch(pair: ShopAndBooks, move: int) -> None:
    """Take apart what a document is matched with."""
    pair.call("account.move.line", "remove_move_reconcile", [due(pair, move)["id"]])


def wizard(pair: ShopAndBooks, moves: Sequence[int], **options: Any) -> None:
    """Pay documents by the wizard *Pay*, in the bank journal."""
    context = {"active_model": "account.move", "active_ids": list(moves)}
    values = {"journal_id": journal(pair)["id"], **options}
    (made,) = pair.call("account.payment.register", "create", vals_list=[values], context=context)
    pair.call("account.payment.register", "action_create_payments", [made], context=context)


def unbooked_payment(pair: ShopAndBooks, moves: Sequence[int], amount: Decimal) -> int:
    """A payment whose method has no outstanding account: it makes no entry. Returns its id."""
    (partner,) = pair.rows("account.move", [["id", "=", moves[0]]], "partner_id currency_id")
    values = {
        "payment_type": "inbound", "partner_type": "customer", "partner_id": partner["partner_id"][0], "amount": float(amount),
        "currency_id": partner["currency_id"][0], "journal_id": journal(pair)["id"], "invoice_ids": [[6, 0, list(moves)]],
    }  # fmt: skip
    (payment,) = pair.call("account.payment", "create", vals_list=[values])
    pair.call("account.payment", "write", [payment], vals={"outstanding_account_id": False})
    pair.call("account.payment", "action_post", [payment])
    (made,) = pair.rows("account.payment", [["id", "=", payment]], "move_id")
    assert not made["move_id"], "it made an entry"
    return int(payment)


def _may_keep_statements(pair: ShopAndBooks) -> None:
    """The administrator of a live Odoo may keep bank statements only with the group *Basic*; the sandbox has none."""
    for group in pair.rows("res.groups", [["name", "=", "Basic"]], "name"):
        known = pair.call("res.users", "fields_get", attributes=["type"])
        field = "group_ids" if "group_ids" in known else "groups_id"  # before 19
        pair.call("res.users", "write", [2], vals={field: [[4, group["id"]]]})
