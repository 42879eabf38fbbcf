"""A company with taxes that put their amounts in grids, and invoices of it, made by Odoo's API: of the sandbox and of a live Odoo alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.versions import TAGS_WITHOUT_SIGN_SINCE
from magodoo.money import to_units

Row = dict[str, Any]
Tags = dict[tuple[str, str], int]
"""The tag of a grid by its name and `invoice` or `refund`: before 19 they have tags of opposite sign, since then one."""
GRIDS = {"VAT_BASE": "-", "VAT_TAX": "-", "STATE_TAX": "-", "EXPORT": "-"}  # with the sign of the report's formula


class Sold(NamedTuple):
    """An invoice or credit note: price before tax, names of its taxes, country of delivery ("": none), accounting date."""

    price: Decimal
    taxes: tuple[str, ...]
    country: str
    day: date
    refund: bool = False
    currency: str = ""


@dataclass
class TaxMonth:
    """The company's taxes by name, and its journal."""

    admin: OdooClient
    tags: Tags
    taxes: dict[str, int]
    journal: int
    countries: dict[str, int]
    partners: dict[str, int] = field(default_factory=dict)

    @classmethod
    def made(cls, admin: OdooClient) -> TaxMonth:
        """Make a value added tax with two grids, two taxes of a state, one of which is in a grid, and 0 % for exports."""
        countries = {
            row["code"]: row["id"] for row in rows(admin, "res.country", [["code", "in", ["US", "DE", "FR"]]], "code")
        }
        tags = _grids(admin, countries["US"])
        wanted = {
            "VAT": ("20", ("VAT_BASE",), ("VAT_TAX",)),
            "State": ("6.25", (), ("STATE_TAX",)),
            "City": ("2", (), ()),
            "Export": ("0", ("EXPORT",), ()),
        }
        taxes = {name: _tax(admin, name, tags, *given) for name, given in wanted.items()}
        (journal,) = rows(
            admin, "account.journal", [["type", "=", "sale"], ["company_id", "=", admin.rpc.company_id]], "code"
        )
        return cls(admin, tags, taxes, journal["id"], countries)

    def on_payment(self) -> None:
        """Add the tax "Cash": 10 % that is due on payment, in the grids of the value added tax, with an account of its own before and after."""
        admin = self.admin
        company = admin.rpc.company_id
        (journal,) = rows(admin, "account.journal", [["code", "=", "CABA"], ["company_id", "=", company]], "code")
        admin.rpc.write_call(
            "res.company",
            "write",
            ids=[company],
            vals={"tax_exigibility": True, "tax_cash_basis_journal_id": journal["id"]},
        )
        later, due = (
            create(
                admin,
                "account.account",
                {"name": name, "code": code, "account_type": "liability_current", "reconcile": reconcile},
            )
            for name, code, reconcile in (("Tax not due yet", "252910", True), ("Tax due", "252920", False))
        )
        more = {"tax_exigibility": "on_payment", "cash_basis_transition_account_id": later}
        self.taxes["Cash"] = _tax(admin, "Cash", self.tags, "10", ("VAT_BASE",), ("VAT_TAX",), account=due, **more)

    def pay(self, move: int, amount: Decimal, day: date) -> None:
        """Register a payment of an invoice with Odoo's wizard."""
        context = {"active_model": "account.move", "active_ids": [move]}
        (bank, *_) = rows(
            self.admin,
            "account.journal",
            [["code", "=", "BNK1"], ["company_id", "=", self.admin.rpc.company_id]],
            "code",
        )
        values = {"payment_date": f"{day}", "journal_id": bank["id"], "amount": float(amount)}
        wizard = self.admin.rpc.write_call("account.payment.register", "create", vals_list=[values], context=context)
        self.admin.rpc.write_call("account.payment.register", "action_create_payments", ids=wizard, context=context)

    def unpay(self, move: int) -> None:
        """Take an invoice's matchings back."""
        items = rows(
            self.admin,
            "account.move.line",
            [["move_id", "=", move], ["account_id.account_type", "=", "asset_receivable"]],
            "name",
        )
        self.admin.rpc.write_call("account.move.line", "remove_move_reconcile", ids=[row["id"] for row in items])

    def sell(self, sold: Sequence[Sold]) -> list[int]:
        """Post documents; return their ids."""
        made = [self._document(one) for one in sold]
        if made:
            self.admin.rpc.write_call("account.move", "action_post", ids=made)
        return made

    def items(self, first: date, last: date) -> list[Row]:
        """Return every posted revenue and tax item of the sales journal, with the code of its country of delivery."""
        inside = [
            ["journal_id", "=", self.journal],
            ["parent_state", "=", "posted"],
            ["date", ">=", f"{first}"],
            ["date", "<=", f"{last}"],
        ]
        fields = "move_id balance tax_ids tax_line_id tax_tag_ids date"
        found = rows(
            self.admin,
            "account.move.line",
            [*inside, ["account_id.account_type", "not in", ["asset_receivable"]]],
            fields,
        )
        moves = rows(
            self.admin,
            "account.move",
            [["id", "in", sorted({row["move_id"][0] for row in found})]],
            "partner_shipping_id",
        )
        by_partner = {id_: code for code, id_ in self.partners.items()}
        code = {row["id"]: by_partner[row["partner_shipping_id"][0]] for row in moves}
        return [{**row, "country": code[row["move_id"][0]], "balance": to_units(row["balance"])} for row in found]

    def expected(self, first: date, last: date) -> dict[tuple[str, str], tuple[int, int]]:
        """Return net and tax by (name of the tax, country), added up item by item. The name of no tax is ""."""
        sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        names = {id_: name for name, id_ in self.taxes.items()}
        for row in self.items(first, last):
            if row["tax_line_id"]:
                sums[names[row["tax_line_id"][0]], row["country"]][1] -= row["balance"]
            for tax in row["tax_ids"]:
                sums[names[tax], row["country"]][0] -= row["balance"]
            if not row["tax_ids"] and not row["tax_line_id"]:
                sums["", row["country"]][0] -= row["balance"]
        return {place: (net, tax) for place, (net, tax) in sums.items() if net or tax}

    def in_grids(self, first: date, last: date) -> dict[tuple[str, str], int]:
        """Return what the tax report shows by (grid, country), added up item by item."""
        sums: dict[tuple[str, str], int] = defaultdict(int)
        names = {id_: name for (name, _), id_ in self.tags.items()}
        for row in self.items(first, last):
            for tag in row["tax_tag_ids"]:
                sums[names[tag], row["country"]] -= row["balance"]
        return {place: amount for place, amount in sums.items() if amount}

    def _document(self, one: Sold) -> int:
        partner = self._partner(one.country)
        line = {
            "name": "Goods",
            "quantity": 1,
            "price_unit": float(one.price),
            "tax_ids": [[6, 0, [self.taxes[name] for name in one.taxes]]],
        }
        values: Row = {
            "move_type": "out_refund" if one.refund else "out_invoice", "partner_id": partner, "partner_shipping_id": partner,
            "journal_id": self.journal, "invoice_date": f"{one.day}", "date": f"{one.day}", "invoice_line_ids": [[0, 0, line]],
        }  # fmt: skip
        if one.currency:
            (currency,) = rows(self.admin, "res.currency", [["name", "=", one.currency]], "name")
            values["currency_id"] = currency["id"]
        return create(self.admin, "account.move", values)

    def _partner(self, country: str) -> int:
        if country not in self.partners:
            where = {"country_id": self.countries[country]} if country else {}
            self.partners[country] = create(
                self.admin, "res.partner", {"name": f"Customer in {country or 'no country'}", **where}
            )
        return self.partners[country]


