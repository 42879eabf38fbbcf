"""Companies, partners, users, groups, countries, languages."""

from __future__ import annotations

from calendar import month_name
from decimal import Decimal
from typing import Any

from magodoo_sandbox.odoo import fields as f
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import RedirectWarning
from magodoo_sandbox.odoo.fields import ZERO, rounded
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.model import public
from magodoo_sandbox.odoo.rights import GROUPS
from magodoo_sandbox.odoo.store import Row


class Company(Model):
    name, label = "res.company", "Companies"
    declared = f.columns(
        {
            "name": f.char("Company Name", required=True),
            "parent_id": f.one("res.company", "Parent Company"),
            "parent_path": f.char("Parent Path", compute="path", readonly=True),
            "partner_id": f.one("res.partner", "Partner"),
            "currency_id": f.one("res.currency", "Currency", required=True),
            "country_id": f.one("res.country", "Country"),
            "account_fiscal_country_id": f.one("res.country", "Fiscal Country"),
            "tax_calculation_rounding_method": f.choice(
                "Tax Calculation Rounding Method",
                "round_per_line:Round_per_Line round_globally:Round_Globally",
                default="round_globally",
            ),
            "fiscalyear_lock_date": f.date("Global Lock Date"),
            "tax_lock_date": f.date("Tax Return Lock Date"),
            "sale_lock_date": f.date("Sales Lock Date"),
            "purchase_lock_date": f.date("Purchase Lock Date"),
            "hard_lock_date": f.date("Hard Lock Date"),
            **{
                f"user_{name}": f.date(label, compute=f"user_{name}", readonly=True)
                for name, label in (
                    ("fiscalyear_lock_date", "Effective Global Lock Date"),
                    ("tax_lock_date", "Effective Tax Return Lock Date"),
                    ("sale_lock_date", "Effective Sales Lock Date"),
                    ("purchase_lock_date", "Effective Purchase Lock Date"),
                    ("hard_lock_date", "Effective Hard Lock Date"),
                )
            },
            "account_journal_early_pay_discount_loss_account_id": f.one("account.account", "Early Discount Loss"),
            "fiscalyear_last_day": f.integer("Fiscalyear Last Day", default=31),
            "fiscalyear_last_month": f.choice(
                "Fiscalyear Last Month",
                " ".join(f"{month}:{name}" for month, name in enumerate(month_name) if month),
                default="12",
            ),
            "chart_template": f.char("Chart Template"),
            "stock_move_sms_validation": f.boolean("SMS Confirmation"),
            "has_received_warning_stock_sms": f.boolean("Warned of SMS"),
            "anglo_saxon_accounting": f.boolean("Anglo-Saxon Accounting"),
            "account_use_credit_limit": f.boolean("Sales Credit Limit"),
            "tax_exigibility": f.boolean("Use Cash Basis"),
            "tax_cash_basis_journal_id": f.one("account.journal", "Cash Basis Journal"),
            "company_registry": f.char("Company ID"),
            "vat": f.char("Tax ID"),
        }
    )

    def marks_of_copy(self, row: Row) -> str:
        """Return what `DATABASE_FIELD_CODE` computes."""
        known = {each["key"]: each["value"] for each in self.db.tables["ir.config_parameter"].values()}
        return f"{known.get('database.uuid', False)} {known.get('database.is_neutralized', '')}"

    def path(self, row: Row) -> str:
        """`1/3/`: the companies above a branch, and itself."""
        above = self.rows.get(row.get("parent_id", 0))
        return f"{self.path(above) if above else ''}{row['id']}/"

    def effective(self, row: Row, name: str) -> str:
        """Return the latest of a date in the company and those above it, as Odoo 18 and later compute it; 1-01-01 is none."""
        chain = [self.rows[int(each)] for each in self.path(row).split("/") if each]
        return max([str(each[name]) for each in chain if each.get(name)], default="1-01-01")

    def user_fiscalyear_lock_date(self, row: Row) -> str:
        return self.effective(row, "fiscalyear_lock_date")

    def user_tax_lock_date(self, row: Row) -> str:
        return self.effective(row, "tax_lock_date")

    def user_sale_lock_date(self, row: Row) -> str:
        return self.effective(row, "sale_lock_date")

    def user_purchase_lock_date(self, row: Row) -> str:
        return self.effective(row, "purchase_lock_date")

    def user_hard_lock_date(self, row: Row) -> str:
        return self.effective(row, "hard_lock_date")

    def before_write(self, env: Env, ids: list[int], vals: Row) -> None:
        date = vals.get("hard_lock_date")
        if not date:
            return
        moves = env["account.move"].rows
        drafts = [
            i
            for i, row in moves.items()
            if row["state"] == "draft" and row["company_id"] in ids and row["date"] <= date
        ]
        if drafts:
            self._refuse_drafts(drafts)

    def _refuse_drafts(self, drafts: list[int]) -> None:
        """Facts pair 10: a hard lock with drafts inside is a RedirectWarning, status 500."""
        text = (
            "There are still draft entries in the period you want to hard lock. You should either post or delete them."
        )
        action: dict[str, Any] = {
            "view_mode": "list",
            "name": "Draft Entries",
            "res_model": "account.move",
            "type": "ir.actions.act_window",
            "domain": [["id", "in", drafts]],
        }
        problem = RedirectWarning(text, text, action, "Show draft entries", None)
        problem.message = f"{text}\n{action}\nShow draft entries\nNone"
        raise problem


