"""Master data that documents refer to (products, taxes, currencies, journals, carriers, lock dates), and the identity of user and database."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from magodoo.connectors.odoo.reads import Reads
from magodoo.connectors.odoo.record_trees import Row
from magodoo.connectors.odoo.rpc import expect_rows
from magodoo.connectors.odoo.validation import NEVER
from magodoo.connectors.odoo.versions import name_of
from magodoo.domain.numbering import Numbering
from magodoo.domain.states import OdooMoveState
from magodoo.errors import FixDocument, Forbidden, UnknownField, Unreadable, UnreadableRecord
from magodoo.timestamps import utc_now

BATCH = 1000

RIGHTS: tuple[tuple[str, str], ...] = (
    ("res.partner", "create"),
    ("sale.order", "create"),
    ("sale.order", "write"),
    ("account.move", "create"),
    ("account.move", "write"),
    ("account.payment", "create"),
    ("account.move.line", "write"),
    ("stock.picking", "write"),
    ("stock.move", "write"),
    ("stock.return.picking", "create"),
)
"""(model, operation) that the writers need (docs/facts/pair.md#9)."""

GROUPS = (
    "sales_team.group_sale_salesman_all_leads",
    "account.group_account_invoice",
    "base.group_partner_manager",
    "stock.group_stock_user",
)
"""Groups that grant those rights. Without the first, record rules hide other users' orders without an error."""

PROBES: dict[str, tuple[str, str]] = {
    # module: (model, field) that only this module adds; for users who may not list modules
    "account": ("account.move", "payment_state"),
    "sale": ("sale.order", "client_order_ref"),
    "sale_stock": ("sale.order", "picking_ids"),
    "stock": ("stock.picking", "backorder_id"),
    "stock_delivery": ("stock.picking", "carrier_tracking_ref"),
    "delivery": ("sale.order", "carrier_id"),
    "stock_sms": ("res.company", "stock_move_sms_validation"),
    "mrp": ("product.product", "bom_count"),
    "account_edi": ("account.move", "edi_state"),
    "account_accountant": ("account.move", "deferred_move_ids"),
}

_ELECTRONIC = re.compile(r"_edi$|^l10n_[a-z]{2}_edi_")
_ELECTRONIC_FIELD = re.compile(r"(l10n_[a-z]{2}_edi)_")

LOCKS = ("fiscalyear_lock_date", "tax_lock_date", "sale_lock_date", "hard_lock_date")  # not those of purchases


class MasterData(Reads):
    """Adds master data and identity to the documents. Every row is a plain dict; lists are sorted by id."""

    def products(self, skus: Sequence[str]) -> list[Row]:
        """Return products with one of the SKUs, including archived ones. Several rows may share a SKU: the caller decides."""
        fields = [
            "default_code",
            "name",
            "active",
            "type",
            "invoice_policy",
            "company_id",
            "tracking",
            "is_storable",
            "uom_id",
        ]
        wanted = list(dict.fromkeys(skus))
        rows: list[Row] = []
        for start in range(0, len(wanted), BATCH):
            part = wanted[start : start + BATCH]
            rows += self.listed("product.product", fields, [["default_code", "in", part]])
        for row in rows:
            row.setdefault("is_storable", row["type"] == "product")
        return rows

    def taxes(self) -> list[Row]:
        """Return the sales taxes of the company, including archived ones."""
        fields = ["name", "amount", "amount_type", "price_include", "active", "country_id", "company_id"]
        return self.listed("account.tax", fields, [["type_tax_use", "=", "sale"]])

    def currencies(self) -> list[Row]:
        """Return the currencies: name (code), active, decimal_places, rate."""
        return self.listed("res.currency", ["name", "active", "decimal_places", "rate"])

    def pricelists(self) -> list[Row]:
        """Return the pricelists: name, currency_id, company_id, active."""
        return self.listed("product.pricelist", ["name", "currency_id", "company_id", "active"])

    def journals(self) -> list[Row]:
        """Return the journals with their `method_lines`, each with `payment_account` (code, name, account_type) or None."""
        fields = ["name", "code", "type", "currency_id", "active", "company_id", "default_account_id"]
        rows = self.listed("account.journal", fields)
        ids = [row["id"] for row in rows]
        wanted = ["name", "journal_id", "payment_type", "payment_account_id"]
        lines = self.listed("account.payment.method.line", wanted, [["journal_id", "in", ids]])
        accounts = self._accounts([line["payment_account_id"][0] for line in lines if line["payment_account_id"]])
        for line in lines:
            chosen = line["payment_account_id"]
            line["payment_account"] = accounts.get(chosen[0]) if chosen else None
        for row in rows:
            row["method_lines"] = [line for line in lines if line["journal_id"] and line["journal_id"][0] == row["id"]]
        return rows

    def carriers(self) -> list[Row]:
        """Return the delivery methods: name, delivery_type, product_id, company_id, active."""
        return self.listed("delivery.carrier", ["name", "delivery_type", "product_id", "company_id", "active"])

    def countries(self) -> list[Row]:
        """Return the countries: name, code."""
        return self.listed("res.country", ["name", "code"])

    def country_states(self) -> list[Row]:
        """Return states, provinces and the like of all countries: name, code, country_id."""
        return self.listed("res.country.state", ["name", "code", "country_id"])

    def warehouses(self) -> list[Row]:
        """Return the warehouses: name, code, delivery_steps, company_id, active."""
        return self.listed("stock.warehouse", ["name", "code", "delivery_steps", "company_id", "active"])

    def company_row(self) -> Row:
        """Return the company: name, currency, country, fiscal country, tax rounding method, its partner."""
        fields = ["name", "currency_id", "country_id", "account_fiscal_country_id"]
        fields += ["tax_calculation_rounding_method", "partner_id"]
        return self._company(fields)

    def lock_dates(self) -> dict[str, date]:
        """Return the lock dates of sales that apply to the company, by field name of 19.

        Odoo does not refuse documents dated up to a lock date, it moves their date (docs/facts/pair.md#10). A branch is also subject to the dates of the
        companies above it. From 18 on Odoo computes the dates in force for this user, exceptions included; before, the latest of each field in
        the company and those above it is taken. Raises Forbidden, before 18, when the companies above may not be read.
        """
        asked = {name: given for name in LOCKS if (given := self._name_of_lock(name)) is not None}
        rows = [self._company(list(asked.values()))]
        if not any(given.startswith("user_") for given in asked.values()):
            rows += self._companies_above(list(asked.values()))
        found = {
            name: [str(row[given]) for row in rows if row.get(given) and row[given] not in NEVER]
            for name, given in asked.items()
        }
        latest = {name: max(days) for name, days in found.items() if days}
        return {name: date.fromisoformat(day) for name, day in latest.items()}

    def _name_of_lock(self, name: str) -> str | None:
        """Return the field with the lock date in force where the version has it, else the company's own, or None."""
        effective = f"user_{name}"
        if self.has_field("res.company", effective):
            return name_of(self.version, "res.company", effective)
        return name_of(self.version, "res.company", name) if self.has_field("res.company", name) else None

    def _companies_above(self, fields: Sequence[str]) -> list[Row]:
        above = self.companies[1:]
        if not above:
            return []
        hint = "allow the user of the connection these companies, too: their lock dates close the branch's periods"
        try:
            rows = self.call(
                "res.company",
                "read",
                ids=above,
                fields=list(fields),
                in_companies=self.companies,
            )
        except (Forbidden, UnreadableRecord) as problem:
            raise Forbidden(
                f"the companies above company {self.company} may not be read: {problem}", hint=hint
            ) from problem
        return expect_rows(rows, "res.company.read")

    @cached_property
    def fiscal_country(self) -> str:
        """Return the ISO code of the company's fiscal country, or "" when it has none."""
        row = self._company(
            [name for name in ("account_fiscal_country_id", "country_id") if self.has_field("res.company", name)]
        )
        country = row.get("account_fiscal_country_id") or row.get("country_id")
        found = self.call("res.country", "read", ids=[country[0]], fields=["code"]) if country else []
        return str(found[0]["code"] or "") if found else ""

    def last_posted(self, sales_journal: str | None, since: date) -> dict[str, list[Numbering]]:
        """Return the number sequences of posted invoices and credit notes of the sales journal, by move type.

        Args:
            sales_journal: Code of the journal; None for the one that Odoo uses by default.
            since: Only documents dated from this day on are considered.

        A journal without a separate sequence for credit notes has the same sequences for both types.
        """
        of_journal = ["code", "=", sales_journal] if sales_journal else ["type", "=", "sale"]
        wanted = ["refund_sequence", "sequence", "code", "active"]
        journals = self.listed("account.journal", wanted, [of_journal])
        if not sales_journal:
            usable = [row for row in journals if row.get("active", True)]
            journals = sorted(usable, key=lambda row: (row.get("sequence") or 0, row["code"], row["id"]))[:1]
        apart = all(row.get("refund_sequence", True) for row in journals)
        types = (["out_invoice"], ["out_refund"]) if apart else (["out_invoice", "out_refund"],)
        year_end = self._fiscal_year_end()
        found: dict[str, list[Numbering]] = {}
        for kinds in types:
            rows = self._numbered([row["id"] for row in journals], kinds, since) if journals else []
            numberings = [
                Numbering.of(
                    row["sequence_prefix"] or "",
                    date.fromisoformat(row["date:min"]),
                    date.fromisoformat(row["invoice_date:max"]),
                    year_end,
                )
                for row in rows
            ]
            found |= dict.fromkeys(kinds, numberings)
        return found

    def _numbered(self, journals: list[int], types: list[str], since: date) -> list[Row]:
        """Return, by prefix of the number, the first accounting date and the last invoice date of posted documents."""
        domain = [
            *self.company_domain("account.move"), ["state", "=", OdooMoveState.POSTED], ["move_type", "in", types],
            ["journal_id", "in", journals], ["date", ">=", since.isoformat()], ["invoice_date", "!=", False],
        ]  # fmt: skip
        sums = ["date:min", "invoice_date:max"]
        return self.grouped("account.move", domain, ["sequence_prefix"], sums)

    def _fiscal_year_end(self) -> tuple[int, int]:
        """Return month and day on which the company's fiscal years end; December 31 where Odoo has no setting."""
        names = ["fiscalyear_last_month", "fiscalyear_last_day"]
        if not all(self.has_field("res.company", name) for name in names):
            return 12, 31
        (row,) = self.listed("res.company", names, [["id", "=", self.company]])
        return int(row[names[0]] or 12), int(row[names[1]] or 31)

    def credit_left(self, partners: Sequence[int]) -> dict[int, tuple[int, Decimal]]:
        """Return (commercial partner, credit left) by partner, for those with a limit; in company currency, negative beyond it.

        Empty where the company uses no credit limits. Open receivables and the uninvoiced part of confirmed orders are deducted.
        """
        if not partners or not self.has_field("res.company", "account_use_credit_limit"):
            return {}
        (company,) = self.listed("res.company", ["account_use_credit_limit"], [["id", "=", self.company]])
        if not company["account_use_credit_limit"]:
            return {}
        heads = self.call("res.partner", "read", ids=sorted(set(partners)), fields=["commercial_partner_id"])
        head_of = {row["id"]: row["commercial_partner_id"][0] for row in expect_rows(heads, "res.partner.read")}
        names = ["credit", "credit_limit"]
        names += ["credit_to_invoice"] if self.has_field("res.partner", "credit_to_invoice") else []
        rows = self.call("res.partner", "read", ids=sorted(set(head_of.values())), fields=names)
        left = {
            row["id"]: Decimal(row["credit_limit"]) - row["credit"] - row.get("credit_to_invoice", 0)
            for row in expect_rows(rows, "res.partner.read")
            if row["credit_limit"]
        }
        return {partner: (head, left[head]) for partner, head in head_of.items() if head in left}

    def modules(self) -> set[str]:
        """Return the installed modules. For a user who may not list them: those of `PROBES` whose field exists."""
        try:
            rows = self.call("ir.module.module", "search_read", domain=[["state", "=", "installed"]], fields=["name"])
        except Forbidden:
            return {module for module, (model, field) in PROBES.items() if self._visible(model, field)}
        return {row["name"] for row in expect_rows(rows, "ir.module.module.search_read")}

    def e_invoicing(self, sales_journal: str | None = None) -> list[str]:
        """Return what makes documents electronic: modules, and the sales journal's formats (None: of any journal); empty without.

        Modules that the user may not list are detected by their fields on an invoice.
        """
        modules = {name for name in self.modules() if _ELECTRONIC.search(name)}
        fields = (_ELECTRONIC_FIELD.match(name) for name in self.fields("account.move"))
        modules |= {found[1] for found in fields if found}
        return [*sorted(modules), *(f"journal {code}" for code in self._electronic_journals(sales_journal))]

    def _electronic_journals(self, wanted: str | None) -> list[str]:
        if not self.has_field("account.journal", "edi_format_ids"):
            return []
        fields = ["code", "active", "edi_format_ids"]
        rows = self.listed("account.journal", fields, [["type", "=", "sale"]])
        return [
            row["code"] for row in rows if row["active"] and row["edi_format_ids"] and wanted in (None, row["code"])
        ]

    def user_and_rights(self) -> Row:
        """Return the user of the key: id, login, companies, `groups` held of GROUPS, `missing` rights of RIGHTS."""
        user = int(self.call("res.users", "context_get")["uid"])
        rows = self.call("res.users", "read", ids=[user], fields=["login", "name", "company_id", "company_ids"])
        if not rows:
            raise Unreadable("the user of the key cannot be read", system="odoo", call="res.users.read")
        held = self.in_parallel(lambda group: self._has_group(user, group), GROUPS)
        allowed = self.in_parallel(lambda right: self._may(*right), RIGHTS)
        return {
            **rows[0],
            "groups": [group for group, has in zip(GROUPS, held, strict=True) if has],
            "missing": [f"{model} {act}" for (model, act), may in zip(RIGHTS, allowed, strict=True) if not may],
        }

    def key_expiry(self) -> date | None:
        """Return the earliest expiry date of this user's RPC keys, None when none expires. Odoo does not report which key is used.

        Expired keys that are still listed are ignored: they would not have been accepted.
        """
        if "expiration_date" not in self.fields("res.users.apikeys"):
            return None
        user = int(self.call("res.users", "context_get")["uid"])
        now = f"{utc_now():%Y-%m-%d %H:%M:%S}"
        domain = [["user_id", "=", user], ["scope", "in", [False, "rpc"]], ["expiration_date", ">", now]]
        rows = self.call(
            "res.users.apikeys",
            "search_read",
            domain=domain,
            fields=["expiration_date"],
            order="expiration_date",
            limit=1,
        )
        return date.fromisoformat(str(rows[0]["expiration_date"])[:10]) if rows else None

    def database_uuid(self) -> str:
        """Return an identity of this database that a restricted user can read: the same for every user and address.

        Reading `database.uuid` needs administrator rights. It is derived from the creation times of the first company, currency and language
        instead. A restored copy has the same identity, as it has the same uuid.
        """
        known = [self._creation(model, 1) for model in ("res.company", "res.currency", "res.lang")]
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"odoo {' '.join(known)}"))

    def listed(self, model: str, fields: Sequence[str], domain: Sequence[Any] = ()) -> list[Row]:
        """Return all records of a model in the company, including archived ones, by id. Fields that it lacks are left out."""
        known = [name for name in fields if name in self.fields(model)]
        full = [*self.company_domain(model), *domain]
        answer = self.call(model, "search_read", domain=full, fields=known, order="id", context={"active_test": False})
        return expect_rows(answer, f"{model}.search_read")

    def move_values(self, move_ids: Sequence[int]) -> dict[int, Decimal]:
        """Return the valuation of stock moves in company currency, always positive. Before 19 only managers may read it: empty."""
        name = name_of(self.version, "stock.move", "value")
        if name is None or not self.has_field("stock.move", name):
            return {}
        rows = self.listed("stock.move", [name], [["id", "in", sorted(set(move_ids))]])
        return {row["id"]: abs(Decimal(str(row[name] or 0))) for row in rows}

    def costs(self, skus: Sequence[str]) -> dict[str, Decimal]:
        """Return the current cost of one piece, by SKU, in company currency."""
        rows = self.listed("product.product", ["default_code", "standard_price"], [["default_code", "in", list(skus)]])
        return {row["default_code"]: Decimal(str(row.get("standard_price") or 0)) for row in rows}

    def _company(self, fields: Sequence[str]) -> Row:
        rows = self.listed("res.company", fields, [["id", "=", self.company]])
        if not rows:
            raise Forbidden(
                f"company {self.company} does not exist or this user may not see it", system="odoo",
                call="res.company.search_read", hint="check the company id and the user's allowed companies",
            )  # fmt: skip
        return rows[0]

    def _accounts(self, ids: list[int]) -> dict[int, Row]:
        if not ids:
            return {}
        rows = self.call("account.account", "read", ids=sorted(set(ids)), fields=["code", "name", "account_type"])
        return {row["id"]: row for row in expect_rows(rows, "account.account.read")}

    def _visible(self, model: str, field: str) -> bool:
        try:
            return field in self.fields(model)
        except (UnknownField, Forbidden, FixDocument):
            return False

    def _has_group(self, user: int, group: str) -> bool:
        ids = [user] if self.version.major >= 18 else None
        return bool(self.call("res.users", "has_group", ids=ids, group_ext_id=group))

    def _may(self, model: str, operation: str) -> bool:
        """Return whether this user has the right. False for a model that is not installed."""
        extra: dict[str, Any] = {} if self.version.major >= 18 else {"raise_exception": False}
        try:
            return bool(self.call(model, "has_access", operation=operation, **extra))
        except (UnknownField, Forbidden):
            return False

    def _creation(self, model: str, id: int) -> str:
        rows = self.call(
            model, "search_read", domain=[["id", "=", id]], fields=["create_date"], context={"active_test": False}
        )
        return str(rows[0]["create_date"]) if rows else ""