def rows(admin: OdooClient, model: str, domain: list[Any], fields: str) -> list[Row]:
    return admin.rpc.search_read(model, domain, fields.split(), order="id")


def create(admin: OdooClient, model: str, values: Row) -> int:
    (made,) = admin.rpc.write_call(model, "create", vals_list=[values])
    return int(made)


def allow(admin: OdooClient, group: str) -> None:
    """Put the administrator in a group of `account`: Community gives no group that may create tags, the sandbox needs none."""
    named = rows(admin, "ir.model.data", [["module", "=", "account"], ["name", "=", group]], "res_id")
    (user,) = rows(admin, "res.users", [["login", "=", "admin"]], "login")
    field = str(admin.rpc.name_of("res.users", "group_ids"))
    admin.rpc.write_call("res.users", "write", ids=[user["id"]], vals={field: [[4, each["res_id"]] for each in named]})


def _grids(admin: OdooClient, country: int) -> Tags:
    """Make the grids: where Odoo has reports, by the lines of one; before 19 by two tags of each."""
    tag = {"applicability": "taxes", "country_id": country}
    if admin.rpc.version.major < TAGS_WITHOUT_SIGN_SINCE:
        allow(admin, "group_account_user")
        return {
            (name, document): create(
                admin, "account.account.tag", {**tag, "name": f"{sign}{name}", "tax_negate": sign == "-"}
            )
            for name in GRIDS
            for document, sign in (("invoice", "+"), ("refund", "-"))
        }
    if admin.rpc.has_field("account.account.tag", "report_expression_id"):
        allow(admin, "group_account_user")
        expressions = [
            {
                "name": name,
                "expression_ids": [[0, 0, {"label": "balance", "engine": "tax_tags", "formula": f"{sign}{name}"}]],
            }
            for name, sign in GRIDS.items()
        ]
        lines = [[0, 0, each] for each in expressions]
        columns = [[0, 0, {"name": "Balance", "expression_label": "balance"}]]
        create(
            admin, "account.report", {"name": "Return", "country_id": country, "line_ids": lines, "column_ids": columns}
        )
        found = rows(admin, "account.account.tag", [["name", "in", list(GRIDS)], ["country_id", "=", country]], "name")
        made = {row["name"]: row["id"] for row in found}
    else:
        made = {
            name: create(admin, "account.account.tag", {**tag, "name": name, "balance_negate": sign == "-"})
            for name, sign in GRIDS.items()
        }
    return {(name, document): id_ for name, id_ in made.items() for document in ("invoice", "refund")}


def _tax(
    admin: OdooClient,
    name: str,
    tags: Tags,
    rate: str,
    base: tuple[str, ...],
    tax: tuple[str, ...],
    account: int = 0,
    **more: Any,
) -> int:
    def parts(document: str) -> list[list[Any]]:
        return [
            [
                0,
                0,
                {
                    "document_type": document,
                    "repartition_type": kind,
                    "tag_ids": [[6, 0, [tags[each, document] for each in named]]],
                    "account_id": account if kind == "tax" else False,
                },
            ]
            for kind, named in (("base", base), ("tax", tax))
        ]

    values = {
        "name": name, "amount": float(rate), "amount_type": "percent", "type_tax_use": "sale", "price_include_override": "tax_excluded",
        "company_id": admin.rpc.company_id, "invoice_repartition_line_ids": parts("invoice"), "refund_repartition_line_ids": parts("refund"),
        **more,
    }  # fmt: skip
    return create(admin, "account.tax", values)