class Partner(Model):
    name, label, order = "res.partner", "Contact", "complete_name, id desc"
    search_names = ("complete_name", "email", "ref")
    declared = f.columns(
        {
            "name": f.char("Name", index=True),
            "complete_name": f.char("Complete Name", compute="display_name"),
            "active": f.boolean("Active", default=True),
            "email": f.char("Email", index=True),
            "phone": f.char("Phone"),
            "street": f.char("Street"),
            "street2": f.char("Street2"),
            "city": f.char("City"),
            "zip": f.char("Zip"),
            "state_id": f.one("res.country.state", "State"),
            "country_id": f.one("res.country", "Country"),
            "country_code": f.char("Country Code", related="country_id.code"),
            "parent_id": f.one("res.partner", "Related Company"),
            "child_ids": f.many("res.partner", "parent_id", "Contact"),
            "commercial_partner_id": f.one("res.partner", "Commercial Entity", compute="commercial_partner"),
            "type": f.choice(
                "Address Type", "contact:Contact invoice:Invoice delivery:Delivery other:Other", default="contact"
            ),
            "company_type": f.choice("Company Type", "person:Person company:Company", compute="company_type"),
            "is_company": f.boolean("Is a Company"),
            "ref": f.char("Reference", index=True),
            "vat": f.char("Tax ID", index=True),
            "lang": f.char("Language"),
            "ref_company_ids": f.many("res.company", "partner_id", "Companies that refers to partner"),
            "property_stock_customer": f.one("stock.location", "Customer Location", compute="customer_location"),
            "customer_rank": f.integer("Customer Rank", copy=False),
            "supplier_rank": f.integer("Supplier Rank", copy=False),
            "employee": f.boolean("Employee"),
            "company_id": f.one("res.company", "Company"),
            "property_account_receivable_id": f.one("account.account", "Account Receivable"),
            "property_account_position_id": f.one("account.fiscal.position", "Fiscal Position"),
            "property_payment_term_id": f.one("account.payment.term", "Customer Payment Terms"),
            "property_product_pricelist": f.one("product.pricelist", "Pricelist"),
            "category_id": f.linked("res.partner.category", "Tags"),
            "credit_limit": f.real("Credit Limit"),
            "use_partner_credit_limit": f.boolean("Partner Limit", compute="has_credit_limit"),
            "credit": f.money("Total Receivable", compute="credit"),
            "credit_to_invoice": f.money("Credit To Invoice", compute="credit_to_invoice"),
            "comment": f.text("Notes"),
        }
    )

    def customer_location(self, row: Row) -> int:
        """Goods for a company of this database go through the transit between companies."""
        usage = "transit" if self.get(row, "ref_company_ids") else "customer"
        return int(self.db.models["stock.location"].of_usage(usage))

    def display_name(self, row: Row) -> str:
        parent = self.rows.get(row.get("parent_id", 0))
        name = str(row.get("name") or "")
        return f"{parent.get('name')}, {name}" if parent and not row.get("is_company") else name

    def commercial_partner(self, row: Row) -> int:
        while row.get("parent_id") and not row.get("is_company"):
            row = self.rows[row["parent_id"]]
        return int(row["id"])

    def has_credit_limit(self, row: Row) -> bool:
        return bool(row.get("credit_limit"))

    def credit(self, row: Row) -> Decimal:
        """Open receivables of the commercial partner, in company currency."""
        lines = self.db.models["account.move.line"]
        own = [
            line
            for line in lines.rows.values()
            if lines.get(line, "account_type") == "asset_receivable" and lines.get(line, "parent_state") == "posted"
        ]
        return sum(
            (line.get("amount_residual", ZERO) for line in own if self._is_of(row, lines.get(line, "partner_id"))), ZERO
        )

    def credit_to_invoice(self, row: Row) -> Decimal:
        """Return what confirmed orders have left to invoice; only counted where the company uses credit limits (measured on 19.0)."""
        if not any(company.get("account_use_credit_limit") for company in self.db.tables["res.company"].values()):
            return ZERO
        orders, lines = self.db.models["sale.order"], self.db.models["sale.order.line"]
        total = ZERO
        for order in orders.rows.values():
            if order["state"] == "sale" and self._is_of(row, order.get("partner_id")):
                for line in (lines.rows[i] for i in orders.get(order, "order_line")):
                    ordered = line.get("product_uom_qty") or 1
                    total += lines.get(line, "price_total") * max(lines.qty_to_invoice(line), ZERO) / ordered
        return rounded(total)

    def _is_of(self, row: Row, partner: int | None) -> bool:
        return bool(partner) and self.commercial_partner(self.rows[int(partner or 0)]) == self.commercial_partner(row)

    def receivable(self, env: Env, partner: int, company: int) -> int:
        """Return the account on which the partner owes the company: their own where they have one of it, else the company's first."""
        accounts = env["account.account"]
        own = self.rows.get(partner, {}).get("property_account_receivable_id") or 0
        return (
            own
            if company in accounts.rows.get(own, {}).get("company_ids", ())
            else accounts.of_type(company, "asset_receivable")
        )

    def company_type(self, row: Row) -> str:
        return "company" if row.get("is_company") else "person"

    def complete(self, env: Env, vals: Row) -> None:
        """A contact takes over fields of its company, so that its creator must be allowed to read it (measured on 19)."""
        if vals.get("parent_id"):
            self.check_rules(env, [int(vals["parent_id"])], "read")
        if "company_type" in vals:
            vals["is_company"] = vals["company_type"] == "company"

    def before_write(self, env: Env, ids: list[int], vals: Row) -> None:
        self.complete(env, vals)

    def written(self, env: Env, ids: list[int], vals: Row) -> None:
        """A renamed partner moves the write_date of its journal entries (docs/facts/odoo-19.0.md#4)."""
        if "name" in vals:
            find = self.db.store.find
            env["account.move"].touch(
                env, [move for record in ids for move in find("account.move", "partner_id", record)]
            )


