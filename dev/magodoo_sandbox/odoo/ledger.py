"""The chart's fixed parts: accounts, taxes, journals with their payment methods, fiscal positions, terms."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from magodoo_sandbox.odoo import fields as f
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import ValidationError
from magodoo_sandbox.odoo.fields import rounded
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.store import Row

_ACCOUNT_TYPES = (
    "asset_receivable:Receivable asset_cash:Bank_and_Cash asset_current:Current_Assets liability_payable:Payable "
    "liability_current:Current_Liabilities equity:Equity equity_unaffected:Current_Year_Earnings income:Income "
    "income_other:Other_Income expense:Expenses expense_direct_cost:Cost_of_Revenue"
)

_NOT_OF_POSITION = (
    "This entry contains taxes that are not compatible with your fiscal position. Check the country set in fiscal "
    "position and in your tax configuration."
)
_NOT_OF_COMPANY = (
    "This entry contains one or more taxes that are incompatible with your fiscal country. Check company fiscal "
    "country in the settings and tax country in taxes configuration."
)
_NO_COUNTRY = (
    "The country of the foreign VAT number could not be detected. Please assign a country to the fiscal position."
)


def own_company(env: Env) -> int:
    return env.company_id


def own_country(env: Env) -> Any:
    return env["res.company"].rows[env.company_id].get("country_id")


class Account(Model):
    name, label, order = "account.account", "Account", "code, id"
    search_names = ("code", "name")
    declared = f.columns(
        {
            "name": f.char("Account Name", required=True),
            "code": f.char("Code", index=True),
            "account_type": f.choice("Type", _ACCOUNT_TYPES, required=True),
            "reconcile": f.boolean("Allow Reconciliation"),
            "active": f.boolean("Active", default=True),
            "currency_id": f.one("res.currency", "Account Currency"),
            "company_ids": f.linked("res.company", "Companies", default=lambda env: [env.company_id]),
        }
    )

    def of_type(self, company: int, kind: str, name: str = "") -> int:
        """Return the company's first account of a type (and name), 0 if it has none."""
        for row in self.rows.values():
            if row["account_type"] == kind and company in row["company_ids"] and name in row["name"]:
                return int(row["id"])
        return 0


