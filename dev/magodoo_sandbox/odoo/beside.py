"""What an invoice books beside its product and tax lines: rounding to cash, and discounts for early payment.

As `_recompute_cash_rounding_lines`, `_compute_epd_needed` and `_get_invoice_counterpart_amls_for_early_payment_discount` of Odoo 18 and 19.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import TYPE_CHECKING

from magodoo_sandbox.odoo import fields as f
from magodoo_sandbox.odoo import taxes
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.fields import ZERO, rounded
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.store import Row
from magodoo_sandbox.odoo.taxes import HUNDRED, TaxedLine

if TYPE_CHECKING:
    from magodoo_sandbox.odoo.move_totals import MoveTotals

_METHODS = {"UP": ROUND_UP, "DOWN": ROUND_DOWN, "HALF-UP": ROUND_HALF_UP}


class CashRounding(Model):
    name, label = "account.cash.rounding", "Account Cash Rounding"
    declared = f.columns(
        {
            "name": f.char("Name", required=True),
            "rounding": f.real("Rounding Precision", default=Decimal("0.01")),
            "strategy": f.choice(
                "Rounding Strategy",
                "biggest_tax:Modify_tax_amount add_invoice_line:Add_a_rounding_line",
                default="add_invoice_line",
                required=True,
            ),
            "profit_account_id": f.one("account.account", "Profit Account"),
            "loss_account_id": f.one("account.account", "Loss Account"),
            "rounding_method": f.choice("Rounding Method", "UP:Up DOWN:Down HALF-UP:Nearest", default="HALF-UP"),
        }
    )

    def difference(self, record: int, amount: Decimal) -> Decimal:
        """Return the difference between an amount and a multiple of the smallest coin."""
        row = self.rows[record]
        step = Decimal(row["rounding"])
        coins = (amount / step).quantize(Decimal(1), _METHODS[row.get("rounding_method") or "HALF-UP"])
        return rounded(coins * step - amount)


def round_to_cash(moves: MoveTotals, env: Env, record: int) -> None:
    """Book the difference between the total and a multiple of the smallest coin: on an account of its own, or with the biggest tax."""
    lines, row = env["account.move.line"], moves.rows[record]
    own = [lines.rows[i] for i in moves.get(row, "line_ids")]
    standing = [line["id"] for line in own if line["display_type"] == "rounding"]
    rounding = env["account.cash.rounding"].rows.get(row.get("invoice_cash_rounding_id") or 0)
    lines.erase(env, standing)
    if rounding is None:
        return
    others = [line for line in own if line["display_type"] in ("product", "tax", "epd")]
    total = sum((line.get("amount_currency", ZERO) for line in others), ZERO)
    difference = env["account.cash.rounding"].difference(rounding["id"], total)
    balance = rounded(difference / row["invoice_currency_rate"])
    if not difference:
        return
    facts: Row = {"name": rounding["name"]}
    if rounding["strategy"] == "biggest_tax":
        booked = [line for line in own if line["display_type"] == "tax"]
        if not booked:
            return
        biggest = max(booked, key=lambda line: abs(line.get("balance", ZERO)))
        facts = {
            "name": f"{biggest['name']} (rounding)",
            "account_id": biggest["account_id"],
            "tax_line_id": biggest["tax_line_id"],
        }
    else:
        loss = balance > 0 and rounding.get("loss_account_id")
        facts["account_id"] = loss or rounding.get("profit_account_id")
    moves.set_line(env, record, None, "rounding", facts, {"amount_currency": difference, "balance": balance})


def lower_tax_at_once(moves: MoveTotals, env: Env, record: int, products: list[Row]) -> list[TaxedLine]:
    """Book the lines by which a payment term lowers the tax upon the invoice, and return what they take off the bases of taxes."""
    lines, row = env["account.move.line"], moves.rows[record]
    lines.erase(env, [i for i in moves.get(row, "line_ids") if lines.rows[i]["display_type"] == "epd"])
    term = env["account.payment.term"].rows.get(row.get("invoice_payment_term_id") or 0, {})
    if not term.get("early_discount") or term.get("early_pay_discount_computation") != "mixed":
        return []
    percent = Decimal(term["discount_percentage"])
    off: dict[tuple[int, tuple[int, ...]], Decimal] = {}
    for line in products:
        if line.get("tax_ids"):
            key = (line.get("account_id") or 0, tuple(line["tax_ids"]))
            off[key] = off.get(key, ZERO) + rounded(line.get("price_subtotal", ZERO) * percent / HUNDRED)
    name = f"Early Payment Discount ({percent:f}%)"
    for (account, own), amount in off.items():
        sign = -moves.sign(row)
        for signed, tax_ids in ((sign * amount, own), (-sign * amount, ())):
            amounts = {"amount_currency": signed, "balance": rounded(signed / row["invoice_currency_rate"])}
            facts = {"name": name, "account_id": account, "tax_ids": [[6, 0, list(tax_ids)]]}
            moves.set_line(env, record, None, "epd", facts, amounts)
    excluded = {i: {**tax, "price_include_override": "tax_excluded"} for i, tax in env["account.tax"].rows.items()}
    bases = [{"price_unit": -amount, "quantity": 1, "tax_ids": list(own)} for (_, own), amount in off.items()]
    return taxes.compute(bases, excluded, moves.terms(env, row))


def discount_on_payment(env: Env, row: Row, day: str) -> list[Row]:
    """Return what is written off with a payment of `day` that takes the discount of the invoice's payment term; nothing if it may not."""
    term = env["account.payment.term"].rows.get(row.get("invoice_payment_term_id") or 0, {})
    if not term.get("early_discount") or row["move_type"] != "out_invoice":
        return []
    last = date.fromisoformat(row["invoice_date"]) + timedelta(days=int(term.get("discount_days") or 0))
    if date.fromisoformat(day) > last or row["amount_residual"] != row["amount_total"]:
        return []
    percent = Decimal(term["discount_percentage"])
    included = term["early_pay_discount_computation"] == "included"
    whole = row["amount_total"] if included else row["amount_total"] - row["amount_tax"]
    granted = rounded(whole * percent / HUNDRED)
    found: list[Row] = []
    lines, accounts = env["account.move.line"], env["account.account"]
    booked = [lines.rows[i] for i in env["account.move"].get(row, "line_ids")] if included else []
    for line in (each for each in booked if each["display_type"] == "tax"):
        part = rounded(abs(line.get("amount_currency", ZERO)) * percent / HUNDRED)
        found.append(
            {
                "account_id": line["account_id"],
                "name": f"Early Payment Discount ({line['name']})",
                "amount_currency": part,
            }
        )
    own = env["res.company"].rows[row["company_id"]].get("account_journal_early_pay_discount_loss_account_id")
    rest = granted - sum((line["amount_currency"] for line in found), ZERO)
    account = own or accounts.of_type(row["company_id"], "expense")
    found.append({"account_id": account, "name": "Early Payment Discount", "amount_currency": rest})
    facts = {"currency_id": row["currency_id"], "company_id": row["company_id"], "date": day}
    rate = env["account.move"].own_rate(env, facts)
    return [{**line, "balance": rounded(line["amount_currency"] / rate)} for line in found if line["amount_currency"]]