class PartnerCategory(Model):
    name, label = "res.partner.category", "Contact Tags"
    declared = f.columns({"name": f.char("Name", required=True), "active": f.boolean("Active", default=True)})


class Users(Model):
    name, label = "res.users", "User"
    declared = f.columns(
        {
            "name": f.char("Name", related="partner_id.name"),
            "email": f.char("Email", related="partner_id.email"),
            "login": f.char("Login", required=True),
            "password": f.char("Password", compute="secret"),
            "api_key": f.char("Sandbox Key", copy=False),
            "password_text": f.char("Sandbox Password", copy=False),
            "api_key_ids": f.linked("res.users.apikeys", "API Keys", compute="listed_keys"),
            "partner_id": f.one("res.partner", "Partner", required=True),
            "active": f.boolean("Active", default=True),
            "group_ids": f.linked("res.groups", "Groups"),
            "company_id": f.one("res.company", "Company", required=True),
            "company_ids": f.linked("res.company", "Companies"),
            "lang": f.char("Language", default="en_US"),
            "tz": f.char("Timezone"),
        }
    )

    def display_name(self, row: Row) -> str:
        partner = self.db.tables["res.partner"].get(row.get("partner_id", 0), {})
        return str(partner.get("name") or row["login"])

    def secret(self, row: Row) -> str:
        return ""

    def listed_keys(self, row: Row) -> list[int]:
        """Nobody sees another user's keys here; one's own are found in their own model (docs/facts/odoo-19.0.md#1 [229])."""
        return []

    def show(self, env: Env, ids: list[int], fields: list[str] | None, load: Any) -> list[Row]:
        """Keys and passwords never leave the server."""
        shown = super().show(env, ids, fields, load)
        for entry in shown:
            entry.update({key: False for key in ("api_key", "password_text") if key in entry})
        return shown

    @public(model_level=True, access="")
    def context_get(self, env: Env) -> Row:
        return {"lang": env.user.get("lang") or "en_US", "tz": env.user.get("tz") or False, "uid": env.uid}

    @public(access="")
    def has_group(self, env: Env, ids: list[int], group_ext_id: str) -> bool:
        user = self.rows[self.one(ids)]
        held = env["res.groups"].with_implied(user.get("group_ids") or [])
        return any(GROUPS[group][0] == group_ext_id for group in held)