class Tax(Model):
    name, label, order = "account.tax", "Tax", "sequence, id"
    declared = f.columns(
        {
            "name": f.char("Tax Name", required=True),
            "sequence": f.integer("Sequence", default=1),
            "type_tax_use": f.choice("Tax Type", "sale:Sales purchase:Purchases none:None", default="sale"),
            "tax_scope": f.choice("Tax Scope", "service:Services consu:Goods"),
            "amount_type": f.choice(
                "Tax Computation",
                "group:Group_of_Taxes fixed:Fixed percent:Percentage division:Percentage_Tax_Included",
                default="percent",
            ),
            "amount": f.real("Amount"),
            "price_include": f.boolean("Price Include", compute="is_included"),
            "price_include_override": f.choice(
                "Included in Price", "tax_included:Tax_Included tax_excluded:Tax_Excluded"
            ),
            "description": f.char("Description"),
            "invoice_label": f.char("Label on Invoices"),
            "country_id": f.one("res.country", "Country"),
            "company_id": f.one("res.company", "Company", default=own_company),
            "tax_group_id": f.one("account.tax.group", "Tax Group", required=True),
            "tax_exigibility": f.choice(
                "Tax Exigibility", "on_invoice:Based_on_Invoice on_payment:Based_on_Payment", default="on_invoice"
            ),
            "cash_basis_transition_account_id": f.one("account.account", "Cash Basis Transition Account"),
            "invoice_repartition_line_ids": f.many(
                "account.tax.repartition.line",
                "tax_id",
                "Distribution for Invoices",
                domain=lambda row: row["document_type"] == "invoice",
            ),
            "refund_repartition_line_ids": f.many(
                "account.tax.repartition.line",
                "tax_id",
                "Distribution for Refund Invoices",
                domain=lambda row: row["document_type"] == "refund",
            ),
            "active": f.boolean("Active", default=True),
        }
    )

    def is_included(self, row: Row) -> bool:
        return row.get("price_include_override") == "tax_included"

    def complete(self, env: Env, vals: Row) -> None:
        company = env["res.company"].rows[vals["company_id"]]
        vals.setdefault("country_id", company.get("account_fiscal_country_id") or company.get("country_id"))
        groups = env["account.tax.group"].rows.items()  # without a group of its country Odoo refuses the tax
        own = (group for group, row in groups if row.get("country_id") == vals["country_id"])
        vals.setdefault("tax_group_id", next(own, False))
        for row in self.rows.values():
            same = all(row.get(key) == vals.get(key) for key in ("name", "type_tax_use", "company_id"))
            if same and row.get("tax_scope", False) == vals.get("tax_scope", False):
                raise ValidationError(f"Tax names must be unique!\n- {vals['name']} in {company['name']}")

    def created(self, env: Env, ids: list[int]) -> None:
        """Without a distribution of its own the whole tax is booked, in no grid."""
        parts = [
            {"document_type": of, "repartition_type": part} for of in ("invoice", "refund") for part in ("base", "tax")
        ]
        bare = [i for i in ids if not self.get(self.rows[i], "invoice_repartition_line_ids")]
        env["account.tax.repartition.line"].make(env, [{"tax_id": i, **part} for i in bare for part in parts])

    def part(self, tax: int, move_type: str, kind: str) -> Row:
        """Return the line of a tax's distribution for invoices or credit notes: its tags, and the account of the tax."""
        of = "refund" if move_type.endswith("refund") else "invoice"
        rows = self.db.tables["account.tax.repartition.line"]
        own = (rows[i] for i in self.get(self.rows[tax], f"{of}_repartition_line_ids"))
        return next((row for row in own if row["repartition_type"] == kind), {})

    def tags(self, taxes: list[int], move_type: str, kind: str) -> list[int]:
        """Return the tags that taxes put on their base or on themselves."""
        return sorted({tag for tax in taxes for tag in self.part(tax, move_type, kind).get("tag_ids") or []})

    def check_country(self, env: Env, move: Row, used: set[int]) -> None:
        """Taxes of a document are of one country: its position's with a tax ID there, else the company's fiscal one.

        Raises Odoo's ValidationError (`_validate_taxes_country` of account.move).
        """
        countries = {self.rows[tax].get("country_id") for tax in used}
        position = env["account.fiscal.position"].rows.get(move.get("fiscal_position_id") or 0, {})
        company = env["res.company"].rows[move["company_id"]]
        foreign = position.get("foreign_vat")
        allowed = position.get("country_id") if foreign else company.get("account_fiscal_country_id")
        if not countries or countries == {allowed}:
            return
        if position and countries != {position.get("country_id")}:
            raise ValidationError(_NOT_OF_POSITION)
        raise ValidationError(_NOT_OF_COMPANY)


class TaxPart(Model):
    name, label = "account.tax.repartition.line", "Tax Repartition Line"
    rec_name = "repartition_type"
    declared = f.columns(
        {
            "tax_id": f.one("account.tax", "Tax", required=True),
            "document_type": f.choice("Related to", "invoice:Invoice refund:Refund", required=True),
            "repartition_type": f.choice("Based On", "base:Base tax:of_tax", default="tax", required=True),
            "factor_percent": f.real("%", default=Decimal(100)),
            "account_id": f.one("account.account", "Account"),
            "tag_ids": f.linked("account.account.tag", "Tax Grids"),
        }
    )


class Tag(Model):
    """A grid of the tax report. `balance_negate` is that of the report's line with this tag."""

    name, label = "account.account.tag", "Account Tag"
    declared = f.columns(
        {
            "name": f.char("Tag Name", required=True),
            "applicability": f.choice(
                "Applicability", "accounts:Accounts taxes:Taxes products:Products", default="accounts", required=True
            ),
            "country_id": f.one("res.country", "Country"),
            "active": f.boolean("Active", default=True),
            "balance_negate": f.boolean("Balance Negate"),
        }
    )


