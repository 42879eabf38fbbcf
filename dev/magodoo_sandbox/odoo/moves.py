"""Journal entries: invoices, credit notes, payments' entries; their life from draft to posted, numbers and dates."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from magodoo_sandbox.odoo import fields as f
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import UserError, ValidationError
from magodoo_sandbox.odoo.fields import ZERO
from magodoo_sandbox.odoo.ledger import own_company
from magodoo_sandbox.odoo.model import public
from magodoo_sandbox.odoo.move_totals import MoveTotals
from magodoo_sandbox.odoo.store import Row

_TYPES = (
    "entry:Journal_Entry out_invoice:Customer_Invoice out_refund:Customer_Credit_Note in_invoice:Vendor_Bill "
    "in_refund:Vendor_Credit_Note out_receipt:Sales_Receipt in_receipt:Purchase_Receipt"
)
_PAYMENT_STATES = (
    "not_paid:Not_Paid in_payment:In_Payment paid:Paid partial:Partially_Paid reversed:Reversed blocked:Blocked "
    "invoicing_legacy:Invoicing_App_Legacy"
)
_DRAFT_NAMES = {
    "out_invoice": "Draft Invoice", "out_refund": "Draft Credit Note", "in_invoice": "Draft Bill",
    "in_refund": "Draft Vendor Credit Note", "entry": "Draft Entry",
}  # fmt: skip
_READONLY_WHEN_POSTED = (
    "invoice_date", "date", "partner_id", "currency_id", "invoice_currency_rate", "invoice_line_ids", "line_ids",
)  # fmt: skip
_CHECKED_WITH_TAXES = ("line_ids", "fiscal_position_id", "company_id")
_SALES = ("out_invoice", "out_refund", "out_receipt")
_PRODUCT_LINES = ("product", "line_section", "line_note")
_NEGATIVE = (
    "You cannot validate an invoice with a negative total amount. You should create a credit note instead. "
    "Use the action menu to transform it into a credit note or refund."
)


class Move(MoveTotals):
    name, label = "account.move", "Journal Entry"
    order = "date desc, name desc, invoice_date desc, id desc"
    search_names = ("name", "ref")
    owned = ("line_ids",)
    of_one_company = ("partner_id",)
    declared = f.columns(
        {
            "name": f.char("Number", index=True, copy=False),
            "ref": f.char("Reference", index=True, copy=False),
            "state": f.choice(
                "Status",
                "draft:Draft posted:Posted cancel:Cancelled",
                default="draft",
                required=True,
                readonly=True,
                copy=False,
            ),
            "move_type": f.choice("Type", _TYPES, default="entry", required=True),
            "invoice_origin": f.char("Origin", index=True),
            "partner_id": f.one("res.partner", "Partner"),
            "commercial_partner_id": f.one("res.partner", "Commercial Entity", readonly=True),
            "partner_shipping_id": f.one("res.partner", "Delivery Address"),
            "journal_id": f.one("account.journal", "Journal", required=True),
            "company_id": f.one("res.company", "Company", required=True),
            "currency_id": f.one("res.currency", "Currency", required=True),
            "company_currency_id": f.one("res.currency", "Company Currency", related="company_id.currency_id"),
            "invoice_currency_rate": f.real("Currency Rate"),
            "date": f.date("Date", copy=False),
            "invoice_date": f.date("Invoice/Bill Date", copy=False),
            "invoice_date_due": f.date("Due Date", copy=False),
            "delivery_date": f.date("Delivery Date", copy=False),
            "payment_reference": f.char("Payment Reference", index=True, copy=False),
            "invoice_payment_term_id": f.one("account.payment.term", "Payment Terms"),
            "invoice_cash_rounding_id": f.one("account.cash.rounding", "Cash Rounding Method"),
            "fiscal_position_id": f.one("account.fiscal.position", "Fiscal Position"),
            "invoice_user_id": f.one("res.users", "Salesperson"),
            "team_id": f.one("crm.team", "Sales Team"),
            "narration": f.text("Terms and Conditions"),
            "reversed_entry_id": f.one("account.move", "Reversal of", readonly=True, copy=False),
            "reversal_move_ids": f.many("account.move", "reversed_entry_id", "Reversals"),
            "matched_payment_ids": f.linked("account.payment", "Matched Payments", compute="linked_payments"),
            "reconciled_payment_ids": f.linked("account.payment", "Payments", compute="reconciled_payments"),
            "origin_payment_id": f.one("account.payment", "Payment", copy=False),
            "statement_line_id": f.one("account.bank.statement.line", "Statement Line", copy=False),
            "always_tax_exigible": f.boolean("Always Tax Exigible", compute="is_exigible"),
            "tax_cash_basis_rec_id": f.one("account.partial.reconcile", "Tax Cash Basis Entry of", copy=False),
            "tax_cash_basis_origin_move_id": f.one("account.move", "Cash Basis Origin", readonly=True, copy=False),
            "line_ids": f.many("account.move.line", "move_id", "Journal Items"),
            "invoice_line_ids": f.many(
                "account.move.line",
                "move_id",
                "Invoice lines",
                domain=lambda row: row["display_type"] in _PRODUCT_LINES,
            ),
            "posted_before": f.boolean("Posted Before", copy=False),
            "is_move_sent": f.boolean("Is Move Sent", copy=False),
            "auto_post": f.choice("Auto-post", "no:No at_date:At_Date", default="no", copy=False),
            "amount_untaxed": f.money("Untaxed Amount", readonly=True, copy=False),
            "amount_tax": f.money("Tax", readonly=True, copy=False),
            "amount_total": f.money("Total", readonly=True, copy=False),
            "amount_residual": f.money("Amount Due", readonly=True, copy=False),
            "amount_untaxed_signed": f.money("Untaxed Amount Signed", readonly=True, copy=False),
            "amount_tax_signed": f.money("Tax Signed", readonly=True, copy=False),
            "amount_total_signed": f.money("Total Signed", readonly=True, copy=False),
            "amount_total_in_currency_signed": f.money("Total in Currency Signed", readonly=True, copy=False),
            "amount_residual_signed": f.money("Amount Due Signed", readonly=True, copy=False),
            "payment_state": f.choice("Payment Status", _PAYMENT_STATES, default="not_paid", readonly=True, copy=False),
            "status_in_payment": f.choice(
                "Status In Payment",
                f"{_PAYMENT_STATES} draft:Draft posted:Posted sent:Sent cancel:Cancelled",
                compute="status_in_payment",
            ),
            "tax_totals": f.json("Invoice Totals", compute="tax_totals"),
            "sequence_prefix": f.char("Sequence Prefix", copy=False),
            "sequence_number": f.integer("Sequence Number", copy=False),
        }
    )

    def display_name(self, row: Row) -> str:
        name = row.get("name") or f"(* {row['id']})"
        if row["state"] == "draft":
            name = f"{_DRAFT_NAMES.get(row['move_type'], 'Draft Entry')} {name}"
        return f"{name} ({row['ref'][:50]})" if row.get("ref") else str(name)

    def status_in_payment(self, row: Row) -> str:
        if row["state"] == "cancel":
            return "cancel"
        if row.get("payment_state", "not_paid") != "not_paid":
            return str(row["payment_state"])
        return "sent" if row["state"] == "posted" and row.get("is_move_sent") else str(row["state"])

    # Writing

    def convert(
        self, env: Env, cells: list[tuple[list[str], Any]], warnings: list[tuple[str, str]], top: str = ""
    ) -> Row:
        """Values of a load: 18 ignores the rate in it and keeps one that is written on the draft (docs/facts/odoo-versions.md#4)."""
        vals = super().convert(env, cells, warnings, top)
        if self.db.series == 18:
            vals.pop("invoice_currency_rate", None)
        return vals

    def complete(self, env: Env, vals: Row) -> None:
        kind = vals["move_type"]
        journal = env["account.journal"].rows.get(int(vals.get("journal_id") or 0))
        company = vals.setdefault("company_id", journal["company_id"] if journal else own_company(env))
        if journal is None:
            wanted = "sale" if kind in _SALES else "purchase" if kind.startswith("in_") else "general"
            vals["journal_id"] = env["account.journal"].default(company, wanted) or False
        if not vals.get("currency_id"):
            own = journal.get("currency_id") if journal else False
            vals["currency_id"] = own or env["res.company"].rows[company]["currency_id"]
        vals.setdefault("date", vals.get("invoice_date") or env.today)
        if kind in _SALES:
            partner = env["res.partner"].rows.get(int(vals.get("partner_id") or 0), {})
            vals.setdefault("invoice_payment_term_id", partner.get("property_payment_term_id", False))
            vals["invoice_date_due"] = vals.get("invoice_date_due") or env.today  # whatever its own date is
            vals.setdefault("invoice_user_id", env.uid)
            vals.setdefault("partner_shipping_id", vals.get("partner_id"))
        vals["commercial_partner_id"] = self._commercial(env, vals.get("partner_id"))
        if not vals.get("invoice_currency_rate"):
            vals["invoice_currency_rate"] = self.own_rate(env, vals)

    @staticmethod
    def _commercial(env: Env, partner: Any) -> int | bool:
        """Who owes it, as of now: it stays when the partner's own company changes later."""
        row = env["res.partner"].rows.get(int(partner or 0))
        return env["res.partner"].commercial_partner(row) if row else False

    def own_rate(self, env: Env, vals: Row) -> Decimal:
        company = env["res.company"].rows[vals["company_id"]]
        currencies = env["res.currency"]
        currency = int(vals["currency_id"])
        if currency == company["currency_id"]:
            return Decimal(1)
        if currency not in currencies.rows:
            currencies.ensure(env, [currency])
        day = vals.get("invoice_date") or vals["date"]
        return Decimal(currencies.rate_on(currency, day) / currencies.rate_on(company["currency_id"], day))

    def created(self, env: Env, ids: list[int]) -> None:
        self._check_countries(env, ids)
        self.rebuild(env, ids)
        self._touch_orders(env, ids)
        for record in ids:
            if not self.rows[record].get("delivery_date"):
                self._date_delivery(env, record)

    def delivered(self, env: Env, order: int) -> None:
        """The first transfer of an order is done: its invoices, posted ones too, show that day, whatever they showed before."""
        for record in env["sale.order"].invoices(env["sale.order"].rows[order]):
            self._date_delivery(env, record)

    def _date_delivery(self, env: Env, record: int) -> None:
        delivered = [env["sale.order"].delivered_on(order) for order in self._orders(env, record)]
        if any(delivered):
            self.put(env, record, delivery_date=max(day for day in delivered if day))

    def before_write(self, env: Env, ids: list[int], vals: Row) -> None:
        if any(self.rows[record]["state"] == "posted" for record in ids):
            refused = [name for name in _READONLY_WHEN_POSTED if name in vals]
            if refused:
                fields = ", ".join(refused)
                raise UserError(f"You cannot modify the following readonly fields on a posted move: {fields}")
        if vals.get("line_ids"):
            vals["line_ids"] = [self.with_balance(command) for command in vals["line_ids"]]
        if "partner_id" in vals:
            vals["commercial_partner_id"] = self._commercial(env, vals["partner_id"])
        if "invoice_date" in vals and vals["invoice_date"] and "date" not in vals:
            vals["date"] = vals["invoice_date"]

    def written(self, env: Env, ids: list[int], vals: Row) -> None:
        if not vals.keys().isdisjoint(_CHECKED_WITH_TAXES):  # not with `invoice_line_ids` alone, as in Odoo
            self._check_countries(env, ids)
        drafts = [record for record in ids if self.rows[record]["state"] == "draft"]
        self.rebuild_after(env, drafts, vals)
        self._touch_orders(env, ids)

    def _check_countries(self, env: Env, ids: list[int]) -> None:
        lines = env["account.move.line"].rows
        for row in (self.rows[record] for record in ids):
            own = [lines[line] for line in self.get(row, "line_ids")]
            used = {tax for line in own for tax in (*(line.get("tax_ids") or ()), line.get("tax_line_id")) if tax}
            env["account.tax"].check_country(env, row, used)

    def before_unlink(self, env: Env, ids: list[int]) -> None:
        for row in (self.rows[record] for record in ids):
            if row["state"] == "posted":
                raise UserError(
                    "You can't delete a posted journal item. Don\u2019t play games with your accounting records; "
                    "reset the journal entry to draft before deleting it."
                )
            if row.get("sequence_number") and row["sequence_number"] < env["sandbox.sequence"].last(self._chain(row)):
                raise UserError(
                    "You cannot delete this entry, as it has already consumed a sequence number and is not the last "
                    "one in the chain. You should probably revert it instead."
                )
        lines = [line for record in ids for line in self.get(self.rows[record], "line_ids")]
        env["account.move.line"].unmatch(env, lines)

    def unlinked(self, env: Env, rows: list[Row]) -> None:
        """The last number of a chain becomes free again."""
        for row in rows:
            if row.get("sequence_number"):
                env["sandbox.sequence"].move_to(env, self._chain(row), row["sequence_number"] - 1)

    # Life

    @public
    def action_post(self, env: Env, ids: list[int]) -> bool:
        self.ensure(env, ids)
        self.post(env, ids)
        return False

    @public
    def button_draft(self, env: Env, ids: list[int]) -> None:
        self.ensure(env, ids)
        for record in ids:
            row = self.rows[record]
            if row["state"] == "draft":
                raise UserError("Only posted/cancelled journal entries can be reset to draft.")
            self._check_locks(env, row)
        for record in ids:
            self.put(env, record, state="draft")
        self.rebuild(env, ids)
        self.touch(env, ids)

    @public
    def button_cancel(self, env: Env, ids: list[int]) -> None:
        self.ensure(env, ids)
        for record in ids:
            if self.rows[record]["state"] == "posted":
                self._check_locks(env, self.rows[record])
            env["account.move.line"].unmatch(env, self.get(self.rows[record], "line_ids"))
            self.put(env, record, state="cancel", auto_post="no")
        self.touch(env, ids)
        self._touch_orders(env, ids)

    @public
    def action_switch_move_type(self, env: Env, ids: list[int]) -> None:
        """A draft credit note becomes an invoice with reversed lines, and the other way round (docs/facts/pair.md#5.4)."""
        self.ensure(env, ids)
        for record in ids:
            row = self.rows[record]
            if row.get("posted_before") and row.get("name"):
                raise ValidationError("You cannot switch the type of a document with an existing sequence number.")
            other = {"out_refund": "out_invoice", "out_invoice": "out_refund"}.get(row["move_type"])
            if other is None:
                raise ValidationError("This action isn't available for this document.")
            self.put(env, record, move_type=other)
            for line in self.get(row, "invoice_line_ids"):
                self._reverse_line(env, line)
        self.rebuild(env, ids)

    def _reverse_line(self, env: Env, line: int) -> None:
        lines = env["account.move.line"]
        row = lines.rows[line]
        lines.put(
            env, line, quantity=-row.get("quantity", ZERO), extra_tax_data=reversed_tax_data(row.get("extra_tax_data"))
        )

    @public
    def js_assign_outstanding_line(self, env: Env, ids: list[int], line_id: int) -> None:
        record = self.one(ids)
        lines = env["account.move.line"]
        lines.ensure(env, [line_id])
        account = lines.rows[line_id]["account_id"]
        own = [i for i in self.get(self.rows[record], "line_ids") if lines.rows[i]["account_id"] == account]
        lines.reconcile(env, [line_id, *own])

    def post(self, env: Env, ids: list[int]) -> None:
        """All or none: numbers follow (date, reference, id), not the order of ids (docs/facts/odoo-19.0.md#5)."""
        for record in ids:
            self._check_postable(env, self.rows[record])
        for record in ids:
            self._date_for_posting(env, record)
        for record in sorted(ids, key=lambda i: (self.rows[i]["date"], self.rows[i].get("ref") or "", i)):
            self._number(env, record)
        for record in ids:
            row = self.rows[record]
            reference = row.get("payment_reference") or (row["name"] if row["move_type"] == "out_invoice" else False)
            self.put(env, record, state="posted", posted_before=True, payment_reference=reference)
            self.name_terms(env, record)
        self.refresh_payment(env, ids)
        self.touch(env, ids)
        for record in ids:
            self._match_reversed(env, record)
        self._touch_orders(env, ids)

    def _check_postable(self, env: Env, row: Row) -> None:
        if row["state"] != "draft":
            raise UserError(f"The entry {row.get('name') or '/'} (id {row['id']}) must be in draft.")
        kind = row["move_type"]
        if not self.get(row, "line_ids" if kind == "entry" else "invoice_line_ids"):
            nothing = (
                "Even magicians can't post nothing!"
                if self.db.series >= 19
                else "You need to add a line before posting."
            )
            raise UserError(nothing)
        if kind != "entry" and not row.get("partner_id"):
            raise UserError("The field 'Customer' is required, please complete it to validate the Customer Invoice.")
        if kind != "entry" and row.get("amount_total", ZERO) < 0:
            raise UserError(_NEGATIVE)
        currency = env["res.currency"].rows[row["currency_id"]]
        if not currency.get("active"):
            raise UserError(f"You cannot validate a document with an inactive currency: {currency['name']}")

    # Dates and numbers

    def _date_for_posting(self, env: Env, record: int) -> None:
        row = self.rows[record]
        if row["move_type"] in _SALES and not row.get("invoice_date"):
            due = max(row.get("invoice_date_due") or env.today, env.today)
            self.put(env, record, invoice_date=env.today, date=env.today, invoice_date_due=due)
            self._finish(env, [record])
        self.put(env, record, date=self._open_date(env, row))

    def _open_date(self, env: Env, row: Row) -> str:
        """Return a lock date never refuses a posting: it moves the accounting date, silently (docs/facts/pair.md#10)."""
        locks = [lock for _, lock in self._violated(env, row)]
        if not locks:
            return str(row["date"])
        first_open = (date.fromisoformat(max(locks)) + timedelta(days=1)).isoformat()
        return min(env.today, f"{first_open[:4]}-12-31")

    def _violated(self, env: Env, row: Row) -> list[tuple[str, str]]:
        """(field, date) of the lock dates of the company and those above it that cover the entry's accounting date."""
        companies = env["res.company"]
        company = {
            name: companies.effective(companies.rows[row["company_id"]], name)
            for name in ("fiscalyear_lock_date", "hard_lock_date", "sale_lock_date", "tax_lock_date")
        }
        names = ["fiscalyear_lock_date", "hard_lock_date"]
        if row["move_type"] in _SALES:
            names.insert(0, "sale_lock_date")
        if any(env["account.move.line"].rows[line].get("tax_ids") for line in self.get(row, "line_ids")):
            names.append("tax_lock_date")
        return [(name, company[name]) for name in names if row["date"] <= company[name]]

    def _check_locks(self, env: Env, row: Row) -> None:
        violated = self._violated(env, row)
        if not violated:
            return
        company = env["res.company"]
        shown = [f"{company.fields[name].string} ({lock[5:7]}/{lock[8:]}/{lock[:4]})" for name, lock in violated]
        if violated[0][0] == "tax_lock_date":
            raise UserError(
                "The operation is refused as it would impact an already issued tax statement. Please change the "
                f"journal entry date or the following lock dates to proceed: {', '.join(shown)}."
            )
        raise UserError(f"You cannot add/modify entries prior to and inclusive of: {', '.join(shown)}.")

    def _number(self, env: Env, record: int) -> None:
        """The journal's next number, or the name given by hand, which then leads the sequence (docs/facts/odoo-19.0.md#6)."""
        row, sequences = self.rows[record], env["sandbox.sequence"]
        if row.get("name"):
            prefix, digits = _split_name(row["name"])
            self._refuse_duplicate(row)
        else:
            prefix, digits = self._leading_prefix(env, row)
        if row.get("sequence_number"):
            return
        chain = f"{row['journal_id']}:{prefix}"
        given = int(_split_number(row["name"])) if row.get("name") else sequences.next(env, chain)
        if given > sequences.last(chain):
            sequences.move_to(env, chain, given)
        name = row.get("name") or f"{prefix}{given:0{digits}d}"
        if row.get("name") and not row.get("sequence_number"):
            self._lead(env, row, prefix, digits)
        self.put(env, record, name=name, sequence_prefix=prefix, sequence_number=given)

    def _leading_prefix(self, env: Env, row: Row) -> tuple[str, int]:
        journal = env["account.journal"].rows[row["journal_id"]]
        found = self.db.store.find("ir.config_parameter", "key", self._lead_key(row))
        if found:
            prefix, _, digits = str(self.db.tables["ir.config_parameter"][found[-1]]["value"]).rpartition("|")
            return prefix, int(digits)
        year, month = row["date"][:4], row["date"][5:7]
        if journal["type"] == "general":
            return f"{journal['code']}/{year}/{month}/", 4
        letter = "R" if row["move_type"] in ("out_refund", "in_refund") else "P" if row.get("origin_payment_id") else ""
        return f"{letter}{journal['code']}/{year}/", 5

    def _lead(self, env: Env, row: Row, prefix: str, digits: int) -> None:
        env["ir.config_parameter"].make(env, [{"key": self._lead_key(row), "value": f"{prefix}|{digits}"}])

    @staticmethod
    def _lead_key(row: Row) -> str:
        return f"sandbox.lead:{row['journal_id']}:{row['move_type'] in ('out_refund', 'in_refund')}"

    def _refuse_duplicate(self, row: Row) -> None:
        for other in self.db.store.find(self.name, "name", row["name"]):
            twin = self.rows[other]
            if other != row["id"] and twin["journal_id"] == row["journal_id"] and twin["state"] == "posted":
                raise ValidationError(
                    "The operation cannot be completed: Another entry with the same name already exists."
                )

    def _chain(self, row: Row) -> str:
        return f"{row['journal_id']}:{row['sequence_prefix']}"

    # What follows elsewhere

    def _match_reversed(self, env: Env, record: int) -> None:
        """A posted credit note pays its original if that is open; a paid original is left alone (docs/facts/odoo-19.0.md#5)."""
        row = self.rows[record]
        original = self.rows.get(row.get("reversed_entry_id", 0))
        if row["move_type"] not in ("out_refund", "in_refund") or original is None or original["state"] != "posted":
            return
        pair = [*self.open_lines(original), *self.open_lines(row)]
        if len(pair) > 1 and original.get("amount_residual", ZERO):
            env["account.move.line"].match(env, pair)

    def _touch_orders(self, env: Env, ids: list[int]) -> None:
        orders = {order for record in ids for order in self._orders(env, record)}
        env["sale.order"].touch(env, sorted(orders))

    def _orders(self, env: Env, record: int) -> list[int]:
        """Return the orders whose lines the document's lines are linked to."""
        items, sold = env["account.move.line"].rows, env["sale.order.line"].rows
        linked = (
            i
            for line in self.get(self.rows[record], "invoice_line_ids")
            for i in items[line].get("sale_line_ids") or []
        )
        return sorted({sold[i]["order_id"] for i in linked if i in sold})


def reversed_tax_data(data: Any) -> Any:
    """extra_tax_data with the signs of quantity, base and taxes turned."""
    if not isinstance(data, dict):
        return data or False
    turned = dict(data)
    for key in ("quantity", "manual_total_excluded_currency", "manual_total_excluded"):
        if key in turned:
            turned[key] = -turned[key]
    amounts = turned.get("manual_tax_amounts") or {}
    turned["manual_tax_amounts"] = {tax: {k: -v for k, v in part.items()} for tax, part in amounts.items()}
    return turned


def _split_number(name: str) -> str:
    found = re.search(r"(\d+)\D*$", name)
    return found.group(1) if found else "0"


def _split_name(name: str) -> tuple[str, int]:
    digits = _split_number(name)
    return name[: name.rfind(digits)], len(digits)
