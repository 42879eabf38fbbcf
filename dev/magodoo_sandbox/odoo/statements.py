"""Bank statement lines: an entry between the bank and an account that is then matched with invoices, without any payment.

`account_bank_statement_line.py` of Odoo 18 and 19: a line makes and posts its entry at once; its counterpart is on the
journal's suspense account, or on the account that the caller names, or the caller gives the lines himself.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from magodoo_sandbox.odoo import fields as f
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import UserError
from magodoo_sandbox.odoo.fields import number, rounded
from magodoo_sandbox.odoo.ledger import own_company
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.store import Row


class StatementLine(Model):
    name, label, order = "account.bank.statement.line", "Bank Statement Line", "date desc, id desc"
    rec_name = "payment_ref"
    declared = f.columns(
        {
            "move_id": f.one("account.move", "Journal Entry", readonly=True, copy=False),
            "journal_id": f.one("account.journal", "Journal", required=True),
            "company_id": f.one("res.company", "Company", default=own_company),
            "partner_id": f.one("res.partner", "Partner"),
            "payment_ref": f.char("Label"),
            "date": f.date("Date"),
            "amount": f.money("Amount"),
            "currency_id": f.one("res.currency", "Journal Currency"),
            "foreign_currency_id": f.one("res.currency", "Foreign Currency"),
            "amount_currency": f.money("Amount in Currency"),
            "is_reconciled": f.boolean("Is Reconciled", compute="is_reconciled"),
        }
    )

    def is_reconciled(self, row: Row) -> bool:
        """Nothing is left on the suspense account."""
        journal = self.db.tables["account.journal"][row["journal_id"]]
        lines = self.db.tables["account.move.line"]
        own = self.db.store.find("account.move.line", "move_id", row.get("move_id", 0))
        return all(lines[line]["account_id"] != journal.get("suspense_account_id") for line in own)

    def complete(self, env: Env, vals: Row) -> None:
        journal = env["account.journal"].rows[int(vals["journal_id"])]
        vals["company_id"] = journal["company_id"]
        own = env["res.company"].rows[journal["company_id"]]["currency_id"]
        vals["currency_id"] = journal.get("currency_id") or own
        vals["date"] = vals.get("date") or env.today
        if vals.get("foreign_currency_id") in (vals["currency_id"], False, None):
            vals["foreign_currency_id"], vals["amount_currency"] = False, 0

    def make(self, env: Env, vals_list: Iterable[Row], *, nested: bool = False) -> list[int]:
        """With the entry of each line; `counterpart_account_id` and `line_ids` determine its other side."""
        given = [dict(vals) for vals in vals_list]
        counterparts = [vals.pop("counterpart_account_id", False) for vals in given]
        lines = [vals.pop("line_ids", None) for vals in given]
        ids = super().make(env, given, nested=nested)
        moves = env["account.move"]
        for record, counterpart, own in zip(ids, counterparts, lines, strict=True):
            row = self.rows[record]
            (move,) = moves.make(env, [self._entry(row, own or self._lines(env, row, counterpart))])
            self.put(env, record, move_id=move)
            moves.post(env, [move])
        return ids

    def _entry(self, row: Row, lines: list[list[object]]) -> Row:
        return {
            "move_type": "entry",
            "statement_line_id": row["id"],
            "journal_id": row["journal_id"],
            "company_id": row["company_id"],
            "currency_id": row["currency_id"],
            "partner_id": row.get("partner_id"),
            "date": row["date"],
            "line_ids": lines,
        }

    def _lines(self, env: Env, row: Row, counterpart: object) -> list[list[object]]:
        """Return the bank's line and its counterpart, which is in the foreign currency where the line has one."""
        journal = env["account.journal"].rows[row["journal_id"]]
        counterpart = counterpart or journal.get("suspense_account_id")
        if not counterpart:
            raise UserError(
                "You can't create a new statement line without a suspense account set on the "
                f"{env['account.journal'].display_name(journal)} journal."
            )
        amount, foreign = number(row.get("amount", 0)), row.get("foreign_currency_id")
        transaction = number(row.get("amount_currency", 0)) if foreign else amount
        company = self._company_amount(env, row, amount, transaction)
        common = {"name": row.get("payment_ref"), "partner_id": row.get("partner_id")}
        liquidity = {"account_id": journal["default_account_id"], "currency_id": row["currency_id"]}
        counter = {"account_id": counterpart, "currency_id": foreign or row["currency_id"]}
        return [
            [0, 0, {**common, **liquidity, "amount_currency": amount, "balance": company}],
            [0, 0, {**common, **counter, "amount_currency": -transaction, "balance": -company}],
        ]

    def _company_amount(self, env: Env, row: Row, amount: Decimal, transaction: Decimal) -> Decimal:
        own = env["res.company"].rows[row["company_id"]]["currency_id"]
        if row["currency_id"] == own:
            return amount
        if row.get("foreign_currency_id") == own:
            return transaction
        facts = {name: row[name] for name in ("currency_id", "company_id", "date")}
        return rounded(amount / env["account.move"].own_rate(env, facts))