class TaxGroup(Model):
    name, label = "account.tax.group", "Tax Group"
    declared = f.columns(
        {"name": f.char("Name", required=True), "country_id": f.one("res.country", "Country", default=own_country)}
    )


class FiscalPosition(Model):
    name, label = "account.fiscal.position", "Fiscal Position"
    declared = f.columns(
        {
            "name": f.char("Fiscal Position", required=True),
            "country_id": f.one("res.country", "Country"),
            "auto_apply": f.boolean("Detect Automatically"),
            "vat_required": f.boolean("VAT required"),
            "foreign_vat": f.char("Foreign Tax ID"),
            "tax_ids": f.linked("account.tax", "Taxes"),
            "account_ids": f.many("account.fiscal.position.account", "position_id", "Account Mapping"),
            "company_id": f.one("res.company", "Company", default=own_company),
            "active": f.boolean("Active", default=True),
        }
    )

    def mapped(self, env: Env, position: int, account: int) -> int:
        """Return the account that takes the place of another under a fiscal position; the same where it maps none."""
        rules = (
            (env["account.fiscal.position.account"].rows[i] for i in self.get(self.rows[position], "account_ids"))
            if position
            else ()
        )
        return next((int(rule["account_dest_id"]) for rule in rules if rule["account_src_id"] == account), account)

    def created(self, env: Env, ids: list[int]) -> None:
        if any(self.rows[i].get("foreign_vat") and not self.rows[i].get("country_id") for i in ids):
            raise ValidationError(_NO_COUNTRY)

    def written(self, env: Env, ids: list[int], vals: Row) -> None:
        self.created(env, ids)


class FiscalPositionAccount(Model):
    name, label = "account.fiscal.position.account", "Accounts Mapping of Fiscal Position"
    rec_name = "position_id"
    declared = f.columns(
        {
            "position_id": f.one("account.fiscal.position", "Fiscal Position", required=True),
            "account_src_id": f.one("account.account", "Account on Product", required=True),
            "account_dest_id": f.one("account.account", "Account to Use Instead", required=True),
        }
    )


class PaymentTerm(Model):
    name, label = "account.payment.term", "Payment Terms"
    declared = f.columns(
        {
            "name": f.char("Payment Terms", required=True),
            "active": f.boolean("Active", default=True),
            "company_id": f.one("res.company", "Company"),
            "line_ids": f.many("account.payment.term.line", "payment_id", "Terms"),
            "early_discount": f.boolean("Early Discount"),
            "discount_percentage": f.real("Discount %", default=Decimal(2)),
            "discount_days": f.integer("Discount Days", default=10),
            "early_pay_discount_computation": f.choice(
                "Cash Discount Tax Reduction",
                "included:On_early_payment excluded:Never mixed:Always_(upon_invoice)",
                default="included",
            ),
        }
    )

    def created(self, env: Env, ids: list[int]) -> None:
        """Without lines of its own a term is due at once."""
        lines = env["account.payment.term.line"]
        whole = {"value": "percent", "value_amount": 100, "nb_days": 0}
        lines.make(env, [{"payment_id": i, **whole} for i in ids if not self.get(self.rows[i], "line_ids")])

    def instalments(self, env: Env, term: int, since: str, amount: Decimal) -> list[tuple[str, Decimal]]:
        """(due date, amount) of each line of a term; what the others leave is the last one's."""
        lines = env["account.payment.term.line"].rows
        sign, left, found = (-1 if amount < 0 else 1), amount, []
        own = [lines[i] for i in self.get(self.rows[term], "line_ids")]
        for place, line in enumerate(own):
            part = sign * line["value_amount"] if line["value"] == "fixed" else amount * line["value_amount"] / 100
            part = left if place == len(own) - 1 else rounded(part)
            left -= part
            found.append((f"{date.fromisoformat(since) + timedelta(days=line.get('nb_days') or 0)}", part))
        return found


class PaymentTermLine(Model):
    name, label = "account.payment.term.line", "Payment Terms Line"
    rec_name = "payment_id"
    declared = f.columns(
        {
            "payment_id": f.one("account.payment.term", "Payment Terms", required=True),
            "value": f.choice("Value", "percent:Percent fixed:Fixed", default="percent", required=True),
            "value_amount": f.real("Due"),
            "nb_days": f.integer("Days"),
            "delay_type": f.choice("Delay Type", "days_after:Days_after_invoice_date", default="days_after"),
        }
    )


