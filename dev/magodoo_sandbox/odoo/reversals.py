"""The wizard that reverses invoices: a draft credit note, or a posted one and a new draft invoice."""

from __future__ import annotations

from typing import Any

from magodoo_sandbox.odoo import fields as f
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import UserError
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.model import public
from magodoo_sandbox.odoo.store import Row

_OPPOSITE = {"out_invoice": "out_refund", "in_invoice": "in_refund", "entry": "entry", "out_refund": "entry"}


class Reversal(Model):
    """`journal_id` is required through the API (docs/facts/odoo-19.0.md#5)."""

    name, label = "account.move.reversal", "Account Move Reversal"
    rec_name = "reason"
    declared = f.columns(
        {
            "journal_id": f.one("account.journal", "Journal", required=True),
            "reason": f.char("Reason displayed on Credit Note"),
            "date": f.date("Reversal date"),
            "move_ids": f.linked("account.move", "Journal Entries"),
            "new_move_ids": f.linked("account.move", "New Journal Entries"),
        }
    )

    def complete(self, env: Env, vals: Row) -> None:
        if "move_ids" not in vals:
            vals["move_ids"] = [[6, 0, [int(i) for i in env.context.get("active_ids") or []]]]
        vals.setdefault("date", env.today)

    @public
    def refund_moves(self, env: Env, ids: list[int]) -> dict[str, Any]:
        wizard = self.rows[self.one(ids)]
        return _window(self._reverse(env, wizard), "out_refund")

    @public
    def modify_moves(self, env: Env, ids: list[int]) -> dict[str, Any]:
        wizard, moves = self.rows[self.one(ids)], env["account.move"]
        refunds = self._reverse(env, wizard)
        moves.post(env, refunds)
        fresh = moves.make(env, [self._again(env, moves.rows[move], wizard) for move in wizard["move_ids"]])
        return _window(fresh, "out_invoice")

    def _reverse(self, env: Env, wizard: Row) -> list[int]:
        moves = env["account.move"]
        originals = [moves.rows[move] for move in wizard["move_ids"]]
        if any(original["state"] != "posted" for original in originals):
            raise UserError("To reverse a journal entry, it has to be posted first.")
        return list(moves.make(env, [self._refund(env, original, wizard) for original in originals]))

    def _refund(self, env: Env, original: Row, wizard: Row) -> Row:
        reason = f", {wizard['reason']}" if wizard.get("reason") else ""
        return {
            **_copied(env, original),
            "move_type": _OPPOSITE[original["move_type"]],
            "reversed_entry_id": original["id"],
            "ref": f"Reversal of: {original['name']}{reason}",
            "invoice_date": wizard["date"],
            "date": wizard["date"],
            "invoice_date_due": wizard["date"],
            "invoice_payment_term_id": False,
            "journal_id": wizard["journal_id"],
        }

    def _again(self, env: Env, original: Row, wizard: Row) -> Row:
        return {**_copied(env, original), "ref": original.get("ref", False), "invoice_date": wizard["date"]}


def _copied(env: Env, original: Row) -> Row:
    """Return the document with its product lines; tax and receivable lines are derived again."""
    vals: Row = env["account.move"].copied(env, original)
    lines = vals.pop("line_ids")
    kept = [line for line in lines if line[2].get("display_type") not in ("tax", "payment_term", "epd", "rounding")]
    for _, _, line in kept:
        for derived in ("balance", "amount_currency", "price_subtotal", "price_total"):
            line.pop(derived, None)
        line.setdefault("tax_ids", [[6, 0, []]])
    return {**vals, "invoice_line_ids": kept}


def _window(moves: list[int], kind: str) -> dict[str, Any]:
    action: dict[str, Any] = {"name": "Reverse Moves", "type": "ir.actions.act_window", "res_model": "account.move"}
    context = {"default_move_type": kind}
    if len(moves) == 1:
        return {**action, "view_mode": "form", "res_id": moves[0], "context": context}
    return {**action, "view_mode": "list,form", "domain": [["id", "in", moves]], "context": context}