class ApiKey(Model):
    name, label = "res.users.apikeys", "API Keys"
    declared = f.columns(
        {
            "name": f.char("Description", required=True),
            "user_id": f.one("res.users", "User"),
            "scope": f.char("Scope"),
            "expiration_date": f.moment("Expiration Date"),
        }
    )


class Groups(Model):
    name, label = "res.groups", "Group"
    declared = f.columns(
        {
            "name": f.char("Name"),
            "full_name": f.char("Group Name", compute="display_name"),
            "implied_ids": f.linked("res.groups", "Inherits"),
        }
    )

    def with_implied(self, ids: list[int]) -> set[int]:
        found: set[int] = set()
        waiting = list(ids)
        while waiting:
            group = waiting.pop()
            if group not in found and group in self.rows:
                found.add(group)
                waiting += self.rows[group].get("implied_ids") or []
        return found


class Country(Model):
    name, label, order = "res.country", "Country", "name, id"
    search_names = ("name", "code")
    declared = f.columns({"name": f.char("Country Name", required=True), "code": f.char("Country Code", index=True)})


class CountryState(Model):
    name, label = "res.country.state", "Country state"
    declared = f.columns(
        {
            "name": f.char("State Name", required=True),
            "code": f.char("State Code"),
            "country_id": f.one("res.country", "Country"),
        }
    )

    def display_name(self, row: Row) -> str:
        country = self.db.models["res.country"].rows[row["country_id"]]
        return f"{row['name']} ({country['code']})"


class Language(Model):
    name, label, order = "res.lang", "Languages", "active desc, name"
    declared = f.columns(
        {
            "name": f.char("Name", required=True),
            "code": f.char("Locale Code", required=True),
            "iso_code": f.char("ISO code"),
            "active": f.boolean("Active", default=True),
            "date_format": f.char("Date Format", default="%m/%d/%Y"),
        }
    )