class Journal(Model):
    name, label, order = "account.journal", "Journal", "sequence, type, code"
    search_names = ("code", "name")
    declared = f.columns(
        {
            "name": f.char("Journal Name", required=True),
            "code": f.char("Sequence Prefix", index=True),
            "type": f.choice(
                "Type",
                "sale:Sales purchase:Purchase cash:Cash bank:Bank credit:Credit_Card general:Miscellaneous",
                required=True,
            ),
            "sequence": f.integer("Sequence", default=10),
            "active": f.boolean("Active", default=True),
            "company_id": f.one("res.company", "Company", default=own_company),
            "currency_id": f.one("res.currency", "Currency"),
            "default_account_id": f.one("account.account", "Default Account"),
            "suspense_account_id": f.one("account.account", "Suspense Account"),
            "inbound_payment_method_line_ids": f.many(
                "account.payment.method.line",
                "journal_id",
                "Inbound",
                domain=lambda row: row["payment_type"] == "inbound",
            ),
            "outbound_payment_method_line_ids": f.many(
                "account.payment.method.line",
                "journal_id",
                "Outbound",
                domain=lambda row: row["payment_type"] == "outbound",
            ),
            "restrict_mode_hash_table": f.boolean("Secure Posted Entries with Hash"),
            "edi_format_ids": f.linked("account.edi.format", "Electronic invoicing"),
        }
    )

    def display_name(self, row: Row) -> str:
        currency = row.get("currency_id")
        return f"{row['name']} ({self.db.tables['res.currency'][currency]['name']})" if currency else str(row["name"])

    def created(self, env: Env, ids: list[int]) -> None:
        """A bank or cash journal gets its account and one manual method line for each direction (docs/facts/pair.md#4)."""
        for row in (self.rows[record] for record in ids):
            if row["type"] not in ("bank", "cash", "credit"):
                continue
            if not row.get("default_account_id"):
                account = {"name": row["name"], "code": f"1014{row['id']:02d}", "account_type": "asset_cash"}
                made = env["account.account"].make(env, [{**account, "company_ids": [[6, 0, [row["company_id"]]]]}])
                self.put(env, row["id"], default_account_id=made[0])
            lines = [
                {"name": "Manual Payment", "payment_type": kind, "journal_id": row["id"], "code": "manual"}
                for kind in ("inbound", "outbound")
            ]
            env["account.payment.method.line"].make(env, lines)

    def default(self, company: int, kind: str) -> int:
        """Return the company's first active journal of a type, 0 if it has none."""
        found = [r for r in self.rows.values() if r["type"] == kind and r["company_id"] == company and r.get("active")]
        return int(min(found, key=lambda row: (row.get("sequence", 10), row["id"]))["id"]) if found else 0


class EdiFormat(Model):
    name, label = "account.edi.format", "EDI format"
    declared = f.columns({"name": f.char("Name", required=True), "code": f.char("Code")})


class MethodLine(Model):
    name, label, order = "account.payment.method.line", "Payment Methods", "sequence, id"
    declared = f.columns(
        {
            "name": f.char("Name"),
            "code": f.char("Code"),
            "sequence": f.integer("Sequence", default=10),
            "payment_type": f.choice("Payment Type", "inbound:Inbound outbound:Outbound"),
            "journal_id": f.one("account.journal", "Journal"),
            "payment_account_id": f.one("account.account", "Outstanding Account"),
            "company_id": f.one("res.company", "Company", related="journal_id.company_id"),
        }
    )

    def display_name(self, row: Row) -> str:
        journal: Any = self.db.tables["account.journal"].get(row.get("journal_id", 0))
        return f"{row['name']} ({journal['name']})" if journal else str(row["name"])

    def first(self, journal: int, kind: str) -> int:
        found = [
            i for i in self.db.store.find(self.name, "journal_id", journal) if self.rows[i]["payment_type"] == kind
        ]
        return found[0] if found else 0
