"""Taxes that are due on payment: with each payment an entry in the cash-basis journal makes a part of them due (read in 19's sources)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import UserError
from magodoo_sandbox.odoo.fields import ZERO, rounded
from magodoo_sandbox.odoo.store import Row

ON_PAYMENT = "on_payment"
_NO_JOURNAL = "There is no tax cash basis journal defined for the '{company}' company.\nConfigure it in Accounting/Configuration/Settings"


def make_due(env: Env, partial: Row) -> None:
    """Book what a matching pays of the taxes of the invoices on either side of it."""
    lines = env["account.move.line"]
    for side, amount in (("debit_move_id", "debit_amount_currency"), ("credit_move_id", "credit_amount_currency")):
        move = env["account.move"].rows[lines.rows[partial[side]]["move_id"]]
        if move["move_type"] != "entry" and not env["account.move"].get(move, "always_tax_exigible"):
            _book(env, partial, move, partial[amount])


def take_back(env: Env, partials: list[int]) -> None:
    """Reverse, on their own day, the entries of matchings that are undone."""
    moves = env["account.move"]
    for id_ in partials:
        for move in [row for row in moves.rows.values() if row.get("tax_cash_basis_rec_id") == id_]:
            items = [env["account.move.line"].rows[i] for i in moves.get(move, "line_ids")]
            back = [
                {**_item(item), "balance": -item["balance"], "amount_currency": -item["amount_currency"]}
                for item in items
            ]
            facts = {
                "ref": f"Reversal of: {move['name']}",
                "tax_cash_basis_rec_id": False,
                "reversed_entry_id": move["id"],
            }
            _post(env, {**_head(move), **facts}, back)


def _book(env: Env, partial: Row, move: Row, paid: Decimal) -> None:
    lines = env["account.move.line"]
    items = [lines.rows[i] for i in env["account.move"].get(move, "line_ids")]
    terms = [item for item in items if item["display_type"] == "payment_term"]
    whole = sum((abs(term["amount_currency"]) for term in terms), ZERO)
    if not whole or not paid:
        return
    company = env["res.company"].rows[move["company_id"]]
    journal = company.get("tax_cash_basis_journal_id")
    if not journal:
        raise UserError(_NO_JOURNAL.format(company=company["name"]))
    last = all(term.get("amount_residual_currency", ZERO) == 0 for term in terms)
    made = [part for item in items for part in _parts(env, move, item, paid / whole, partial["amount"] / paid, last)]
    head = {
        "date": max(lines.get(lines.rows[partial[side]], "date") for side in ("debit_move_id", "credit_move_id")),
        "journal_id": journal, "company_id": move["company_id"], "ref": move["name"], "currency_id": move["currency_id"],
        "tax_cash_basis_rec_id": partial["id"], "tax_cash_basis_origin_move_id": move["id"],
    }  # fmt: skip
    _post(env, head, made)


def _parts(env: Env, move: Row, item: Row, share: Decimal, rate: Decimal, last: bool) -> Iterator[Row]:
    """Two items for a tax, or for the base of one: with its tags, and the counterpart without. `last` takes what is left of a tax."""
    taxes = env["account.tax"]
    tax = int(item.get("tax_line_id") or 0)
    own = [each for each in item.get("tax_ids") or [] if taxes.rows[each].get("tax_exigibility") == ON_PAYMENT]
    of_tax = tax and taxes.rows[tax].get("tax_exigibility") == ON_PAYMENT
    if not of_tax and not own:
        return
    amount = rounded(item["amount_currency"] * share)
    if of_tax and last:
        amount = item["amount_currency"] - _booked(env, move, tax)
    common = {"name": item.get("name"), "currency_id": item["currency_id"], "display_type": item["display_type"]}
    there: Row = {"tax_ids": own, "tax_tag_ids": taxes.tags(own, move["move_type"], "base")}
    account = item["account_id"]
    if of_tax:
        part = taxes.part(tax, move["move_type"], "tax")
        account = part.get("account_id") or account
        there |= {"tax_line_id": tax, "tax_tag_ids": sorted({*there["tax_tag_ids"], *(part.get("tag_ids") or [])})}
    balance = rounded(amount * rate)
    yield {**common, "account_id": item["account_id"], "balance": -balance, "amount_currency": -amount}
    yield {**common, "account_id": account, "balance": balance, "amount_currency": amount, **there}


def _booked(env: Env, move: Row, tax: int) -> Decimal:
    """Return what of an invoice's tax is due already, in its currency."""
    moves, lines = env["account.move"], env["account.move.line"]
    before = [row for row in moves.rows.values() if row.get("tax_cash_basis_origin_move_id") == move["id"]]
    items = [lines.rows[i] for row in before for i in moves.get(row, "line_ids")]
    return sum((item["amount_currency"] for item in items if item.get("tax_line_id") == tax), ZERO)


def _post(env: Env, head: Row, items: list[Row]) -> None:
    if items:
        moves = env["account.move"]
        made = moves.make(env, [{"move_type": "entry", **head, "line_ids": [[0, 0, item] for item in items]}])
        moves.post(env, made)


def _head(move: Row) -> Row:
    names = ("date", "journal_id", "company_id", "currency_id", "tax_cash_basis_origin_move_id")
    return {name: move[name] for name in names}


def _item(item: Row) -> Row:
    names = ("name", "currency_id", "display_type", "account_id", "tax_line_id")
    linked = {name: item.get(name) or [] for name in ("tax_ids", "tax_tag_ids")}
    return {**{name: item.get(name, False) for name in names}, **linked}
