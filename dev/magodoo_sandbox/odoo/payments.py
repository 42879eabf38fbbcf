"""Payments and the wizard that registers them on invoices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from magodoo_sandbox.odoo import fields as f
from magodoo_sandbox.odoo.beside import discount_on_payment
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import UserError
from magodoo_sandbox.odoo.fields import ZERO, number, rounded
from magodoo_sandbox.odoo.ledger import own_company
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.model import public
from magodoo_sandbox.odoo.store import Row

_NOTHING_LEFT = (
    "There's nothing left to pay for the selected journal items, so no payment registration is necessary. "
    "You've got your finances under control like a boss!"
)


class Payment(Model):
    name, label, order = "account.payment", "Payments", "date desc, name desc"
    of_one_company = ("partner_id",)
    declared = f.columns(
        {
            "name": f.char("Number", index=True, copy=False),
            "state": f.choice(
                "State",
                "draft:Draft in_process:In_Process paid:Paid canceled:Canceled rejected:Rejected",
                default="draft",
                copy=False,
            ),
            "payment_type": f.choice("Payment Type", "outbound:Send inbound:Receive", default="inbound", required=True),
            "partner_type": f.choice(
                "Partner Type", "customer:Customer supplier:Vendor", default="customer", required=True
            ),
            "partner_id": f.one("res.partner", "Customer/Vendor"),
            "amount": f.money("Amount"),
            "amount_signed": f.money("Amount Signed", compute="amount_signed"),
            "currency_id": f.one("res.currency", "Currency"),
            "date": f.date("Date", required=True),
            "memo": f.char("Memo", index=True),
            "payment_reference": f.char("Payment Reference", index=True, copy=False),
            "journal_id": f.one("account.journal", "Journal", required=True),
            "company_id": f.one("res.company", "Company", default=own_company),
            "payment_method_line_id": f.one("account.payment.method.line", "Payment Method"),
            "outstanding_account_id": f.one("account.account", "Outstanding Account"),
            "destination_account_id": f.one("account.account", "Destination Account"),
            "move_id": f.one("account.move", "Journal Entry", readonly=True, copy=False),
            "invoice_ids": f.linked("account.move", "Invoices"),
            "reconciled_invoice_ids": f.linked("account.move", "Reconciled Invoices", compute="reconciled_invoices"),
            "reconciled_invoices_count": f.integer("# Reconciled Invoices", compute="reconciled_count"),
            "is_reconciled": f.boolean("Is Reconciled", compute="is_reconciled"),
            "is_matched": f.boolean("Is Matched With a Bank Statement", compute="is_matched"),
        }
    )

    def make(self, env: Env, vals_list: Iterable[Row], *, nested: bool = False) -> list[int]:
        """`write_off_line_vals`: lines that the entry gets beside the money; such a payment makes its entry at once."""
        given = [dict(vals) for vals in vals_list]
        write_offs = [vals.pop("write_off_line_vals", None) or [] for vals in given]
        ids = super().make(env, given, nested=nested)
        for record, write_off in zip(ids, write_offs, strict=True):
            if write_off:
                (move,) = env["account.move"].make(env, [self._entry(env, self.rows[record], write_off)])
                self.put(env, record, move_id=move)
        return ids

    def display_name(self, row: Row) -> str:
        return str(row.get("name") or "Draft Payment")

    def amount_signed(self, row: Row) -> Decimal:
        amount = Decimal(row.get("amount", ZERO))
        return amount if row["payment_type"] == "inbound" else -amount

    def reconciled_invoices(self, row: Row) -> list[int]:
        line, moves = self._counterpart(row), self.db.models["account.move"]
        if line is None:
            return []
        found = moves.counterparts([line])
        return sorted({move["id"] for move in found if move["move_type"] != "entry"})

    def reconciled_count(self, row: Row) -> int:
        return len(self.reconciled_invoices(row))

    def is_reconciled(self, row: Row) -> bool:
        line = self._counterpart(row)
        return line is not None and bool(line.get("reconciled"))

    def is_matched(self, row: Row) -> bool:
        """Matching with a bank statement is an Enterprise affair: always false here (docs/facts/odoo-19.0.md#5 [076])."""
        return False

    def complete(self, env: Env, vals: Row) -> None:
        journals, methods = env["account.journal"], env["account.payment.method.line"]
        company = vals.get("company_id") or own_company(env)
        if not vals.get("journal_id"):
            vals["journal_id"] = journals.default(company, "bank") or False
        journal = journals.rows.get(int(vals["journal_id"] or 0), {})
        vals["company_id"] = journal.get("company_id", company)
        vals["date"] = vals.get("date") or env.today
        if not vals.get("currency_id"):
            vals["currency_id"] = (
                journal.get("currency_id") or env["res.company"].rows[vals["company_id"]]["currency_id"]
            )
        if not vals.get("payment_method_line_id"):
            vals["payment_method_line_id"] = methods.first(int(vals["journal_id"] or 0), vals["payment_type"]) or False
        self._set_accounts(env, vals)

    def _set_accounts(self, env: Env, vals: Row) -> None:
        accounts = env["account.account"]
        inbound = vals["payment_type"] == "inbound"
        if "outstanding_account_id" not in vals:
            line = env["account.payment.method.line"].rows.get(int(vals["payment_method_line_id"] or 0), {})
            usual = "Outstanding Receipts" if inbound else "Outstanding Payments"
            own = line.get("payment_account_id") or accounts.of_type(vals["company_id"], "asset_current", usual)
            vals["outstanding_account_id"] = own or False
        if "destination_account_id" not in vals:
            vals["destination_account_id"] = self._destination(env, vals) or False

    def _destination(self, env: Env, row: Row) -> int:
        """Return the partner's own account, whatever the document's is."""
        if row["partner_type"] != "customer":
            return int(env["account.account"].of_type(row["company_id"], "liability_payable"))
        return int(env["res.partner"].receivable(env, row.get("partner_id") or 0, row["company_id"]))

    def written(self, env: Env, ids: list[int], vals: Row) -> None:
        """Writing the partner derives the account again.

        Writing the journal or the type derives the outstanding account again: without one on the method line it is
        cleared, and posting then books nothing (docs/facts/odoo-19.0.md#5, the trap)."""
        if "partner_id" in vals and "destination_account_id" not in vals:
            for row in [self.rows[record] for record in ids if self.rows[record]["state"] == "draft"]:
                self.put(env, row["id"], destination_account_id=self._destination(env, row))
        if not {"journal_id", "payment_type", "payment_method_line_id"} & set(vals):
            return
        methods = env["account.payment.method.line"].rows
        for record in ids:
            row = self.rows[record]
            if row["state"] == "draft":
                own = methods.get(row.get("payment_method_line_id", 0), {}).get("payment_account_id", False)
                self.put(env, record, outstanding_account_id=own)

    def before_unlink(self, env: Env, ids: list[int]) -> None:
        if any(self.rows[record].get("move_id") for record in ids):
            raise UserError("You can not delete a payment that is linked to a posted journal entry.")

    @public
    def action_post(self, env: Env, ids: list[int]) -> None:
        """Post drafts; one that is posted already is left alone (docs/facts/odoo-19.0.md#5 [366])."""
        self.ensure(env, ids)
        drafts = [record for record in ids if self.rows[record]["state"] == "draft"]
        for record in drafts:
            self.put(env, record, state="in_process")
            if not self.rows[record].get("outstanding_account_id") and not self.rows[record].get("name"):
                self.put(env, record, name=f"PAY{env['sandbox.sequence'].next(env, 'account.payment'):05d}")
        self._book(env, [record for record in drafts if self.rows[record].get("outstanding_account_id")])
        self._show_unbooked(env, drafts)

    @public
    def action_draft(self, env: Env, ids: list[int]) -> None:
        self.ensure(env, ids)
        for record in ids:
            row = self.rows[record]
            if row.get("move_id") and env["account.move"].rows[row["move_id"]]["state"] == "posted":
                env["account.move"].button_draft(env, [row["move_id"]])
            self.put(env, record, state="draft")
        self._show_unbooked(env, ids)

    @public
    def action_cancel(self, env: Env, ids: list[int]) -> None:
        self.ensure(env, ids)
        for record in ids:
            if self.rows[record].get("move_id"):
                env["account.move"].button_cancel(env, [self.rows[record]["move_id"]])
            self.put(env, record, state="canceled")
        self._show_unbooked(env, ids)

    def _show_unbooked(self, env: Env, ids: list[int]) -> None:
        """Documents of payments without an entry show them in their payment state."""
        unbooked = [self.rows[record] for record in ids if not self.rows[record].get("move_id")]
        documents = sorted({move for row in unbooked for move in row.get("invoice_ids") or []})
        env["account.move"].refresh_payment(env, documents)

    def refresh(self, env: Env, ids: list[int]) -> None:
        """`paid` as soon as it is matched in full (docs/facts/odoo-19.0.md#5 [348][363])."""
        for record in ids:
            row = self.rows[record]
            if row["state"] in ("in_process", "paid"):
                self.put(env, record, state="paid" if self.is_reconciled(row) else "in_process")
            self.touch(env, [record])

    def _book(self, env: Env, ids: list[int]) -> None:
        """All entries first, then posted together: their numbers follow date and memo."""
        moves = env["account.move"]
        fresh = [record for record in ids if not self.rows[record].get("move_id")]
        for record, move in zip(
            fresh, moves.make(env, [self._entry(env, self.rows[record]) for record in fresh]), strict=True
        ):
            self.put(env, record, move_id=move)
        moves.post(env, [self.rows[record]["move_id"] for record in ids])
        for record in ids:
            self.put(env, record, name=moves.rows[self.rows[record]["move_id"]]["name"])

    def _entry(self, env: Env, row: Row, write_off: Sequence[Row] = ()) -> Row:
        """Two lines; what is written off beside the money is settled with it."""
        amount = self.amount_signed(row)
        facts = {"currency_id": row["currency_id"], "company_id": row["company_id"], "date": row["date"]}
        balance = rounded(amount / env["account.move"].own_rate(env, facts))
        liquidity = {"account_id": row["outstanding_account_id"], "balance": balance, "amount_currency": amount}
        lost, lost_currency = (
            sum((number(line[name]) for line in write_off), ZERO) for name in ("balance", "amount_currency")
        )
        counterpart = {
            "account_id": row["destination_account_id"],
            "balance": -balance - lost,
            "amount_currency": -amount - lost_currency,
        }
        common = {"currency_id": row["currency_id"], "name": row.get("memo") or "Manual Payment"}
        return {
            **facts,
            "move_type": "entry",
            "origin_payment_id": row["id"],
            "journal_id": row["journal_id"],
            "partner_id": row.get("partner_id"),
            "ref": row.get("memo"),
            "line_ids": [
                [0, 0, {**common, **liquidity}],
                [0, 0, {**common, **counterpart}],
                *([0, 0, {**common, **line}] for line in write_off),
            ],
        }

    def counterpart_line(self, row: Row) -> int | None:
        line = self._counterpart(row)
        return line["id"] if line else None

    def _counterpart(self, row: Row) -> Row | None:
        moves, lines = self.db.models["account.move"], self.db.tables["account.move.line"]
        move = moves.rows.get(row.get("move_id", 0))
        if move is None:
            return None
        return next(
            (lines[i] for i in moves.get(move, "line_ids") if lines[i]["account_id"] == row["destination_account_id"]),
            None,
        )


class PaymentRegister(Model):
    """The wizard. It is created with context active_model and active_ids, and again called with them."""

    name, label = "account.payment.register", "Pay"
    rec_name = "communication"
    declared = f.columns(
        {
            "amount": f.money("Amount"),
            "payment_date": f.date("Payment Date"),
            "journal_id": f.one("account.journal", "Journal"),
            "payment_method_line_id": f.one("account.payment.method.line", "Payment Method"),
            "communication": f.char("Memo"),
            "group_payment": f.boolean("Group Payments"),
            "currency_id": f.one("res.currency", "Currency"),
            "payment_difference_handling": f.choice(
                "Payment Difference Handling", "open:Keep_open reconcile:Mark_as_fully_paid", default="open"
            ),
            "writeoff_account_id": f.one("account.account", "Difference Account"),
            "writeoff_label": f.char("Journal Item Label", default="Write-Off"),
            "move_ids": f.linked("account.move", "Invoices"),
        }
    )

    def complete(self, env: Env, vals: Row) -> None:
        moves = env["account.move"]
        active = [int(i) for i in env.context.get("active_ids") or []]
        moves.ensure(env, active)
        open_moves = [i for i in active if moves.rows[i].get("amount_residual", ZERO)]
        if not open_moves or any(moves.rows[i]["state"] != "posted" for i in open_moves):
            raise UserError(_NOTHING_LEFT)
        vals["move_ids"] = [[6, 0, open_moves]]

    @public
    def action_create_payments(self, env: Env, ids: list[int]) -> dict[str, Any]:
        wizard = self.rows[self.one(ids)]
        batches = self._batches(env, wizard)
        payments = env["account.payment"].make(
            env, [self._payment(env, wizard, batch, len(batches)) for batch in batches]
        )
        env["account.payment"].action_post(env, payments)
        for payment, batch in zip(payments, batches, strict=True):
            line = env["account.payment"].counterpart_line(env["account.payment"].rows[payment])
            open_lines = [i for move in batch for i in env["account.move"].open_lines(env["account.move"].rows[move])]
            if line and open_lines:
                env["account.move.line"].reconcile(env, [line, *open_lines])
        action: dict[str, Any] = {"name": "Payments", "type": "ir.actions.act_window", "res_model": "account.payment"}
        action["context"] = {"create": False}
        if len(payments) == 1:
            return {**action, "view_mode": "form", "res_id": payments[0]}
        return {**action, "view_mode": "list,form", "domain": [["id", "in", payments]]}

    def _account(self, env: Env, move: Row) -> int | bool:
        """Return that of the document's own receivable line."""
        lines, moves = env["account.move.line"], env["account.move"]
        return next((lines.rows[i]["account_id"] for i in moves.open_lines(move)), False)

    def _batches(self, env: Env, wizard: Row) -> list[list[int]]:
        if not wizard.get("group_payment"):
            return [[move] for move in wizard["move_ids"]]
        groups: dict[tuple[int, int], list[int]] = {}
        for move in wizard["move_ids"]:
            row = env["account.move"].rows[move]
            groups.setdefault((row["partner_id"], row["currency_id"]), []).append(move)
        return list(groups.values())

    def _payment(self, env: Env, wizard: Row, batch: list[int], batches: int) -> Row:
        rows = [env["account.move"].rows[move] for move in batch]
        first = rows[0]
        due = sum(
            (-row["amount_residual"] if row["move_type"] == "out_refund" else row["amount_residual"] for row in rows),
            ZERO,
        )
        given = number(wizard.get("amount")) if batches == 1 else ZERO
        day = wizard.get("payment_date") or env.today
        granted = [line for row in rows for line in discount_on_payment(env, row, day)]
        reduced = due - sum((line["amount_currency"] for line in granted), ZERO)
        if (
            wizard.get("currency_id", first["currency_id"]) == first["currency_id"]
            and granted
            and given in (ZERO, reduced)
        ):
            given, write_off = reduced, granted
        else:
            lost = abs(due) - given if given else ZERO
            write_off = self._write_off(env, wizard, first, lost if due > 0 else -lost)
        memo = wizard.get("communication") if batches == 1 else None
        return {
            "payment_type": "inbound" if due > 0 else "outbound",
            "partner_type": "customer" if first["move_type"].startswith("out_") else "supplier",
            "partner_id": env["account.move"].get(first, "commercial_partner_id"),
            "destination_account_id": self._account(env, first),
            "amount": given or abs(due),
            "currency_id": wizard.get("currency_id") or first["currency_id"],
            "date": day,
            "memo": memo
            or " ".join(str(row.get("payment_reference") or row.get("ref") or row["name"]) for row in rows),
            "journal_id": wizard.get("journal_id", False),
            "payment_method_line_id": wizard.get("payment_method_line_id", False),
            "company_id": first["company_id"],
            "invoice_ids": [[6, 0, batch]],
            "write_off_line_vals": write_off,
        }

    def _write_off(self, env: Env, wizard: Row, move: Row, lost: Decimal) -> list[Row]:
        """Return what is not paid and marked as fully paid; in the currency of the payment, at its own rate."""
        if not lost or wizard.get("payment_difference_handling") != "reconcile":
            return []
        currency = wizard.get("currency_id") or move["currency_id"]
        facts = {
            "currency_id": currency,
            "company_id": move["company_id"],
            "date": wizard.get("payment_date") or env.today,
        }
        balance = rounded(lost / env["account.move"].own_rate(env, facts))
        named = {"account_id": wizard["writeoff_account_id"], "name": wizard.get("writeoff_label")}
        return [{**named, "balance": balance, "amount_currency": lost}]
